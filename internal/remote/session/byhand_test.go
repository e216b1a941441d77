package session_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/remote/connection/connectiontest"
	"github.com/troupe-automation/troupe/internal/remote/pymodule"
	"github.com/troupe-automation/troupe/internal/remote/session"
)

// shell executes a line and returns the result that it prints.
func shell(t *testing.T, line, input string, env ...string) map[string]any {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", line)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin = strings.NewReader(input)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var r map[string]any
	if jsonErr := json.Unmarshal(out, &r); err != nil || jsonErr != nil {
		t.Fatalf("%s: %v %v\n%s%s", line, err, jsonErr, out, errs.String())
	}
	return r
}

// The line that is told does the same as the call.
func TestByHand(t *testing.T) {
	s := open(t, local)
	const args = `{"say": "it's"}`
	for _, as := range []*become.Spec{nil, {User: "root"}, {User: "nobody"}} {
		if as != nil && os.Getuid() != 0 {
			continue
		}
		if as != nil && as.User == "nobody" {
			if err := exec.Command("sudo", "-n", "-u", "nobody", "test", "-x", self()[0]).Run(); err != nil {
				t.Log("nobody may not execute this test's program, so the line is not tried as nobody")
				continue
			}
		}
		base := filepath.Join(t.TempDir(), "t m p")
		if as != nil && as.User == "nobody" {
			base = "/var/tmp"
		}
		c := session.Call{
			Module: "test.probe", Args: json.RawMessage(args), Become: as, RemoteTmp: base, Tmp: "ansible-tmp-byhand", Interpreter: "/p y/python3",
			Env: map[string]string{"GREETING": "top secret"},
		}
		line, err := s.ByHand(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(line, "/bin/sh -c '") || strings.Contains(line, "top secret") || strings.Contains(line, "it's") {
			t.Errorf("line %s", line)
		}
		if as == nil && !strings.Contains(line, `'"'"'`+c.TmpDir()+`'"'"'`) {
			t.Errorf("no directory of its own in %s", line)
		}
		byAgent := run(t, s, c)
		byHand := shell(t, line, args, "GREETING=top secret")
		if byHand["said"] != "it's" || byHand["said"] != byAgent["said"] || byHand["user"] != byAgent["user"] {
			t.Errorf("by hand %v, by the agent %v", byHand, byAgent)
		}
		if byAgent["tmp"] != c.TmpDir() {
			t.Errorf("the call's directory is %v, not %s", byAgent["tmp"], c.TmpDir())
		}
		if _, err := os.Stat(c.TmpDir()); !os.IsNotExist(err) {
			t.Errorf("%s is still there: %v", c.TmpDir(), err)
		}
	}
}

func TestScript(t *testing.T) {
	s := open(t, local)
	text, err := s.Script(t.Context(), session.Call{Module: "test.probe", Args: json.RawMessage(`{"say": "$HOME 'it'"}`), Env: map[string]string{"GREETING": "a 'b' $c"}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "Troupe_probe.sh")
	if err := os.WriteFile(file, text, 0o700); err != nil {
		t.Fatal(err)
	}
	if r := shell(t, file, ""); r["said"] != "$HOME 'it'" {
		t.Errorf("run again: %v", r)
	}
	out, err := exec.Command(file, "explode").CombinedOutput()
	debug := filepath.Join(filepath.Dir(file), "debug_dir")
	if err != nil || string(out) != "Module expanded into:\n"+debug+"\n" {
		t.Errorf("explode: %v %s", err, out)
	}
	if err := os.WriteFile(filepath.Join(debug, "args"), []byte(`{"say": "changed"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := shell(t, file+" execute", ""); r["said"] != "changed" {
		t.Errorf("execute: %v", r)
	}
}

// A module in Python runs from the file that was made of it, with an interpreter that was named or one that is found.
func TestKeptFile(t *testing.T) {
	interpreter := python(t)
	s := open(t, local)
	m := pymodule.Pack("hello", "", []byte(simpleModule), nil)
	m.Interpreter = interpreter
	c := session.Call{Python: m, Args: json.RawMessage(`{"name": "from the file"}`), Keep: true}
	args, err := c.ModuleArgs("")
	if err != nil {
		t.Fatal(err)
	}
	if string(args["_ansible_keep_remote_files"]) != "true" {
		t.Errorf("the module is not told: %s", args["_ansible_keep_remote_files"])
	}
	text, err := m.Kept(args)
	if err != nil {
		t.Fatal(err)
	}
	c.File = filepath.Join(t.TempDir(), m.KeptName())
	if err := os.WriteFile(c.File, text, 0o700); err != nil {
		t.Fatal(err)
	}
	c.Args = json.RawMessage(`{"name": "not from the file"}`)
	for _, interpreter := range [][]string{interpreter, {"auto"}} {
		m.Interpreter = interpreter
		if r := run(t, s, c); r["hello"] != "from the file" {
			t.Errorf("%v: %v", interpreter, r)
		}
		line, err := s.ByHand(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if r := shell(t, line, ""); r["hello"] != "from the file" {
			t.Errorf("%s: %v", line, r)
		}
	}
	m.Interpreter = []string{"/no such/python"}
	if r := run(t, s, c); r["failed"] != true || r["rc"] != 127.0 {
		t.Errorf("without its interpreter: %v", r)
	}
}

// The lines of a host that is reached by SSH work there for the login user and for those that tasks become; so does a script that
// was kept, whoever runs it.
func TestByHandOverSSH(t *testing.T) {
	s := connectiontest.StartSSHD(t)
	login := connectiontest.User(t, "trphand1", "pw")
	other := connectiontest.User(t, "trphand2", "pw")
	connectiontest.Sudoers(t, login, login+" ALL=(ALL:ALL) NOPASSWD: ALL")
	se := open(t, session.Target{Options: s.With("remote_user", login)})
	if !se.First() || se.First() {
		t.Error("the connection is not told once")
	}
	var script []byte
	for _, as := range []*become.Spec{nil, {}, {User: other}} {
		c := probe("by hand", as)
		want := run(t, se, c)
		line, err := se.ByHand(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		got, err := se.Raw(t.Context(), session.RawCommand{Command: "printf %s " + connection.Quote(string(c.Args)) + " | " + line})
		var r map[string]any
		if err != nil || json.Unmarshal([]byte(got.Stdout), &r) != nil || r["said"] != "by hand" || r["user"] != want["user"] {
			t.Errorf("%s: %v %+v, want %v", line, err, got, want)
		}
		if script, err = se.Script(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		for _, user := range []*become.Spec{nil, as} {
			got, err = se.Raw(t.Context(), session.RawCommand{Command: "/bin/sh", Stdin: script, Become: user})
			if err != nil || !strings.Contains(got.Stdout, `"said":"by hand"`) {
				t.Errorf("the script as %+v: %v %+v", user, err, got)
			}
		}
	}
}
