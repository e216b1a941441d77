package hosts

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/cli/launch"
)

// The golden files are what ansible-inventory 2.18 prints.
func TestTOML(t *testing.T) {
	t.Setenv("HOME", t.TempDir())
	t.Setenv("ANSIBLE_CONFIG", "")
	for file, args := range map[string][]string{"list.toml": {"--list", "--toml"}, "export.toml": {"--list", "--export", "--toml"}, "list.json": {"--list"}} {
		t.Run(file, func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			var out, errs bytes.Buffer
			args := append([]string{"-i", "testdata/hosts.toml"}, args...)
			env := &launch.Env{Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: os.Getenv, Classic: true}
			if _, err := Main(context.Background(), env, "ansible-inventory", args); err != nil {
				t.Fatal(err)
			}
			if out.String() != string(want) {
				t.Errorf("got\n%s\nwant\n%s\n%s", out.String(), want, errs.String())
			}
		})
	}
}
