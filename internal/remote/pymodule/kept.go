package pymodule

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/wire"
)

//go:embed kept.py
var keptSource string

// KeptName is the name that Ansible gives the file of a module.
func (m *Module) KeptName() string {
	return "AnsiballZ_" + m.Name[strings.LastIndexByte(m.Name, '.')+1:] + ".py"
}

// Kept is a Python program that holds the module, all that it imports and its arguments, so that a person can run it on the host,
// and that does what the workflow for debugging modules asks of it: explode, execute. args is the object that the module gets.
func (m *Module) Kept(args map[string]json.RawMessage) ([]byte, error) {
	body, err := json.Marshal(map[string]any{"ANSIBLE_MODULE_ARGS": args})
	if err != nil {
		return nil, err
	}
	archive, err := m.archive()
	if err != nil {
		return nil, err
	}
	interpreter := "/usr/bin/python3"
	if len(m.Interpreter) > 0 && path.IsAbs(m.Interpreter[0]) && !strings.ContainsAny(m.Interpreter[0], " \t\n") { // a first line cannot quote
		interpreter = m.Interpreter[0]
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "#!%s\n%s", interpreter, keptSource)
	for _, v := range []struct{ name, text string }{
		{"NAME", m.Name[strings.LastIndexByte(m.Name, '.')+1:]}, {"FULL", m.FullName}, {"PARAMS", string(body)},
		{"ARCHIVE", base64.StdEncoding.EncodeToString(archive)},
	} {
		literal, err := json.Marshal(v.text) // a string of JSON is one of Python, too
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s = %s\n", v.name, literal)
	}
	b.WriteString("\nif __name__ == '__main__':\n    sys.exit(main())\n")
	return b.Bytes(), nil
}

// archive is the code as a zip file that Python imports from.
func (m *Module) archive() ([]byte, error) {
	sources := wire.Library{}
	for _, l := range m.Libraries {
		var part wire.Library
		if err := json.Unmarshal(l.Data, &part); err != nil {
			return nil, err
		}
		maps.Copy(sources, part)
	}
	sources[m.FullName] = string(m.Source.Data)
	for name := range maps.Clone(sources) {
		for parent, _, ok := cutLast(strings.TrimSuffix(name, ".__init__")); ok; parent, _, ok = cutLast(parent) {
			if _, have := sources[parent+".__init__"]; !have {
				sources[parent+".__init__"] = ""
			}
		}
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		text := sources[name]
		if strings.HasSuffix(name, ".__init__") && strings.TrimSpace(text) == "" {
			// A package that is only a place lets installed ones of the same name be found, too.
			text = "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
		}
		w, err := z.Create(strings.ReplaceAll(name, ".", "/") + ".py")
		if err != nil {
			return nil, err
		}
		if _, err := w.Write([]byte(text)); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
