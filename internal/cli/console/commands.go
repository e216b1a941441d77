package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/content/plugindoc"
	"github.com/troupe-automation/troupe/value"
)

// builtin is one command of the prompt.
type builtin struct {
	name, help string
	run        func(r *repl, arg string) (stop bool, err error)
}

var leave = func(*repl, string) (bool, error) { return true, nil }

// commands are the commands of the prompt, sorted by name. A line that begins with none of them is a module, or else a
// command line for the shell; that is what shell is too, which is here for its help.
var commands = []builtin{
	{"EOF", "LEAVE!", leave},
	{"become", "Toggle whether the tasks are run with become", say(become)},
	{"become_method", "Set the privilege escalation plugin to use when become is enabled", say(becomeMethod)},
	{"become_user", "Set the user for use with privilege escalation (which remote user attempts to 'become' when become is enabled)", say(becomeUser)},
	{"cd", "Change active host/group. \nUsage: cd <group>|<host>|<host pattern>", say(cd)},
	{"check", "Toggle check_mode for the tasks", say(check)},
	{"collections", "Set the collection name search path when using short names for plugins\nUsage: collections <collection1>[, <collection2> ...]\n Use empty quotes or \"none\" to reset to default.", say(collections)},
	{"diff", "Toggle diff output for the tasks", say(diff)},
	{"exit", "LEAVE!", leave},
	{"forks", "Set the number of forks to use per task\nUsage: forks <number>", say(forks)},
	{"list", "List the hosts in the current group or a list of groups if you add 'groups'.", say(list)},
	{"remote_user", "Set the user for use as login to the remote target", say(remoteUser)},
	{"shell", "You can run shell commands through the shell module.", nil},
	{"timeout", "Set task timeout in seconds\nUsage: timeout <seconds>", say(timeout)},
	{"verbosity", "Set the verbosity level, equivalent to -v for 1 and -vvvv for 4.", say(verbosity)},
}

func say(do func(r *repl, arg string)) func(*repl, string) (bool, error) {
	return func(r *repl, arg string) (bool, error) {
		do(r, arg)
		return false, nil
	}
}

func (r *repl) print(text string) { fmt.Fprintln(r.env.Stdout, text) }

func truth(arg string) bool { return config.Truth(value.Str(arg)) }

func become(r *repl, arg string) {
	if arg == "" {
		r.print("Please specify become value, e.g. `become yes`")
		return
	}
	r.cli.Become = truth(arg)
}

func becomeMethod(r *repl, arg string) {
	if arg == "" {
		r.print("Please specify a become_method, e.g. `become_method su`")
		r.print("Current become_method is " + r.cli.BecomeMethod)
		return
	}
	r.cli.BecomeMethod = arg
	r.Display.V(1, "", "become_method changed to "+arg)
}

func becomeUser(r *repl, arg string) {
	if arg == "" {
		now := r.cli.BecomeUser
		if now == "" {
			now = "None"
		}
		r.print("Please specify a user, e.g. `become_user jenkins`")
		r.print("Current user is " + now)
		return
	}
	r.cli.BecomeUser = arg
}

func remoteUser(r *repl, arg string) {
	if arg == "" {
		r.print("Please specify a remote user, e.g. `remote_user root`")
		return
	}
	r.cli.RemoteUser = arg
}

func cd(r *repl, arg string) {
	switch arg {
	case "":
		arg = "*"
	case "/", "*", "/*":
		arg = "all"
	}
	hosts, err := r.p.Match([]string{arg}, r.Limit())
	if err != nil || len(hosts) == 0 {
		r.print("no host matched")
		return
	}
	r.pattern, r.hosts = arg, hosts
}

func check(r *repl, arg string) {
	if arg == "" {
		r.print("Please specify check mode value, e.g. `check yes`")
		r.print("check mode is currently " + python(r.cli.Check) + ".")
		return
	}
	r.cli.Check = truth(arg)
	r.print("check mode changed to " + python(r.cli.Check))
}

func diff(r *repl, arg string) {
	if arg == "" {
		r.print("Please specify a diff value , e.g. `diff yes`")
		r.print("diff mode is currently " + python(r.cli.Diff))
		return
	}
	r.cli.Diff = truth(arg)
	r.print("diff mode changed to " + python(r.cli.Diff))
}

func python(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func collections(r *repl, arg string) {
	arg = strings.Trim(arg, `"'`)
	if arg == "" || arg == "none" {
		return
	}
	for c := range strings.SplitSeq(arg, ",") {
		if c = strings.TrimSpace(c); !r.lib.Finder.Has(c) && c != "ansible.builtin" && c != "ansible.legacy" {
			r.Display.V(1, "", fmt.Sprintf("Collection '%s' cannot be found", c))
		}
	}
}

// notNumber is the end of Python's message for a text that is no number.
func notNumber(arg string) string { return "invalid literal for int() with base 10: '" + arg + "'" }

func forks(r *repl, arg string) {
	if arg == "" {
		r.print("Usage: forks <number>")
		return
	}
	n, err := strconv.Atoi(arg)
	if err != nil {
		r.problem("The number of forks must be a valid integer: " + notNumber(arg))
		return
	}
	if n <= 0 {
		r.print("forks must be greater than or equal to 1")
		return
	}
	r.forks = n
}

func verbosity(r *repl, arg string) {
	if arg == "" {
		r.print("Usage: verbosity <number>")
		return
	}
	n, err := strconv.Atoi(arg)
	if err != nil {
		r.problem("The verbosity must be a valid integer: " + notNumber(arg))
		return
	}
	r.Verbosity, r.Display.Verbosity = n, n
	r.Display.V(1, "", fmt.Sprintf("verbosity level set to %d", n))
}

func timeout(r *repl, arg string) {
	if arg == "" {
		r.print("Usage: timeout <seconds>")
		return
	}
	n, err := strconv.Atoi(arg)
	switch {
	case err != nil:
		r.problem("The timeout must be a valid positive integer, or 0 to disable: " + notNumber(arg))
	case n < 0:
		r.problem("The timeout must be greater than or equal to 1, use 0 to disable")
	default:
		r.cli.TaskTimeout = n
	}
}

func list(r *repl, arg string) {
	switch arg {
	case "":
		for _, h := range r.hosts {
			r.print(h.Name)
		}
	case "groups":
		groups := r.groups()
		for _, g := range groups {
			r.print(g)
		}
	default:
		r.problem(`Invalid option passed to "list"`)
		r.print("List the hosts in the current group or a list of groups if you add 'groups'.")
	}
}

// groups are the names of all groups, sorted.
func (r *repl) groups() []string {
	var out []string
	for _, g := range r.p.Inventory.Groups() {
		out = append(out, g.Name)
	}
	slices.Sort(out)
	return out
}

// help lists commands and modules, or explains one.
func help(r *repl, arg string) {
	if arg == "" {
		r.print("\nDocumented commands (type help <topic>):\n========================================")
		var names []string
		for _, c := range commands {
			names = append(names, c.name)
		}
		if places, err := r.lib.List(plugindoc.Module, nil); err == nil {
			for _, p := range places {
				names = append(names, p.FQCN())
			}
		}
		slices.Sort(names)
		for _, n := range slices.Compact(names) {
			r.print(n)
		}
		r.print("")
		return
	}
	for _, c := range commands {
		if c.name == arg && c.help != "" {
			r.print(c.help)
			return
		}
	}
	p, err := r.lib.Find(plugindoc.Module, arg)
	if err != nil || !strings.Contains(arg, ".") && p.Collection != "ansible.legacy" {
		r.print("*** No help on " + arg)
		return
	}
	d, err := r.lib.Read(p)
	if err != nil {
		r.print("No documentation found for " + arg + ".")
		return
	}
	text, _ := d.Doc.GetStr("short_description")
	s, _ := value.AsString(text)
	r.print(s)
	r.print("Parameters:")
	opts, _ := d.Doc.GetStr("options")
	if o, ok := opts.(*value.Dict); ok {
		for k, v := range o.All() {
			name, _ := value.AsString(k)
			about := ""
			if od, ok := v.(*value.Dict); ok {
				dv, _ := od.GetStr("description")
				switch t := dv.(type) {
				case value.Str:
					about = string(t)
				case *value.List:
					if len(t.Elems) > 0 {
						about, _ = value.AsString(t.Elems[0])
					}
				}
			}
			r.print("  " + name + " " + about)
		}
	}
}
