package doc

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/cli/launch"
)

// run runs the command in an empty home and returns its standard output, with paths relative to here.
func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("ANSIBLE_COLLECTIONS_PATH", t.TempDir())
	t.Setenv("ANSIBLE_CONFIG", "")
	var out, errs bytes.Buffer
	env := &launch.Env{Args: append([]string{"ansible-doc"}, args...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: os.Getenv, Classic: true}
	_, err := Main(context.Background(), env, "ansible-doc", args)
	here, werr := os.Getwd()
	if werr != nil {
		t.Fatal(werr)
	}
	return strings.ReplaceAll(strings.ReplaceAll(out.String(), filepath.Join(here, "testdata")+"/", ""), "No config file found; using defaults\n", ""), err
}

// The golden files are what ansible-doc 2.18 prints for the same module.
func TestModule(t *testing.T) {
	for name, args := range map[string][]string{"text": {"kitchen"}, "verbose": {"-v", "kitchen"}, "snippet": {"-s", "kitchen"}, "json": {"-j", "kitchen"}} {
		t.Run(name, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata", name+".golden"))
			if err != nil {
				t.Fatal(err)
			}
			got, err := run(t, append([]string{"-M", "testdata/library"}, args...)...)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// Everything built in can be described.
func TestBuiltin(t *testing.T) {
	t.Setenv("ANSIBLE_COLLECTIONS_SCAN_SYS_PATH", "0") // whatever else this machine has
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"copy"}, "> MODULE ansible.builtin.copy (built in)\n"},
		{[]string{"ansible.builtin.ping"}, "- data\n        default: pong\n        type: str\n"},
		{[]string{"-t", "lookup", "file"}, "> LOOKUP ansible.builtin.file (built in)\n"},
		{[]string{"-t", "keyword", "vars_prompt"}, "description: list of variables to prompt for.\n"},
		{[]string{"-l", "ansible.builtin"}, "ansible.builtin.ping "},
		{[]string{"-l", "-t", "become"}, "ansible.builtin.sudo "},
		{[]string{"--metadata-dump"}, `"ansible.builtin.yum_repository": {`},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			got, err := run(t, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("%q is not in\n%.2000s", c.want, got)
			}
		})
	}
}
