package files

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
	"github.com/troupe-automation/troupe/module"
)

func TestAssemble(t *testing.T)    { moduletest.Replay(t, All, "testdata/assemble.json") }
func TestBlockinfile(t *testing.T) { moduletest.Replay(t, All, "testdata/blockinfile.json") }
func TestCopy(t *testing.T)        { moduletest.Replay(t, All, "testdata/copy.json") }
func TestFile(t *testing.T)        { moduletest.Replay(t, All, "testdata/file.json") }
func TestFind(t *testing.T)        { moduletest.Replay(t, All, "testdata/find.json") }
func TestIniFile(t *testing.T)     { moduletest.Replay(t, All, "testdata/ini_file.json") }
func TestLineinfile(t *testing.T)  { moduletest.Replay(t, All, "testdata/lineinfile.json") }
func TestReplace(t *testing.T)     { moduletest.Replay(t, All, "testdata/replace.json") }
func TestSlurp(t *testing.T)       { moduletest.Replay(t, All, "testdata/slurp.json") }
func TestAttributes(t *testing.T)  { moduletest.Replay(t, All, "testdata/attributes.json") }
func TestTempfile(t *testing.T)    { moduletest.Replay(t, All, "testdata/tempfile.json") }
func TestStat(t *testing.T)        { moduletest.Replay(t, All, "testdata/stat.json") }

func TestUnarchive(t *testing.T) {
	moduletest.Need(t, "tar", "zip", "unzip", "xz")
	list := slices.Concat(Fetching(nil), All, []*module.Module{shell})
	moduletest.Replay(t, list, "testdata/unarchive.json")
}

// shell prepares the archives of a recording.
var shell = &module.Module{
	Name: "ansible.builtin.shell",
	Spec: module.Spec{Options: []module.Option{{Name: "_raw_params"}, {Name: "chdir"}}},
	Run: func(ctx context.Context, c *module.Call) (module.Result, error) {
		line := c.Str("_raw_params")
		out, err := hostos.Run(ctx, hostos.Cmd{Args: []string{"/bin/sh", "-c", line}, Dir: c.Str("chdir")})
		return module.Result{"changed": true, "cmd": line, "msg": "", "rc": out.RC, "stdout": out.Stdout, "stderr": out.Stderr}, err
	},
}

func TestACL(t *testing.T) {
	moduletest.Need(t, "setfacl", "getfacl")
	moduletest.Replay(t, All, "testdata/acl.json")
}

func TestPatch(t *testing.T) {
	moduletest.Need(t, "patch")
	moduletest.Replay(t, All, "testdata/patch.json")
}

func TestUnarchiveWithoutPrograms(t *testing.T) {
	for head, want := range map[string]string{
		"PK\x03\x04..":    "\nUnable to find required 'unzip' or 'zipinfo' binary in the path.",
		"\x1f\x8b\x08...": "\nUnable to find required 'gtar' or 'tar' binary in the path",
	} {
		u := &unpacker{}
		if kinds, missing := u.kinds([]byte(head), func(string) string { return "" }); len(kinds) != 0 || missing != want {
			t.Errorf("%q: %d ways, %q, want %q", head, len(kinds), missing, want)
		}
		if kinds, missing := u.kinds([]byte(head), func(name string) string { return "/bin/" + name }); len(kinds) != 1 || missing != "" {
			t.Errorf("%q with programs: %d ways, %q", head, len(kinds), missing)
		}
	}
}

func TestFindEncoding(t *testing.T) {
	moduletest.Need(t, "iconv")
	dir := t.TempDir()
	file := filepath.Join(dir, "f")
	if err := os.WriteFile(file, []byte("\xc4\xe3\xba\xc3\n"), 0o600); err != nil { // GBK
		t.Fatal(err)
	}
	for _, c := range []struct {
		encoding string
		matched  int
		skipped  string
	}{
		{"gbk", 1, ""},
		{"utf-8", 0, "Failed to read the file " + file + " due to an encoding error. current encoding: utf-8"},
		{"ascii", 0, "Failed to read the file " + file + " due to an encoding error. current encoding: ascii"},
		{"latin-1", 0, ""},
		{"idontexist", 0, "unknown encoding: idontexist"},
	} {
		args := map[string]any{"paths": []any{dir}, "contains": "\u4f60\u597d", "encoding": c.encoding}
		r := module.Execute(t.Context(), find, args, module.Options{Name: "find", TmpDir: t.TempDir()})
		skipped, _ := r["skipped_paths"].(map[string]any)
		why, _ := skipped[dir].(string)
		if fmt.Sprint(r["matched"]) != fmt.Sprint(c.matched) || why != c.skipped {
			t.Errorf("%s: matched %v, skipped %q, want %d, %q", c.encoding, r["matched"], why, c.matched, c.skipped)
		}
	}
}
