package oracle

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const linesPlay = `- hosts: all
  gather_facts: false
  tasks:
    - name: raw
      raw: echo hi
    - name: raw with a shell
      raw: echo hi
      args: {executable: /bin/bash}
    - name: hidden raw
      raw: echo hunter2
      no_log: true
    - name: native
      ping:
      environment: {PASSWORD: hunter3}
    - name: python
      mymod: {name: hunter4}
    - name: copy
      copy: {src: from.txt, dest: "{{ playbook_dir }}/to.txt"}
    - name: copy again
      copy: {src: from.txt, dest: "{{ playbook_dir }}/to.txt"}
    - name: fetch
      fetch: {src: "{{ playbook_dir }}/to.txt", dest: "{{ playbook_dir }}/fetched", flat: true}
    - name: nowhere
      debug: {}
`

const linesModule = `#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule

def main():
    m = AnsibleModule(argument_spec=dict(name=dict(type='str', required=True)))
    m.exit_json(changed=False, hello=m.params['name'])

if __name__ == '__main__':
    main()
`

// linesProject is a directory with a play, a module and an inventory whose paths have spaces.
func linesProject(t *testing.T) string {
	t.Helper()
	python, err := exec.LookPath("/usr/bin/python3")
	if err != nil {
		t.Skip("no /usr/bin/python3 on this machine")
	}
	dir := filepath.Join(t.TempDir(), "a b")
	for name, text := range map[string]string{
		"play.yml": linesPlay, "library/mymod.py": linesModule, "from.txt": "a text\n",
		"inventory": "lh ansible_connection=local ansible_python_interpreter='\"" + dir + "/p y\"'\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(python, filepath.Join(dir, "p y")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func runLines(t *testing.T, bin, dir string, env []string, flags ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "ansible-playbook"), append([]string{"-i", "inventory", "play.yml"}, flags...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append([]string{"ANSIBLE_REMOTE_TMP=" + dir + "/t m p", "ANSIBLE_NOCOLOR=1", "HOME=" + dir}, env...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

var stamp = regexp.MustCompile(`ansible-tmp-[0-9.]+-[0-9]+-[0-9]+`)

// TestExecLines: what -vvv tells of the host, by task. That of raw is what ansible-core 2.18 prints.
func TestExecLines(t *testing.T) {
	bin, dir := build(t), linesProject(t)
	agent := filepath.Join(bin, "troupe") + " agent"
	quoted := func(s string) string { return `'"'"'` + s + `'"'"'` }
	native := func(env, name string) []string {
		return []string{"<lh> EXEC /bin/sh -c 'ANSIBLE_PYTHON_INTERPRETER=" + quoted(dir+"/p y") + env + " TMPDIR=" + quoted(dir+"/t m p/ansible-tmp-X") + " " + agent + " module ansible.builtin." + name + "'"}
	}
	want := map[string][]string{
		"raw":              {"<lh> ESTABLISH LOCAL CONNECTION FOR USER: USER", "<lh> EXEC echo hi"},
		"raw with a shell": {"<lh> EXEC /bin/bash -c 'echo hi'"},
		"hidden raw":       {"<lh> EXEC (a command line that is hidden by no_log)"},
		"native":           native(` PASSWORD="$PASSWORD"`, "ping"),
		"python":           {"Using module file " + dir + "/library/mymod.py", "Pipelining is enabled.", "<lh> EXEC /bin/sh -c '" + quoted(dir+"/p y") + "'"},
		"copy":             append(native("", "copy"), "<lh> PUT "+dir+"/from.txt TO "+dir+"/to.txt"),
		"copy again":       native("", "copy"),
		"fetch":            append(native("", "fetch"), "<lh> FETCH "+dir+"/to.txt TO "+dir+"/fetched"),
	}
	got := map[string][]string{}
	task := ""
	user, err := exec.Command("id", "-un").Output()
	if err != nil {
		t.Fatal(err)
	}
	out := runLines(t, bin, dir, nil, "-vvv")
	for line := range strings.Lines(stamp.ReplaceAllString(out, "ansible-tmp-X")) {
		line = strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(line, "TASK ["); ok {
			task, _, _ = strings.Cut(rest, "]")
		}
		if strings.HasPrefix(line, "<") || strings.HasPrefix(line, "Using module file") || strings.HasPrefix(line, "Pipelining") {
			got[task] = append(got[task], strings.Replace(line, "USER: "+strings.TrimSpace(string(user)), "USER: USER", 1))
		}
	}
	for name := range want {
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got[name], "\n"), strings.Join(want[name], "\n"))
		}
	}
	if len(got) != len(want) {
		t.Errorf("lines for %d tasks, want %d", len(got), len(want))
	}
	for _, secret := range []string{"hunter2", "hunter3"} {
		if strings.Contains(out, secret) {
			t.Errorf("%s is told", secret)
		}
	}
	if out := runLines(t, bin, dir, nil, "-vv"); strings.Contains(out, "EXEC") || strings.Contains(out, "<lh>") || strings.Contains(out, "Using module") {
		t.Errorf("lines at -vv:\n%s", out)
	}
	left, _ := filepath.Glob(dir + "/t m p/*")
	if len(left) > 0 {
		t.Errorf("left on the host: %v", left)
	}
}

// TestKeepRemoteFiles: the files stay, closed to others, one directory for each module, and run by hand.
func TestKeepRemoteFiles(t *testing.T) {
	bin, dir := build(t), linesProject(t)
	out := runLines(t, bin, dir, []string{"ANSIBLE_KEEP_REMOTE_FILES=1"}, "-vvv")
	kept, err := filepath.Glob(dir + "/t m p/ansible-tmp-*/*")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range kept {
		names = append(names, filepath.Base(file))
		for path, mode := range map[string]os.FileMode{file: 0o700, filepath.Dir(file): os.ModeDir | 0o700} {
			if st, err := os.Stat(path); err != nil || st.Mode() != mode {
				t.Errorf("%s: %v %v, want %v", path, st.Mode(), err, mode)
			}
		}
		if !strings.Contains(out, "TO "+file+"\n") {
			t.Errorf("%s is not told", file)
		}
		result, err := exec.Command(file).CombinedOutput()
		switch filepath.Base(file) {
		case "AnsiballZ_mymod.py":
			if err != nil || !strings.Contains(string(result), `"hello": "hunter4"`) {
				t.Errorf("%s by hand: %v %s", file, err, result)
			}
			if want := "EXEC /bin/sh -c '" + `'"'"'` + dir + `/p y'"'"' '"'"'` + file + `'"'"'`; !strings.Contains(out, want) {
				t.Errorf("no line %s", want)
			}
		case "Troupe_ping.sh":
			if err != nil || !strings.Contains(string(result), `"ping":"pong"`) {
				t.Errorf("%s by hand: %v %s", file, err, result)
			}
		}
	}
	slices.Sort(names)
	if want := []string{"AnsiballZ_mymod.py", "Troupe_copy.sh", "Troupe_copy.sh", "Troupe_fetch.sh", "Troupe_ping.sh"}; !slices.Equal(names, want) {
		t.Errorf("kept %v, want %v", names, want)
	}
}

// TestLog: the log says how grave a line is, and may be told more than the terminal. The levels are those that ansible-core 2.18 writes.
func TestLog(t *testing.T) {
	bin, dir := build(t), linesProject(t)
	const play = `- hosts: all
  gather_facts: false
  tasks:
    - name: fails
      raw: exit 1
      ignore_errors: true
    - name: warns
      raw: "true"
      when: "{{ 1 }} == 1"
`
	if err := os.WriteFile(filepath.Join(dir, "play.yml"), []byte(play), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "log")
	env := []string{"ANSIBLE_LOG_PATH=" + file, "LOGNAME=somebody"}
	log := func(more ...string) string {
		t.Helper()
		os.Remove(file)
		if out := runLines(t, bin, dir, append(env, more...), "-v"); strings.Contains(out, "EXEC") {
			t.Errorf("the terminal is told:\n%s", out)
		}
		text, err := os.ReadFile(file)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(text)
	}
	text := log()
	for _, want := range []string{
		"u=somebody n=ansible INFO| TASK [fails]", "n=ansible INFO| fatal: [lh]: FAILED! =>", "n=ansible WARNING| [WARNING]: conditional statements should not",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "EXEC") {
		t.Errorf("the log is told what nobody asked for:\n%s", text)
	}
	if text := log("ANSIBLE_LOG_VERBOSITY=3"); !strings.Contains(text, "n=ansible INFO| <lh> EXEC exit 1\n") {
		t.Errorf("no EXEC in\n%s", text)
	}
	if text := log("ANSIBLE_LOG_FILTER=ansible"); text != "" {
		t.Errorf("what is filtered is in the log:\n%s", text)
	}
}
