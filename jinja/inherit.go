package jinja

import (
	"fmt"

	"github.com/troupe-automation/troupe/jinja/symbols"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

func notFound(name string) error { return value.Errorf("TemplateNotFound", "%s", name) }

// load finds the template that v names. A list is tried in order when many is true.
func (f *frame) load(p *Program, v value.Value, many bool) (*Program, error) {
	if u, ok := v.(*value.Undefined); ok {
		return nil, u.Err()
	}
	v, err := value.Norm(v)
	if err != nil {
		return nil, err
	}
	loader := f.ctx.env.Loader
	one := func(name string) (*Program, error) {
		if loader == nil {
			return nil, value.TypeErrorf("no loader for this environment specified")
		}
		return loader.Load(name, p.name)
	}
	var names []value.Value
	switch x := v.(type) {
	case *value.List:
		names = x.Elems
	case *value.Tuple:
		names = x.Elems
	default:
		name, ok := value.AsString(v)
		if !ok {
			if m, ok := v.(*Module); ok {
				return m.prog, nil
			}
			s, err := value.ToStr(v)
			if err != nil {
				return nil, err
			}
			name = s
		}
		return one(name)
	}
	if !many {
		s, _ := value.ToStr(v)
		return nil, notFound(s)
	}
	if len(names) == 0 {
		return nil, value.Errorf("TemplatesNotFound", "Tried to select from an empty list of templates.")
	}
	var tried []string
	for _, n := range names {
		if u, ok := n.(*value.Undefined); ok {
			return nil, u.Err()
		}
		s, err := value.ToStr(n)
		if err != nil {
			return nil, err
		}
		prog, err := one(s)
		if err == nil || value.ErrorClass(err) != "TemplateNotFound" {
			return prog, err
		}
		tried = append(tried, s)
	}
	return nil, value.Errorf("TemplatesNotFound", "none of the templates given were found: %s", joinNames(tried))
}

func (c *compiler) extendsStmt(st *syntax.Extends, sc *scope) (execFn, error) {
	name, err := c.compileExpr(st.Template, sc)
	p, off := c.p, st.Offset()
	return func(f *frame) (signal, error) {
		if f.extend != nil {
			return goOn, p.wrap(value.Errorf("TemplateRuntimeError", "extended multiple times"), off)
		}
		v, err := name(f)
		if err != nil {
			return goOn, err
		}
		parent, err := f.load(p, v, false)
		if err != nil {
			return goOn, p.wrap(err, off)
		}
		f.extend = parent
		return goOn, nil
	}, err
}

func (c *compiler) include(st *syntax.Include, sc *scope) (execFn, error) {
	name, err := c.compileExpr(st.Template, sc)
	if err != nil {
		return nil, err
	}
	var locals func(f *frame) (map[string]value.Value, error)
	if st.WithContext {
		locals = c.localsOf(sc)
	}
	p, off, check := c.p, st.Offset(), sc.check
	return func(f *frame) (signal, error) {
		if check && f.extend != nil {
			return goOn, nil
		}
		v, err := name(f)
		if err != nil {
			return goOn, err
		}
		prog, err := f.load(p, v, true)
		if err != nil {
			if class := value.ErrorClass(err); st.IgnoreMissing && (class == "TemplateNotFound" || class == "TemplatesNotFound") {
				return goOn, nil
			}
			return goOn, p.wrap(err, off)
		}
		ctx := f.ctx.isolated(prog)
		if locals != nil {
			vars, err := locals(f)
			if err != nil {
				return goOn, err
			}
			ctx = f.ctx.derive(prog, vars)
		}
		return goOn, p.wrapNil(prog.run(ctx, f.out), off)
	}, nil
}

// Module is an imported template: what it set at its top level.
type Module struct {
	prog *Program
	ctx  *Context
	body []value.Value
}

// TypeName is "TemplateModule".
func (*Module) TypeName() string { return "TemplateModule" }

// QualifiedTypeName is the name Jinja prints in "… has no attribute".
func (*Module) QualifiedTypeName() string { return "jinja2.environment.TemplateModule" }

// GetAttr gives an exported name.
func (m *Module) GetAttr(name string) (value.Value, bool, error) {
	if len(name) > 0 && name[0] == '_' {
		return nil, false, nil
	}
	v, ok := m.ctx.top[name]
	return v, ok, nil
}

// Str is the text that the template gave.
func (m *Module) Str() (string, error) { return Join(m.body) }

// Repr is "<TemplateModule 'name'>".
func (m *Module) Repr() (string, error) {
	return "<TemplateModule " + mustRepr(value.Str(m.prog.name)) + ">", nil
}

// importer compiles the loading and running of an imported template.
func (c *compiler) importer(n syntax.Node, template syntax.Expr, withContext bool, sc *scope) (func(f *frame) (*Module, error), error) {
	name, err := c.compileExpr(template, sc)
	if err != nil {
		return nil, err
	}
	var locals func(f *frame) (map[string]value.Value, error)
	if withContext {
		locals = c.localsOf(sc)
	}
	p, off := c.p, n.Offset()
	return func(f *frame) (*Module, error) {
		v, err := name(f)
		if err != nil {
			return nil, err
		}
		prog, err := f.load(p, v, false)
		if err != nil {
			return nil, p.wrap(err, off)
		}
		ctx := f.ctx.isolated(prog)
		if locals != nil {
			vars, err := locals(f)
			if err != nil {
				return nil, err
			}
			ctx = f.ctx.derive(prog, vars)
		}
		var out output
		if err := prog.run(ctx, &out); err != nil {
			return nil, err
		}
		return &Module{prog: prog, ctx: ctx, body: out.nodes}, nil
	}, nil
}

func (c *compiler) importStmt(st *syntax.Import, sc *scope) (execFn, error) {
	load, err := c.importer(st, st.Template, st.WithContext, sc)
	slot, top := sc.syms.Find(st.Target).Slot, sc.top
	return func(f *frame) (signal, error) {
		m, err := load(f)
		if err != nil {
			return goOn, err
		}
		f.slots[slot] = m
		if top {
			f.ctx.setTop(st.Target, m)
		}
		return goOn, nil
	}, err
}

func (c *compiler) fromImport(st *syntax.FromImport, sc *scope) (execFn, error) {
	load, err := c.importer(st, st.Template, st.WithContext, sc)
	vars := make([]*symbols.Variable, len(st.Names))
	for i, n := range st.Names {
		vars[i] = sc.syms.Find(n.As)
	}
	p, top, line := c.p, sc.top, syntax.Line(c.p.src, st.Offset())
	return func(f *frame) (signal, error) {
		m, err := load(f)
		if err != nil {
			return goOn, err
		}
		for i, n := range st.Names {
			v, ok, _ := m.GetAttr(n.Name)
			if !ok {
				v = &value.Undefined{Kind: p.env.Undefined, Name: value.Str(n.Name), Hint: fmt.Sprintf(
					"the template %s (imported on line %d) does not export the requested name %s",
					mustRepr(value.Str(m.prog.name)), line, mustRepr(value.Str(n.Name)))}
			}
			f.slots[vars[i].Slot] = v
			if top {
				f.ctx.setTop(n.As, v)
			}
		}
		return goOn, nil
	}, err
}
