package corpus

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

var source0 source.Pos

// IsTemplate reports whether text holds a template marker.
func IsTemplate(s string) bool {
	return strings.Contains(s, "{{") || strings.Contains(s, "{%") || strings.Contains(s, "{#")
}

// templar renders one case by the rules of Ansible that its expectations were recorded under: only as much of them as the
// plain areas need.
type templar struct {
	env     *jinja.Environment // for text of playbooks
	plain   *jinja.Environment // for nested text in file mode
	native  bool
	vars    *value.Dict
	depth   int
	convert bool
}

var onlyVar = regexp.MustCompile(`^\{\{\s*(\w*)\s*\}\}\n?$`)

func finalize(native bool) func(v value.Value) (value.Value, error) {
	return func(v value.Value) (value.Value, error) {
		switch x := v.(type) {
		case *value.Undefined:
			if x.Kind == value.Lenient {
				return v, nil
			}
			return nil, x.Err()
		case value.NoneType:
			if !native {
				return value.Str(""), nil
			}
		case *value.Iter, *value.View, *value.Range:
			es, err := value.Collect(v)
			if err != nil {
				return nil, err
			}
			v = value.NewList(es...)
		}
		return v, checkDefined(v, 0)
	}
}

func checkDefined(v value.Value, depth int) error {
	if depth > 100 {
		return value.Errorf("RecursionError", "maximum recursion depth exceeded")
	}
	switch x := v.(type) {
	case *value.Undefined:
		if x.Kind != value.Lenient {
			return x.Err()
		}
	case *value.List:
		for _, e := range x.Elems {
			if err := checkDefined(e, depth+1); err != nil {
				return err
			}
		}
	case *value.Tuple:
		for _, e := range x.Elems {
			if err := checkDefined(e, depth+1); err != nil {
				return err
			}
		}
	case *value.Dict:
		for _, e := range x.All() {
			if err := checkDefined(e, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

var literalNames = map[string]value.Value{"true": value.True, "false": value.False, "null": value.None}

func concatText(nodes []value.Value) (value.Value, error) {
	if len(nodes) == 1 {
		if t, ok := nodes[0].(value.NativeText); ok {
			return value.Str(t), nil
		}
	}
	s, err := jinja.Join(nodes)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[") || s == "True" || s == "False" {
		if v, err := value.LiteralEvalNames(s, literalNames); err == nil {
			return v, nil
		}
	}
	return value.Str(s), nil
}

func concatNative(nodes []value.Value) (value.Value, error) {
	switch len(nodes) {
	case 0:
		return value.None, nil
	case 1:
		switch x := nodes[0].(type) {
		case value.NativeText:
			return value.Str(x), nil
		case *value.Encrypted:
			s, err := x.Plain()
			return value.Str(s), err
		}
		if !value.IsString(nodes[0]) {
			return nodes[0], nil
		}
	}
	s, err := jinja.Join(nodes)
	if err != nil {
		return nil, err
	}
	v, err := value.LiteralEval(s)
	if err != nil {
		return value.Str(s), nil
	}
	if t, ok := v.(value.Str); ok {
		q := s[:1]
		return value.Str(q + string(t) + q), nil
	}
	return v, nil
}

// Resolve renders a variable as it is read.
func (t *templar) Resolve(name string) (value.Value, bool, error) {
	raw, ok := t.vars.GetStr(name)
	if !ok {
		return nil, false, nil
	}
	v, err := t.value(raw)
	if err != nil {
		if value.IsUndefined(err) {
			s, _ := value.ToStr(raw)
			return &value.Undefined{Kind: value.Chained, Hint: s + ": " + err.Error(), Name: value.Str(name), From: err}, true, nil
		}
		s, _ := value.ToStr(raw)
		return nil, false, value.Errorf("AnsibleError", "An unhandled exception occurred while templating '%s'. Error was a %s, original message: %s", s, value.ErrorClass(err), err.Error())
	}
	return v, true, nil
}

// value renders every template inside v.
func (t *templar) value(v value.Value) (value.Value, error) {
	switch x := v.(type) {
	case *value.Template:
		return t.text(x.Text)
	case *value.List:
		out := &value.List{Elems: make([]value.Value, len(x.Elems))}
		for i, e := range x.Elems {
			r, err := t.value(e)
			if err != nil {
				return nil, err
			}
			out.Elems[i] = r
		}
		return out, nil
	case *value.Tuple:
		l, err := t.value(value.NewList(x.Elems...))
		return l, err
	case *value.Dict:
		out := value.NewDict()
		for k, e := range x.All() {
			r, err := t.value(e)
			if err != nil {
				return nil, err
			}
			if err := out.Set(k, r); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

func (t *templar) text(s string) (value.Value, error) {
	if t.depth > 40 {
		return nil, value.Errorf("RecursionError", "recursive loop detected in template string: %s. maximum recursion depth exceeded", s)
	}
	t.depth++
	defer func() { t.depth-- }()
	if !IsTemplate(s) {
		return value.Str(s), nil
	}
	if m := onlyVar.FindStringSubmatch(s); m != nil {
		if raw, ok := t.vars.GetStr(m[1]); ok {
			switch raw.(type) {
			case value.Bool, value.Int, *value.BigInt, value.Float, value.NoneType:
				return raw, nil
			}
		}
	}
	env, body := t.env, s
	if strings.HasPrefix(s, "#jinja2:") {
		line, rest, _ := strings.Cut(s, "\n")
		body = rest
		env = env.Copy()
		if err := header(&env.Syntax, line[8:]); err != nil {
			return nil, err
		}
	}
	p, err := env.Compile("", body)
	if err != nil {
		return nil, err
	}
	var v value.Value
	if t.convert || t.depth > 1 {
		v, err = p.Value(t)
	} else {
		var out string
		out, err = p.Render(t)
		v = value.Str(out)
	}
	if err != nil {
		return nil, err
	}
	return newlines(v, body, env.Syntax.NewlineSequence), nil
}

// newlines gives a text result back the newlines that its source ended with.
func newlines(v value.Value, src, seq string) value.Value {
	out, ok := v.(value.Str)
	if !ok {
		return v
	}
	have := len(out) - len(strings.TrimRight(string(out), "\n"))
	if seq != "\n" && seq != "" {
		have = 0
		for o := string(out); strings.HasSuffix(o, seq); o = strings.TrimSuffix(o, seq) {
			have++
		}
	}
	want := len(src) - len(strings.TrimRight(src, "\n"))
	for ; have < want; have++ {
		out += value.Str(seq)
	}
	return out
}

func header(c *syntax.Config, line string) error {
	for _, pair := range strings.Split(line, ",") {
		k, v, ok := strings.Cut(pair, ":")
		if !ok {
			return value.Errorf("AnsibleError", "failed to parse jinja2 override '%s'", pair)
		}
		lit, err := value.LiteralEval(strings.TrimSpace(v))
		if err != nil {
			return err
		}
		setOption(c, strings.TrimSpace(k), lit)
	}
	return nil
}

func setOption(c *syntax.Config, key string, v value.Value) {
	s, _ := value.AsString(v)
	b, _ := value.Truth(v)
	switch key {
	case "variable_start_string":
		c.VariableStart = s
	case "variable_end_string":
		c.VariableEnd = s
	case "block_start_string":
		c.BlockStart = s
	case "block_end_string":
		c.BlockEnd = s
	case "comment_start_string":
		c.CommentStart = s
	case "comment_end_string":
		c.CommentEnd = s
	case "trim_blocks":
		c.TrimBlocks = b
	case "lstrip_blocks":
		c.LstripBlocks = b
	case "keep_trailing_newline":
		c.KeepTrailingNewline = b
	case "newline_sequence":
		c.NewlineSequence = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(s)
	}
}

// folder loads templates from folders, in order.
type folder struct {
	env  *jinja.Environment
	dirs []string
	seen map[string]*jinja.Program
}

func (f *folder) Load(name, parent string) (*jinja.Program, error) {
	if p, ok := f.seen[name]; ok {
		return p, nil
	}
	for _, d := range f.dirs {
		b, err := os.ReadFile(filepath.Join(d, name))
		if err != nil {
			continue
		}
		p, err := f.env.Compile(name, string(b))
		if err != nil {
			return nil, err
		}
		f.seen[name] = p
		return p, nil
	}
	return nil, value.Errorf("TemplateNotFound", "%s", name)
}

// kind is the corpus's class of an error.
func kind(err error) string {
	var se *syntax.Error
	var ue *jinja.UnknownError
	switch {
	case errors.As(err, &se), errors.As(err, &ue):
		return "syntax"
	case value.IsUndefined(err):
		return "undefined"
	}
	switch value.ErrorClass(err) {
	case "AnsibleFilterError":
		return "filter"
	case "AnsibleLookupError":
		return "lookup"
	case "RecursionError":
		return "recursion"
	}
	return "runtime"
}
