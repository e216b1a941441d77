package template

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

// FileOptions are the settings of one template file: the parameters of the template module.
type FileOptions struct {
	TrimBlocks, LstripBlocks bool
	NewlineSequence          string
	VariableStart            string
	VariableEnd              string
	BlockStart               string
	BlockEnd                 string
	CommentStart, CommentEnd string
	// Convert applies the type conversion of task values to the text (lookup template).
	Convert bool
	// Native is the lookup's own jinja2_native.
	Native bool
	// Path is the file on disk, for errors; SearchPath the directories for include and import.
	Path       string
	SearchPath []string
}

// DefaultFileOptions are those of the template module.
func DefaultFileOptions() FileOptions { return FileOptions{TrimBlocks: true, NewlineSequence: "\n"} }

// RenderFile renders the text of a template file (template-semantics §10).
func (t *Templar) RenderFile(text string, opt FileOptions) (value.Value, error) {
	if e := t.Engine.forText(); e != t.Engine && !opt.Native {
		inner := *t
		inner.Engine, inner.memo = e, nil
		v, err := inner.RenderFile(text, opt)
		t.tainted, t.lent, t.volatile = inner.tainted, inner.lent, inner.volatile
		return v, err
	}
	env := t.Engine.file.Copy()
	opt.apply(env)
	src, err := t.applyHeader(env, text)
	pos := source.Pos{File: opt.Path, Line: 1 + strings.Count(text[:len(text)-len(src)], "\n"), Col: 1}
	if err != nil {
		return nil, headerError(err, text, pos)
	}
	env.Loader = &fileLoader{env: env, dirs: opt.SearchPath}
	p := &program{}
	p.Program, p.err = env.Compile("", src)
	if p.err != nil {
		return nil, whole(t.wrap(p.err, src, pos))
	}
	if p.Volatile() {
		t.volatile++
	}
	fresh := t.fresh
	t.fresh = p.Mutates()
	nodes, err := p.Nodes(t)
	t.fresh = fresh
	if err != nil {
		return nil, whole(t.wrap(err, src, pos))
	}
	var v value.Value
	switch {
	case opt.Native:
		v, err = concatNative(nodes)
	case opt.Convert:
		v, err = concatText(nodes)
	default:
		var s string
		s, err = join(nodes)
		v = value.Str(s)
	}
	if err != nil {
		return nil, t.wrap(err, src, pos)
	}
	if s, ok := v.(value.Str); ok {
		want := len(src) - len(strings.TrimRight(src, "\n"))
		seq := env.Syntax.NewlineSequence
		if seq == "" {
			seq = "\n"
		}
		// Ansible counts the line feeds that are left, so with other sequences the text may get more than it had.
		if have := len(s) - len(strings.TrimRight(string(s), "\n")); want > have {
			v = s + value.Str(strings.Repeat(seq, want-have))
		}
	}
	return v, nil
}

// whole marks an error as one of a file.
func whole(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Text != "" {
		e.Whole = true
	}
	return err
}

func (o FileOptions) apply(env *jinja.Environment) {
	env.Syntax.TrimBlocks, env.Syntax.LstripBlocks = o.TrimBlocks, o.LstripBlocks
	set := func(dst *string, v string) {
		if v != "" {
			*dst = v
		}
	}
	set(&env.Syntax.NewlineSequence, o.NewlineSequence)
	set(&env.Syntax.VariableStart, o.VariableStart)
	set(&env.Syntax.VariableEnd, o.VariableEnd)
	set(&env.Syntax.BlockStart, o.BlockStart)
	set(&env.Syntax.BlockEnd, o.BlockEnd)
	set(&env.Syntax.CommentStart, o.CommentStart)
	set(&env.Syntax.CommentEnd, o.CommentEnd)
}

// applyHeader reads a `#jinja2: key: value, …` line at the very start and returns the text after it.
func (t *Templar) applyHeader(env *jinja.Environment, text string) (string, error) {
	rest, ok := strings.CutPrefix(text, "#jinja2:")
	if !ok {
		return text, nil
	}
	line, body, found := strings.Cut(rest, "\n")
	if !found && line != "" {
		line = line[:len(line)-1] // what Ansible does with a header that no newline ends
	}
	for pair := range strings.SplitSeq(line, ",") {
		k, v, ok := strings.Cut(pair, ":")
		if !ok {
			return text, value.Errorf("AnsibleError", "failed to parse jinja2 override '%s'. Did you use something different from colon as key-value separator?", strings.TrimSpace(pair))
		}
		lit, err := value.LiteralEval(strings.TrimSpace(v))
		if err != nil {
			return text, err
		}
		known, err := override(env, strings.TrimSpace(k), lit)
		if err != nil {
			return text, err
		}
		if !known && t.Warn != nil {
			t.Warn(fmt.Sprintf("Could not find Jinja2 environment setting to override: '%s'", strings.TrimSpace(k)))
		}
	}
	return body, nil
}

func headerError(err error, text string, pos source.Pos) error {
	return &Error{Class: classOf(err), Kind: "runtime", Msg: err.Error(), Text: text, Pos: pos, Cause: err}
}

// override changes a setting. known is false for a name that is no setting.
func override(env *jinja.Environment, key string, v value.Value) (known bool, err error) {
	s, _ := value.AsString(v)
	b, err := value.Truth(v)
	if err != nil {
		return true, err
	}
	switch key {
	case "trim_blocks":
		env.Syntax.TrimBlocks = b
	case "lstrip_blocks":
		env.Syntax.LstripBlocks = b
	case "keep_trailing_newline":
		env.Syntax.KeepTrailingNewline = b
	case "newline_sequence":
		env.Syntax.NewlineSequence = s
	case "variable_start_string":
		env.Syntax.VariableStart = s
	case "variable_end_string":
		env.Syntax.VariableEnd = s
	case "block_start_string":
		env.Syntax.BlockStart = s
	case "block_end_string":
		env.Syntax.BlockEnd = s
	case "comment_start_string":
		env.Syntax.CommentStart = s
	case "comment_end_string":
		env.Syntax.CommentEnd = s
	case "line_statement_prefix":
		env.Syntax.LineStatement = s
	case "line_comment_prefix":
		env.Syntax.LineComment = s
	default:
		return inertSettings[key], nil
	}
	return true, nil
}

// inertSettings are attributes of the environment that can be set without an effect on the result.
var inertSettings = map[string]bool{
	"autoescape": true, "undefined": true, "finalize": true, "optimized": true, "cache_size": true, "auto_reload": true,
	"extensions": true, "is_async": true, "shared": true, "overlayed": true, "sandboxed": true, "policies": true, "cache": true,
	"loader": true, "linked_to": true, "bytecode_cache": true,
}

// renderOverridden renders a value of a playbook that starts with a #jinja2: header.
func (t *Templar) renderOverridden(tpl *value.Template) (value.Value, error) {
	env := t.Engine.args.Copy()
	src, err := t.applyHeader(env, tpl.Text)
	if err != nil {
		return nil, headerError(err, tpl.Text, tpl.Pos)
	}
	s := env.Syntax
	if !strings.Contains(src, s.VariableStart) && !strings.Contains(src, s.BlockStart) && !strings.Contains(src, s.CommentStart) {
		return value.Str(tpl.Text), nil
	}
	p := compile(env, src)
	if p.err != nil {
		return nil, t.wrap(p.err, src, tpl.Pos)
	}
	v, err := t.run(p, t.Engine.Native)
	if err != nil {
		return nil, t.wrap(err, src, tpl.Pos)
	}
	return keepNewlines(v, src), nil
}

// fileLoader finds the files of include, import and extends: beside and below the search path, in templates/ first.
type fileLoader struct {
	env  *jinja.Environment
	dirs []string
	seen map[string]*jinja.Program
}

// textLoader finds the files that values of a playbook include, below the directory of the playbook.
type textLoader struct{ engine *Engine }

// Load implements jinja.Loader.
func (l textLoader) Load(name, _ string) (*jinja.Program, error) {
	b, err := os.ReadFile(filepath.Join(l.engine.Basedir, name))
	if err != nil {
		return nil, value.Errorf("TemplateNotFound", "%s", name)
	}
	p := l.engine.compile(l.engine.args, string(b))
	return p.Program, p.err
}

// Load implements jinja.Loader.
func (l *fileLoader) Load(name, _ string) (*jinja.Program, error) {
	if p, ok := l.seen[name]; ok {
		return p, nil
	}
	for _, dir := range l.dirs {
		for _, path := range []string{filepath.Join(dir, "templates", name), filepath.Join(dir, name)} {
			b, err := os.ReadFile(path)
			if err != nil {
				continue
			}
			p, err := l.env.Compile(name, string(b))
			if err != nil {
				return nil, err
			}
			if l.seen == nil {
				l.seen = map[string]*jinja.Program{}
			}
			l.seen[name] = p
			return p, nil
		}
	}
	return nil, value.Errorf("TemplateNotFound", "%s", name)
}
