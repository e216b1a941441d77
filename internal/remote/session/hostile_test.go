package session_test

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/pymodule"
	"github.com/troupe-automation/troupe/internal/remote/session"
)

// Modules that misbehave fail by themselves: the worker and the session go on, and nothing is waited for that never comes.
func TestHostileModules(t *testing.T) {
	interpreter := python(t)
	s := open(t, local)
	const head = "#!/usr/bin/python\nfrom ansible.module_utils.basic import AnsibleModule\nimport os, sys, subprocess, json, signal\n"
	noJSON := "MODULE FAILURE: No start of json char found\nSee stdout/stderr for the exact error"
	flood := "MODULE FAILURE: the module wrote more than 64 MiB and was ended"
	done := "AnsibleModule({}).exit_json(pid=p)\n"
	for _, c := range []struct {
		name, source string
		msg          string // of the failure; "" for success
	}{
		{"endless output", head + "while True: print('x' * 65536)\n", flood},
		{"endless output that ignores SIGPIPE", head + "signal.signal(signal.SIGPIPE, signal.SIG_IGN)\nwhile True:\n  try: os.write(1, b'x' * 65536)\n  except OSError: pass\n", flood},
		{"endless errors", head + "while True: os.write(2, b'x' * 65536)\n", flood},
		{"a result of 500 MB", head + "AnsibleModule({}).exit_json(big='x' * (500 << 20))\n", flood},
		{"a result of 60 MB", head + "AnsibleModule({}).exit_json(big='x' * (60 << 20))\n", ""},
		{"no output", head, "New-style module did not handle its own exit"},
		{"exit in the middle", head + "print('{\"changed\": ', end='', flush=True)\nos._exit(3)\n", "MODULE FAILURE: No end of json char found\nSee stdout/stderr for the exact error"},
		{"killed", head + "os.kill(os.getpid(), 9)\n", noJSON},
		{"kills its group", head + "os.killpg(0, 9)\n", noJSON},
		{"a daemon that holds the pipes", head + "p = subprocess.Popen(['sleep', '600'], start_new_session=True).pid\n" + done, ""},
		{"a forked daemon", head + "p = os.fork()\nif p == 0:\n  os.setsid()\n  signal.pause()\n" + done, ""},
		{"closes everything", head + "os.closerange(0, 100)\n", noJSON},
		{"nested too deep", head + "print('{\"a\": ' + '[' * 200000 + ']' * 200000 + '}')\nos._exit(0)\n", "MODULE FAILURE: the output is not valid JSON: invalid character '['"},
		{"bytes that are no text", head + "os.write(1, b'{\"a\": \"\\xff\\xfe\"}')\nos._exit(0)\n", ""},
		{"not Python at all", "#!/usr/bin/python\nfrom ansible.module_utils.basic import *\nthis is nothing\n", noJSON},
		{"shell with endless output", "#!/bin/sh\n# WANT_JSON\nexec yes\n", flood},
		{"shell that leaves a child with the pipes", "#!/bin/sh\n# WANT_JSON\nsleep 600 &\necho '{\"pid\": '$!'}'\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := pymodule.Pack("mod", "", []byte(c.source), nil)
			if m.Interpreter != nil {
				m.Interpreter = interpreter
			}
			start := time.Now()
			r := run(t, s, session.Call{Python: m, Args: json.RawMessage(`{}`)})
			if pid, ok := r["pid"].(float64); ok {
				_ = syscall.Kill(int(pid), syscall.SIGKILL)
			}
			msg, _ := r["msg"].(string)
			if c.msg == "" && r["failed"] == true || c.msg != msg && !(c.msg != "" && strings.HasPrefix(msg, c.msg)) {
				t.Errorf("msg is %q, want %q", msg, c.msg)
			}
			if d := time.Since(start); d > 2*time.Minute {
				t.Errorf("took %v", d)
			}
			if len(r) > 0 && r["failed"] == true {
				if b, _ := json.Marshal(r); len(b) > 1<<20 {
					t.Errorf("the failure has %d bytes", len(b))
				}
			}
		})
	}
	t.Run("kills the worker", func(t *testing.T) {
		m := pymodule.Pack("mod", "", []byte(head+"os.kill(os.getppid(), 9)\n"+"signal.pause()\n"), nil)
		m.Interpreter = interpreter
		if raw, err := s.Run(t.Context(), session.Call{Module: "mod", Python: m, Args: json.RawMessage(`{}`)}); err == nil {
			t.Errorf("result %s", raw)
		} else if !strings.Contains(err.Error(), "the Python worker ended") {
			t.Error(err)
		}
	})
	m := pymodule.Pack("hello", "", []byte(simpleModule), nil)
	m.Interpreter = interpreter
	if r := run(t, s, session.Call{Python: m, Args: json.RawMessage(`{"name": "after"}`)}); r["hello"] != "after" {
		t.Errorf("after all that: %v", r)
	}
}
