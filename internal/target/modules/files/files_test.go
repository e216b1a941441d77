package files

import (
	"context"
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
