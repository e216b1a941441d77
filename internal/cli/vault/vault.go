// Package vault is `troupe vault`, also known as ansible-vault: it encrypts, opens, changes and re-keys files and texts.
//
// Called by internal/cli.
package vault

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/vault"
)

// action is one subcommand.
type action struct {
	name, summary string
	flags         []argparse.Flag
	args          []string
	run           func(*session) error
}

var (
	outputFlag = argparse.Flag{Names: []string{"--output"}, Dest: "output_file", Metavar: "FILE", Help: "write there instead (- is standard output)"}
	idFlag     = argparse.Flag{Names: []string{"--encrypt-vault-id"}, Dest: "encrypt_vault_id", Metavar: "LABEL", Help: "the vault id to encrypt with, when several are given"}
	ttyFlag    = argparse.Flag{Names: []string{"--skip-tty-check"}, Dest: "skip_tty_check", Kind: argparse.True, Help: "start the editor without a terminal"}
)

var actions = []action{
	{"create", "writes a new encrypted file with an editor", []argparse.Flag{idFlag, ttyFlag}, []string{"file_name*"}, create},
	{"decrypt", "decrypts files in place", []argparse.Flag{outputFlag}, []string{"file_name*"}, decrypt},
	{"edit", "changes an encrypted file with an editor", []argparse.Flag{idFlag, ttyFlag}, []string{"file_name*"}, edit},
	{"view", "shows encrypted files", nil, []string{"file_name*"}, view},
	{"encrypt", "encrypts files in place", []argparse.Flag{outputFlag, idFlag}, []string{"file_name*"}, encrypt},
	{"encrypt_string", "encrypts texts for use in YAML", []argparse.Flag{
		outputFlag, idFlag,
		{Names: []string{"-p", "--prompt"}, Dest: "encrypt_string_prompt", Kind: argparse.True, Help: "ask for the text"},
		{Names: []string{"--show-input"}, Dest: "show_string_input", Kind: argparse.True, Help: "show the text while it is typed"},
		{Names: []string{"-n", "--name"}, Dest: "encrypt_string_names", Kind: argparse.Append, Help: "name of the variable; repeat for more texts"},
		{Names: []string{"--stdin-name"}, Dest: "encrypt_string_stdin_name", Help: "name of the variable for standard input"},
	}, []string{"string_to_encrypt*"}, encryptString},
	{"rekey", "gives encrypted files another password", []argparse.Flag{
		idFlag,
		{Names: []string{"--new-vault-password-file"}, Dest: "new_vault_password_file", Mutex: "new", Metavar: "FILE", Help: "file with the new password"},
		{Names: []string{"--new-vault-id"}, Dest: "new_vault_id", Mutex: "new", Metavar: "ID", Help: "the new vault id: label@file"},
	}, []string{"file_name*"}, rekey},
}

// session is one run of a subcommand.
type session struct {
	*launch.Session
	ctx     context.Context
	env     *launch.Env
	secrets *vault.Secrets
	salt    []byte
}

// Main runs the command.
func Main(ctx context.Context, env *launch.Env, prog string, args []string) (int, error) {
	root := &argparse.Command{Prog: prog, Summary: "Encrypts and decrypts files and texts.", Flags: launch.Common(),
		Examples: "  " + prog + " encrypt --vault-password-file pw secrets.yml\n  " + prog + " view secrets.yml"}
	for _, a := range actions {
		root.Sub = append(root.Sub, &argparse.Command{
			Prog: prog + " " + a.name, Summary: a.summary, Args: a.args, Flags: slices.Concat(launch.Common()[1:], launch.Vault(), a.flags),
		})
	}
	name := ""
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			name = a
			break
		}
	}
	i := slices.IndexFunc(actions, func(a action) bool { return a.name == name })
	if i < 0 {
		_, err := root.Parse(args)
		if err == nil {
			err = &argparse.UsageError{Prog: prog, Msg: "the following arguments are required: action"}
		}
		return 0, err
	}
	at := slices.Index(args, name)
	v, err := root.Sub[i].Parse(slices.Concat(args[:at], args[at+1:]))
	if err != nil {
		return 0, err
	}
	base, err := launch.Start(env, v)
	if err != nil {
		return 0, err
	}
	s := &session{Session: base, ctx: ctx, env: env}
	if salt := base.Config.Str("VAULT_ENCRYPT_SALT"); salt != "" {
		s.salt = []byte(salt)
	}
	if err := s.load(); err != nil {
		return 0, err
	}
	return 0, actions[i].run(s)
}

func fail(exit diag.Exit, msg string) error {
	return &diag.Diagnostic{Code: diag.VaultNoPassword, Summary: msg, Classic: msg, Exit: exit}
}

// load reads the passwords that flags and configuration name, and asks for one when they name none.
func (s *session) load() error {
	secrets, err := s.Secrets(s.ctx)
	if err != nil {
		return err
	}
	if len(secrets.List) == 0 {
		pass, err := s.env.Ask("Vault password: ", true)
		if err != nil {
			return fail(diag.ExitError, "EOFError (ctrl-d) on prompt for (default)")
		}
		if strings.TrimSpace(pass) == "" {
			return fail(diag.ExitOptions, "A vault password is required to use Ansible's Vault")
		}
		secrets.List = []vault.Secret{{Label: "default", Password: []byte(strings.TrimSpace(pass))}}
	}
	s.secrets = secrets
	return nil
}

// encryptSecret is the password to encrypt with: the one that --encrypt-vault-id or the setting names, or the only one.
func (s *session) encryptSecret() (vault.Secret, error) {
	label := s.Values.Str("encrypt_vault_id")
	if label == "" {
		label = s.Config.Str("DEFAULT_VAULT_ENCRYPT_IDENTITY")
	}
	if label != "" {
		if found, ok := s.secrets.Find(label); ok {
			return found, nil
		}
		return vault.Secret{}, fail(diag.ExitError, "Did not find a match for --encrypt-vault-id="+label+" in the known vault-ids "+s.labels("['", "', '", "']"))
	}
	if len(s.secrets.List) > 1 {
		return vault.Secret{}, fail(diag.ExitOptions, "The vault-ids "+s.labels("", ",", "")+" are available to encrypt. Specify the vault-id to encrypt with --encrypt-vault-id")
	}
	return s.secrets.List[0], nil
}

func (s *session) labels(before, between, after string) string {
	var names []string
	for _, one := range s.secrets.List {
		names = append(names, one.Label)
	}
	return before + strings.Join(names, between) + after
}

// say prints a word of success on standard error.
func (s *session) say(text string) {
	_, _ = io.WriteString(s.env.Stderr, text+"\n")
}

// read returns a file's bytes; "-" is standard input.
func (s *session) read(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(s.env.Stdin)
	}
	data, err := os.ReadFile(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fail(diag.ExitError, "[Errno 2] No such file or directory: '"+name+"'")
	}
	return data, err
}

// write replaces a file in one step, keeping its mode and owner; new files are private. "-" is standard output.
func (s *session) write(name string, data []byte) error {
	if name == "-" {
		_, err := s.env.Stdout.Write(data)
		return err
	}
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	mode := os.FileMode(0o600)
	if st, err := os.Stat(name); err == nil {
		mode = st.Mode().Perm()
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".vault-*")
	if err != nil {
		return err
	}
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if err == nil {
		keepOwner(tmp, name)
		err = tmp.Sync()
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}

// open decrypts a file's bytes; the message names the file the way Ansible does.
func (s *session) open(data []byte, name string) ([]byte, *vault.Secret, error) {
	plain, used, err := s.secrets.DecryptWith(data, name)
	if err != nil {
		return nil, nil, fail(diag.ExitError, err.Error()+" for "+name)
	}
	return plain, used, nil
}

// files are the arguments, standard input when there are none.
func (s *session) files() []string {
	if len(s.Values.Args) == 0 {
		return []string{"-"}
	}
	return s.Values.Args
}

// target is where the result for a file goes.
func (s *session) target(name string) (string, error) {
	out := s.Values.Str("output_file")
	if out == "" {
		return name, nil
	}
	if len(s.files()) > 1 {
		return "", fail(diag.ExitOptions, "At most one input file may be used with the --output option")
	}
	return out, nil
}
