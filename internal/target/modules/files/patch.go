package files

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// patchFiles is run by the collection's action, which sends a patch of the controller before.
var patchFiles = &module.Module{
	Name: "ansible.posix.patch",
	Doc:  "Applies a patch, or takes it back, unless that was done before.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "src", Type: module.TypePath, Required: true, Aliases: []string{"patchfile"}},
			{Name: "dest", Type: module.TypePath, Aliases: []string{"originalfile"}},
			{Name: "basedir", Type: module.TypePath},
			{Name: "strip", Type: module.TypeInt, Default: int64(0)},
			{Name: "remote_src", Type: module.TypeBool, Default: false},
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "binary", Type: module.TypeBool, Default: false},
			{Name: "ignore_whitespace", Type: module.TypeBool, Default: false},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
		},
		Rules:     module.Rules{RequiredOneOf: [][]string{{"dest", "basedir"}}},
		CheckMode: true,
	},
	Run: runPatch,
}

func runPatch(ctx context.Context, c *module.Call) (module.Result, error) {
	if runtime.GOOS != "linux" { // where --dry-run has another name
		return nil, &module.NotNative{Reason: "patch is native on Linux only"}
	}
	src, dest, dir := c.Str("src"), c.Str("dest"), c.Str("basedir")
	if syscall.Access(src, 4) != nil {
		return nil, module.Fail("src "+src+" doesn't exist or not readable", nil)
	}
	if dest != "" && syscall.Access(dest, 2) != nil {
		return nil, module.Fail("dest "+dest+" doesn't exist or not writable", nil)
	}
	if _, err := os.Stat(dir); dir != "" && err != nil {
		return nil, module.Fail("basedir "+dir+" doesn't exist", nil)
	}
	if dir == "" {
		dir = filepath.Dir(dest)
	}
	src, err := filepath.Abs(src) // seen from basedir
	if err != nil {
		return nil, err
	}
	run := hostos.RunnerOf(ctx, c)
	bin := run.Find("patch")
	if bin == "" {
		return nil, module.Fail("patch command not found", nil)
	}
	words := []string{bin, "--quiet", "--forward", "--strip=" + strconv.FormatInt(c.Int("strip"), 10), "--directory=" + dir, "--input=" + src}
	patch := func(dryRun, reverse bool, more ...string) (hostos.Output, error) {
		all := append(append([]string(nil), words...), more...)
		for _, f := range []struct {
			wanted bool
			word   string
		}{
			{dryRun, "--dry-run"}, {c.Bool("binary"), "--binary"}, {c.Bool("ignore_whitespace"), "--ignore-whitespace"}, {dest != "", dest}, {reverse, "--reverse"},
		} {
			if f.wanted {
				all = append(all, f.word)
			}
		}
		return run.Run(all...)
	}
	present := c.Str("state") == "present"
	out, err := patch(true, present) // what can be taken back is there
	if err != nil || out.RC == 0 {
		return module.Result{"changed": false}, err
	}
	more := []string{"--batch", "--reject-file=-"}
	if c.Bool("backup") {
		more = append(more, "--backup", "--version-control=numbered")
	}
	if out, err = patch(c.Check, !present, more...); err != nil {
		return nil, err
	}
	if out.RC != 0 {
		msg := out.Stderr
		if msg == "" {
			msg = out.Stdout
		}
		return nil, module.Fail(msg, nil)
	}
	return module.Result{"changed": true}, nil
}
