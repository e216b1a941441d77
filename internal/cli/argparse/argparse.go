// Package argparse reads command lines the way Python's argparse reads them for Ansible's commands: unique prefixes of
// long flags, flags and arguments in any order, repeated flags, `--flag=value`, bundled short flags. A mistake is one line
// with the nearest flag instead of the whole help.
//
// Called by the command packages of internal/cli.
package argparse

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/didyoumean"
)

// Kind is what a flag does with its value.
type Kind uint8

// The kinds of flags.
const (
	Store   Kind = iota // one value, the last wins
	Append              // every value is kept
	Count               // counts its uses (-vvv)
	True                // set or not
	Prepend             // a list of paths, later ones in front
)

// Flag is one option of a command.
type Flag struct {
	Names   []string // "-i", "--inventory"
	Dest    string   // name of the value
	Kind    Kind
	Metavar string
	Help    string
	Choices []string
	Int     bool // the value is a number
	Group   string
	Mutex   string // flags with the same word exclude each other
}

// Command is a program with flags and arguments, or with subcommands.
type Command struct {
	Prog    string
	Summary string
	Flags   []Flag
	// Args names the positional arguments: "playbook" one, "host?" none or one, "args*" any number, "playbook+" at least one.
	Args     []string
	Examples string
	Sub      []*Command
}

// Values is what a command line gave.
type Values struct {
	Command *Command
	Sub     *Values // of the subcommand
	Args    []string

	text  map[string]string
	list  map[string][]string
	count map[string]int
	mutex map[string]*Flag // the flag of each group that was given
}

// UsageError is a command line that cannot be read; the exit code is 2.
type UsageError struct {
	Prog string
	Msg  string
	Hint string
}

func (e *UsageError) Error() string {
	s := fmt.Sprintf("%s: error: %s", e.Prog, e.Msg)
	if e.Hint != "" {
		s += "\n" + e.Hint
	}
	return s + fmt.Sprintf("\nsee %s --help", e.Prog)
}

// HelpRequested is returned when the command line asks for help.
type HelpRequested struct{ Command *Command }

func (*HelpRequested) Error() string { return "help requested" }

// Str returns the value of a Store flag.
func (v *Values) Str(dest string) string { return v.text[dest] }

// Has reports whether the flag was given.
func (v *Values) Has(dest string) bool {
	_, t := v.text[dest]
	_, l := v.list[dest]
	return t || l || v.count[dest] > 0
}

// List returns the values of an Append or Prepend flag.
func (v *Values) List(dest string) []string { return v.list[dest] }

// Bool reports whether a True flag was given.
func (v *Values) Bool(dest string) bool { return v.count[dest] > 0 }

// Int returns a Count, or a Store flag that is a number (0 when not given).
func (v *Values) Int(dest string) int {
	if s, ok := v.text[dest]; ok {
		n, _ := strconv.Atoi(s)
		return n
	}
	return v.count[dest]
}

// Parse reads a command line without the program's name.
func (c *Command) Parse(args []string) (*Values, error) {
	v := &Values{Command: c, text: map[string]string{}, list: map[string][]string{}, count: map[string]int{}, mutex: map[string]*Flag{}}
	onlyArgs := false
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case onlyArgs || a == "-" || !strings.HasPrefix(a, "-") || isNegativeNumber(a):
			if len(c.Sub) > 0 && len(v.Args) == 0 {
				sub := c.find(a)
				if sub == nil {
					return nil, c.unknownSub(a)
				}
				s, err := sub.Parse(args[i+1:])
				v.Sub = s
				return v, err
			}
			v.Args = append(v.Args, a)
		case a == "--":
			onlyArgs = true
		case strings.HasPrefix(a, "--"):
			used, err := c.long(v, a, args[i+1:])
			if err != nil {
				return nil, err
			}
			i += used
		default:
			used, err := c.short(v, a, args[i+1:])
			if err != nil {
				return nil, err
			}
			i += used
		}
	}
	if len(c.Sub) > 0 && v.Sub == nil {
		return v, nil
	}
	return v, c.checkArgs(v)
}

func isNegativeNumber(a string) bool {
	_, err := strconv.ParseFloat(a, 64)
	return err == nil && len(a) > 1
}

func (c *Command) find(name string) *Command {
	for _, s := range c.Sub {
		if s.Name() == name {
			return s
		}
	}
	return nil
}

// Name is the last word of Prog.
func (c *Command) Name() string { return c.Prog[strings.LastIndexByte(c.Prog, ' ')+1:] }

func (c *Command) unknownSub(name string) error {
	var names []string
	for _, s := range c.Sub {
		names = append(names, s.Name())
	}
	return &UsageError{c.Prog, fmt.Sprintf("argument action: invalid choice: '%s' (choose from '%s')", name, strings.Join(names, "', '")), hint(name, names)}
}

func hint(name string, names []string) string {
	if near := didyoumean.Nearest(name, names); near != "" {
		return "did you mean " + near + "?"
	}
	return ""
}

// long reads --flag, --flag=value or a unique prefix of it; it returns how many following words it took.
func (c *Command) long(v *Values, a string, rest []string) (int, error) {
	name, val, hasVal := strings.Cut(a, "=")
	if name == "--help" {
		return 0, &HelpRequested{c}
	}
	var matches []*Flag
	var names []string
	for i := range c.Flags {
		f := &c.Flags[i]
		for _, n := range f.Names {
			if n == name {
				return c.set(v, f, name, val, hasVal, rest)
			}
			if strings.HasPrefix(n, name) {
				if len(matches) == 0 || matches[len(matches)-1] != f {
					matches = append(matches, f)
				}
				names = append(names, n)
			}
		}
	}
	switch {
	case len(matches) == 1:
		return c.set(v, matches[0], names[0], val, hasVal, rest)
	case len(matches) > 1:
		return 0, &UsageError{c.Prog, fmt.Sprintf("ambiguous option: %s could match %s", name, strings.Join(names, ", ")), ""}
	case strings.HasPrefix("--help", name):
		return 0, &HelpRequested{c}
	}
	return 0, &UsageError{c.Prog, "unrecognized arguments: " + a, hint(name, c.longNames())}
}

func (c *Command) longNames() []string {
	names := []string{"--help"}
	for _, f := range c.Flags {
		for _, n := range f.Names {
			if strings.HasPrefix(n, "--") {
				names = append(names, n)
			}
		}
	}
	sort.Strings(names)
	return names
}

// short reads bundled short flags: -vvv, -bK, -ivalue.
func (c *Command) short(v *Values, a string, rest []string) (int, error) {
	for i := 1; i < len(a); i++ {
		name := "-" + a[i:i+1]
		if name == "-h" {
			return 0, &HelpRequested{c}
		}
		f := c.byName(name)
		if f == nil {
			return 0, &UsageError{c.Prog, "unrecognized arguments: " + a, ""}
		}
		if f.Kind == True || f.Kind == Count {
			if _, err := c.set(v, f, name, "", false, nil); err != nil {
				return 0, err
			}
			continue
		}
		val := strings.TrimPrefix(a[i+1:], "=")
		return c.set(v, f, name, val, a[i+1:] != "", rest)
	}
	return 0, nil
}

func (c *Command) byName(name string) *Flag {
	for i := range c.Flags {
		for _, n := range c.Flags[i].Names {
			if n == name {
				return &c.Flags[i]
			}
		}
	}
	return nil
}

func (c *Command) set(v *Values, f *Flag, name, val string, hasVal bool, rest []string) (int, error) {
	if f.Mutex != "" {
		if other := v.mutex[f.Mutex]; other != nil && other != f {
			return 0, &UsageError{c.Prog, fmt.Sprintf("argument %s: not allowed with argument %s", strings.Join(f.Names, "/"), strings.Join(other.Names, "/")), ""}
		}
		v.mutex[f.Mutex] = f
	}
	if f.Kind == True || f.Kind == Count {
		if hasVal {
			return 0, &UsageError{c.Prog, fmt.Sprintf("argument %s: ignored explicit argument '%s'", strings.Join(f.Names, "/"), val), ""}
		}
		v.count[f.Dest]++
		return 0, nil
	}
	used := 0
	if !hasVal {
		if len(rest) == 0 || strings.HasPrefix(rest[0], "-") && rest[0] != "-" && !isNegativeNumber(rest[0]) && !strings.Contains(rest[0], " ") {
			return 0, &UsageError{c.Prog, fmt.Sprintf("argument %s: expected one argument", strings.Join(f.Names, "/")), ""}
		}
		val, used = rest[0], 1
	}
	if f.Int {
		if _, err := strconv.Atoi(strings.TrimSpace(val)); err != nil {
			return 0, &UsageError{c.Prog, fmt.Sprintf("argument %s: invalid int value: '%s'", strings.Join(f.Names, "/"), val), ""}
		}
	}
	if len(f.Choices) > 0 && !contains(f.Choices, val) {
		return 0, &UsageError{c.Prog, fmt.Sprintf("argument %s: invalid choice: '%s' (choose from '%s')", strings.Join(f.Names, "/"), val, strings.Join(f.Choices, "', '")), hint(val, f.Choices)}
	}
	switch f.Kind {
	case Append:
		v.list[f.Dest] = append(v.list[f.Dest], val)
	case Prepend:
		v.list[f.Dest] = append(strings.Split(val, ":"), v.list[f.Dest]...)
	default:
		v.text[f.Dest] = val
	}
	_ = name
	return used, nil
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// checkArgs compares the number of arguments with what the command takes.
func (c *Command) checkArgs(v *Values) error {
	least, most := 0, 0
	var missing []string
	for _, a := range c.Args {
		switch a[len(a)-1] {
		case '?':
			most++
		case '*':
			most = 1 << 30
		case '+':
			least, most = least+1, 1<<30
			missing = append(missing, strings.TrimSuffix(a, "+"))
		default:
			least, most = least+1, most+1
			missing = append(missing, a)
		}
	}
	if len(v.Args) < least {
		return &UsageError{c.Prog, "the following arguments are required: " + strings.Join(missing[min(len(v.Args), len(missing)-1):], ", "), ""}
	}
	if len(v.Args) > most {
		return &UsageError{c.Prog, "unrecognized arguments: " + strings.Join(v.Args[most:], " "), ""}
	}
	return nil
}

// Help is the full help text: usage, examples, every flag.
func (c *Command) Help() string {
	var b strings.Builder
	b.WriteString("usage: " + c.Prog + " [-h]")
	if len(c.Flags) > 0 {
		b.WriteString(" [options]")
	}
	if len(c.Sub) > 0 {
		b.WriteString(" COMMAND …")
	}
	for _, a := range c.Args {
		n := strings.TrimRight(a, "?*+")
		switch a[len(a)-1] {
		case '?':
			b.WriteString(" [" + n + "]")
		case '*':
			b.WriteString(" [" + n + " ...]")
		case '+':
			b.WriteString(" " + n + " [" + n + " ...]")
		default:
			b.WriteString(" " + n)
		}
	}
	b.WriteString("\n\n" + c.Summary + "\n")
	if c.Examples != "" {
		b.WriteString("\nexamples:\n" + c.Examples + "\n")
	}
	if len(c.Sub) > 0 {
		b.WriteString("\ncommands:\n")
		for _, s := range c.Sub {
			fmt.Fprintf(&b, "  %-16s %s\n", s.Name(), s.Summary)
		}
	}
	group := ""
	b.WriteString("\noptions:\n  -h, --help            show this help message and exit\n")
	for _, f := range c.Flags {
		if f.Group != group {
			group = f.Group
			b.WriteString("\n" + group + ":\n")
		}
		names := strings.Join(f.Names, ", ")
		if f.Kind != True && f.Kind != Count {
			m := f.Metavar
			if m == "" {
				m = strings.ToUpper(f.Dest)
			}
			names += " " + m
		}
		if len(names) > 20 {
			fmt.Fprintf(&b, "  %s\n                        %s\n", names, f.Help)
		} else {
			fmt.Fprintf(&b, "  %-21s %s\n", names, f.Help)
		}
	}
	return b.String()
}
