package session_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/internal/target/agent"
	"github.com/troupe-automation/troupe/module"
)

// The test program is the agent too, as a development build of troupe is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "agent" {
		os.Exit(agent.Main([]string{os.Args[0], "agent"}, os.Args[2:], module.NewRegistry(probes)))
	}
	goleak.VerifyTestMain(m)
}

func self() []string {
	exe, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return []string{exe, "agent"}
}

func config(t *testing.T) session.Config {
	return session.Config{Self: self(), PreferSelf: true, Log: func(v int, msg string) { t.Logf("-%d %s", v, msg) }}
}

func open(t *testing.T, target session.Target) *session.Session {
	t.Helper()
	s, err := session.Open(t.Context(), target, config(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// run runs a module and returns its result.
func run(t *testing.T, s *session.Session, c session.Call) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	raw, err := s.Run(ctx, c)
	if err != nil {
		t.Fatalf("%s: %v", c.Module, err)
	}
	var r map[string]any
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatalf("result %q: %v", raw, err)
	}
	return r
}

var local = session.Target{Connection: "local"}

func TestLocal(t *testing.T) {
	s := open(t, local)
	r := run(t, s, session.Call{Module: "test.probe", Args: json.RawMessage(`{"say":"hi"}`)})
	if r["said"] != "hi" {
		t.Errorf("result %v", r)
	}
}

func TestLocalBecomeRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root on this machine: it becomes other users")
	}
	s := open(t, local)
	for _, user := range []string{"root", "nobody"} {
		r := run(t, s, session.Call{Module: "test.probe", Args: json.RawMessage(`{"say":"hi"}`), Become: &become.Spec{User: user}})
		if r["user"] != user {
			t.Errorf("become %s ran as %v", user, r["user"])
		}
	}
}

func TestLeave(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root on this machine: it becomes other users")
	}
	s := open(t, local)
	as := &become.Spec{User: "nobody"}
	probe := session.Call{Module: "test.probe", Args: json.RawMessage(`{"say":"hi"}`), Become: as}
	pid := func() int { n, _ := run(t, s, probe)["pid"].(float64); return int(n) }
	leave := func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if err := s.Leave(ctx, "nobody"); err != nil {
			t.Fatal(err)
		}
	}
	leave() // of a user that nothing became
	first := pid()
	if again := pid(); again != first {
		t.Fatalf("the agent was %d, then %d", first, again)
	}
	leave()
	if !gone(first) {
		t.Errorf("the agent %d is still there", first)
	}
	second := pid()
	if second == first {
		t.Errorf("the agent %d was used again", first)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, _, done := hang(t, ctx, s, as)
	leave()
	if gone(second) {
		t.Errorf("the agent %d went while a call used it", second)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended with %v", err)
	}
}
