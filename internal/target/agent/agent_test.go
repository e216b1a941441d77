package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-automation/troupe/internal/target/pyexec"
	"github.com/troupe-automation/troupe/internal/wire"
	"github.com/troupe-automation/troupe/module"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTidy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "troupe")
	os.Mkdir(dir, 0o700)
	now := time.Now()
	ages := map[string]time.Duration{"agent-mine": 48 * time.Hour, "agent-old": 40 * 24 * time.Hour, "agent-recent": 20 * 24 * time.Hour, ".new-1": 40 * 24 * time.Hour, "notes": 99 * 24 * time.Hour}
	for name, age := range ages {
		os.WriteFile(filepath.Join(dir, name), nil, 0o700)
		os.Chtimes(filepath.Join(dir, name), now.Add(-age), now.Add(-age))
	}
	tidy(filepath.Join(dir, "agent-mine"), now)
	for name, stays := range map[string]bool{"agent-mine": true, "agent-old": false, "agent-recent": true, ".new-1": false, "notes": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != stays {
			t.Errorf("%s: stays %v, want %v", name, err == nil, stays)
		}
	}
	if st, _ := os.Stat(filepath.Join(dir, "agent-mine")); now.Sub(st.ModTime()) > time.Minute {
		t.Error("the running agent is not marked as used")
	}
}

func TestServeRefusesNonsense(t *testing.T) {
	for name, in := range map[string]string{"text": "hello, is anybody there?\n", "unknown kind": string(wire.AppendHeader(nil, wire.Frame{Kind: 200})), "an agent's frame": string(wire.AppendHeader(nil, wire.Frame{Kind: wire.KindHello}))} {
		err := Serve(t.Context(), bytes.NewReader([]byte(in)), io.Discard, Config{Modules: module.NewRegistry()})
		if !errors.Is(err, wire.ErrProtocol) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if err := Serve(t.Context(), bytes.NewReader(nil), io.Discard, Config{}); err != nil {
		t.Errorf("end of input: %v", err)
	}
}

func TestParseOutput(t *testing.T) {
	for _, c := range []struct{ name, stdout, discovered, want string }{
		{"plain", `{"a":1}`, "", `{"a":1}`},
		{"noise before", "motd\n[1]\n{\"a\":1}\n", "", `{"a":1}`},
		{"several lines", "{\n \"a\": 1\n}\n", "", "{\n \"a\": 1\n}"},
		{"numbers of Python", `{"a":NaN,"b":[-Infinity,"NaN \" NaN"]}`, "", `{"a":"NaN","b":["-Infinity","NaN \" NaN"]}`},
		{"discovered", `{"ansible_facts":{"x":1}}`, "/usr/bin/python3", `{"ansible_facts":{"discovered_interpreter_python":"/usr/bin/python3","x":1}}`},
	} {
		got := parseOutput(pyexec.Outcome{Stdout: []byte(c.stdout)}, c.discovered)
		if string(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func FuzzParseOutput(f *testing.F) {
	f.Add([]byte("x\n{\"a\": [NaN, -Infinity, \"\\\\\"]}\ny"))
	f.Fuzz(func(t *testing.T, out []byte) {
		if r := parseOutput(pyexec.Outcome{Stdout: out}, "/p"); !json.Valid(r) {
			t.Errorf("no JSON: %q", r)
		}
		if r := parseOutput(pyexec.Outcome{Stdout: out}, ""); !json.Valid(r) {
			t.Errorf("no JSON: %q", r)
		}
	})
}
