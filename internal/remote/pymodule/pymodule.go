// Package pymodule prepares modules that are not native for their way to a host: it tells how a module takes its
// arguments, finds the Python modules it imports, and bundles both by content hash. It holds Troupe's own
// ansible.module_utils, the library that Python modules import.
//
// Called by internal/engine, which finds the files; consumed by internal/remote/session.
package pymodule

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/wire"
)

// lib is the Python library, one file per module below lib/.
//
//go:embed all:lib
var lib embed.FS

// Module is a module ready to be sent. It may be used for many calls and hosts at once.
type Module struct {
	Name      string // as the user wrote it
	Path      string // the file on the controller, for messages; may be ""
	FullName  string // dotted Python name, "ansible.modules.x" or "ansible_collections.…"
	Style     wire.Style
	Source    Blob
	Libraries []Blob // each a wire.Library as JSON; the first is Base
	// Interpreter is the command that runs the module: the value of ansible_python_interpreter or another
	// ansible_*_interpreter. nil: the file executes itself. {"auto"}: the agent discovers a Python.
	Interpreter []string
	Probe       []string // INTERPRETER_PYTHON_FALLBACK, best first; nil is Ansible's list
	Shebang     []string // interpreter named in the file, and its argument
	Missing     string   // why the module cannot run: it imports what nobody has
}

// Blob is content that hosts keep by its hash.
type Blob struct {
	Hash string // SHA-256, hex
	Data []byte
}

// NewBlob returns data with its hash. It keeps data: do not change it afterwards.
func NewBlob(data []byte) Blob {
	sum := sha256.Sum256(data)
	return Blob{Hash: hex.EncodeToString(sum[:]), Data: data}
}

// Search finds a Python module by its dotted name, below the module_utils directories and collections of the user.
// pkg says that it is a package, whose source is that of its __init__.py ("" without one).
type Search func(dotted string) (source []byte, pkg bool, ok bool)

// base is the library as names to sources, and as it is sent.
var base = sync.OnceValues(func() (map[string]string, Blob) {
	modules := map[string]string{}
	err := fs.WalkDir(lib, "lib", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".py" {
			return err
		}
		text, err := lib.ReadFile(name)
		dotted := strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(name, "lib/"), ".py"), "/", ".")
		modules[dotted] = string(text)
		return err
	})
	if err != nil {
		panic("pymodule: " + err.Error()) // the files are in the binary
	}
	data, err := json.Marshal(modules)
	if err != nil {
		panic("pymodule: " + err.Error())
	}
	return modules, NewBlob(data)
})

// Base is Troupe's Python library as it is sent.
func Base() Blob {
	_, b := base()
	return b
}

// Library returns the sources of Troupe's Python library by dotted name; packages end in ".__init__".
func Library() map[string]string {
	m, _ := base()
	return m
}

// Has tells whether Troupe's library has a module, or a module that a name may be an attribute of.
func Has(dotted string) bool {
	m := Library()
	for _, name := range []string{dotted, dotted + ".__init__"} {
		if _, ok := m[name]; ok {
			return true
		}
	}
	parent, _, _ := cutLast(dotted)
	_, ok := m[parent]
	return ok || strings.HasPrefix(dotted, "ansible.module_utils.six.")
}

// Pack prepares a module. name is what the user wrote, full the dotted Python name (for relative imports; "" makes one of
// the name), search may be nil.
func Pack(name, full string, source []byte, search Search) *Module {
	if full == "" {
		full = "ansible.modules." + name[strings.LastIndexByte(name, '.')+1:]
	}
	m := &Module{Name: name, FullName: full, Style: style(source), Source: NewBlob(source), Shebang: shebang(source)}
	if m.Style == wire.StylePython {
		m.Interpreter = []string{"auto"}
		m.Libraries = []Blob{Base()}
		extra, missing := collect(full, source, search)
		m.Missing = missing
		if len(extra) > 0 {
			data, err := json.Marshal(extra)
			if err != nil {
				panic("pymodule: " + err.Error()) // a map of strings
			}
			m.Libraries = append(m.Libraries, NewBlob(data))
		}
		return m
	}
	if len(m.Shebang) > 0 && strings.HasPrefix(path.Base(m.Shebang[0]), "python") {
		m.Interpreter = []string{"auto"}
	}
	return m
}

// style tells how a module takes its arguments from what it contains (BEHAVIOUR §8).
func style(source []byte) wire.Style {
	if isBinary(source) {
		return wire.StyleBinary
	}
	for _, i := range imports(source) {
		if isUtils(i.module) {
			return wire.StylePython
		}
	}
	switch {
	case bytes.Contains(source, []byte("<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>")):
		return wire.StyleReplaced
	case bytes.Contains(source, []byte("WANT_JSON")):
		return wire.StyleWantJSON
	}
	return wire.StyleOld
}

// isUtils tells whether a module belongs to the shared code that is sent along.
func isUtils(dotted string) bool {
	return dotted == "ansible.module_utils" || strings.HasPrefix(dotted, "ansible.module_utils.") ||
		strings.HasPrefix(dotted, "ansible_collections.") || strings.HasPrefix(dotted, ".")
}

// isBinary looks for bytes that no text has.
func isBinary(source []byte) bool {
	for _, c := range source[:min(len(source), 1024)] {
		if c < 0x20 && !(c >= 7 && c <= 13) && c != 0x1b {
			return true
		}
	}
	return false
}

func shebang(source []byte) []string {
	line, ok := bytes.CutPrefix(source, []byte("#!"))
	if !ok {
		return nil
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	words := strings.Fields(string(line))
	if len(words) > 2 {
		words = []string{words[0], strings.Join(words[1:], " ")}
	}
	return words
}

// collect finds what a module imports, and what that imports, as far as the base library does not have it. Modules of the
// user win over those of the base library. missing says which import at the level of a file is found nowhere; what may be caught
// is left to Python.
func collect(full string, source []byte, search Search) (found wire.Library, missing string) {
	known, _ := base()
	found = wire.Library{}
	if search == nil {
		return found, ""
	}
	seen := map[string]bool{}
	type file struct {
		dotted string
		pkg    bool
		source []byte
	}
	todo := []file{{dotted: full, source: source}}
	var want func(dotted string)
	want = func(dotted string) {
		if dotted == "" || seen[dotted] || !isUtils(dotted) {
			return
		}
		seen[dotted] = true
		if parent, _, ok := cutLast(dotted); ok {
			want(parent)
		}
		text, pkg, ok := search(dotted)
		if !ok {
			return
		}
		name := dotted
		if pkg {
			name += ".__init__"
			// An empty package of the base library stays: it is only a place.
			if _, have := known[name]; have && len(bytes.TrimSpace(text)) == 0 {
				return
			}
		}
		found[name] = string(text)
		todo = append(todo, file{dotted, pkg, text})
	}
	for len(todo) > 0 {
		f := todo[0]
		todo = todo[1:]
		for _, i := range imports(f.source) {
			module := absolute(i.module, f.dotted, f.pkg)
			if !isUtils(module) || strings.HasPrefix(module, ".") {
				continue
			}
			want(module)
			for _, n := range i.names {
				want(module + "." + n)
			}
			if !i.required || missing != "" {
				continue
			}
			lost := nowhere(module, i.names, func(name string) bool { return has(found, name) || Has(name) })
			if lost == nil {
				continue
			}
			missing = "Could not find imported module support code for " + full + ".  Looked for (['" + strings.Join(lost, "', '") + "'])"
			if parts := strings.SplitN(lost[0], ".", 4); parts[0] == "ansible_collections" && !has(found, strings.Join(parts[:3], ".")) {
				name := parts[1] + "." + parts[2]
				missing = "error processing module_util " + lost[0] + " loading redirected collection " + name + ": unable to locate collection " + name
			}
		}
	}
	return found, missing
}

// nowhere names the modules that an import may mean when there is none of them. A name may be that of a module or something in one,
// but module_utils itself has nothing in it.
func nowhere(module string, names []string, has func(name string) bool) []string {
	_, below, utils := strings.Cut(module+".", ".module_utils.")
	if !utils {
		return nil
	}
	if len(names) == 0 && below != "" && !has(module) {
		return []string{module}
	}
	for _, n := range names {
		candidates := []string{module + "." + n}
		if below != "" {
			candidates = append(candidates, module)
		}
		if !slices.ContainsFunc(candidates, has) {
			return candidates
		}
	}
	return nil
}

func has(found wire.Library, name string) bool {
	_, module := found[name]
	_, pkg := found[name+".__init__"]
	return module || pkg
}

func cutLast(dotted string) (parent, last string, ok bool) {
	i := strings.LastIndexByte(dotted, '.')
	if i < 0 {
		return "", dotted, false
	}
	return dotted[:i], dotted[i+1:], true
}

// absolute resolves a relative import in the module named from.
func absolute(module, from string, pkg bool) string {
	rest := strings.TrimLeft(module, ".")
	dots := len(module) - len(rest)
	if dots == 0 {
		return module
	}
	at := from
	if pkg {
		dots--
	}
	for range dots {
		parent, _, ok := cutLast(at)
		if !ok {
			return module
		}
		at = parent
	}
	if rest == "" {
		return at
	}
	return at + "." + rest
}
