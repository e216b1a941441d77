// Package become turns a command line into one that runs as another user: sudo, su, doas and the others, one table
// row each. It builds command lines and knows the texts the programs print; it starts nothing.
//
// Called by internal/remote/session.
package become

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// Spec says who to become and how, as the become keywords and variables resolved. Empty fields have the method's defaults.
type Spec struct {
	Method string // "" is sudo
	User   string // "" is root
	Exe    string
	Flags  *string // nil: the method's own
	Pass   string  // secret

	// Build makes the command line where a plugin does, which has the options that Variant stands for; nil: a row of Methods.
	Build   func(shell string) (Command, error)
	Variant string
}

// Guest says that the user is another one without the rights of root: nothing is kept in that user's home.
func (s Spec) Guest() bool { return s.user() != "root" && s.user() != "toor" }

// Key is a text that is equal for specs that may share one agent. It holds no secret.
func (s Spec) Key() string {
	flags := "-"
	if s.Flags != nil {
		flags = "=" + *s.Flags
	}
	return strings.Join([]string{s.method(), s.user(), s.Exe, flags, s.Variant}, "\x00")
}

func (s Spec) method() string {
	m := strings.TrimPrefix(strings.TrimPrefix(s.Method, "ansible.builtin."), "community.general.")
	if m == "" {
		return "sudo"
	}
	return m
}

func (s Spec) user() string {
	if s.User == "" {
		return "root"
	}
	return s.User
}

// Command is a command line that runs a shell command as another user.
type Command struct {
	Method  string
	Argv    []string
	Prompts []string // lower-case texts that ask for the password
	Wrong   []string // lower-case texts that refuse it
	Missing []string // lower-case texts that say that one is needed and none can be asked for
	PTY     bool     // the password is read from a terminal only
}

// Method is one way to become another user.
type Method struct {
	Name  string
	Exe   string
	Flags string
	// Argv returns the whole command line. exe and flags are the effective ones, prompt is "" without a password.
	Argv    func(exe string, flags []string, user, prompt, shell string) []string
	Wrong   []string
	Missing []string
	PTY     bool
}

// Methods are the known methods.
var Methods = []Method{
	{
		Name: "sudo", Exe: "sudo", Flags: "-H -S -n", Argv: sudoArgv,
		Wrong:   []string{"sorry, try again", "incorrect password attempt"},
		Missing: []string{"a password is required", "sorry, a password is required to run sudo", "interactive authentication is required", "no password was provided"},
	},
	{
		Name: "su", Exe: "su",
		Argv: func(exe string, flags []string, user, _, shell string) []string {
			return slices.Concat([]string{exe}, flags, []string{user, "-c", shell})
		},
		Wrong: []string{"authentication failure", "incorrect password", "su: sorry", "permission denied"},
	},
	{
		Name: "doas", Exe: "doas", PTY: true,
		Argv: func(exe string, flags []string, user, prompt, shell string) []string {
			argv := append([]string{exe}, flags...)
			if prompt == "" && !slices.Contains(flags, "-n") {
				argv = append(argv, "-n")
			}
			return append(argv, "-u", user, "/bin/sh", "-c", shell)
		},
		Wrong:   []string{"authentication failed", "permission denied", "not authorized"},
		Missing: []string{"authorization required", "authentication required", "a tty is required"},
	},
	{
		Name: "dzdo", Exe: "dzdo", Flags: "-H -S -n", Argv: sudoArgv,
		Wrong: []string{"sorry, try again"}, Missing: []string{"sorry, a password is required to run dzdo", "a password is required"},
	},
	{
		Name: "pbrun", Exe: "pbrun",
		Argv: func(exe string, flags []string, user, _, shell string) []string {
			return slices.Concat([]string{exe}, flags, []string{"-u", user, "/bin/sh", "-c", shell})
		},
	},
	{
		Name: "pfexec", Exe: "pfexec", Flags: "-H -S -n",
		Argv: func(exe string, flags []string, _, _, shell string) []string {
			return slices.Concat([]string{exe}, flags, []string{"/bin/sh", "-c", shell})
		},
	},
	{
		Name: "ksu", Exe: "ksu", Wrong: []string{"password incorrect"}, Missing: []string{"no password given"},
		Argv: func(exe string, flags []string, user, _, shell string) []string {
			return slices.Concat([]string{exe, user}, flags, []string{"-e", "/bin/sh", "-c", shell})
		},
	},
	{
		Name: "machinectl", Exe: "machinectl",
		Argv: func(exe string, flags []string, user, _, shell string) []string {
			return slices.Concat([]string{exe, "-q", "shell"}, flags, []string{user + "@", "/bin/sh", "-c", shell})
		},
	},
	{
		Name: "run0", Exe: "run0",
		Argv: func(exe string, flags []string, user, _, shell string) []string {
			return slices.Concat([]string{exe, "--user=" + user}, flags, []string{"/bin/sh", "-c", shell})
		},
	},
}

func sudoArgv(exe string, flags []string, user, prompt, shell string) []string {
	argv := []string{exe}
	for _, f := range flags {
		if prompt == "" {
			argv = append(argv, f)
			continue
		}
		// With a password the program has to ask, so -n goes, also out of a bundle such as -HSn.
		switch {
		case f == "-n" || f == "--non-interactive":
		case len(f) > 2 && f[0] == '-' && f[1] != '-':
			argv = append(argv, strings.ReplaceAll(f, "n", ""))
		default:
			argv = append(argv, f)
		}
	}
	if prompt != "" {
		argv = append(argv, "-p", prompt)
	}
	return append(argv, "-u", user, "/bin/sh", "-c", shell)
}

// prompts are the words for "password" that su, PAM and sudo print in their translations.
var prompts = []string{
	"password", "암호", "パスワード", "adgangskode", "contraseña", "contrasenya", "hasło", "heslo", "jelszó", "lösenord", "lozinka",
	"mật khẩu", "mot de passe", "parola", "parool", "pasahitza", "passord", "passwort", "salasana", "sandi", "senha", "wachtwoord",
	"ססמה", "лозинка", "парола", "пароль", "गुप्तशब्द", "शब्दकूट", "సంకేతపదము", "හස්පදය", "密码", "密碼", "口令", "passcode", "passphrase",
}

// Prompt is what methods that let us choose ask with.
const Prompt = "[sudo via troupe] password:"

// Known reports whether a method has a row.
func Known(method string) bool {
	name := Spec{Method: method}.method()
	return slices.ContainsFunc(Methods, func(m Method) bool { return m.Name == name })
}

// Build returns the command line that runs shell, a POSIX shell command line, as s wants it.
// The error names an unknown method in Ansible's words.
func Build(s Spec, shell string) (Command, error) {
	if s.Build != nil {
		c, err := s.Build(shell)
		if len(c.Prompts) == 0 {
			c.Prompts = prompts
		}
		return c, err
	}
	name := s.method()
	i := slices.IndexFunc(Methods, func(m Method) bool { return m.Name == name })
	if i < 0 {
		return Command{}, fmt.Errorf("Invalid become method specified, could not find matching plugin: '%s'. Use `ansible-doc -t become -l` to list available plugins.", s.Method)
	}
	m := Methods[i]
	exe, flags := m.Exe, m.Flags
	if s.Exe != "" {
		exe = s.Exe
	}
	if s.Flags != nil {
		flags = *s.Flags
	}
	prompt := ""
	if s.Pass != "" {
		prompt = Prompt
	}
	words, err := connection.Split(flags)
	if err != nil {
		return Command{}, fmt.Errorf("become_flags %q: %w", flags, err)
	}
	exeWords, err := connection.Split(exe)
	if err != nil || len(exeWords) == 0 {
		return Command{}, fmt.Errorf("become_exe %q is no command", exe)
	}
	argv := m.Argv(exeWords[len(exeWords)-1], words, s.user(), prompt, shell)
	return Command{
		Method: name, Argv: append(exeWords[:len(exeWords)-1:len(exeWords)-1], argv...),
		Prompts: prompts, Wrong: m.Wrong, Missing: m.Missing, PTY: m.PTY && s.Pass != "",
	}, nil
}
