package packages

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/module"
)

// wheel makes a package that pip installs without an index.
func wheel(t *testing.T, dir, version string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "tpkg-"+version+"-py3-none-any.whl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	info := "tpkg-" + version + ".dist-info/"
	for name, text := range map[string]string{
		"tpkg.py": "x = 1\n", info + "METADATA": "Metadata-Version: 2.1\nName: tpkg\nVersion: " + version + "\n",
		info + "WHEEL":  "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		info + "RECORD": "tpkg.py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n",
	} {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

// The outcomes are those of the real module with pip 23.
func TestPip(t *testing.T) {
	if exec.Command("python3", "-c", "import ensurepip, venv").Run() != nil {
		t.Skip("no python3 with venv on this machine")
	}
	dir := t.TempDir()
	for _, v := range []string{"1.0", "1.1", "2.0"} {
		wheel(t, dir, v)
	}
	env, links := filepath.Join(dir, "ve"), "--no-index -f "+dir
	requirements := filepath.Join(dir, "req.txt")
	if err := os.WriteFile(requirements, []byte("tpkg==1.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	pipExe := filepath.Join(env, "bin", "pip3")
	for _, step := range []struct {
		name    string
		args    map[string]any
		check   bool
		changed bool
		cmd     string // of the result, "" when it has none
		msg     string
	}{
		{"no environment yet, check mode", map[string]any{"name": "tpkg"}, true, true, "", ""},
		{"install a version", map[string]any{"name": "tpkg", "version": "1.0", "extra_args": links}, false, true, pipExe + " install " + links + " tpkg==1.0", ""},
		{"again", map[string]any{"name": "tpkg", "version": "1.0", "extra_args": links}, false, false, pipExe + " install " + links + " tpkg==1.0", ""},
		{"present, check mode", map[string]any{"name": "TPKG>=1.0,<2"}, true, false, pipExe + " list --format=freeze", ""},
		{"another version, check mode", map[string]any{"name": "tpkg", "version": "~=1.1"}, true, true, pipExe + " list --format=freeze", ""},
		{"latest", map[string]any{"name": "tpkg", "state": "latest", "extra_args": links}, false, true, pipExe + " install -U " + links + " tpkg", ""},
		{"requirements", map[string]any{"requirements": requirements, "extra_args": links}, false, true, pipExe + " install " + links + " -r " + requirements, ""},
		{"requirements again", map[string]any{"requirements": requirements, "extra_args": links}, false, false, pipExe + " install " + links + " -r " + requirements, ""},
		{"absent", map[string]any{"name": "tpkg", "state": "absent"}, false, true, pipExe + " uninstall -y tpkg", ""},
		{"absent again", map[string]any{"name": "tpkg", "state": "absent"}, false, false, pipExe + " uninstall -y tpkg", ""},
		{"no such package", map[string]any{"name": "nosuchthing", "extra_args": links}, false, false, pipExe + " install " + links + " nosuchthing", "No matching distribution found"},
		{"version of two", map[string]any{"name": "a,b", "version": "1"}, false, false, "", "'version' argument is ambiguous"},
		{"version twice", map[string]any{"name": "a==1", "version": "1"}, false, false, "", "'version' argument conflicts"},
		{"latest version", map[string]any{"name": "a", "version": "1", "state": "latest"}, false, false, "", "version is incompatible with state=latest"},
	} {
		t.Run(step.name, func(t *testing.T) {
			step.args["virtualenv"], step.args["virtualenv_command"] = env, "python3 -m venv"
			r := module.Execute(t.Context(), pip, step.args, module.Options{Check: step.check, Env: []string{"PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_FIND_LINKS="}})
			cmd := ""
			switch c := r["cmd"].(type) {
			case string:
				cmd = c
			case []any:
				words := make([]string, len(c))
				for i, w := range c {
					words[i] = module.Text(w)
				}
				cmd = strings.Join(words, " ")
			}
			msg, _ := r["msg"].(string)
			if (r["changed"] == true) != step.changed || cmd != step.cmd || !strings.Contains(msg, step.msg) || (step.msg == "") != (msg == "") {
				t.Errorf("changed %v, cmd %q, msg %q\n%v", r["changed"], cmd, msg, r)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	ordered := strings.Fields("0.9 1.0.dev1 1.0a1 1.0a2 1.0b1 1.0rc1 1.0 1.0.post1 1.0.1 1.1 1.2 1.10 2")
	for i, a := range ordered {
		for j, b := range ordered {
			if got := compareVersions(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s and %s: %d", a, b, got)
			}
		}
	}
	if compareVersions("1.0", "1") != 0 {
		t.Error("1.0 is not 1")
	}
}
