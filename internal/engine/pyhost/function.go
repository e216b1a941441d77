package pyhost

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

// funcSet is the filters or tests of some files: name → file.
type funcSet struct{ names map[string]string }

// Function finds a filter ("filter") or test ("test") by its name among plugins. It is what template.Engine.PythonFilter wants:
// nil, nil when there is none.
func (h *Host) Function(kind, name string) (*jinja.Filter, error) {
	path, key, err := h.functionFile(kind, name)
	if d, ok := diag.As(err); ok {
		err = &value.Error{Class: "AnsiblePluginRemovedError", Msg: fmt.Sprintf(`Could not load "%s": %s`, name, d.Message())}
	}
	if err != nil || path == "" {
		return nil, err
	}
	return &jinja.Filter{Name: name, Volatile: true, Run: func(c *jinja.Call) (value.Value, error) {
		t, _ := c.Ctx.Vars().(*template.Templar)
		v, err := h.Call(context.Background(), TaskSide, "function", value.DictOf(
			"kind", value.Str(kind), "path", value.Str(path), "name", value.Str(key), "args", value.NewList(c.Args...), "kw", keywords(c.Kw)), &Scope{Templar: t}, false)
		if errors.Is(err, errDead) {
			if _, _, again := h.functionFile(kind, name); again != nil { // the next use needs them loaded
				return nil, again
			}
		}
		return v, raised(err)
	}}, nil
}

// Overrides reports whether a plugin file outside collections names a filter or test that is ours too: only then is it worth to
// load it. It is what template.Engine.Overrides wants.
func (h *Host) Overrides(kind, name string) bool {
	files := h.Search.Files(kind)
	if len(files) == 0 || strings.Contains(name, ".") {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range files {
		text, known := h.texts[f]
		if !known {
			b, _ := os.ReadFile(f) // a file that cannot be read overrides nothing
			text = string(b)
			if h.texts == nil {
				h.texts = map[string]string{}
			}
			h.texts[f] = text
		}
		if strings.Contains(text, "'"+name+"'") || strings.Contains(text, `"`+name+`"`) || strings.Contains(text, name+"=") {
			return true
		}
	}
	return false
}

// raised makes an exception of Python one of ours.
func raised(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return &value.Error{Class: e.Known(), Msg: e.Msg}
	}
	if errors.Is(err, errDead) {
		return &value.Error{Class: "AnsibleError", Msg: err.Error()}
	}
	return err
}

// functionFile finds the file that has a filter or test, and the name it has there.
func (h *Host) functionFile(kind, name string) (path, key string, err error) {
	if short, ok := strings.CutPrefix(name, "ansible.legacy."); ok {
		name = short
	}
	if !strings.Contains(name, ".") {
		files := h.Search.Files(kind)
		if len(files) > 0 {
			set, err := h.functions(kind, "", files)
			if err != nil {
				return "", "", err
			}
			if p := set.names[name]; p != "" {
				return p, name, nil
			}
		}
		name = "ansible.builtin." + name
	}
	name, err = h.Search.Finder.Route(collection.Kind(kind), name)
	if err != nil {
		return "", "", err
	}
	col, rest, ok := collection.Split(name)
	if !ok || col == "ansible.builtin" {
		return "", "", nil
	}
	dir, ok := h.Search.Finder.Dir(col)
	if !ok {
		return "", "", nil
	}
	parts := strings.Split(rest, ".")
	key = parts[len(parts)-1]
	dir = filepath.Join(append([]string{dir, "plugins", kind}, parts[:len(parts)-1]...)...)
	own := filepath.Join(dir, key+".py")
	if st, err := os.Stat(own); err == nil && !st.IsDir() {
		set, err := h.functions(kind, col, []string{own})
		if err != nil {
			return "", "", err
		}
		if p := set.names[key]; p != "" {
			return p, key, nil
		}
	}
	files := pythonFiles(dir, 0)
	if len(files) == 0 {
		return "", "", nil
	}
	set, err := h.functions(kind, col, files)
	if err != nil {
		return "", "", err
	}
	return set.names[key], key, nil
}

// functions loads files of filters or tests, each set once.
func (h *Host) functions(kind, col string, files []string) (*funcSet, error) {
	id := kind + "\x00" + strings.Join(files, "\x00")
	if _, err := h.process(TaskSide); err != nil { // forgets what a process that died knew
		return nil, err
	}
	h.mu.Lock()
	set := h.funcs[id]
	h.mu.Unlock()
	if set != nil {
		return set, nil
	}
	paths := value.NewList()
	for _, f := range files {
		paths.Elems = append(paths.Elems, value.Str(f))
	}
	v, err := h.Call(context.Background(), TaskSide, "functions", value.DictOf("kind", value.Str(kind), "paths", paths, "collection", value.Str(col)), nil, false)
	if err != nil {
		return nil, raised(err)
	}
	set = &funcSet{names: map[string]string{}}
	list, _ := v.(*value.List)
	if list == nil {
		list = value.NewList()
	}
	for _, e := range list.Elems {
		d, ok := e.(*value.Dict)
		if !ok {
			continue
		}
		p, _ := d.GetStr("path")
		if problem, _ := d.GetStr("error"); problem != nil && problem != value.None && h.Output != nil {
			h.Output.Warning("Skipping " + kind + " plugin " + plain(p) + ", cannot load: " + plain(problem))
		}
		names, _ := d.GetStr("names")
		if l, ok := names.(*value.List); ok {
			for _, n := range l.Elems {
				if _, taken := set.names[plain(n)]; !taken {
					set.names[plain(n)] = plain(p)
				}
			}
		}
	}
	h.mu.Lock()
	if h.funcs == nil {
		h.funcs = map[string]*funcSet{}
	}
	h.funcs[id] = set
	h.mu.Unlock()
	return set, nil
}
