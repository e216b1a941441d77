package galaxy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

// Source is where a required collection comes from.
type Source string

// The sources of collections.
const (
	FromGalaxy  Source = "galaxy"
	FromFile    Source = "file"
	FromURL     Source = "url"
	FromDir     Source = "dir"
	FromSubdirs Source = "subdirs"
	FromGit     Source = "git"
)

// Requirement is one collection that somebody asks for.
type Requirement struct {
	Name       Name // "" until the source has been read
	Range      Range
	Source     Source
	From       string // file, directory, URL; for FromGalaxy the name or URL of a server, "" for all
	Signatures []string
	Parent     *Info // the collection that depends on it; nil for direct requests
}

// String is the requirement in messages: "ns.col:>=1.0.0".
func (r *Requirement) String() string { return string(r.Name) + ":" + string(r.Range) }

// RoleRequirement is one role that somebody asks for.
type RoleRequirement struct {
	Name    string
	Src     string
	Scm     string
	Version string
}

// Requirements is the content of a requirements file.
type Requirements struct {
	Roles       []RoleRequirement
	Collections []Requirement
}

const notConcrete = `Neither the collection requirement entry key 'name', nor 'source' point to a concrete resolvable collection artifact. ` +
	`Also 'name' is not an FQCN. A valid collection name must be in the format <namespace>.<collection>. Please make sure that the namespace and ` +
	`the collection name contain characters from [a-zA-Z0-9_] only.`

// ParseCollection reads a requirement of the command line: "ns.col", "ns.col:>=1", a file, a directory, a URL, "git+…".
func ParseCollection(text string) (Requirement, error) {
	if isGitURL(text) {
		return Requirement{Source: FromGit, From: text, Range: "*"}, nil
	}
	if st, err := os.Stat(text); err == nil && (st.IsDir() || st.Mode().IsRegular()) && (strings.ContainsRune(text, '/') || !Name(text).Valid()) {
		return concrete(text, "*")
	}
	if isURL(text) {
		return Requirement{Source: FromURL, From: text, Range: "*"}, nil
	}
	name, version, ok := strings.Cut(text, ":")
	if !ok {
		version = "*"
	}
	return named(name, version, "", "")
}

func isURL(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
}

func isGitURL(text string) bool {
	return strings.HasPrefix(text, "git+") || strings.HasPrefix(text, "git@")
}

// concrete is the requirement of something in the file system.
func concrete(p, version string) (Requirement, error) {
	st, err := os.Stat(p)
	if err != nil {
		return Requirement{}, err
	}
	if !st.IsDir() {
		return Requirement{Source: FromFile, From: p, Range: Range(version)}, nil
	}
	if hasMetadata(p) {
		return Requirement{Source: FromDir, From: p, Range: Range(version)}, nil
	}
	if subdirs(p) != nil {
		return Requirement{Source: FromSubdirs, From: p, Range: Range(version)}, nil
	}
	return Requirement{}, fail("%s\n\nCould not find %s.", notConcrete, p)
}

func hasMetadata(dir string) bool {
	for _, n := range []string{"galaxy.yml", "galaxy.yaml", "MANIFEST.json"} {
		if st, err := os.Stat(filepath.Join(dir, n)); err == nil && st.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// subdirs are the collections in the directories of a directory, by name.
func subdirs(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		if p := filepath.Join(dir, e.Name()); hasMetadata(p) {
			out = append(out, p)
		}
	}
	return out
}

func named(name, version, source, kind string) (Requirement, error) {
	if !Name(name).Valid() {
		msg := notConcrete
		if source == "" {
			msg += "\n\nCould not find " + name + "."
		}
		return Requirement{}, fail("%s", msg)
	}
	_ = kind
	return Requirement{Name: Name(name), Range: Range(version), Source: FromGalaxy, From: source}, nil
}

// ReadRequirements reads a requirements file. A list is roles; a dictionary has the keys roles and collections.
func ReadRequirements(file string, allowRoles bool, warn func(string)) (*Requirements, error) {
	abs, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(abs)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fail("The requirements file '%s' does not exist.", abs)
	}
	if err != nil {
		return nil, err
	}
	root, err := yamldoc.LoadYAML(data, yamldoc.Options{File: abs, Data: true})
	if err != nil {
		return nil, fail("Failed to parse the requirements yml at '%s' with the following error:\n%s", abs, syntaxText(err, abs))
	}
	out := &Requirements{}
	switch doc := root.Value().(type) {
	case value.NoneType:
		return nil, fail("No requirements found in file '%s'", abs)
	case *value.List:
		if !allowRoles {
			return nil, fail("Expecting requirements file to be a dict with the key 'collections' that contains a list of collections to install")
		}
		return out, out.roles(doc, filepath.Dir(abs), nil)
	case *value.Dict:
		var extra []string
		for k := range doc.All() {
			if s, _ := value.AsString(k); s != "roles" && s != "collections" {
				extra = append(extra, s)
			}
		}
		if len(extra) > 0 {
			slices.Sort(extra)
			return nil, fail("Expecting only 'roles' and/or 'collections' as base keys in the requirements file. Found: %s", strings.Join(extra, ", "))
		}
		roles, err := entries(doc, "roles")
		if err != nil {
			return nil, err
		}
		if err := out.roles(roles, filepath.Dir(abs), nil); err != nil {
			return nil, err
		}
		collections, err := entries(doc, "collections")
		if err != nil {
			return nil, err
		}
		for _, e := range collections.Elems {
			r, err := collectionEntry(e, warn)
			if err != nil {
				return nil, err
			}
			out.Collections = append(out.Collections, r)
		}
		return out, nil
	default:
		return nil, fail("Expecting requirements yaml to be a list or dictionary but got %s", pyType(doc))
	}
}

// entries are what Ansible's loop over a key meets: the elements of a list, and, where someone forgot the dashes, the keys of
// a dictionary or the letters of a text. These are rarely names, and then they are refused as such.
func entries(doc *value.Dict, key string) (*value.List, error) {
	v, ok := doc.GetStr(key)
	if !ok {
		return value.NewList(), nil
	}
	if t, err := value.Truth(v); err == nil && !t {
		return value.NewList(), nil
	}
	l, err := value.Collect(v)
	if err != nil {
		return nil, fail("'%s' of a requirements file should be a list, but it is a %s", key, pyType(v))
	}
	return value.NewList(l...), nil
}

func pyType(v value.Value) string {
	switch v.(type) {
	case value.Str:
		return "str"
	case value.Int:
		return "int"
	case value.Float:
		return "float"
	case value.Bool:
		return "bool"
	}
	return v.TypeName()
}

func field(d *value.Dict, key string) string {
	v, ok := d.GetStr(key)
	if !ok || v == value.None {
		return ""
	}
	s, _ := value.ToStr(v)
	return s
}

// collectionEntry reads one element of `collections:`.
func collectionEntry(e value.Value, warn func(string)) (Requirement, error) {
	if s, ok := value.AsString(e); ok {
		return ParseCollection(s)
	}
	d, ok := e.(*value.Dict)
	if !ok {
		return Requirement{}, fail("Collections requirement entry should contain a dictionary or a name, but it is a %s", pyType(e))
	}
	name, version, source, kind := field(d, "name"), field(d, "version"), field(d, "source"), Source(field(d, "type"))
	if version == "" {
		version = "*"
	}
	sigs := texts(listOf(d, "signatures"))
	r, err := entryOf(name, version, source, kind)
	if err != nil {
		return r, err
	}
	if len(sigs) > 0 && r.Source != FromGalaxy {
		return r, fail("Signatures are only supported for collections from Galaxy servers (%s)", name)
	}
	r.Signatures = sigs
	_ = warn
	return r, nil
}

func listOf(d *value.Dict, key string) value.Value {
	v, ok := d.GetStr(key)
	if !ok {
		return value.None
	}
	if s, ok := v.(value.Str); ok {
		return value.NewList(s)
	}
	return v
}

func entryOf(name, version, source string, kind Source) (Requirement, error) {
	switch kind {
	case "":
		if name == "" {
			if source == "" {
				return Requirement{}, fail("Collections requirement entry should contain the key 'name'.")
			}
			if st, err := os.Stat(source); err == nil && (st.IsDir() || st.Mode().IsRegular()) {
				return concrete(source, version)
			}
			return Requirement{}, fail("%s", notConcrete)
		}
		if isGitURL(name) {
			return Requirement{Source: FromGit, From: name, Range: Range(version)}, nil
		}
		if isURL(name) {
			return Requirement{Source: FromURL, From: name, Range: Range(version)}, nil
		}
		if st, err := os.Stat(name); err == nil && (strings.ContainsRune(name, '/') || !Name(name).Valid()) && (st.IsDir() || st.Mode().IsRegular()) {
			return concrete(name, version)
		}
		fallthrough
	case FromGalaxy:
		r, err := named(name, version, source, "")
		if err == nil && source != "" && isGitURL(source) {
			return r, fail("Collections requirement 'source' entry should contain a valid Galaxy API URL but it does not: %s is not an HTTP URL.", source)
		}
		return r, err
	case FromGit, FromURL, FromFile, FromDir, FromSubdirs:
		from := name
		if from == "" || source != "" && kind == FromGit {
			from = source
		}
		if kind == FromDir || kind == FromSubdirs || kind == FromFile {
			if _, err := os.Stat(from); err != nil {
				return Requirement{}, fail("%s\n\nCould not find %s.", notConcrete, from)
			}
		}
		return Requirement{Source: kind, From: from, Range: Range(version)}, nil
	}
	return Requirement{}, fail("The collection requirement entry key 'type' must be one of file, galaxy, git, url, dir, or subdirs.")
}

// roles reads a list of roles; `include` names another file, relative to dir.
func (r *Requirements) roles(list *value.List, dir string, seen []string) error {
	for _, e := range list.Elems {
		d, ok := e.(*value.Dict)
		if ok {
			if inc := field(d, "include"); inc != "" {
				if !filepath.IsAbs(inc) {
					inc = filepath.Join(dir, inc)
				}
				if slices.Contains(seen, inc) {
					return fail("The requirements file '%s' includes itself", inc)
				}
				data, err := os.ReadFile(inc)
				if err != nil {
					return fail("Unable to load data from include requirements file: %s", inc)
				}
				root, err := yamldoc.LoadYAML(data, yamldoc.Options{File: inc, Data: true})
				if err != nil {
					return fail("Unable to load data from include requirements file: %s %s", inc, err)
				}
				if l, ok := root.Value().(*value.List); ok {
					if err := r.roles(l, filepath.Dir(inc), append(seen, inc)); err != nil {
						return err
					}
				}
				continue
			}
		}
		one, err := RoleOf(e)
		if err != nil {
			return err
		}
		r.Roles = append(r.Roles, one)
	}
	return nil
}

// RoleOf reads one entry of a list of roles: a text "src,version,name" or a dictionary.
func RoleOf(e value.Value) (RoleRequirement, error) {
	if s, ok := value.AsString(e); ok {
		return ParseRole(s), nil
	}
	d, ok := e.(*value.Dict)
	if !ok {
		return RoleRequirement{}, fail("Invalid role requirement: it is a %s, not a text or a dictionary", pyType(e))
	}
	out := RoleRequirement{Name: field(d, "name"), Src: field(d, "src"), Scm: field(d, "scm"), Version: field(d, "version")}
	if old := field(d, "role"); old != "" && out.Name == "" && out.Src == "" {
		p := ParseRole(old)
		if out.Version != "" {
			p.Version = out.Version
		}
		return p, nil
	}
	if out.Name == "" && out.Src == "" {
		return out, fail("Must specify name or src for role")
	}
	if out.Src == "" {
		out.Src = out.Name
	}
	if scm, rest, ok := strings.Cut(out.Src, "+"); ok && (scm == "git" || scm == "hg") {
		out.Scm, out.Src = scm, rest
	} else if strings.HasPrefix(out.Src, "http") && strings.Contains(out.Src, "github.com") && !strings.HasSuffix(out.Src, ".tar.gz") && out.Scm == "" {
		out.Scm = "git"
	}
	if out.Name == "" {
		out.Name = repoName(out.Src)
	}
	return out, nil
}

// ParseRole reads "src[,version[,name]]".
func ParseRole(text string) RoleRequirement {
	parts := strings.Split(text, ",")
	out := RoleRequirement{Src: strings.TrimSpace(parts[0])}
	if len(parts) > 1 {
		out.Version = strings.TrimSpace(parts[1])
	}
	if len(parts) > 2 {
		out.Name = strings.TrimSpace(parts[2])
	}
	if scm, rest, ok := strings.Cut(out.Src, "+"); ok && (scm == "git" || scm == "hg") {
		out.Scm, out.Src = scm, rest
	} else if strings.HasPrefix(out.Src, "http") && strings.Contains(out.Src, "github.com") && !strings.HasSuffix(out.Src, ".tar.gz") {
		out.Scm = "git"
	}
	if out.Name == "" {
		out.Name = repoName(out.Src)
	}
	return out
}

// repoName is the name of a role after the last part of its URL.
func repoName(url string) string {
	if !strings.Contains(url, "://") && !strings.Contains(url, "@") {
		return url
	}
	name := url[strings.LastIndexByte(strings.TrimSuffix(url, "/"), '/')+1:]
	name = strings.TrimSuffix(strings.TrimSuffix(name, "/"), ".git")
	name = strings.TrimSuffix(name, ".tar.gz")
	name, _, _ = strings.Cut(name, ",")
	return name
}

// String is the role in messages: "name" or "name (version)".
func (r RoleRequirement) String() string {
	if r.Version == "" {
		return r.Name
	}
	return fmt.Sprintf("%s (%s)", r.Name, r.Version)
}
