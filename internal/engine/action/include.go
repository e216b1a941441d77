package action

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/vars"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/value"
)

var includeTasksAction = &Action{Name: "ansible.builtin.include_tasks", Local: true, Run: func(c *Context) (*Outcome, error) {
	name := c.RawText
	if name == "" {
		name = c.Text("file", "")
	}
	if name == "" {
		return nil, failf("No file specified for include_tasks")
	}
	return &Outcome{
		Result:  value.DictOf("include", value.Str(name), "include_args", value.NewDict()),
		Include: &Include{Name: name, Args: c.Args},
	}, nil
}}

var includeRoleAction = &Action{Name: "ansible.builtin.include_role", Local: true, Run: func(c *Context) (*Outcome, error) {
	name := c.Text("name", c.Text("role", ""))
	if name == "" {
		return nil, failf("'name' is a required field for include_role.")
	}
	return &Outcome{
		Result:  value.DictOf("include_args", c.Args),
		Include: &Include{Role: true, Name: name, Args: c.Args},
	}, nil
}}

var includeVarsAction = &Action{Name: "ansible.builtin.include_vars", Local: true, Run: runIncludeVars}

var (
	includeVarsFile = []string{"file", "_raw_params"}
	includeVarsDir  = []string{"dir", "depth", "files_matching", "ignore_files", "extensions", "ignore_unknown_extensions"}
	includeVarsAll  = []string{"name", "hash_behaviour"}
)

// runIncludeVars reads a file or a directory of variables (BEHAVIOUR §3.4, sample var_include_vars).
func runIncludeVars(c *Context) (*Outcome, error) {
	file := c.Text("file", strings.TrimRight(c.RawText, "\n"))
	dir := c.Text("dir", "")
	for k := range c.Args.All() {
		s, _ := value.AsString(k)
		switch {
		case slices.Contains(includeVarsAll, s):
		case dir != "" && slices.Contains(includeVarsDir, s), dir == "" && slices.Contains(includeVarsFile, s):
		case slices.Contains(includeVarsDir, s) || slices.Contains(includeVarsFile, s):
			return nil, errors.New("You are mixing file only and dir only arguments, these are incompatible")
		default:
			return nil, fmt.Errorf("%s is not a valid option in include_vars", s)
		}
	}
	facts := value.NewDict()
	var files []string
	var err error
	if dir != "" {
		files, err = includeDir(c, dir, facts)
	} else {
		if file == "" || file == "[]" {
			return missingVars(), nil
		}
		var path string
		if path, err = c.Find("vars", file); err == nil {
			files = []string{path}
			err = includeFile(c, path, facts)
		}
	}
	if d, ok := diag.As(err); ok && d.Code == diag.VarsNotMapping {
		files = nil
	}
	included := value.NewList()
	for _, f := range files {
		included.Elems = append(included.Elems, value.Str(f))
	}
	if err != nil {
		return &Outcome{Result: value.DictOf("failed", value.True, "message", value.Str(words(err)), "ansible_facts", value.NewDict(), "ansible_included_var_files", included, "changed", value.False)}, nil
	}
	if name := c.Text("name", ""); name != "" {
		facts = value.DictOf(name, facts)
	}
	if c.Text("hash_behaviour", "") == "merge" {
		facts = overExisting(c, facts)
	}
	r := value.DictOf("changed", value.False, "ansible_facts", facts, "ansible_included_var_files", included)
	r.SetStr("_ansible_no_log", value.Bool(c.NoLog))
	return &Outcome{Result: r, Facts: facts, FactsKind: IncludeVars, Untainted: true}, nil
}

// overExisting merges mappings with the variables of the same names that the task sees.
func overExisting(c *Context, facts *value.Dict) *value.Dict {
	out := facts.Copy()
	for k, v := range facts.All() {
		name, _ := value.AsString(k)
		d, isDict := v.(*value.Dict)
		old, _, _ := c.Templar.Vars.Lookup(name)
		if had, ok := old.(*value.Dict); ok && isDict {
			out.SetStr(name, vars.Merge(had, d))
		}
	}
	return out
}

// missingVars is the result when no file is named.
func missingVars() *Outcome {
	return &Outcome{Result: value.DictOf("failed", value.True, "message", value.Str("Could not find file on the Ansible Controller.\nIf you are using a module and expect the file to exist on the remote, see the remote_src option"),
		"ansible_facts", value.NewDict(), "ansible_included_var_files", value.NewList(), "changed", value.False)}
}

func includeFile(c *Context, path string, into *value.Dict) error {
	vars, err := c.Services.LoadVars(path)
	if err != nil {
		return err
	}
	for k, v := range vars.All() {
		if err := into.Set(k, v); err != nil {
			return err
		}
	}
	return nil
}

func includeDir(c *Context, dir string, into *value.Dict) ([]string, error) {
	root := dir
	if !filepath.IsAbs(dir) {
		root = ""
		for _, base := range append(slices.Clone(c.SearchPath), c.Basedir) {
			for _, p := range []string{filepath.Join(base, "vars", dir), filepath.Join(base, dir)} {
				if st, err := os.Stat(p); err == nil && st.IsDir() && root == "" {
					root = p
				}
			}
		}
		if root == "" {
			root = filepath.Join(c.Basedir, dir)
		}
	}
	if st, err := os.Stat(root); err != nil {
		return nil, failf("%s directory does not exist", root)
	} else if !st.IsDir() {
		return nil, failf("%s is not a directory", root)
	}
	extensions := []string{"yaml", "yml", "json"}
	if v, ok := c.Args.GetStr("extensions"); ok {
		extensions = texts(v)
	}
	var match *regexp.Regexp
	if pat := c.Text("files_matching", ""); pat != "" {
		re, err := regexp.Compile(pat)
		if err != nil {
			return nil, failf("Invalid regular expression: %s", pat)
		}
		match = re
	}
	var ignore []string
	if v, ok := c.Args.GetStr("ignore_files"); ok {
		ignore = texts(v)
	}
	ignoreUnknown, err := c.Flag("ignore_unknown_extensions", false)
	if err != nil {
		return nil, err
	}
	depth := 0
	if c.Has("depth") {
		_, _ = fmt.Sscan(c.Text("depth", "0"), &depth) // argument types of this action are not checked by Ansible either
	}
	var files []string
	var walk func(d string, level int) error
	walk = func(d string, level int) error {
		entries, err := os.ReadDir(d)
		if err != nil {
			return err
		}
		var dirs []string
		for _, e := range entries {
			path := filepath.Join(d, e.Name())
			if st, err := os.Stat(path); err == nil && st.IsDir() {
				dirs = append(dirs, path)
				continue
			}
			if match != nil && !match.MatchString(e.Name()) {
				continue
			}
			if slices.ContainsFunc(ignore, func(p string) bool { m, _ := regexp.MatchString(p+"$", e.Name()); return m }) {
				continue
			}
			ext := strings.TrimPrefix(filepath.Ext(e.Name()), ".")
			if !slices.Contains(extensions, ext) {
				if ignoreUnknown {
					continue
				}
				return failf("%s does not have a valid extension: %s", path, strings.Join(extensions, ", "))
			}
			files = append(files, path)
			if err := includeFile(c, path, into); err != nil {
				return err
			}
		}
		for _, sub := range dirs {
			if depth == 0 || level < depth {
				if err := walk(sub, level+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return files, walk(root, 1)
}

// words is what Ansible says about an error.
func words(err error) string {
	if d, ok := diag.As(err); ok {
		return d.Message()
	}
	return err.Error()
}
