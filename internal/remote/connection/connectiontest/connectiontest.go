// Package connectiontest checks that a kind of connection keeps the promises of connection.Conn, and starts the real
// servers that tests talk to. Tests only.
package connectiontest

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// Exercise runs the conformance tests. dial returns a new connection to a machine with a POSIX shell that shares this
// machine's process table and file system.
func Exercise(t *testing.T, dial func(t *testing.T) connection.Conn) {
	t.Run("output and exit code", func(t *testing.T) {
		p := start(t, dial(t), t.Context(), "echo out; echo err >&2; exit 3", connection.StartOptions{})
		out, errOut := read(p)
		if code, err := p.Wait(); code != 3 || err != nil || out != "out\n" || errOut != "err\n" {
			t.Errorf("got code %d, %v, stdout %q, stderr %q", code, err, out, errOut)
		}
	})
	t.Run("input", func(t *testing.T) {
		p := start(t, dial(t), t.Context(), "cat", connection.StartOptions{})
		text := strings.Repeat("0123456789abcdef", 64<<10)
		go func() {
			io.WriteString(p.Stdin(), text)
			p.Stdin().Close()
		}()
		if out, _ := read(p); out != text {
			t.Errorf("1 MiB came back as %d bytes", len(out))
		}
		p.Wait()
	})
	t.Run("several at once", func(t *testing.T) {
		c := dial(t)
		a, b := start(t, c, t.Context(), "cat", connection.StartOptions{}), start(t, c, t.Context(), "echo b", connection.StartOptions{})
		if out, _ := read(b); out != "b\n" {
			t.Errorf("second command: %q", out)
		}
		a.Stdin().Close()
		if code, err := a.Wait(); code != 0 || err != nil {
			t.Errorf("first command: %d, %v", code, err)
		}
		b.Wait()
	})
	t.Run("terminal", func(t *testing.T) {
		p := start(t, dial(t), t.Context(), "test -t 0 && test -t 1 && echo tty", connection.StartOptions{PTY: true})
		if out, _ := read(p); strings.TrimSpace(out) != "tty" {
			t.Errorf("got %q", out)
		}
		p.Wait()
	})
	t.Run("context ends the command", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		p := start(t, dial(t), ctx, "echo started; exec cat", connection.StartOptions{})
		buf := make([]byte, 8)
		if _, err := io.ReadFull(p.Stdout(), buf); err != nil {
			t.Fatal(err)
		}
		cancel()
		waitOrFail(t, p)
	})
	t.Run("close ends the command", func(t *testing.T) {
		c := dial(t)
		p := start(t, c, t.Context(), "echo started; exec cat", connection.StartOptions{})
		buf := make([]byte, 8)
		if _, err := io.ReadFull(p.Stdout(), buf); err != nil {
			t.Fatal(err)
		}
		c.Close()
		waitOrFail(t, p)
		if _, err := c.Start(t.Context(), "true", connection.StartOptions{}); err == nil {
			t.Error("a closed connection starts commands")
		}
	})
}

func start(t *testing.T, c connection.Conn, ctx context.Context, command string, o connection.StartOptions) connection.Process {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	p, err := c.Start(ctx, command, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func read(p connection.Process) (out, errOut string) {
	done := make(chan string)
	go func() {
		b, _ := io.ReadAll(p.Stderr())
		done <- string(b)
	}()
	b, _ := io.ReadAll(p.Stdout())
	return string(b), <-done
}

func waitOrFail(t *testing.T, p connection.Process) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		p.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the command still runs")
	}
}
