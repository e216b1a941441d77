package main

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// subject is a module and what to try with it.
type subject struct {
	module, python string           // without a Python module it is an action of the controller
	always         []string         // options that are given in every call
	bound          string           // without it, the machine itself would be changed
	values         map[string][]any // what an option can be; @DIR@ is the directory of the case
	vars           map[string]any   // for templates
	start          func(g *generator) []node
	known          func(r request) bool // calls whose differences are meant
}

// generator makes random calls and random files.
type generator struct {
	*rand.Rand
	dir string
}

func (g *generator) one(n int) bool { return g.IntN(n) == 0 }

func (g *generator) pick(list ...string) string { return list[g.IntN(len(list))] }

// args gives each option of s a value with one chance in four, almost always those of always, and always those that can only be
// one thing and those that keep a call in its directory.
func (g *generator) args(s subject) map[string]any {
	args := map[string]any{}
	names := make([]string, 0, len(s.values))
	for k := range s.values {
		names = append(names, k)
	}
	slices.Sort(names)
	for _, k := range names {
		if len(s.values[k]) == 1 || k == s.bound || slices.Contains(s.always, k) && !g.one(60) || g.one(4) {
			v := s.values[k][g.IntN(len(s.values[k]))]
			if text, ok := v.(string); ok {
				v = strings.ReplaceAll(text, "@DIR@", g.dir)
			}
			args[k] = v
		}
	}
	return args
}

// lines is a text of words that the patterns of the subjects know.
func (g *generator) lines(words []string) string {
	var b strings.Builder
	end := "\n"
	if g.one(8) {
		end = "\r\n"
	}
	for range g.IntN(7) {
		b.WriteString(g.pick(words...) + end)
	}
	text := b.String()
	if g.one(5) {
		text = strings.TrimSuffix(text, end)
	}
	if g.one(25) {
		text += "\xff\xfe bad\n"
	}
	return text
}

// oneFile is a start with the file f of random lines, and what else a path can be.
func oneFile(words ...string) func(g *generator) []node {
	return func(g *generator) []node {
		list := []node{{name: "sub", kind: "dir"}, {name: "other", text: "other\n"}}
		if !g.one(8) {
			list = append(list, node{name: "f", text: g.lines(words), mode: []uint32{0, 0o600, 0o755, 0o444}[g.IntN(4)]})
		}
		return append(list, node{name: "link", kind: "link", text: "f"}, node{name: "dangling", kind: "link", text: "nothing"})
	}
}

// sureFile is oneFile that always has the file.
func sureFile(words ...string) func(g *generator) []node {
	start := oneFile(words...)
	return func(g *generator) []node {
		list := start(g)
		if !slices.ContainsFunc(list, func(n node) bool { return n.name == "f" }) {
			list = append(list, node{name: "f", text: g.lines(words)})
		}
		return list
	}
}

var (
	bools = []any{true, false, true, "yes", "no"}
	files = []any{"@DIR@/f", "@DIR@/f", "@DIR@/f", "@DIR@/f", "@DIR@/f", "@DIR@/f", "@DIR@/link", "@DIR@/new", "@DIR@/sub", "@DIR@/sub/new", "@DIR@/no/new", "@DIR@/dangling", "@DIR@/f/below"}
	modes = []any{"0644", "0600", "600", 384, 420, "u=rwX,g+s", "a-x", "u+x,g-w", "+t", "u=rw,go=", "g=u", "preserve", "0999", "zzz", "", "u+rwX,o=g-w", "a=,u=r", "7777", "o+X"}
	users = []any{"root", "nobody", "1234", 1234, "nosuchuser", ""}
	group = []any{"root", "nogroup", "1234", "nosuchgroup", ""}
)

// is says whether the path is one of the names in the directory of a case.
func is(path string, names ...string) bool {
	path = strings.TrimSuffix(path, "/")
	return slices.ContainsFunc(names, func(n string) bool {
		return strings.HasSuffix(path, "/"+n) && strings.Count(path, "/") == 3+strings.Count(n, "/")
	})
}

// withAttributes adds the options of FileArgs, rarely wanted.
func withAttributes(values map[string][]any) map[string][]any {
	values["mode"], values["owner"], values["group"] = modes, users, group
	values["attributes"] = []any{"+A", "-A", "+d", ""} // without a sign, file systems decide
	values["unsafe_writes"] = bools
	return values
}

var subjects = map[string]subject{
	"file": {
		module: "ansible.builtin.file", python: "ansible.modules.file", always: []string{"path", "state"},
		values: withAttributes(map[string][]any{
			"path":  {"@DIR@/f", "@DIR@/d", "@DIR@/d/sub", "@DIR@/d/f", "@DIR@/link", "@DIR@/dirlink", "@DIR@/dangling", "@DIR@/loop", "@DIR@/hard", "@DIR@/new", "@DIR@/new/x/y", "@DIR@/f/x", "@DIR@/d/", "@DIR@/new/", "@DIR@/pipe", "@DIR@/empty", "@DIR@/dirlink/f"},
			"src":   {"@DIR@/f", "f", "d", "@DIR@/d", "nothing", "@DIR@/nothing", "@DIR@/hard", "@DIR@/link", "link", "../f", "d/f", "@DIR@/dirlink", "loop"},
			"state": {"absent", "directory", "file", "hard", "link", "touch", "link", "hard", "directory", "wrong"},
			"force": bools, "recurse": {true, false, true, "yes"}, "follow": bools,
			"access_time":       {"now", "preserve", "202001020304.05", "2020-01-02", "bad"},
			"modification_time": {"now", "preserve", "202001020304.05", "2020-01-02", "bad"}, "access_time_format": {"%Y-%m-%d", "%Y%m%d%H%M.%S"}, "modification_time_format": {"%Y-%m-%d", "%Y%m%d%H%M.%S"},
		}),
		start: func(g *generator) []node {
			list := []node{
				{name: "f", text: "text\n", mode: []uint32{0o644, 0o600, 0o755, 0o4755}[g.IntN(4)]}, {name: "d", kind: "dir"}, {name: "d/f", text: "below\n"}, {name: "d/sub", kind: "dir", mode: 0o700}, {name: "d/sub/x", text: "x", mode: 0o755},
				{name: "empty", kind: "dir"}, {name: "link", kind: "link", text: g.pick("f", "@DIR@/f", "d/f")}, {name: "dirlink", kind: "link", text: "d"}, {name: "dangling", kind: "link", text: "nothing"},
				{name: "loop", kind: "link", text: "loop"}, {name: "hard", kind: "hard", text: "f"}, {name: "pipe", kind: "fifo"},
			}
			if g.one(3) {
				list = append(list, node{name: "d/down", kind: "link", text: g.pick("../f", "sub", "..", "nothing", "f")})
			}
			return list
		},
		known: func(r request) bool { // Ansible crashes where the target of a link that is touched is missing
			path, _ := r.Args["path"].(string)
			src, _ := r.Args["src"].(string)
			return r.Args["state"] == "touch" && is(path, "dangling") ||
				// It looks for what a relative link names in its own working directory,
				r.Args["state"] == "hard" && is(src, "link", "dirlink") ||
				// and gives a new hard link's attributes to what the link in its place led to.
				r.Args["state"] == "hard" && r.Args["src"] != nil && is(path, "link", "dirlink", "dangling", "loop") ||
				// It sets the time of a directory before it has made it.
				r.Args["state"] == "directory" && is(path, "new/x/y") && (r.Args["access_time"] != nil || r.Args["modification_time"] != nil)
		},
	},
	"copy": { // of files of the target
		module: "ansible.builtin.copy", python: "ansible.modules.copy", always: []string{"src", "dest", "remote_src"},
		values: withAttributes(map[string][]any{
			"src":        {"@DIR@/f", "@DIR@/f", "@DIR@/d", "@DIR@/d/", "@DIR@/link", "@DIR@/dirlink", "@DIR@/dirlink/", "@DIR@/dangling", "@DIR@/nothing", "@DIR@/pipe", "@DIR@/empty", "@DIR@/empty/", "@DIR@/loop"},
			"dest":       {"@DIR@/g", "@DIR@/e", "@DIR@/e/", "@DIR@/new", "@DIR@/new/", "@DIR@/new/x/y", "@DIR@/f", "@DIR@/glink", "@DIR@/elink", "@DIR@/elink/", "@DIR@/dangling", "@DIR@/f/x", "@DIR@/d", "@DIR@/new/x/"},
			"remote_src": {true}, "force": bools, "backup": bools, "follow": bools, "local_follow": bools, "directory_mode": modes,
			"checksum": {"a2b7e9a1b54f5aae0a98efdbe3dbe6f2de2dd0d6", "372ea08cab33e71c02c651dbc83a474d32c676ea"}, "validate": {"true %s", "false %s", "no percent", "grep -q text %s"},
		}),
		start: func(g *generator) []node {
			list := []node{
				{name: "f", text: "text\n", mode: []uint32{0o644, 0o600, 0o755}[g.IntN(3)]}, {name: "d", kind: "dir", mode: 0o750}, {name: "d/f", text: "below\n", mode: 0o600}, {name: "d/sub", kind: "dir", mode: 0o700}, {name: "d/sub/x", text: "x", mode: 0o755},
				{name: "d/none", kind: "dir"}, {name: "empty", kind: "dir"}, {name: "link", kind: "link", text: "f"}, {name: "dirlink", kind: "link", text: "d"}, {name: "dangling", kind: "link", text: "nothing"}, {name: "loop", kind: "link", text: "loop"}, {name: "pipe", kind: "fifo"},
				{name: "e", kind: "dir"}, {name: "elink", kind: "link", text: "e"}, {name: "g", text: g.pick("text\n", "other\n"), mode: []uint32{0o644, 0o600}[g.IntN(2)]}, {name: "glink", kind: "link", text: "g"},
			}
			if g.one(3) {
				list = append(list, node{name: "e/d", kind: "dir"}, node{name: "e/d/f", text: g.pick("below\n", "else\n")}, node{name: "e/f", text: g.pick("text\n", "else\n")})
			}
			if g.one(3) {
				list = append(list, node{name: "d/down", kind: "link", text: g.pick("f", "sub", "nothing", "../f")})
			}
			if g.one(6) {
				list = append(list, node{name: "e/sub", text: "a file\n"})
			}
			return list
		},
		known: func(r request) bool {
			src, _ := r.Args["src"].(string)
			dest, _ := r.Args["dest"].(string)
			// Ansible gives the source the wanted mode and owner before it validates it.
			return r.Args["validate"] != nil && (is(dest, "f/x") || r.Args["mode"] != nil || r.Args["owner"] != nil || r.Args["group"] != nil) ||
				// It moves a directory, or the link to one, over a file, or fails with whatever comes first; here it is refused.
				is(src, "d", "dirlink", "empty") && is(dest, "g", "glink", "f", "dangling", "f/x") ||
				// It copies a directory into itself until names are too long.
				is(src, "d", "dirlink") && is(dest, "d")
		},
	},
	"lineinfile": {
		module: "ansible.builtin.lineinfile", python: "ansible.modules.lineinfile", always: []string{"path", "line"},
		values: withAttributes(map[string][]any{
			"path": files, "line": {"a=1", "b=2", "new line", "", `\1=3`, `\g<1>-\g<0>`, `x \2`, "a=1\n", "two\nlines", "é"}, "regexp": {"^a", "^(a|b)=(.*)$", "a=1", "", "(", "none", "^$", "(?i)B", "^#?\\s*(\\w+)"},
			"search_string": {"a", "=1", "none", ""}, "insertafter": {"EOF", "^a", "none", "BOF", "b", "^\\[s\\]", "("}, "insertbefore": {"BOF", "^b", "none", "EOF", "a=1"},
			"state": {"present", "absent"}, "backrefs": bools, "firstmatch": bools, "create": bools, "backup": bools, "validate": {"true %s", "false %s", "no percent", "grep -q a %s"},
		}),
		start: oneFile("a=1", "b=2", "a=2", "#a=1", "[s]", "", " a = 1", "é", "B", "new line"),
	},
	"blockinfile": {
		module: "ansible.builtin.blockinfile", python: "ansible.modules.blockinfile", always: []string{"path", "block"},
		values: withAttributes(map[string][]any{
			"path": files, "block": {"x", "x\ny", "x\ny\n", "", "\n", "# BEGIN ANSIBLE MANAGED BLOCK", "é"}, "marker": {"# {mark} ANSIBLE MANAGED BLOCK", "; {mark}", "no mark", "", "<!-- {mark} -->\n", "{mark}{mark}"},
			"marker_begin": {"BEGIN", "START", ""}, "marker_end": {"END", "STOP", ""}, "insertafter": {"EOF", "^a", "none", "BOF", "b"}, "insertbefore": {"BOF", "^b", "none", "EOF"},
			"state": {"present", "absent"}, "create": bools, "backup": bools, "append_newline": bools, "prepend_newline": bools, "validate": {"true %s", "false %s", "no percent"},
		}),
		start: oneFile("a=1", "b=2", "# BEGIN ANSIBLE MANAGED BLOCK", "# END ANSIBLE MANAGED BLOCK", "; BEGIN", "; END", "", "x", "y", "no mark", "# START ANSIBLE MANAGED BLOCK"),
	},
	"replace": {
		module: "ansible.builtin.replace", python: "ansible.modules.replace", always: []string{"path", "regexp"},
		values: withAttributes(map[string][]any{
			"path": files, "regexp": {"a", "^a", "(a|b)=(.*)$", "(", "none", "", "^(.*)$", "a=1\n", "\\s+", "(?<=a)=", "^#?(\\w+)\\s*=", "\\[s\\]", "é"}, "replace": {"x", "", `\1:\2`, `\g<1>`, `\9`, "\\n", "é", `\g<0>\g<0>`},
			"after": {"a=1", "none", "\\[s\\]", "^b", "("}, "before": {"b=2", "none", "a", "$"}, "encoding": {"utf-8", "ascii", "latin-1", "utf-16", "nonsense"}, "backup": bools, "validate": {"true %s", "false %s", "no percent"},
		}),
		start: oneFile("a=1", "b=2", "a=2", "#a=1", "[s]", "", " a = 1", "é", "xa xa"),
	},
	"ini_file": {
		module: "community.general.ini_file", python: "ansible_collections.community.general.plugins.modules.ini_file", always: []string{"path", "section", "option", "value"},
		values: withAttributes(map[string][]any{
			"path": files, "section": {"s", "s", "t", "", "new", "s]x"}, "option": {"a", "a", "b", "", "#a", " a", "c", "a=", "é"},
			"value": {"1", "2", "", " 1", "x y", "é", 1}, "values": {[]any{"1"}, []any{"1", "2"}, []any{"2", "2", ""}, []any{}, []any{"x", nil}},
			"state": {"present", "absent"}, "exclusive": bools, "no_extra_spaces": bools, "create": bools, "allow_no_value": bools, "backup": bools,
		}),
		start: oneFile("a=1", "b = 2", "a=2", "#a=1", "[s]", "", " a = 1", "é=1", "[t]", "a", ";b=3", "[s]x", "\ta =", "# text", "=1"),
		known: func(r request) bool {
			// Without section and option it takes the next section's header, too.
			return r.Args["state"] == "absent" && (r.Args["section"] == nil || r.Args["section"] == "") && (r.Args["option"] == nil || r.Args["option"] == "")
		},
	},
	"mount": { // what becomes of fstab
		module: "ansible.posix.mount", python: "ansible_collections.ansible.posix.plugins.modules.mount", always: []string{"path", "state", "src", "fstype", "fstab"}, bound: "fstab",
		values: map[string][]any{
			"path": {"/no/a", "/no/a", "/no/a/", "none", "none", "/no/a b", "/no/é", `/no/\x&`, "no", ""}, "src": {"a", "a", "b", "/dev/x y", "é", "a&b", "", 1}, "fstype": {"ext4", "swap", "swap", "none", "", "x y"},
			"opts": {"defaults", "rw", "rw,noauto", "noauto", "", "a b", `\`, "é"}, "dump": {"0", "1", 0, 1, "", nil}, "passno": {"0", "2", 0, 2, "", nil}, "boot": bools, "backup": bools,
			"fstab": files, "state": {"present", "present", "present", "absent_from_fstab", "absent", "wrong"},
		},
		start: oneFile("a /no/a ext4 defaults 0 0", "a /no/a ext4 defaults 0 0", "b /no/a swap rw", "a /no/a none defaults 0", "# /no/a", "", "  ", "a none swap defaults 0 0", "b none swap defaults 0 0", `a /no/a\040b ext4 rw 0 0`, "one two", "é /no/é x y 0 0", "\ta\t/no/a\text4\tdefaults 0 0", "1 2 3 4 5 6 7", "a /no/a ext4 defaults 0 0 # remark"),
		known: func(r request) bool {
			// In check mode Ansible makes a file that is missing. A line with an empty column changes every time, and of two backups in a
			// second one is shown.
			return r.Check || r.Args["backup"] != nil && slices.ContainsFunc([]string{"src", "path", "fstype", "opts", "dump", "passno"}, func(k string) bool { return r.Args[k] == "" })
		},
	},
	"sysctl": {
		module: "ansible.posix.sysctl", python: "ansible_collections.ansible.posix.plugins.modules.sysctl", always: []string{"name", "value", "sysctl_file", "reload"}, bound: "sysctl_file",
		values: map[string][]any{
			"name": {"no.a", "no.a", "no.b", " no.a", "no/a", "", "é"}, "value": {"1", "2", 1, true, "yes", "off", "1 2", "1\t2", " 1", "", "é", "a=b"}, "state": {"present", "present", "absent", "x"},
			"reload": {false}, "sysctl_file": files, "ignoreerrors": bools,
		},
		start: sureFile("no.a=1", "no.a = 2", "no.b=1", "# no.a=1", ";no.a=1", "", "  ", "-no.a=1", "no.a", " no.a = 1  2 ", "no.é=1", "no.c=a=b", "no/a=1", "no.b = 2 # text", "x y"),
		known: func(r request) bool { return is(r.Args["sysctl_file"].(string), "sub") }, // whose message has a temporary name
	},
	"pam_limits": {
		module: "community.general.pam_limits", python: "ansible_collections.community.general.plugins.modules.pam_limits", always: []string{"domain", "limit_type", "limit_item", "value", "dest"}, bound: "dest",
		values: map[string][]any{
			"domain": {"a", "a", "@b", "*", "", "é", 1}, "limit_type": {"soft", "soft", "hard", "-", "x"}, "limit_item": {"core", "core", "nofile", "nice", "priority", "x"},
			"value":   {"0", "5", "7", 7, "010", "unlimited", "infinity", "-1", -1, "-20", "19", "20", "+3", " 4", "x", "", "99999999999999999999"},
			"use_max": bools, "use_min": bools, "backup": bools, "comment": {"why", "", "é", "# more", 1}, "dest": files,
		},
		start: sureFile("a soft core 5", "a soft core 7 # text", "a\thard  core\t010", "@b soft nofile unlimited", "* - core -1 ", "# a soft core 5", "", "  # indented", "a soft nice -1", "a soft nice 5#x", "a soft core", "é soft core 1", "a soft core 6 7", " a soft core infinity", "a soft core x"),
		known: func(r request) bool {
			// Ansible makes a backup, and a file that is missing, in check mode, and what a dangling link names.
			return r.Check && (r.Args["backup"] == true || r.Args["backup"] == "yes" || !is(r.Args["dest"].(string), "f", "link")) || is(r.Args["dest"].(string), "dangling")
		},
	},
	"send": { // copy of what the controller has
		module: "ansible.builtin.copy", always: []string{"src", "dest"},
		values: withAttributes(map[string][]any{
			"src":     {"@DIR@/f", "@DIR@/f", "@DIR@/f", "@DIR@/d", "@DIR@/d/", "@DIR@/link", "@DIR@/dirlink", "@DIR@/dirlink/", "@DIR@/dangling", "@DIR@/nothing", "@DIR@/empty", "@DIR@/empty/", "@DIR@/one", "@DIR@/one/"},
			"content": {"text\n", "", "é", map[string]any{"a": 1}, []any{"x", 2}, 5, true},
			"dest":    {"@DIR@/g", "@DIR@/e", "@DIR@/e/", "@DIR@/new", "@DIR@/new/", "@DIR@/new/x/y", "@DIR@/f", "@DIR@/glink", "@DIR@/elink", "@DIR@/elink/", "@DIR@/gone", "@DIR@/f/x", "@DIR@/new/x/"},
			"force":   bools, "backup": bools, "follow": bools, "local_follow": bools, "directory_mode": modes, "remote_src": {false, "no"}, "decrypt": bools,
			"checksum": {"a2b7e9a1b54f5aae0a98efdbe3dbe6f2de2dd0d6", "372ea08cab33e71c02c651dbc83a474d32c676ea"}, "validate": {"true %s", "false %s", "no percent", "grep -q text %s"},
		}),
		start: func(g *generator) []node {
			list := []node{
				{name: "f", text: "text\n", mode: []uint32{0o644, 0o600, 0o755}[g.IntN(3)]}, {name: "d", kind: "dir", mode: 0o750}, {name: "d/f", text: "below\n", mode: 0o600}, {name: "d/sub", kind: "dir", mode: 0o700}, {name: "d/sub/x", text: "x", mode: 0o755},
				{name: "d/none", kind: "dir"}, {name: "empty", kind: "dir"}, {name: "one", kind: "dir"}, {name: "one/f", text: "alone\n"}, {name: "link", kind: "link", text: "f"}, {name: "dirlink", kind: "link", text: "d"}, {name: "dangling", kind: "link", text: "nothing"},
				{name: "e", kind: "dir"}, {name: "elink", kind: "link", text: "e"}, {name: "g", text: g.pick("text\n", "other\n", "\x00\x01"), mode: []uint32{0o644, 0o600}[g.IntN(2)]}, {name: "glink", kind: "link", text: "g"}, {name: "gone", kind: "link", text: "away"},
			}
			if g.one(3) {
				list = append(list, node{name: "e/d", kind: "dir"}, node{name: "e/d/f", text: g.pick("below\n", "else\n")}, node{name: "e/f", text: g.pick("text\n", "else\n")})
			}
			if g.one(3) {
				list = append(list, node{name: "d/down", kind: "link", text: g.pick("f", "sub", "nothing", "../f")})
			}
			return list
		},
		known: func(r request) bool {
			src, _ := r.Args["src"].(string)
			dest, _ := r.Args["dest"].(string)
			// Ansible crashes where the directory is a link that is not to be followed,
			return strings.HasSuffix(src, "/dirlink") && (r.Args["local_follow"] == false || r.Args["local_follow"] == "no") ||
				// names the file of an empty text in the diff, which is a temporary one,
				r.Args["content"] == "" && r.Diff ||
				// and puts a text that is meant for a link to a directory into a file with the name of a temporary one.
				r.Args["content"] != nil && is(dest, "elink") && r.Args["follow"] != true && r.Args["follow"] != "yes"
		},
	},
	"template": {
		module: "ansible.builtin.template", always: []string{"src", "dest"},
		vars: map[string]any{"title": "é <b>", "number": 3, "list": []any{"x", 2, true}, "none": nil, "nested": map[string]any{"k": "v"}},
		values: withAttributes(map[string][]any{
			"src":              {"@DIR@/t", "@DIR@/t", "@DIR@/t", "@DIR@/t", "@DIR@/t", "@DIR@/tlink", "@DIR@/nothing", "@DIR@/sub"},
			"dest":             {"@DIR@/g", "@DIR@/e", "@DIR@/e/", "@DIR@/new", "@DIR@/new/", "@DIR@/no/new", "@DIR@/glink", "@DIR@/elink", "@DIR@/gone", "@DIR@/f/x"},
			"newline_sequence": {"\n", "\r", "\r\n", `\n`, `\r\n`, "x", ""}, "block_start_string": {"<%", "<%"}, "block_end_string": {"%>", "%>"}, "variable_start_string": {"<<", "<<"}, "variable_end_string": {">>", ">>"},
			"comment_start_string": {"<#", "<#"}, "comment_end_string": {"#>", "#>"}, "trim_blocks": bools, "lstrip_blocks": bools, "output_encoding": {"utf-8", "latin-1", "utf-16", "ascii", "nonsense", ""},
			"force": bools, "backup": bools, "follow": bools, "validate": {"true %s", "false %s", "no percent", "grep -q text %s"},
		}),
		start: func(g *generator) []node {
			words := []string{
				"text", "", "{{ title }}", "<< title >>", "{% if number > 2 %}", "{% endif %}", "<% if none %>", "<% endif %>", "{# comment #}", "<# other #>", "  {% for i in list %}{{ i }},{% endfor %}  ",
				"{{ nested.k }} {{ nested }}", "{{ list }}", "<< list | join('-') >>", "{% raw %}{{ x }}{% endraw %}", "{{ none }}", "a\tb  ", "{%- set z = 1 -%} {{ z }}", "  <%- set z = 2 %>", "é",
			}
			if g.one(6) {
				words = append(words, "{{ missing }}", "{{ title", "{% bad %}", "{{ title | nofilter }}", "{{ number / 0 }}")
			}
			return []node{
				{name: "t", text: g.lines(words), mode: []uint32{0o644, 0o600, 0o755}[g.IntN(3)]}, {name: "tlink", kind: "link", text: "t"}, {name: "sub", kind: "dir"}, {name: "f", text: "f"},
				{name: "e", kind: "dir"}, {name: "elink", kind: "link", text: "e"}, {name: "g", text: g.pick("text\n", "other\n"), mode: []uint32{0o644, 0o600}[g.IntN(2)]}, {name: "glink", kind: "link", text: "g"}, {name: "gone", kind: "link", text: "away"},
			}
		},
	},
	"mount_facts": {
		module: "ansible.builtin.mount_facts", python: "ansible.modules.mount_facts", always: []string{"sources"},
		values: map[string][]any{
			"sources": {[]any{"@DIR@/fstab"}, []any{"@DIR@/vfstab", "@DIR@/fstab"}, []any{"@DIR@/mnttab"}, []any{"@DIR@/aix", "@DIR@/missing", "@DIR@/link"}, []any{"@DIR@/fstab", "@DIR@/link", "@DIR@/fstab"}, []any{"static"}, []any{"mount"}, []any{""}, []any{}, []any{"@DIR@/empty"}, []any{"@DIR@/sub"}},
			"devices": {[]any{"/dev/*"}, []any{"[!/]*"}, []any{"*:/x", "UUID=*"}, []any{}}, "fstypes": {[]any{"ext?", "nfs"}, []any{"none"}, "tmpfs"},
			"include_aggregate_mounts": bools, "mount_binary": {"mount", "@DIR@/bsd", "@DIR@/osx", "@DIR@/aixmount", "@DIR@/bad", "@DIR@/nothing", nil, 5, []any{}},
			"on_timeout": {"error", "warn", "ignore"}, "timeout": {5, 2.5, 0, -1, "x"},
		},
		known: func(r request) bool { // what is mounted here changes while others work
			sources, _ := r.Args["sources"].([]any)
			bin, given := r.Args["mount_binary"]
			return len(sources) == 0 || slices.Contains(sources, any("mount")) && (!given || bin == "mount")
		},
		start: func(g *generator) []node {
			fs := []string{"/dev/sda1 / ext4 rw,relatime 0 1", "UUID=12-34 /boot ext4 defaults 0 2", "nas:/x /mnt/a\\040b nfs ro,soft", "# comment", "", "tmpfs /tmp tmpfs size=1m 0", "/dev/sda1 / ext4 rw 0 1", "proc /proc proc defaults 0 0 extra", "/dev/sdb /data xfs defaults x 0", "short line"}
			vfs := []string{"/dev/dsk/c0 /dev/rdsk/c0 / ufs 1 yes -", "swap - /tmp tmpfs - yes size=1m", "#x", "", "few columns"}
			mnt := []string{"/dev/a /a ufs rw 1234567890", "/dev/b /b nfs ro 12345", "/dev/c /c ufs rw x"}
			aix := []string{"/home:", "\tdev = /dev/hd1", "\tvfs = jfs2", "\tmount = true", "/nfs:", "\tnodename = srv", "* comment", "", "nothing"}
			return []node{
				{name: "fstab", text: g.lines(fs)}, {name: "vfstab", text: g.lines(vfs)}, {name: "mnttab", text: g.lines(mnt)}, {name: "aix", text: g.lines(aix)}, {name: "link", kind: "link", text: "fstab"}, {name: "empty"}, {name: "sub", kind: "dir"},
				{name: "bsd", text: "#!/bin/sh\necho '/dev/ada0 on / (ufs, local, journaled)'; echo 'devfs on /dev (devfs)'\n", mode: 0o755},
				{name: "osx", text: "#!/bin/sh\necho 'map auto_home on /h (autofs, automounted)'; echo '/dev/disk1 on / (apfs,  local)'\n", mode: 0o755},
				{name: "aixmount", text: "#!/bin/sh\necho '  node  mounted  over  vfs  date  options'; echo ' ---- ---'; echo '         /dev/hd4 / jfs2 Nov 11 12:11 rw,log=/dev/hd8'; echo 'srv /x /mnt nfs3 Nov 11 12:12 ro'\n", mode: 0o755},
				{name: "bad", text: "#!/bin/sh\nexit 3\n", mode: 0o755}, {name: "nothing", text: "#!/bin/sh\necho garbage\n", mode: 0o755},
			}
		},
	},
	"authorized_key": {
		module: "ansible.posix.authorized_key", python: "ansible_collections.ansible.posix.plugins.modules.authorized_key", always: []string{"user", "key"}, bound: "path",
		values: map[string][]any{
			"path": {"@DIR@/keys", "@DIR@/keys", "@DIR@/keys", "@DIR@/link", "@DIR@/ssh/keys", "@DIR@/no/such/keys", "@DIR@/dangling"}, "user": {"nobody", "root", "root", "nosuchuser"},
			"key":        {"ssh-rsa AAA me@here", "ssh-rsa AAA", "ssh-ed25519 BBB you", "no-pty,command=\"a, b\" ssh-rsa AAA x y", "ssh-rsa AAA a\n# c\n\nssh-ed25519 BBB b", "nonsense", "#only", `ssh-rsa CCC a\#b`, "ssh-rsa AAA\nssh-rsa AAA z", "from='x,y' ssh-dss DDD"},
			"manage_dir": bools, "state": {"present", "absent"}, "key_options": {"no-pty", "command=\"x y\",no-pty", ",a,,b", "", "a=\"x"}, "exclusive": bools, "comment": {"new", "", "two words"}, "follow": bools,
		},
		start: func(g *generator) []node {
			list := []node{{name: "sub", kind: "dir"}, {name: "link", kind: "link", text: "keys"}, {name: "dangling", kind: "link", text: "other"}}
			if !g.one(6) {
				text := g.lines([]string{"ssh-rsa AAA me@here", "no-pty ssh-rsa AAA x", "ssh-ed25519 BBB you", "# ssh-rsa CCC old", "#x", "", "command=\"a, b\",no-pty ssh-rsa AAA x y", "ssh-rsa CCC a#b", "garbage", "ssh-dss DDD"})
				list = append(list, node{name: "keys", text: strings.ToValidUTF8(strings.TrimSuffix(text, "\n")+"\n", "?"), mode: []uint32{0o600, 0o644}[g.IntN(2)]})
			}
			return list
		},
	},
}
