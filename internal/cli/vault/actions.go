package vault

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/term"
	"github.com/troupe-automation/troupe/vault"
)

func encrypt(s *session) error {
	secret, err := s.encryptSecret()
	if err != nil {
		return err
	}
	return s.rewrite(s.files(), s.target, "Encryption successful", func(data []byte, _ string) ([]byte, error) { return s.seal(data, secret) })
}

// rewrite reads each file, changes what is in it, and writes it to its target.
func (s *session) rewrite(names []string, target func(name string) (string, error), done string, change func(data []byte, name string) ([]byte, error)) error {
	for _, name := range names {
		out, err := target(name)
		if err != nil {
			return err
		}
		data, err := s.read(name)
		if err != nil {
			return err
		}
		if data, err = change(data, name); err != nil {
			return err
		}
		if err := s.write(out, data); err != nil {
			return err
		}
	}
	s.say(done)
	return nil
}

func (s *session) seal(data []byte, secret vault.Secret) ([]byte, error) {
	sealed, err := vault.Encrypt(data, secret, s.salt)
	if err != nil {
		return nil, fail(diag.ExitError, err.Error())
	}
	return sealed, nil
}

func decrypt(s *session) error {
	return s.rewrite(s.files(), s.target, "Decryption successful", func(data []byte, name string) ([]byte, error) {
		plain, _, err := s.open(data, name)
		return plain, err
	})
}

func view(s *session) error {
	for _, name := range s.files() {
		data, err := s.read(name)
		if err != nil {
			return err
		}
		plain, _, err := s.open(data, name)
		if err != nil {
			return err
		}
		if err := s.page(plain); err != nil {
			return err
		}
	}
	return nil
}

// page shows a text: through $PAGER on a terminal, else as it is, with a line end.
func (s *session) page(text []byte) error {
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	pager := s.Config.Str("PAGER")
	if pager == "" || !term.Stat(s.env.Stdout).TTY {
		_, err := s.env.Stdout.Write(text)
		return err
	}
	cmd := exec.CommandContext(s.ctx, "/bin/sh", "-c", pager)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(string(text)), s.env.Stdout, s.env.Stderr
	return cmd.Run()
}

func rekey(s *session) error {
	if len(s.Values.Args) == 0 {
		return fail(diag.ExitOptions, "A file to rekey is required")
	}
	var to vault.Secret
	var err error
	switch id, file := s.Values.Str("new_vault_id"), s.Values.Str("new_vault_password_file"); {
	case id != "":
		label, src := vault.SplitID(id)
		to, err = s.newSecret(label, src)
	case file != "":
		to, err = s.newSecret("", file)
	default:
		to, err = s.newSecret("", "prompt")
	}
	if err != nil {
		return err
	}
	inPlace := func(name string) (string, error) { return name, nil }
	return s.rewrite(s.Values.Args, inPlace, "Rekey successful", func(data []byte, name string) ([]byte, error) {
		plain, _, err := s.open(data, name)
		if err != nil {
			return nil, err
		}
		return s.seal(plain, to)
	})
}

// newSecret reads the password that files get from now on.
func (s *session) newSecret(label, src string) (vault.Secret, error) {
	if src != "prompt" {
		secret, err := vault.Load(s.ctx, label, src)
		if err != nil {
			return secret, fail(diag.ExitError, err.Error())
		}
		return secret, nil
	}
	first, err := s.env.Ask("New Vault password: ", true)
	if err != nil {
		return vault.Secret{}, fail(diag.ExitError, err.Error())
	}
	again, err := s.env.Ask("Confirm New Vault password: ", true)
	if err != nil {
		return vault.Secret{}, fail(diag.ExitError, err.Error())
	}
	if first != again || first == "" {
		return vault.Secret{}, fail(diag.ExitError, "Passwords do not match")
	}
	if label == "" {
		label = "default"
	}
	return vault.Secret{Label: label, Password: []byte(first)}, nil
}

// indent is how far encrypted text stands below its name.
const indent = "          "

func encryptString(s *session) error {
	secret, err := s.encryptSecret()
	if err != nil {
		return err
	}
	type named struct{ name, text string }
	var texts []named
	names := s.Values.List("encrypt_string_names")
	take := func() string {
		if len(names) == 0 {
			return ""
		}
		n := names[0]
		names = names[1:]
		return n
	}
	args := s.Values.Args
	stdin := s.Values.Has("encrypt_string_stdin_name") || len(args) == 1 && args[0] == "-"
	if len(args) == 0 && !stdin && !s.Values.Bool("encrypt_string_prompt") {
		if term.IsTerminal(s.env.Stdin) {
			s.Values.Args = nil
		}
		stdin = true
	}
	if s.Values.Bool("encrypt_string_prompt") {
		text, err := s.env.Ask("String to encrypt: ", !s.Values.Bool("show_string_input"))
		if err != nil || text == "" {
			return fail(diag.ExitOptions, "The plaintext provided from the prompt was empty, not encrypting")
		}
		texts = append(texts, named{take(), text})
	}
	if stdin {
		data, err := s.read("-")
		if err != nil {
			return err
		}
		if len(data) == 0 {
			return fail(diag.ExitOptions, "stdin was empty, not encrypting")
		}
		name := s.Values.Str("encrypt_string_stdin_name")
		if name == "" {
			name = take()
		}
		texts = append(texts, named{name, string(data)})
	}
	for _, a := range args {
		if a == "-" {
			continue
		}
		if a == "" {
			return fail(diag.ExitOptions, "The plaintext provided from the command line args was empty, not encrypting")
		}
		texts = append(texts, named{take(), a})
	}
	var b strings.Builder
	for _, t := range texts {
		sealed, err := vault.Encrypt([]byte(t.text), secret, s.salt)
		if err != nil {
			return fail(diag.ExitError, err.Error())
		}
		if t.name != "" {
			b.WriteString(t.name + ": ")
		}
		b.WriteString("!vault |\n")
		for _, line := range strings.Split(strings.TrimSuffix(string(sealed), "\n"), "\n") {
			b.WriteString(indent + line + "\n")
		}
	}
	out := s.Values.Str("output_file")
	if out == "" {
		out = "-"
	}
	if err := s.write(out, []byte(b.String())); err != nil {
		return err
	}
	s.say("Encryption successful")
	return nil
}

func create(s *session) error {
	if len(s.Values.Args) != 1 {
		return fail(diag.ExitOptions, "ansible-vault create can take only one filename argument")
	}
	name := s.Values.Args[0]
	if _, err := os.Stat(name); err == nil {
		return fail(diag.ExitError, name+" exists, please use 'edit' instead")
	}
	if !term.Stat(s.env.Stdout).TTY && !s.Values.Bool("skip_tty_check") {
		return fail(diag.ExitError, "not a tty, editor cannot be opened")
	}
	secret, err := s.encryptSecret()
	if err != nil {
		return err
	}
	return s.change(name, nil, secret, true)
}

func edit(s *session) error {
	for _, name := range s.Values.Args {
		data, err := s.read(name)
		if err != nil {
			return err
		}
		plain, used, err := s.open(data, name)
		if err != nil {
			return err
		}
		e, err := vault.Parse(data)
		if err != nil {
			return err
		}
		to := vault.Secret{Label: e.Label, Password: used.Password}
		if s.Values.Has("encrypt_vault_id") {
			if to, err = s.encryptSecret(); err != nil {
				return err
			}
		}
		if err := s.change(name, plain, to, false); err != nil {
			return err
		}
	}
	return nil
}

// change lets an editor change a text and encrypts the outcome. The text lies in a private directory meanwhile.
func (s *session) change(name string, plain []byte, to vault.Secret, always bool) error {
	dir, err := os.MkdirTemp("", "troupe-vault-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tmp := filepath.Join(dir, filepath.Base(name))
	if err := os.WriteFile(tmp, plain, 0o600); err != nil {
		return err
	}
	defer wipe(tmp)
	editor := s.Config.Str("EDITOR")
	if editor == "" {
		editor = "vi"
	}
	cmd := exec.CommandContext(s.ctx, "/bin/sh", "-c", editor+` "$1"`, "sh", tmp)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.env.Stdin, s.env.Stdout, s.env.Stderr
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fail(diag.ExitError, "Unable to execute the command '"+editor+" "+tmp+"': "+err.Error())
		}
		return err
	}
	changed, err := os.ReadFile(tmp)
	if err != nil {
		return err
	}
	if !always && string(changed) == string(plain) {
		return nil
	}
	sealed, err := vault.Encrypt(changed, to, s.salt)
	if err != nil {
		return fail(diag.ExitError, err.Error())
	}
	return s.write(name, sealed)
}

// wipe overwrites a file before it is removed.
func wipe(path string) {
	st, err := os.Stat(path)
	if err != nil {
		return
	}
	if f, err := os.OpenFile(path, os.O_WRONLY, 0o600); err == nil {
		_, _ = f.Write(make([]byte, st.Size()))
		_ = f.Sync()
		_ = f.Close()
	}
}
