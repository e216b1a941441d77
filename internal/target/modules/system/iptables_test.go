package system

import (
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestIptables(t *testing.T) { moduletest.Replay(t, All, "testdata/iptables.json") }
