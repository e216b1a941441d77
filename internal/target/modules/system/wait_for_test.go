package system

import (
	"net"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestWaitFor(t *testing.T) {
	// The recordings name this address, at which something answers.
	l, err := net.Listen("tcp", "127.0.0.1:8198")
	if err != nil {
		t.Skipf("the address of the recordings is taken on this machine: %v", err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	moduletest.Replay(t, All, "testdata/wait_for.json")
}
