// Package galaxy gets collections and roles from elsewhere: it reads requirements, finds versions that go together on
// Galaxy servers, in Git repositories, archives and directories, and downloads, installs, builds, publishes and verifies them.
// Archives are hostile here: no file of one is written outside the directory it is installed to.
//
// Called by internal/cli/galaxy.
package galaxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

// Name is a collection's full name, "namespace.collection".
type Name string

var validName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*\.[a-zA-Z_][a-zA-Z0-9_]*$`)

// Valid reports whether the name has the form namespace.collection.
func (n Name) Valid() bool { return validName.MatchString(string(n)) }

// Split is the namespace and the collection's own name.
func (n Name) Split() (namespace, name string) {
	namespace, name, _ = strings.Cut(string(n), ".")
	return namespace, name
}

// dir is where the collection is below an ansible_collections directory.
func (n Name) dir() string {
	ns, name := n.Split()
	return filepath.Join(ns, name)
}

// fail is a mistake of the user's with Ansible's words.
func fail(format string, args ...any) error {
	msg := fmt.Sprintf(format, args...)
	return &diag.Diagnostic{Code: diag.GalaxyContent, Summary: strings.SplitN(msg, "\n", 2)[0], Classic: msg, Exit: diag.ExitError}
}

// words is an error's message in Ansible's words.
func words(err error) string {
	var d *diag.Diagnostic
	if errors.As(err, &d) {
		return d.Message()
	}
	return err.Error()
}

// Info is what a collection says about itself in galaxy.yml or MANIFEST.json.
type Info struct {
	Name         Name
	Version      string // "*" when it says none
	Dependencies []Dependency
	Dir          string      // of its source or of its installation, "" for archives
	Installed    bool        // it has a MANIFEST.json
	doc          *value.Dict // collection_info of the manifest
	ignore       []string    // build_ignore
	manifest     *value.Dict // directives for building, nil for none
	byDirectives bool        // the key manifest is there
}

// Dependency is one line of a collection's dependencies.
type Dependency struct {
	Name  string // a collection's name, or a Git URL
	Range Range
}

// infoKeys are the keys of collection_info in a manifest, in order.
var infoKeys = []string{"namespace", "name", "version", "authors", "readme", "tags", "description", "license", "license_file", "dependencies", "repository", "documentation", "homepage", "issues"}

// listKeys are those that hold lists.
var listKeys = []string{"authors", "tags", "license", "build_ignore"}

// ReadInfo reads the galaxy.yml of a source directory or the MANIFEST.json of an installed one. It returns fs.ErrNotExist when
// there is neither.
func ReadInfo(dir string, warn func(string)) (*Info, error) {
	if data, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json")); err == nil {
		in, err := infoOfManifest(data, filepath.Join(dir, "MANIFEST.json"))
		if err != nil {
			return nil, err
		}
		in.Dir = dir
		return in, nil
	}
	return ReadSource(dir, warn)
}

// ReadSource reads the galaxy.yml (or galaxy.yaml) of a collection's source directory.
func ReadSource(dir string, warn func(string)) (*Info, error) {
	path := filepath.Join(dir, "galaxy.yml")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if data, err = os.ReadFile(filepath.Join(dir, "galaxy.yaml")); err == nil {
			path = filepath.Join(dir, "galaxy.yaml")
		}
	}
	if err != nil {
		return nil, err
	}
	root, err := yamldoc.LoadYAML(data, yamldoc.Options{File: path, Data: true})
	if err != nil {
		return nil, fail("Failed to parse the galaxy.yml at '%s' with the following error:\n%s", path, syntaxText(err, path))
	}
	d, ok := root.Value().(*value.Dict)
	if !ok {
		return nil, fail("The collection galaxy.yml at '%s' is incorrectly formatted.", path)
	}
	in := &Info{Dir: dir, doc: value.NewDict()}
	var missing []string
	for _, k := range []string{"authors", "name", "namespace", "readme", "version"} {
		if _, ok := d.GetStr(k); !ok {
			missing = append(missing, k)
		}
	}
	if len(missing) > 0 {
		return nil, fail("The collection galaxy.yml at '%s' is missing the following mandatory keys: %s", path, strings.Join(missing, ", "))
	}
	for k := range d.All() {
		key, _ := value.AsString(k)
		if !slices.Contains(infoKeys, key) && key != "build_ignore" && key != "manifest" && warn != nil {
			warn(fmt.Sprintf("Found unknown keys in collection galaxy.yml at '%s': %s", path, key))
		}
	}
	for _, k := range infoKeys {
		v, _ := d.GetStr(k)
		in.doc.SetStr(k, normal(k, v))
	}
	if v, ok := d.GetStr("build_ignore"); ok {
		in.ignore = texts(normal("build_ignore", v))
	}
	if v, ok := d.GetStr("manifest"); ok {
		in.byDirectives = true
		if len(in.ignore) > 0 {
			return nil, fail(`"build_ignore" and "manifest" are mutually exclusive`)
		}
		in.manifest, _ = v.(*value.Dict)
	}
	return in, in.read()
}

// normal gives a key's value the type that the manifest has for it.
func normal(key string, v value.Value) value.Value {
	if v == nil {
		v = value.None
	}
	if slices.Contains(listKeys, key) {
		switch t := v.(type) {
		case value.Str:
			return value.NewList(t)
		case *value.List:
			return t
		}
		return value.NewList()
	}
	switch {
	case key == "dependencies" && v == value.None:
		return value.NewDict()
	case v == value.Str("") || v == value.None:
		return value.None
	}
	return v
}

// syntaxText is the text of a YAML mistake with the file's name the way Ansible shows it.
func syntaxText(err error, path string) string {
	return strings.Replace(err.Error(), `"<unicode string>"`, `"b'`+path+`'"`, 1)
}

func infoOfManifest(data []byte, path string) (*Info, error) {
	v, err := value.ParseJSON(string(data))
	if err != nil {
		return nil, fail("Collection file at '%s' does not contain a valid json string.", path)
	}
	top, _ := v.(*value.Dict)
	if top != nil {
		if ci, ok := top.GetStr("collection_info"); ok {
			if d, ok := ci.(*value.Dict); ok {
				in := &Info{doc: d, Installed: true}
				return in, in.read()
			}
		}
	}
	return nil, fail("Collection metadata file `MANIFEST.json` at `%s` is not well-formed: it has no collection_info", path)
}

// read takes name, version and dependencies out of the document.
func (in *Info) read() error {
	ns, name := in.text("namespace"), in.text("name")
	in.Name = Name(ns + "." + name)
	if !in.Name.Valid() {
		return fail("Invalid collection metadata. The namespace and name `%s` do not make a valid collection name.", in.Name)
	}
	v, _ := in.doc.GetStr("version")
	switch t := v.(type) {
	case nil, value.NoneType:
		in.Version = "*"
	case value.Str:
		in.Version = string(t)
		if _, ok := ParseVersion(in.Version); !ok && in.Version != "*" {
			return in.badVersion(v)
		}
	default:
		return in.badVersion(v)
	}
	if deps, ok := in.doc.GetStr("dependencies"); ok {
		if d, ok := deps.(*value.Dict); ok {
			for k, v := range d.All() {
				n, _ := value.AsString(k)
				r, _ := value.ToStr(v)
				in.Dependencies = append(in.Dependencies, Dependency{Name: n, Range: Range(r)})
			}
		}
	}
	return nil
}

func (in *Info) badVersion(v value.Value) error {
	text, _ := value.ToStr(v)
	detail := ""
	switch v.(type) {
	case value.Str:
		detail = ": " + text + " (<class 'str'>)"
	case value.Float:
		detail = ": " + text + " (<class 'float'>)"
	case value.Int:
		detail = ": " + text + " (<class 'int'>)"
	}
	return fail("Invalid version found for the collection '%s:%s'%s. A SemVer-compliant version or '*' is required.", in.Name, text, detail)
}

func (in *Info) text(key string) string {
	v, ok := in.doc.GetStr(key)
	if !ok {
		return ""
	}
	s, _ := value.AsString(v)
	return s
}

// FileName is the name of the collection's archive.
func (in *Info) FileName() string {
	ns, name := in.Name.Split()
	return ns + "-" + name + "-" + in.Version + ".tar.gz"
}

func texts(v value.Value) []string {
	l, ok := v.(*value.List)
	if !ok {
		return nil
	}
	var out []string
	for _, e := range l.Elems {
		s, _ := value.ToStr(e)
		out = append(out, s)
	}
	return out
}

// entry is one file or directory of a collection, as FILES.json has it.
type entry struct {
	Name   string `json:"name"`
	Ftype  string `json:"ftype"` // "file" or "dir"
	Type   any    `json:"chksum_type"`
	Sum    any    `json:"chksum_sha256"`
	Format int    `json:"format"`
}

// filesOf reads FILES.json.
func filesOf(data []byte) ([]entry, error) {
	var doc struct {
		Files []entry `json:"files"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, err
	}
	return doc.Files, nil
}
