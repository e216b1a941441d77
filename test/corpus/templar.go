package corpus

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// IsTemplate reports whether text holds a template marker.
func IsTemplate(s string) bool { return template.IsTemplate(s) }

var source0 source.Pos

// variables are the variables of one case.
type variables struct{ d *value.Dict }

func (v *variables) Lookup(name string) (x value.Value, data, ok bool) {
	x, ok = v.d.GetStr(name)
	return x, false, ok
}

// TextKind says that the variables of cases are no YAML.
func (v *variables) TextKind(string) template.TextKind { return template.PlainText }

func (v *variables) Names() []string {
	var out []string
	for k := range v.d.All() {
		s, _ := value.AsString(k)
		out = append(out, s)
	}
	return out
}

// Setup gives a templar what lies outside the template engine, such as lookups.
type Setup func(e *template.Engine)

func (r *Runner) engine() *template.Engine {
	if r.shared == nil {
		r.shared = template.New(template.Options{Native: r.Native})
		if r.Setup != nil {
			r.Setup(r.shared)
		}
	}
	return r.shared
}

func (r *Runner) run(c Case) (v value.Value, err error) {
	e := r.engine()
	vars := &variables{value.NewDict()}
	var hook func(tag string, v value.Value) (value.Value, error)
	hook = func(tag string, v value.Value) (value.Value, error) {
		switch tag {
		case "$vault":
			s, _ := value.AsString(v)
			cipher, err := vault.Encrypt([]byte(s), vault.Secret{Password: []byte(Password)}, []byte(strings.Repeat("c", 32)))
			return &value.Encrypted{Cipher: string(cipher), Open: func(string) (string, error) { return s, nil }}, err
		case "$self":
			return &template.RawVars{Vars: vars}, nil
		case "$hostvars":
			d, err := Decode(v, true, hook)
			if err != nil {
				return nil, err
			}
			hosts := d.(*value.Dict)
			return &template.HostVars{Engine: e,
				VarsOf: func(host string) template.Vars {
					if h, ok := hosts.GetStr(host); ok {
						return &variables{h.(*value.Dict)}
					}
					return nil
				},
				Hosts: func() []string { return (&variables{hosts}).Names() },
			}, nil
		}
		return nil, fmt.Errorf("tag %s is not supported", tag)
	}
	given, err := Decode(substitute(c.Vars, r.Fixtures), true, hook)
	if err != nil {
		return nil, err
	}
	vars.d = given.(*value.Dict)
	e.NoOmit = true
	if o, ok := vars.d.GetStr("omit"); ok {
		e.NoOmit = false
		// The engine has an omit of its own; its text is turned back into the recorded one.
		text, _ := value.AsString(o)
		vars.d.DeleteStr("omit")
		defer func() {
			if err == nil {
				v = replaceText(v, template.OmitText, text)
				v = replaceText(v, strings.ToUpper(template.OmitText), strings.ToUpper(text))
			}
		}()
	}
	t := e.New(vars)
	t.Basedir = r.Fixtures
	t.SearchPath = []string{r.Fixtures}
	raw := substitute(c.Template, r.Fixtures)
	if c.Mode == "file" {
		src, _ := value.AsString(raw)
		o := template.DefaultFileOptions()
		o.SearchPath = []string{filepath.Join(r.Fixtures, "templates"), r.Fixtures}
		for k, v := range c.Options.All() {
			name, _ := value.AsString(k)
			setOption(&o, name, v)
		}
		return t.RenderFile(src, o)
	}
	tmpl, err := Decode(raw, true, hook)
	if err != nil {
		return nil, err
	}
	switch c.Mode {
	case "template":
		return t.Render(tmpl)
	case "noconvert":
		return t.Unconverted(tmpl)
	case "bare":
		return t.Bare(tmpl)
	case "lenient":
		return t.Lenient(tmpl)
	case "args":
		v, err := t.Render(tmpl)
		if err != nil {
			return nil, err
		}
		return t.Engine.StripOmit(v), nil
	case "conditional":
		list := []value.Value{tmpl}
		if l, ok := tmpl.(*value.List); ok {
			list = l.Elems
		}
		for _, cond := range list {
			ok, err := t.Condition(cond)
			if err != nil || !ok {
				return value.False, err
			}
		}
		return value.True, nil
	}
	return nil, fmt.Errorf("mode %s is not supported", c.Mode)
}

func setOption(o *template.FileOptions, key string, v value.Value) {
	s, _ := value.AsString(v)
	b, _ := value.Truth(v)
	switch key {
	case "variable_start_string":
		o.VariableStart = s
	case "variable_end_string":
		o.VariableEnd = s
	case "block_start_string":
		o.BlockStart = s
	case "block_end_string":
		o.BlockEnd = s
	case "comment_start_string":
		o.CommentStart = s
	case "comment_end_string":
		o.CommentEnd = s
	case "trim_blocks":
		o.TrimBlocks = b
	case "lstrip_blocks":
		o.LstripBlocks = b
	case "newline_sequence":
		o.NewlineSequence = strings.NewReplacer(`\n`, "\n", `\r`, "\r").Replace(s)
	}
}

// kind is the corpus's class of an error.
func kind(err error) string {
	var te *template.Error
	if errors.As(err, &te) {
		return te.Kind
	}
	return "runtime"
}
