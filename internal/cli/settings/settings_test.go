package settings_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/cli/settings"
)

// The form is that of ansible-core 2.18 (sample tools_config_precedence).
func TestDump(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	cfg := filepath.Join(dir, "x.cfg")
	if err := os.WriteFile(cfg, []byte("[defaults]\ntimeout = 22 ; inline\n[galaxy]\nserver_list = one\n[galaxy_server.one]\nurl = http://x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ANSIBLE_CONFIG", cfg)
	t.Setenv("ANSIBLE_FORKS", "9")
	var out bytes.Buffer
	env := &launch.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }}
	if _, err := settings.Main(context.Background(), env, "ansible-config", []string{"dump", "--only-changed"}); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(out.String(), cfg, "FILE")
	for _, want := range []string{
		"CONFIG_FILE() = FILE\n", "DEFAULT_FORKS(env: ANSIBLE_FORKS) = 9\n", "DEFAULT_TIMEOUT(FILE) = 22\n", "\nGALAXY_SERVERS:\n", "\n\none\n===\nurl(FILE) = http://x\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// TestValidate checks that only keys that nobody reads are named; Troupe's own are known. The words are those of ansible-core 2.18.
func TestValidate(t *testing.T) {
	cfg := filepath.Join(t.TempDir(), "x.cfg")
	if err := os.WriteFile(cfg, []byte("[troupe]\ntemplate_profile = 2.19\n[defaults]\nforkz = 3\nforks = 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ANSIBLE_CONFIG", cfg)
	var out bytes.Buffer
	env := &launch.Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }}
	code, err := settings.Main(context.Background(), env, "ansible-config", []string{"validate"})
	if got := strings.Join(strings.Fields(strings.ReplaceAll(out.String(), cfg, "FILE")), " "); err != nil || code != 1 || strings.Count(got, "ERROR") != 1 || !strings.Contains(got, "Found unknown key 'forkz' in section 'defaults' in 'FILE.") {
		t.Errorf("exit code %d, %v:\n%s", code, err, got)
	}
}
