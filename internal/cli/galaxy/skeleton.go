package galaxy

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	troupe "github.com/troupe-automation/troupe"
	"github.com/troupe-automation/troupe/internal/content/galaxy"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

//go:embed all:skeleton
var skeletons embed.FS

// skeleton is a directory that new roles or collections are copied from. Files that end in .j2 are templates, but for those
// in directories called templates.
type skeleton struct {
	from   fs.FS
	root   string // on disk, "" for the built-in ones
	ignore []*regexp.Regexp
	vars   map[string]value.Value
}

// Lookup gives templates their variables.
func (k *skeleton) Lookup(name string) (v value.Value, data, ok bool) {
	v, ok = k.vars[name]
	return v, false, ok
}

// Names lists the variables.
func (k *skeleton) Names() []string { return slices.Sorted(maps.Keys(k.vars)) }

// choose is the skeleton of the flag, of the setting, or the built-in one.
func (s *session) choose(flag, setting, builtin string, vars map[string]value.Value) (*skeleton, error) {
	k := &skeleton{vars: vars}
	dir := s.Values.Str(flag)
	if dir == "" {
		dir = s.Config.Str(setting)
	}
	patterns := []string{`^.*/\.git_keep$`}
	if dir == "" {
		sub, err := fs.Sub(skeletons, "skeleton/"+builtin)
		if err != nil {
			return nil, err
		}
		k.from = sub
	} else {
		dir = s.paths([]string{dir})[0]
		if st, err := os.Stat(dir); err != nil || !st.IsDir() {
			return nil, fail(fmt.Sprintf("- the skeleton path '%s' does not exist, cannot init %s", dir, builtin))
		}
		k.from, k.root = os.DirFS(dir), dir
		patterns = s.Config.List(setting + "_IGNORE")
		if len(patterns) == 0 {
			patterns = []string{`^.git$`, `^.*/.git_keep$`}
		}
	}
	for _, p := range patterns {
		re, err := regexp.Compile(p)
		if err != nil {
			return nil, fail(fmt.Sprintf("the pattern %q of %s_IGNORE is not valid", p, setting))
		}
		k.ignore = append(k.ignore, re)
	}
	if !s.Values.Has("extra_vars") {
		return k, nil
	}
	p, err := troupe.Load(s.ctx, troupe.Options{Config: s.Config, Inventory: []string{"localhost,"}, ExtraVars: s.Values.List("extra_vars"), PlaybookDir: ".",
		Secrets: &vault.Secrets{}, Warn: s.Display.Warning})
	if err != nil {
		return nil, err
	}
	for name, v := range p.ExtraVars.All() {
		n, _ := value.AsString(name)
		k.vars[n] = v
	}
	return k, nil
}

// write makes the directory.
func (k *skeleton) write(dir string) error {
	engine := template.New(template.Options{})
	return fs.WalkDir(k.from, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if p == "." {
			return os.MkdirAll(dir, 0o755)
		}
		if slices.ContainsFunc(k.ignore, func(re *regexp.Regexp) bool { return re.MatchString(p) }) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		to := filepath.Join(dir, filepath.FromSlash(p))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		if d.Type()&fs.ModeSymlink != 0 && k.root != "" {
			target, err := os.Readlink(filepath.Join(k.root, p))
			if err != nil {
				return err
			}
			_ = os.Remove(to)
			return os.Symlink(target, to)
		}
		data, err := fs.ReadFile(k.from, p)
		if err != nil {
			return err
		}
		mode := os.FileMode(0o644)
		if st, err := d.Info(); err == nil && st.Mode()&0o100 != 0 {
			mode = 0o755
		}
		if strings.HasSuffix(p, ".j2") && !slices.Contains(strings.Split(path.Dir(p), "/"), "templates") {
			t := engine.New(k)
			opt := template.DefaultFileOptions()
			opt.Path = p
			out, err := t.RenderFile(string(data), opt)
			if err != nil {
				return fail(fmt.Sprintf("the skeleton's file %s cannot be rendered: %s", p, err))
			}
			text, err := value.ToStr(out)
			if err != nil {
				return err
			}
			data, to = []byte(text), strings.TrimSuffix(to, ".j2")
		}
		return os.WriteFile(to, data, mode)
	})
}

// place is the directory to make; it is there already only with --force.
func (s *session) place(parts ...string) (string, error) {
	base := s.Values.Str("init_path")
	if base == "" {
		base = "./"
	}
	shown := strings.TrimSuffix(base, "/") + "/" + path.Join(parts...)
	dir := filepath.Join(append([]string{base}, parts...)...)
	st, err := os.Stat(dir)
	if err != nil {
		return dir, nil
	}
	if !st.IsDir() {
		return "", fail(fmt.Sprintf("- the path %s already exists, but is a file - aborting", shown))
	}
	if !s.Values.Bool("force") {
		return "", fail(fmt.Sprintf("- the directory %s already exists. You can use --force to re-initialize this directory,\nhowever it will reset any main.yml files that may have\nbeen modified there already.", shown))
	}
	return dir, nil
}

func initRole(s *session) (int, error) {
	name := s.Values.Args[0]
	dir, err := s.place(name)
	if err != nil {
		return 0, err
	}
	k, err := s.choose("role_skeleton", "GALAXY_ROLE_SKELETON", "role", map[string]value.Value{
		"role_name": value.Str(name), "author": value.Str("your name"), "description": value.Str("your role description"), "company": value.Str("your company (optional)"),
		"license": value.Str("license (GPL-2.0-or-later, MIT, etc)"), "issue_tracker_url": value.Str("http://example.com/issue/tracker"), "min_ansible_version": value.Str("2.1"),
		"repository_url": value.Str("http://example.com/repository"), "documentation_url": value.Str("http://docs.example.com"), "homepage_url": value.Str("http://example.com"),
		"dependencies": value.NewList(), "ansible_plugin_list_dir": value.NewList(),
	})
	if err != nil {
		return 0, err
	}
	if err := k.write(dir); err != nil {
		return 0, err
	}
	s.Display.Print("- Role "+name+" was created successfully", "")
	return 0, nil
}

func initCollection(s *session) (int, error) {
	name := galaxy.Name(s.Values.Args[0])
	if !name.Valid() {
		return 0, badName(string(name))
	}
	ns, col := name.Split()
	dir, err := s.place(ns, col)
	if err != nil {
		return 0, err
	}
	k, err := s.choose("collection_skeleton", "GALAXY_COLLECTION_SKELETON", "collection", map[string]value.Value{
		"namespace": value.Str(ns), "collection_name": value.Str(col), "name": value.Str(col), "version": value.Str("1.0.0"), "readme": value.Str("README.md"),
		"authors": value.NewList(value.Str("your name <example@domain.com>")), "description": value.Str("your collection description"),
		"license": value.NewList(value.Str("GPL-2.0-or-later")), "license_file": value.Str(""), "tags": value.NewList(), "dependencies": value.NewDict(),
		"repository": value.Str("http://example.com/repository"), "documentation": value.Str("http://docs.example.com"), "homepage": value.Str("http://example.com"),
		"issues": value.Str("http://example.com/issue/tracker"), "build_ignore": value.NewList(), "author": value.Str("your name"), "company": value.Str("your company (optional)"),
	})
	if err != nil {
		return 0, err
	}
	if err := k.write(dir); err != nil {
		return 0, err
	}
	s.Display.Print("- Collection "+string(name)+" was created successfully", "")
	return 0, nil
}
