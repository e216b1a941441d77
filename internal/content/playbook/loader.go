package playbook

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/didyoumean"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// Actions knows which modules and actions exist.
type Actions interface {
	// ResolveAction finds a module or action by the name in a task. collections are searched for bare names, in order. A nil
	// result means that nothing has the name; a diagnostic is for names that were removed.
	ResolveAction(name string, collections []string) (*collection.Resolved, error)
	// ActionNames lists names for suggestions.
	ActionNames() []string
	// HasLookup reports whether a lookup of that name exists, for with_ keywords.
	HasLookup(name string) bool
}

// Libraries is implemented by Actions that also look for modules in the library directories of roles.
type Libraries interface{ AddLibrary(dir string) }

// Parameters is implemented by Actions that know the parameters of modules, for hints.
type Parameters interface {
	HasParameter(module, name string) bool
}

// Renderer renders the names of static imports and roles.
type Renderer interface {
	// Render gives the value of a template text against variables, by Ansible's rules for result types.
	Render(template string, vars *value.Dict) (value.Value, error)
}

// Loader reads playbooks and roles. Set the fields before use; it is safe for concurrent use afterwards.
type Loader struct {
	Basedir     string   // directory of the playbook, or the one that --playbook-dir names; absolute
	RolesPath   []string // DEFAULT_ROLES_PATH
	Actions     Actions  // required
	Renderer    Renderer // nil refuses templates in static names
	Collections *collection.Finder
	// DefaultCollections are searched by plays that name none: the collection that a playbook is part of.
	DefaultCollections []string
	Secrets            *vault.Secrets
	ExtraVars          *value.Dict
	Duplicates         yamldoc.Duplicates
	Warn               func(*diag.Diagnostic) // may be nil

	// KeepInvalidAttributes warns of keywords that an include may not have instead of refusing them
	// (INVALID_TASK_ATTRIBUTE_FAILED=false).
	KeepInvalidAttributes bool
	// KeepInvalidGroups says nothing of broken metadata of action groups (VALIDATE_ACTION_GROUP_METADATA=false).
	KeepInvalidGroups bool
	// PrivateRoles keeps the variables of import_role to the role (DEFAULT_PRIVATE_ROLE_VARS); PublicIncludes shows those of
	// include_role to the play, which is so when somebody set it to false. Both unless `public` says otherwise.
	PrivateRoles, PublicIncludes bool

	mu    sync.Mutex
	files map[string]*yamldoc.Node
	depth int
}

// maxNesting bounds imports that import each other.
const maxNesting = 200

func (l *Loader) warn(code diag.Code, pos source.Pos, text string) {
	if l.Warn != nil {
		d := &diag.Diagnostic{Code: code, Severity: diag.Warning, Summary: text, Classic: text}
		l.Warn(d.At(pos, 0, ""))
	}
}

// Document reads a YAML or JSON file, decrypting it when it is a vault. Files are read once per Loader.
func (l *Loader) Document(path string) (*yamldoc.Node, error) {
	l.mu.Lock()
	n, ok := l.files[path]
	l.mu.Unlock()
	if ok {
		return n, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, notFound(path, err)
	}
	hidden := false
	if vault.IsEncrypted(data) {
		hidden = true
		if data, err = l.Secrets.Decrypt(data, path); err != nil {
			return nil, &diag.Diagnostic{Code: diag.VaultDecrypt, Summary: err.Error(), Classic: err.Error(), Cause: err,
				Spans: []diag.Span{{Span: source.Span{Pos: source.Pos{File: path}}}}}
		}
	}
	n, err = yamldoc.Load(data, yamldoc.Options{File: path, Duplicates: l.Duplicates, Warn: l.Warn, Open: l.Secrets.Open, Hidden: hidden})
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	if l.files == nil {
		l.files = map[string]*yamldoc.Node{}
	}
	l.files[path] = n
	l.mu.Unlock()
	return n, nil
}

func notFound(path string, cause error) error {
	return &diag.Diagnostic{
		Code: diag.FileNotFound, Summary: "the file " + path + " cannot be read", Cause: cause, Exit: diag.ExitError,
		Classic: "Unable to retrieve file contents\nCould not find or access '" + path + "' on the Ansible Controller.\n" +
			"If you are using a module and expect the file to exist on the remote, see the remote_src option",
	}
}

// basedir is the directory that relative names of a play start at: that of its playbook file.
func (l *Loader) basedir(p *Play) string {
	if p != nil && p.Basedir != "" {
		return p.Basedir
	}
	return l.Basedir
}

// problem makes a parse error at a node. classic is Ansible's message; the trailer is added.
func problem(code diag.Code, at source.Pos, classic string) *diag.Diagnostic {
	d := &diag.Diagnostic{Code: code, Exit: diag.ExitParse, Summary: firstLine(classic), Classic: diag.Classic(classic, at)}
	if at.IsValid() {
		d.At(at, 0, "")
	}
	return d
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// point moves the primary span to a token; Classic keeps naming the place Ansible names.
func point(d *diag.Diagnostic, at source.Pos, length int, label string) *diag.Diagnostic {
	d.Spans = nil
	return d.At(at, length, label)
}

func classOf(n *yamldoc.Node) string { return "<class '" + n.PyType() + "'>" }

// shown is str() of a node's value, as messages print it.
func shown(n *yamldoc.Node) string {
	if t, ok := n.Value().(*value.Template); ok {
		return t.Text
	}
	s, err := value.ToStr(n.Value())
	if err != nil {
		return n.Text
	}
	return s
}

// LoadPlaybook reads a playbook and everything it imports.
func (l *Loader) LoadPlaybook(path string) (*Playbook, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if l.Basedir == "" {
		l.Basedir = filepath.Dir(abs)
	}
	plays, err := l.playbook(abs, nil, 0)
	if err != nil {
		return nil, err
	}
	return &Playbook{Path: path, Plays: plays}, nil
}

// playbook reads the plays of one file. vars are those of the import that leads to it.
func (l *Loader) playbook(path string, vars *value.Dict, depth int) ([]*Play, error) {
	if depth > maxNesting {
		return nil, problem(diag.MalformedPlaybook, source.Pos{File: path, Line: 1, Col: 1}, "maximum recursion depth exceeded: import_playbook imports itself")
	}
	root, err := l.Document(path)
	if err != nil {
		return nil, err
	}
	switch {
	case root.IsNull() || root.Kind == yamldoc.Scalar && root.Text == "":
		return nil, problem(diag.MalformedPlaybook, source.Pos{}, "Empty playbook, nothing to do: "+path).At(source.Pos{File: path, Line: 1, Col: 1}, 0, "")
	case root.Kind != yamldoc.Sequence:
		return nil, problem(diag.MalformedPlaybook, root.Pos, fmt.Sprintf("A playbook must be a list of plays, got a %s instead: %s", classOf(root), path))
	case len(root.Items) == 0:
		return nil, problem(diag.MalformedPlaybook, source.Pos{}, "A playbook must contain at least one play: "+path).At(root.Pos, 0, "")
	}
	var plays []*Play
	for _, entry := range root.Items {
		if entry.Kind != yamldoc.Mapping {
			return nil, problem(diag.MalformedPlaybook, entry.Pos, "playbook entries must be either valid plays or 'import_playbook' statements")
		}
		imported := false
		for _, p := range entry.Pairs {
			if Short(p.Name()) == "import_playbook" {
				imported = true
			}
		}
		if imported {
			more, err := l.importPlaybook(entry, path, vars, depth)
			if err != nil {
				return nil, err
			}
			plays = append(plays, more...)
			continue
		}
		p, err := l.play(entry, path, vars)
		if err != nil {
			return nil, err
		}
		plays = append(plays, p)
	}
	return plays, nil
}

// importPlaybook reads the playbook that an import_playbook entry names, and gives its plays the entry's vars, tags and when.
func (l *Loader) importPlaybook(entry *yamldoc.Node, path string, outer *value.Dict, depth int) ([]*Play, error) {
	var name *yamldoc.Node
	var attrs Attrs
	for _, p := range entry.Pairs {
		if Short(p.Name()) == "import_playbook" {
			name = p.Value
			continue
		}
		if !importKeywords[p.Name()] {
			return nil, l.unknownKeyword(entry, p.Key, "PlaybookInclude", importKeywords)
		}
		attrs = append(attrs, Attr{p.Name(), p.Value.Value(), p.Key.Pos, p.Value})
	}
	text, isText := value.AsString(name.Value())
	if !isText {
		return nil, problem(diag.MalformedPlaybook, entry.Pos, map[bool]string{
			true:  "playbook import parameter is missing",
			false: fmt.Sprintf("playbook import parameter must be a string indicating a file path, got %s instead", classOf(name)),
		}[name.IsNull()])
	}
	vars, err := l.varsOf(attrs, "PlaybookInclude")
	if err != nil {
		return nil, err
	}
	words, err := splitWords(text)
	if err != nil || len(words) == 0 {
		return nil, problem(diag.MalformedPlaybook, entry.Pos, "playbook import parameter is missing")
	}
	scope := value.NewDict()
	merge(scope, outer)
	merge(scope, vars)
	named := scope.Copy()
	merge(named, l.ExtraVars)
	file, err := l.renderName(textValue(strings.TrimSpace(words[0]), name.Pos), named, entry.Pos)
	if err != nil {
		return nil, err
	}
	target, err := l.playbookPath(file, path)
	if err != nil {
		return nil, err
	}
	if col, ok := l.Collections.Around(target); ok { // for what is loaded from here on, as in Ansible
		l.DefaultCollections = []string{col}
	}
	plays, err := l.playbook(target, scope, depth+1)
	if err != nil {
		return nil, err
	}
	tags := attrs.list("tags")
	when := attrs.list("when")
	for _, p := range plays {
		merge(p.Vars, vars)
		if len(tags) > 0 {
			p.Attrs.addTags(tags)
		}
		p.when = concat(when, p.when)
	}
	return plays, nil
}

// addTags puts tags in front of the play's own.
func (a *Attrs) addTags(tags []value.Value) {
	own := (*a).list("tags")
	all := value.NewList(concat(own, tags)...)
	for i := range *a {
		if (*a)[i].Keyword == "tags" {
			(*a)[i].Value, (*a)[i].Node = all, nil
			return
		}
	}
	*a = append(*a, Attr{Keyword: "tags", Value: all})
}

// playbookPath finds the playbook of an import: relative to the importing file, or "ns.col.name" in a collection.
func (l *Loader) playbookPath(name, from string) (string, error) {
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(from), name)
	}
	if _, err := os.Stat(path); err != nil && l.Collections != nil {
		if found, ok := l.Collections.Playbook(name); ok {
			return found, nil
		}
	}
	return path, nil
}

func merge(into, from *value.Dict) {
	if from == nil {
		return
	}
	for k, v := range from.All() {
		_ = into.Set(k, v)
	}
}

// renderName renders the name of a static import.
func (l *Loader) renderName(v value.Value, vars *value.Dict, at source.Pos) (string, error) {
	t, ok := v.(*value.Template)
	if !ok {
		return value.ToStr(v)
	}
	if l.Renderer == nil {
		return "", problem(diag.Undefined, at, "the name of a static import cannot hold a template here: "+t.Text)
	}
	out, err := l.Renderer.Render(t.Text, vars)
	if err != nil {
		d := &diag.Diagnostic{
			Code: diag.Undefined, Exit: diag.ExitParse, Cause: err, Summary: "the name of a static import cannot be rendered: " + err.Error(),
			Classic: "Error when evaluating variable in import path: " + t.Text + ".\n\n" +
				"When using static imports, ensure that any variables used in their names are defined in vars/vars_files\n" +
				"or extra-vars passed in from the command line. Static imports cannot use variables from facts or inventory\n" +
				"sources like group or host vars.. " + err.Error(),
		}
		return "", d.At(t.Pos, 0, "facts and inventory variables are not known when imports are read")
	}
	return value.ToStr(out)
}

// unknownKeyword is the error for a keyword that class does not have.
func (l *Loader) unknownKeyword(in, key *yamldoc.Node, class string, set map[string]bool) *diag.Diagnostic {
	d := problem(diag.UnknownKeyword, in.Pos, fmt.Sprintf("'%s' is not a valid attribute for a %s", shown(key), class))
	d.Summary = fmt.Sprintf("unknown %s keyword %q", strings.ToLower(class), shown(key))
	point(d, key.Pos, len([]rune(key.Text)), "")
	return suggest(d, key.Text, known(set))
}

func suggest(d *diag.Diagnostic, name string, candidates []string) *diag.Diagnostic {
	if near := didyoumean.Nearest(name, candidates); near != "" {
		d.Hint("did you mean `" + near + "`?")
	}
	return d
}

// varsOf checks and returns the `vars` of an object.
func (l *Loader) varsOf(attrs Attrs, class string) (*value.Dict, error) {
	vars := value.NewDict()
	a := attrs.Find("vars")
	if a == nil || a.Node.IsNull() {
		return vars, nil
	}
	if a.Node.Kind != yamldoc.Mapping {
		return nil, problem(diag.NotADictionary, a.Node.Pos, "Vars in a "+class+" must be specified as a dictionary. ")
	}
	for _, p := range a.Node.Pairs {
		if !IsIdentifier(p.Name()) || !isText(p.Key.Value()) {
			text := fmt.Sprintf("'%s' is not a valid variable name", shown(p.Key))
			d := problem(diag.BadVarName, a.Node.Pos, "Invalid variable name in vars specified for "+class+": "+text+". "+text)
			d.Summary = fmt.Sprintf("%q is no variable name", shown(p.Key))
			return nil, point(d, p.Key.Pos, len([]rune(p.Key.Text)), "")
		}
		vars.SetStr(p.Name(), p.Value.Value())
	}
	return vars, nil
}

func isText(v value.Value) bool {
	_, ok := v.(value.Str)
	return ok
}

var pythonKeywords = names("False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield")

// IsIdentifier reports whether name can be a variable's name: ASCII letters, digits and "_", no digit first, no Python keyword.
func IsIdentifier(name string) bool {
	if name == "" || name[0] >= '0' && name[0] <= '9' || pythonKeywords[name] {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}
