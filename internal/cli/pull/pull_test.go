package pull

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/diag"
)

// What the two steps are asked, and what comes of their answers. The messages and codes are ansible-pull 2.18's.
func TestSteps(t *testing.T) {
	for _, c := range []struct {
		name    string
		args    []string
		files   []string // in the checkout
		fetch   string   // what the first step prints
		rc      int      // of the first step
		code    int
		want    []string // words of the second step, in order; nil: there is none
		problem string
	}{
		{"local.yml", []string{"-U", "/r"}, []string{"local.yml"}, `"changed": true`, 0, 0, []string{"ansible-playbook", "-c", "local", "DEST/local.yml"}, ""},
		{"this host's", []string{"-U", "/r"}, []string{"local.yml", "HOST.yml"}, "", 0, 0, []string{"DEST/HOST.yml"}, ""},
		{"several", []string{"-U", "/r", "a.yml", "b.yml"}, []string{"a.yml", "b.yml"}, "", 0, 0, []string{"DEST/a.yml", "DEST/b.yml"}, ""},
		{"flags go on", []string{"-U", "/r", "-e", "x=1", "-t", "t1", "--check", "-vv", "--vault-id", "v@f", "-c", "ssh", "-l", "web"}, []string{"local.yml"}, "", 0, 0,
			[]string{"-v", "-v", "-c", "ssh", "--vault-id", "v@f", "-e", "x=1", "-t", "t1", "--check", "-l", "web"}, ""},
		{"nothing new", []string{"-U", "/r", "-o"}, []string{"local.yml"}, `"changed": false`, 0, 0, nil, ""},
		{"something new", []string{"-U", "/r", "-o"}, []string{"local.yml"}, `"changed": true`, 0, 0, []string{"ansible-playbook"}, ""},
		{"cannot be fetched", []string{"-U", "/r"}, []string{"local.yml"}, "", 2, 2, nil, ""},
		{"cannot be fetched, all the same", []string{"-U", "/r", "-f"}, []string{"local.yml"}, "", 2, 0, []string{"ansible-playbook"}, ""},
		{"no playbook", []string{"-U", "/r"}, nil, "", 0, 1, nil, "Could not find a playbook to run."},
		{"no address", nil, nil, "", 0, 0, nil, "URL for repository not specified, use -h for help"},
		{"other module", []string{"-U", "/r", "-m", "cvs"}, nil, "", 0, 0, nil, "Unsupported repo module cvs, choices are git,subversion,hg,bzr"},
		{"no number", []string{"-U", "/r", "-s", "x"}, nil, "", 0, 0, nil, "x is not a number."},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("HOME", t.TempDir())
			t.Setenv("ANSIBLE_CONFIG", "")
			dest, host := t.TempDir(), names()[0]
			fill := func(s string) string { return strings.NewReplacer("DEST", dest, "HOST", host).Replace(s) }
			for _, f := range c.files {
				if err := os.WriteFile(filepath.Join(dest, fill(f)), nil, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			var out, errs bytes.Buffer
			var steps [][]string
			args := append(slices.Clone(c.args), "-d", dest)
			env := &launch.Env{Args: append([]string{"ansible-pull"}, args...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: os.Getenv, Classic: true}
			env.Run = func(_ context.Context, sub *launch.Env) int {
				steps = append(steps, sub.Args)
				if len(steps) == 1 {
					_, _ = sub.Stdout.Write([]byte(c.fetch + "\n"))
					return c.rc
				}
				return 0
			}
			code, err := Main(context.Background(), env, "ansible-pull", args)
			if c.problem != "" {
				var d *diag.Diagnostic
				if !errors.As(err, &d) || d.Classic != c.problem || d.Exit != diag.ExitOptions {
					t.Fatalf("%v, want %q", err, c.problem)
				}
				return
			}
			if err != nil || code != c.code {
				t.Fatalf("code %d, %v; want %d", code, err, c.code)
			}
			if c.want == nil {
				if len(steps) != 1 {
					t.Fatalf("steps %q", steps)
				}
				return
			}
			if len(steps) != 2 {
				t.Fatalf("steps %q", steps)
			}
			at := 0
			for _, w := range steps[1] {
				if at < len(c.want) && w == fill(c.want[at]) {
					at++
				}
			}
			if at < len(c.want) {
				t.Errorf("%q does not have %q in this order", steps[1], c.want)
			}
		})
	}
}
