package files

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var acl = &module.Module{
	Name: "ansible.posix.acl",
	Doc:  "Sets, removes and shows entries of access control lists.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "path", Type: module.TypePath, Required: true, Aliases: []string{"name"}},
			{Name: "entry"},
			{Name: "entity", Default: ""},
			{Name: "etype", Choices: []any{"group", "mask", "other", "user"}},
			{Name: "permissions"},
			{Name: "state", Default: "query", Choices: []any{"absent", "present", "query"}},
			{Name: "follow", Type: module.TypeBool, Default: true},
			{Name: "default", Type: module.TypeBool, Default: false},
			{Name: "recursive", Type: module.TypeBool, Default: false, Aliases: []string{"recurse"}},
			{Name: "recalculate_mask", Default: "default", Choices: []any{"default", "mask", "no_mask"}},
			{Name: "use_nfsv4_acls", Type: module.TypeBool, Default: false},
		},
		CheckMode: true,
	},
	Run: runACL,
}

// aclEntry is one entry; the permissions are no part of one that is removed.
type aclEntry struct {
	kind, entity, permissions string
	inherited                 bool // a default of a directory, for what is made in it
}

func runACL(ctx context.Context, c *module.Call) (module.Result, error) {
	if runtime.GOOS != "linux" {
		return nil, &module.NotNative{Reason: "acl is native on Linux only"}
	}
	if _, err := os.Stat(c.Str("path")); err != nil {
		return nil, module.Fail("Path not found or not accessible.", nil)
	}
	e, err := wantedEntry(c)
	if err != nil {
		return nil, err
	}
	a := &aclCall{Call: c, run: hostos.RunnerOf(ctx, c), inherited: e.inherited}
	state := c.Str("state")
	changed, msg := false, "current acl"
	if state != "query" {
		text, err := e.text(state, c.Bool("use_nfsv4_acls"))
		if err != nil {
			return nil, err
		}
		msg = text + " is " + state
		words := []string{"-m", text}
		if state == "absent" {
			words[0] = "-x"
		}
		lines, err := a.acl("setfacl", true, append([]string{"--test"}, a.flags(words...)...)...)
		if err != nil {
			return nil, err
		}
		changed = slices.ContainsFunc(lines, func(l string) bool { return !strings.HasSuffix(l, "*,*") })
		if changed && !c.Check {
			if _, err := a.acl("setfacl", state == "present", a.flags(words...)...); err != nil {
				return nil, err
			}
		}
	}
	list, err := a.acl("getfacl", true, a.flags("--omit-header", "--absolute-names")...)
	if err != nil {
		return nil, err
	}
	return module.Result{"changed": changed, "msg": msg, "acl": list}, nil
}

// wantedEntry is what the options say, whose combinations it checks.
func wantedEntry(c *module.Call) (aclEntry, error) {
	refuse := func(format string, a ...any) (aclEntry, error) {
		return aclEntry{}, module.Fail(fmt.Sprintf(format, a...), nil)
	}
	state, entry := c.Str("state"), c.Str("entry")
	e := aclEntry{c.Str("etype"), c.Str("entity"), c.Str("permissions"), c.Bool("default")}
	switch {
	case state == "query" && c.Bool("recursive"):
		return refuse("'recursive' MUST NOT be set when 'state=query'.")
	case state == "query" && c.Str("recalculate_mask") != "default":
		return refuse("'recalculate_mask' MUST NOT be set to 'mask' or 'no_mask' when 'state=query'.")
	case entry == "" && state == "absent" && e.permissions != "":
		return refuse("'permissions' MUST NOT be set when 'state=absent'.")
	case entry == "" && state == "absent" && e.entity == "":
		return refuse("'entity' MUST be set when 'state=absent'.")
	case entry == "" && state != "query" && e.kind == "":
		return refuse("'etype' MUST be set when 'state=%s'.", state)
	case entry == "":
		return e, nil
	case e.kind != "" || e.entity != "" || e.permissions != "":
		return refuse("'entry' MUST NOT be set when 'entity', 'etype' or 'permissions' are set.")
	}
	n := strings.Count(entry, ":")
	switch {
	case state == "present" && n != 2 && n != 3:
		return refuse("'entry' MUST have 3 or 4 sections divided by ':' when 'state=present'.")
	case state == "absent" && n != 1 && n != 2:
		return refuse("'entry' MUST have 2 or 3 sections divided by ':' when 'state=absent'.")
	case state == "query":
		return refuse("'entry' MUST NOT be set when 'state=query'.")
	}
	parts := strings.Split(entry, ":")
	if strings.HasPrefix(strings.ToLower(entry), "d") {
		e.inherited = true
		parts = parts[1:]
	}
	if len(parts) == 2 {
		parts = append(parts, "")
	}
	for short, kind := range map[string]string{"u": "user", "g": "group", "m": "mask", "o": "other"} {
		if strings.HasPrefix(strings.ToLower(parts[0]), short) {
			e.kind = kind
		}
	}
	if len(parts) != 3 || e.kind == "" {
		return refuse("'entry' is not an entry of an access control list: %s", entry)
	}
	e.entity, e.permissions = parts[1], parts[2]
	return e, nil
}

// text is the entry as setfacl reads it.
func (e aclEntry) text(state string, nfs bool) (string, error) {
	text := e.kind + ":" + e.entity
	switch {
	case nfs && (state == "absent" || e.permissions == ""):
		return "", module.Fail("'use_nfsv4_acls' needs 'permissions' and 'state=present'.", nil)
	case nfs:
		text += ":" + e.permissions + ":allow"
	case state == "present" && e.permissions != "":
		text += ":" + e.permissions
	}
	return text, nil
}

type aclCall struct {
	*module.Call
	run       hostos.Runner
	inherited bool
}

// flags are the arguments of setfacl or getfacl: its own, those of the options, and the path.
func (a *aclCall) flags(own ...string) []string {
	var words []string
	if a.inherited {
		words = append(words, "-d")
	}
	words = append(words, own...)
	if a.Bool("recursive") {
		words = append(words, "--recursive")
	}
	if mask := map[string]string{"mask": "--mask", "no_mask": "--no-mask"}[a.Str("recalculate_mask")]; mask != "" && own[0] != "--omit-header" {
		words = append(words, mask)
	}
	if !a.Bool("follow") {
		words = append(words, "--physical")
	}
	return append(words, a.Str("path"))
}

// acl runs a program and returns what it says but for comments.
func (a *aclCall) acl(program string, must bool, words ...string) ([]string, error) {
	bin, err := a.run.Need(program)
	if err != nil {
		return nil, err
	}
	run := a.run.Run
	if must {
		run = a.run.Must
	}
	out, err := run(append([]string{bin}, words...)...)
	if err != nil {
		return nil, err
	}
	lines := []string{}
	for l := range strings.Lines(out.Stdout) {
		if !strings.HasPrefix(l, "#") {
			lines = append(lines, strings.TrimSpace(l))
		}
	}
	if n := len(lines); n > 0 && lines[n-1] == "" {
		lines = lines[:n-1]
	}
	return lines, nil
}
