package vault_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/cli/vault"
	"github.com/troupe-automation/troupe/internal/diag"
)

func run(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	env := &launch.Env{Args: append([]string{"ansible-vault"}, args...), Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }, Classic: true}
	_, err = vault.Main(context.Background(), env, "ansible-vault", args)
	return out.String(), errs.String(), err
}

// The messages and forms are those of ansible-core 2.18 (samples vault_cli_view, vault_cli_edit).
func TestCommands(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range map[string]string{"pw": "one\n", "pw2": "two\n", "plain.yml": "a: 1\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	pw := []string{"--vault-password-file", "pw"}
	check := func(wantOut, wantErr string, args ...string) {
		t.Helper()
		out, _, err := run(t, "piped", args...)
		if wantErr != "" {
			d, ok := diag.As(err)
			if !ok || d.Message() != wantErr {
				t.Errorf("%v: got error %v, want %s", args, err, wantErr)
			}
			return
		}
		if err != nil {
			t.Errorf("%v: %v", args, err)
		}
		if wantOut != "*" && out != wantOut {
			t.Errorf("%v: got %q, want %q", args, out, wantOut)
		}
	}
	check("", "input is not vault encrypted data. plain.yml is not a vault encrypted file for plain.yml", append([]string{"view", "plain.yml"}, pw...)...)
	check("", "", append([]string{"encrypt", "plain.yml"}, pw...)...)
	check("", "input is already encrypted", append([]string{"encrypt", "plain.yml"}, pw...)...)
	check("a: 1\n", "", append([]string{"view", "plain.yml"}, pw...)...)
	check("", "Decryption failed (no vault secrets were found that could decrypt) on plain.yml for plain.yml", "view", "plain.yml", "--vault-password-file", "pw2")
	check("", "", "rekey", "plain.yml", "--vault-password-file", "pw", "--new-vault-id", "n@pw2")
	data, err := os.ReadFile("plain.yml")
	if err != nil || !strings.HasPrefix(string(data), "$ANSIBLE_VAULT;1.2;AES256;n\n") {
		t.Errorf("after rekey: %v %.40q", err, data)
	}
	if st, _ := os.Stat("plain.yml"); st.Mode().Perm() != 0o644 {
		t.Errorf("the mode became %v", st.Mode())
	}
	check("a: 1\n", "", "decrypt", "plain.yml", "--vault-id", "x@pw2", "--output", "-")
	check("", "The vault-ids a,b are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id", "encrypt_string", "x", "--vault-id", "a@pw", "--vault-id", "b@pw2")
	out, _, err := run(t, "piped", append([]string{"encrypt_string", "--stdin-name", "n"}, pw...)...)
	if err != nil || !strings.HasPrefix(out, "n: !vault |\n          $ANSIBLE_VAULT;1.1;AES256\n          ") {
		t.Errorf("encrypt_string: %v %q", err, out)
	}
	if _, _, err := run(t, "", "bogus"); err == nil {
		t.Error("an unknown action is taken")
	}
}
