package vars

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// Files reads files of variables, decrypting what is encrypted.
type Files struct {
	Secrets    *vault.Secrets
	Duplicates yamldoc.Duplicates
	Warn       func(*diag.Diagnostic)
}

// Read returns the bytes of a file, decrypted when it is a vault file.
func (f *Files) Read(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if vault.IsEncrypted(data) {
		return f.Secrets.Decrypt(data, path)
	}
	return data, nil
}

// Load reads a file that holds a mapping, or nothing.
func (f *Files) Load(path string) (*value.Dict, error) {
	node, err := f.node(path)
	if err != nil {
		return nil, err
	}
	if node.IsNull() {
		return value.NewDict(), nil
	}
	d, ok := node.Value().(*value.Dict)
	if !ok {
		return nil, notMapping(path, node)
	}
	return d, nil
}

// LoadList is Load for vars_files, which may hold a list of dictionaries too: the last one is strongest.
func (f *Files) LoadList(path string) (*value.Dict, error) {
	node, err := f.node(path)
	if err != nil {
		return nil, err
	}
	if node.IsNull() {
		return value.NewDict(), nil
	}
	if node.Kind != yamldoc.Sequence {
		d, ok := node.Value().(*value.Dict)
		if !ok {
			return nil, notMapping(path, node)
		}
		return d, nil
	}
	out := value.NewDict()
	for _, one := range node.Items {
		d, ok := one.Value().(*value.Dict)
		if !ok {
			return nil, notMapping(path, one)
		}
		out = Over(out, d)
	}
	return out, nil
}

func notMapping(path string, node *yamldoc.Node) error {
	msg := fmt.Sprintf("%s must be stored as a dictionary/hash", path)
	return (&diag.Diagnostic{Code: diag.VarsNotMapping, Summary: "variables must be a mapping", Classic: msg, Exit: diag.ExitError}).At(node.Pos, 0, "")
}

// node reads a file of variables.
func (f *Files) node(path string) (*yamldoc.Node, error) {
	data, err := f.Read(path)
	if err != nil {
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			return nil, fmt.Errorf("Could not find or access '%s': %w", path, err) //nolint:staticcheck // Ansible's words
		}
		return nil, &diag.Diagnostic{Summary: err.Error(), Classic: err.Error(), Exit: diag.ExitError, Cause: err}
	}
	return yamldoc.Load(data, yamldoc.Options{File: path, Open: f.Secrets.Open, Duplicates: f.Duplicates, Warn: f.Warn})
}

// extensions of files of variables, in the order they are tried.
var extensions = []string{"", ".yml", ".yaml", ".json"}

// Entity loads group_vars/NAME or host_vars/NAME below dir: the first of the file forms, or a directory of files
// (BEHAVIOUR §1.4, sample var_dirs_discovery). nil when there is nothing.
func (f *Files) Entity(dir, kind, name string) ([]Layer, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		return nil, fmt.Errorf("Could not use group name with path separator: %s", name) //nolint:staticcheck // Ansible's words
	}
	base := filepath.Join(dir, kind, name)
	for _, ext := range extensions {
		path := base + ext
		st, err := os.Stat(path)
		if err != nil {
			continue
		}
		if !st.IsDir() {
			return f.layer(path, nil)
		}
		if ext == "" {
			return f.directory(path, nil)
		}
	}
	return nil, nil
}

func (f *Files) layer(path string, to []Layer) ([]Layer, error) {
	d, err := f.Load(path)
	if err != nil {
		return nil, err
	}
	return append(to, Layer{Name: path, Vars: d}), nil
}

// directory reads all files below path in sorted order, sub directories where their name sorts.
func (f *Files) directory(path string, to []Layer) ([]Layer, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
			continue
		}
		full := filepath.Join(path, name)
		st, err := os.Stat(full)
		if err != nil {
			continue
		}
		ext := filepath.Ext(name)
		switch {
		case st.IsDir() && ext == "":
			to, err = f.directory(full, to)
		case !st.IsDir() && (ext == "" || ext == ".yml" || ext == ".yaml" || ext == ".json"):
			to, err = f.layer(full, to)
		}
		if err != nil {
			return nil, err
		}
	}
	return to, nil
}

// Pos is where a layer read from a file starts, for messages.
func (l *Layer) Pos() source.Pos { return source.Pos{File: l.Name} }
