package system

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var alternatives = &module.Module{
	Name: "community.general.alternatives",
	Doc:  "Installs alternatives of commands and selects one of them.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "name", Required: true},
			{Name: "path", Type: module.TypePath, Required: true},
			{Name: "link", Type: module.TypePath},
			{Name: "priority", Type: module.TypeInt},
			{Name: "state", Default: "selected", Choices: []any{"present", "selected", "absent", "auto"}},
			{Name: "subcommands", Type: module.TypeList, Elements: module.TypeDict, Aliases: []string{"slaves"}, Options: []module.Option{
				{Name: "name", Required: true},
				{Name: "path", Type: module.TypePath, Required: true},
				{Name: "link", Type: module.TypePath, Required: true},
			}},
		},
		CheckMode: true,
	},
	Run: runAlternatives,
}

// alternative is one program that a link can lead to.
type alternative struct {
	priority    int64
	subcommands []any // dicts as those of the option
}

// linkGroup is a link with its alternatives, as update-alternatives has it.
type linkGroup struct {
	*module.Call
	run      hostos.Runner
	bin      string
	path     string
	mode     string // auto or manual; "" when there is no such group
	selected string
	link     string
	known    map[string]alternative
	said     []string
	before   map[string]any
	after    map[string]any
}

func runAlternatives(ctx context.Context, c *module.Call) (module.Result, error) {
	g := &linkGroup{Call: c, run: hostos.RunnerOf(ctx, c), path: c.Str("path"), known: map[string]alternative{}, before: map[string]any{}, after: map[string]any{}}
	var err error
	if g.bin, err = g.run.Need("update-alternatives"); err != nil {
		return nil, err
	}
	if err := g.read(); err != nil {
		return nil, err
	}
	state := c.Str("state")
	have, there := g.known[g.path]
	wanted, given := c.Args["subcommands"].([]any)
	switch {
	case state == "absent":
		if there {
			g.after["state"] = "absent"
			err = g.do(fmt.Sprintf("Remove alternative '%s' from '%s'.", g.path, c.Str("name")), "--remove", c.Str("name"), g.path)
		}
	case !there, c.Has("priority") && have.priority != c.Int("priority"), given && !sameElements(have.subcommands, wanted):
		err = g.install()
	}
	if err == nil && state == "selected" && g.selected != g.path {
		g.after["state"] = "selected"
		err = g.do(fmt.Sprintf("Set alternative '%s' for '%s'.", g.path, c.Str("name")), "--set", c.Str("name"), g.path)
	}
	if err == nil && state == "auto" && g.mode == "manual" {
		g.after["state"] = "present"
		err = g.do(fmt.Sprintf("Set alternative to auto for '%s'.", c.Str("name")), "--auto", c.Str("name"))
	}
	if err != nil {
		return nil, err
	}
	if !c.Diff {
		g.before, g.after = map[string]any{}, map[string]any{}
	}
	return module.Result{"changed": len(g.said) > 0, "msg": strings.Join(g.said, " "), "diff": map[string]any{"before": g.before, "after": g.after}}, nil
}

// do runs update-alternatives, unless in check mode.
func (g *linkGroup) do(msg string, words ...string) error {
	g.said = append(g.said, msg)
	if g.Check {
		return nil
	}
	_, err := g.run.Must(append([]string{g.bin}, words...)...)
	return err
}

func (g *linkGroup) install() error {
	if _, err := os.Stat(g.path); err != nil {
		return module.Fail("Specified path "+g.path+" does not exist", nil)
	}
	link := g.Str("link")
	if link == "" {
		link = g.link
	}
	if link == "" {
		return module.Fail("Needed to install the alternative, but unable to do so as we are missing the link", nil)
	}
	have, there := g.known[g.path]
	priority := int64(50)
	if g.Has("priority") {
		priority = g.Int("priority")
	} else if there {
		priority = have.priority
	}
	words := []string{"--install", link, g.Str("name"), g.path, strconv.FormatInt(priority, 10)}
	subcommands, given := g.Args["subcommands"].([]any)
	if !given {
		subcommands = have.subcommands
	} else {
		for _, s := range subcommands {
			d, _ := s.(map[string]any)
			words = append(words, "--slave", module.Text(d["link"]), module.Text(d["name"]), module.Text(d["path"]))
		}
	}
	g.after = map[string]any{"state": "present", "path": g.path, "priority": priority, "link": link}
	if len(subcommands) > 0 {
		g.after["subcommands"] = subcommands
	}
	return g.do(fmt.Sprintf("Install alternative '%s' for '%s'.", g.path, g.Str("name")), words...)
}

func sameElements(a, b []any) bool {
	in := func(list []any) func(any) bool {
		return func(x any) bool {
			return !slices.ContainsFunc(list, func(y any) bool { return module.Repr(x) == module.Repr(y) })
		}
	}
	return !slices.ContainsFunc(a, in(b)) && !slices.ContainsFunc(b, in(a))
}

// What update-alternatives shows of a group: dpkg's words, and those of chkconfig's.
var (
	groupMode       = regexp.MustCompile(`(?m)\s-\s(?:status\sis\s)?(\w*)(?:\smode|.)$`)
	groupSelected   = regexp.MustCompile(`(?m)^\s*link currently points to (.*)$`)
	groupLink       = regexp.MustCompile(`(?m)^\s*link \w+ is (.*)$`)
	groupSubcommand = regexp.MustCompile(`^\s*(?:slave|follower) (\S+) is (.*)$`)
	groupMember     = regexp.MustCompile(`^(/.*)\s-\s(?:family\s\S+\s)?priority\s(\d+)`)
	groupMemberPart = regexp.MustCompile(`^\s+(?:slave|follower) (.*): (.*)$`)
)

// read asks for the group.
func (g *linkGroup) read() error {
	out, err := g.run.With(hostos.Cmd{Args: []string{g.bin, "--display", g.Str("name")}, Env: []string{"LC_ALL=C"}})
	if err != nil || out.RC != 0 {
		return err
	}
	first := func(re *regexp.Regexp) string {
		if m := re.FindStringSubmatch(out.Stdout); m != nil {
			return m[1]
		}
		return ""
	}
	if groupMode.FindString(out.Stdout) == "" {
		return nil
	}
	g.mode, g.selected, g.link = first(groupMode), first(groupSelected), first(groupLink)
	links := map[string]any{}
	lines := strings.Split(out.Stdout, "\n")
	for _, l := range lines {
		if m := groupSubcommand.FindStringSubmatch(l); m != nil {
			links[m[1]] = m[2]
		}
	}
	if given, ok := g.Args["subcommands"].([]any); ok && len(links) == 0 {
		for _, s := range given {
			d, _ := s.(map[string]any)
			links[module.Text(d["name"])] = d["link"]
		}
	}
	path := ""
	for _, l := range lines {
		if m := groupMember.FindStringSubmatch(l); m != nil {
			n, err := strconv.ParseInt(m[2], 10, 64)
			if err != nil {
				return module.Fail("cannot read the priority "+m[2], nil)
			}
			path = m[1]
			g.known[path] = alternative{priority: n}
		} else if m := groupMemberPart.FindStringSubmatch(l); m == nil {
			path = ""
		} else if path != "" && m[2] != "(null)" {
			a := g.known[path]
			a.subcommands = append(a.subcommands, map[string]any{"name": m[1], "path": m[2], "link": links[m[1]]})
			g.known[path] = a
		}
	}
	a, ok := g.known[g.path]
	if !ok {
		g.before["state"] = "absent"
		return nil
	}
	g.before = map[string]any{"state": "present", "path": g.path, "priority": a.priority, "link": nil}
	if g.link != "" {
		g.before["link"] = g.link
	}
	if len(a.subcommands) > 0 {
		g.before["subcommands"] = a.subcommands
	}
	if g.mode == "manual" && g.selected != g.path {
		g.before["state"] = "selected"
	}
	return nil
}
