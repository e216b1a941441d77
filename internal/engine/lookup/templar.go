package lookup

import (
	"context"
	"errors"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// Set is what the lookups of a run share. Its Lookup is what template.Engine wants.
type Set struct {
	Ctx     context.Context // ends with the run
	Config  *config.Config
	Secrets *vault.Secrets
	// Hosts evaluates host patterns; nil: nothing matches.
	Hosts func(patterns []string) ([]string, error)
	Warn  func(text string)
}

// Lookup implements template.LookupFunc.
func (s *Set) Lookup(t *template.Templar, name string, terms []value.Value, options []value.Kwarg) (value.Value, error) {
	if !Has(name) {
		return nil, &template.Error{Class: "AnsibleError", Kind: "lookup", Msg: "lookup plugin (" + name + ") not found", Offset: -1}
	}
	out, err := Run(&templar{s, t}, name, terms, options)
	var e *value.Error
	if errors.As(err, &e) && e.Class == "AnsibleUndefinedVariable" {
		return nil, &template.Error{Class: e.Class, Kind: "undefined", Msg: e.Msg, Offset: -1, Cause: err}
	}
	if err != nil {
		return nil, err
	}
	return value.NewList(out...), nil
}

// Subdirs is implemented by what the engine keeps in Templar.Context when a task's action has a directory of its own for
// first_found: "templates" or "vars".
type Subdirs interface{ LookupSubdir() string }

// templar makes a Templar the context of a lookup.
type templar struct {
	set *Set
	t   *template.Templar
}

func (c *templar) Context() context.Context {
	if c.set.Ctx == nil {
		return context.Background()
	}
	return c.set.Ctx
}

func (c *templar) Variable(name string) (value.Value, bool, error) {
	v, ok, err := c.t.Resolve(name)
	if err != nil {
		return nil, true, err
	}
	return v, ok, nil
}

func (c *templar) VariableNames() []string                   { return c.t.Vars.Names() }
func (c *templar) Render(v value.Value) (value.Value, error) { return c.t.Render(v) }
func (c *templar) SearchPath() []string                      { return c.t.SearchPath }
func (c *templar) Basedir() string                           { return c.t.Basedir }
func (c *templar) Config() *config.Config                    { return c.set.Config }
func (c *templar) Secrets() *vault.Secrets                   { return c.set.Secrets }

func (c *templar) Subdir() string {
	if s, ok := c.t.Context.(Subdirs); ok {
		return s.LookupSubdir()
	}
	return ""
}

func (c *templar) Hosts(patterns []string) ([]string, error) {
	if c.set.Hosts == nil {
		return nil, nil
	}
	return c.set.Hosts(patterns)
}

func (c *templar) Warn(text string) {
	if c.t.Warn != nil {
		c.t.Warn(text)
	} else if c.set.Warn != nil {
		c.set.Warn(text)
	}
}

func (c *templar) HashPassword(password, method, salt, ident string) (string, error) {
	args := []value.Value{value.Str(method)}
	if salt != "" {
		args = append(args, value.Str(salt))
	}
	v, err := c.t.Engine.Filter("password_hash", value.Str(password), args...)
	if err != nil {
		return "", err
	}
	return value.ToStr(v)
}

func (c *templar) RenderFile(text string, o FileOptions) (value.Value, error) {
	t := c.t
	if o.Vars.Len() > 0 {
		t = t.With(o.Vars)
	}
	f := template.DefaultFileOptions()
	f.Convert, f.Native = o.Convert, o.Native
	f.VariableStart, f.VariableEnd, f.CommentStart, f.CommentEnd = o.VariableStart, o.VariableEnd, o.CommentStart, o.CommentEnd
	f.Path, f.SearchPath = o.Path, o.SearchPath
	if t.Engine.Native && !o.Native {
		f.Convert = false
	}
	v, err := t.RenderFile(text, f)
	if s, ok := v.(value.Str); ok && !f.Convert && !o.Native {
		return value.NativeText(s), err // it stays text in what it is printed into
	}
	return v, err
}
