// Package links is `troupe install-links`: links under the names of Ansible's commands, so that scripts find Troupe under
// them.
//
// Called by internal/cli.
package links

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/diag"
)

// Main makes the links. What is in the way and no link of ours stays, unless --force is given.
func Main(_ context.Context, env *launch.Env, prog string, args []string) (int, error) {
	c := &argparse.Command{Prog: prog, Summary: "Makes links under the names of Ansible's commands.", Args: []string{"directory"},
		Flags:    []argparse.Flag{{Names: []string{"-f", "--force"}, Dest: "force", Kind: argparse.True, Help: "replace what is in the way"}},
		Examples: "  " + prog + " ~/.local/bin"}
	v, err := c.Parse(args)
	if err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	if self, err = filepath.EvalSymlinks(self); err != nil {
		return 0, err
	}
	dir := v.Args[0]
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	for _, name := range env.Names {
		at := filepath.Join(dir, name)
		if st, err := os.Lstat(at); err == nil {
			real, _ := filepath.EvalSymlinks(at)
			if st.Mode()&os.ModeSymlink != 0 && real == self {
				continue
			}
			if !v.Bool("force") {
				return 0, &diag.Diagnostic{Code: diag.BadSetting, Exit: diag.ExitError, Summary: at + " is there already", Hints: []string{"use --force to replace it"}}
			}
		}
		if err := link(self, at); err != nil {
			return 0, err
		}
		fmt.Fprintln(env.Stdout, at)
	}
	return 0, nil
}

// link makes a link beside its place and renames it: the name never leads nowhere.
func link(target, at string) error {
	tmp := at + ".new"
	_ = os.Remove(tmp)
	if err := os.Symlink(target, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, at)
}
