package local_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/remote/connection/connectiontest"
	"github.com/troupe-automation/troupe/internal/remote/connection/local"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLocal(t *testing.T) {
	connectiontest.Exercise(t, func(t *testing.T) connection.Conn {
		c, err := local.Kind.Dial(t.Context(), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	})
}
