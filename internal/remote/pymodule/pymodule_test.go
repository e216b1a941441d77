package pymodule_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/remote/pymodule"
	"github.com/troupe-automation/troupe/internal/wire"
)

// interpreters are all Pythons that the machine has.
func interpreters(t *testing.T) []string {
	var found []string
	for _, pattern := range []string{"/usr/bin/python3.[0-9]*", "/usr/local/bin/python3.[0-9]*", os.Getenv("HOME") + "/.pyenv/versions/3.*/bin/python3"} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			if exec.Command(f, "-c", "import sys; sys.exit(sys.version_info < (3, 6))").Run() == nil {
				found = append(found, f)
			}
		}
	}
	if len(found) == 0 {
		t.Skip("no Python 3 on this machine")
	}
	return found
}

// The same recorded cases that the native modules are held to (module/testdata/argspec.jsonl).
func TestArgumentSpec(t *testing.T) {
	for _, python := range interpreters(t) {
		out, err := exec.Command(python, "testdata/argspec.py", "lib", "../../../module/testdata/argspec.jsonl").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", python, err, out)
		}
	}
}

// Every file of the library is importable.
func TestLibraryImports(t *testing.T) {
	for _, python := range interpreters(t) {
		out, err := exec.Command(python, "testdata/imports.py", "lib").CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", python, err, out)
		}
	}
}

func TestStyle(t *testing.T) {
	for _, c := range []struct {
		name, source string
		want         wire.Style
	}{
		{"new style", "#!/usr/bin/python\nfrom ansible.module_utils.basic import *\n", wire.StylePython},
		{"collection utils", "from ansible_collections.a.b.plugins.module_utils.c import d\n", wire.StylePython},
		{"indented import", "try:\n    import ansible.module_utils.urls\nexcept ImportError: pass\n", wire.StylePython},
		{"json in source", "#!/usr/bin/perl\nmy $a = '<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>';\n", wire.StyleReplaced},
		{"want json", "#!/bin/bash\n# WANT_JSON\n", wire.StyleWantJSON},
		{"old style", "#!/bin/sh\nsource $1\n", wire.StyleOld},
		{"binary", "\x7fELF\x02\x01\x01\x00", wire.StyleBinary},
	} {
		if got := pymodule.Pack("m", "", []byte(c.source), nil).Style; got != c.want {
			t.Errorf("%s: style %q, want %q", c.name, got, c.want)
		}
	}
}

// An import at the level of the file that nobody can answer is told before anything is sent; what may be caught, or is only text, is
// left to Python.
func TestMissing(t *testing.T) {
	const basic = "from ansible.module_utils.basic import AnsibleModule\n"
	own := func(dotted string) ([]byte, bool, bool) {
		if dotted == "ansible_collections.a.b" {
			return nil, true, true
		}
		return []byte("from ansible.module_utils.deeper import x\n"), false, dotted == "ansible.module_utils.own"
	}
	for _, c := range []struct{ name, source, want string }{
		{"there", basic + "import ansible.module_utils.urls\nfrom ansible.module_utils import six, basic\nfrom ansible.module_utils.six.moves import urllib\n", ""},
		{"from", basic + "from ansible.module_utils.zebra import foo4\n", "['ansible.module_utils.zebra.foo4', 'ansible.module_utils.zebra']"},
		{"import", basic + "import ansible.module_utils.zebra\n", "['ansible.module_utils.zebra']"},
		{"of a collection", basic + "from ansible_collections.a.b.plugins.module_utils.c import d\n", "['ansible_collections.a.b.plugins.module_utils.c.d', 'ansible_collections.a.b.plugins.module_utils.c']"},
		{"one of several", basic + "from ansible.module_utils import basic, zebra, six\n", "['ansible.module_utils.zebra']"},
		{"of module_utils itself", "from ansible_collections.a.b.plugins.module_utils import c\n", "['ansible_collections.a.b.plugins.module_utils.c']"},
		{"no such collection", "from ansible_collections.a.c.plugins.module_utils import c\n", "error processing module_util ansible_collections.a.c.plugins.module_utils.c loading redirected collection a.c: unable to locate collection a.c"},
		{"what another imports", "import ansible.module_utils.own\n", "['ansible.module_utils.deeper.x', 'ansible.module_utils.deeper']"},
		{"caught", basic + "try:\n    import ansible.module_utils.zebra\nexcept ImportError: pass\n", ""},
		{"text", basic + "DOCUMENTATION = '''\nfrom ansible.module_utils.zebra import x\n'''\nE = r\"\"\"one\"\"\"\n", ""},
		{"after a text", basic + "D = \"\"\"it's ''' odd\n\"\"\"\nimport ansible.module_utils.zebra\n", "['ansible.module_utils.zebra']"},
	} {
		want := ""
		if c.want != "" {
			want = "Could not find imported module support code for ansible.modules.m.  Looked for (" + c.want + ")"
		}
		if strings.HasPrefix(c.want, "error") {
			want = c.want
		}
		if got := pymodule.Pack("m", "", []byte(c.source), own).Missing; got != want {
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
	}
}

func FuzzPack(f *testing.F) {
	f.Add([]byte("from ansible.module_utils.basic import (\n a,\n b)\nimport x, y as z; import q\nfrom . import \\\n c\n"))
	f.Fuzz(func(t *testing.T, source []byte) {
		m := pymodule.Pack("m", "", source, func(string) ([]byte, bool, bool) { return source, false, false })
		if !bytes.Equal(m.Source.Data, source) {
			t.Error("the source changed")
		}
	})
}
