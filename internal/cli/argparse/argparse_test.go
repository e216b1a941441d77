package argparse

import (
	"errors"
	"slices"
	"testing"
)

func command() *Command {
	return &Command{Prog: "ansible-playbook", Args: []string{"playbook+"}, Flags: []Flag{
		{Names: []string{"-v", "--verbose"}, Dest: "verbosity", Kind: Count},
		{Names: []string{"-i", "--inventory", "--inventory-file"}, Dest: "inventory", Kind: Append},
		{Names: []string{"-e", "--extra-vars"}, Dest: "extra_vars", Kind: Append},
		{Names: []string{"-C", "--check"}, Dest: "check", Kind: True},
		{Names: []string{"--syntax-check"}, Dest: "syntax", Kind: True},
		{Names: []string{"-f", "--forks"}, Dest: "forks", Int: true},
		{Names: []string{"-b", "--become"}, Dest: "become", Kind: True},
		{Names: []string{"--become-user"}, Dest: "become_user"},
		{Names: []string{"--become-method"}, Dest: "become_method"},
	}}
}

// TestParse pins what ansible-core 2.18's argparse accepts: prefixes, bundles, any order (checked by running it).
func TestParse(t *testing.T) {
	v, err := command().Parse([]string{"a.yml", "-vvvC", "-i", "x", "--inv=y", "-ez=1", "--synt", "b.yml", "-f5", "--become"})
	if err != nil {
		t.Fatal(err)
	}
	if got := v.Args; !slices.Equal(got, []string{"a.yml", "b.yml"}) {
		t.Errorf("Args = %q", got)
	}
	if v.Int("verbosity") != 3 || !v.Bool("check") || !v.Bool("syntax") || v.Int("forks") != 5 || !v.Bool("become") {
		t.Errorf("flags: %+v", v)
	}
	if got := v.List("inventory"); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("inventory = %q", got)
	}
	if got := v.List("extra_vars"); !slices.Equal(got, []string{"z=1"}) {
		t.Errorf("extra_vars = %q", got)
	}
}

func TestParseErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		msg  string
		hint string
	}{
		{"unknown", []string{"--chekc", "a"}, "unrecognized arguments: --chekc", "did you mean --check?"},
		{"ambiguous", []string{"--become-", "u", "a"}, "ambiguous option: --become- could match --become-user, --become-method", ""},
		{"missing value", []string{"a", "-i"}, "argument -i/--inventory/--inventory-file: expected one argument", ""},
		{"number", []string{"a", "-f", "x"}, "argument -f/--forks: invalid int value: 'x'", ""},
		{"no playbook", nil, "the following arguments are required: playbook", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := command().Parse(tt.args)
			var u *UsageError
			if !errors.As(err, &u) {
				t.Fatalf("Parse(%q) = %v, want a UsageError", tt.args, err)
			}
			if u.Msg != tt.msg || u.Hint != tt.hint {
				t.Errorf("Parse(%q) = %q %q, want %q %q", tt.args, u.Msg, u.Hint, tt.msg, tt.hint)
			}
		})
	}
}

// Flags of one group exclude each other; the same flag may come twice.
func TestMutex(t *testing.T) {
	c := &Command{Prog: "p", Flags: []Flag{
		{Names: []string{"-k", "--ask"}, Dest: "ask", Kind: True, Mutex: "pass"},
		{Names: []string{"--file"}, Dest: "file", Mutex: "pass"},
	}}
	for _, one := range []struct {
		name string
		args []string
		want string
	}{
		{"one", []string{"--file", "x"}, ""},
		{"twice", []string{"--file", "x", "--file", "y"}, ""},
		{"both", []string{"-k", "--file", "x"}, "argument --file: not allowed with argument -k/--ask"},
		{"the other way round", []string{"--file=x", "-k"}, "argument -k/--ask: not allowed with argument --file"},
	} {
		t.Run(one.name, func(t *testing.T) {
			_, err := c.Parse(one.args)
			var u *UsageError
			got := ""
			if errors.As(err, &u) {
				got = u.Msg
			}
			if got != one.want {
				t.Errorf("%q, want %q", got, one.want)
			}
		})
	}
}
