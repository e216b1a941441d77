package playbook

import (
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// Inherited is the value of a keyword for the task: its own, else that of the nearest block, static import, role or play
// that sets it, else nil. Keywords of a dynamic include do not reach the tasks inside it; `apply` does (BEHAVIOUR §3.4).
// For when, tags, environment and module_defaults see Extended.
func (t *Task) Inherited(keyword string) value.Value {
	if a := t.InheritedAttr(keyword); a != nil {
		return a.Value
	}
	return nil
}

// InheritedAttr is Inherited with the place where the value was written.
func (t *Task) InheritedAttr(keyword string) *Attr { return t.InheritedWhere(keyword, nil) }

// InheritedWhere is InheritedAttr that passes over the values that accept refuses: those that turn out to be omitted. A nil
// accept takes all.
func (t *Task) InheritedWhere(keyword string, accept func(*Attr) bool) *Attr {
	if a := t.Attrs.Find(keyword); a.taken(accept) {
		return a
	}
	if a := inherit(t.Parent, keyword, accept); a != nil {
		return a
	}
	if t.Play != nil {
		if a := t.Play.Attrs.Find(keyword); a.taken(accept) {
			return a
		}
	}
	return nil
}

func (a *Attr) taken(accept func(*Attr) bool) bool { return a != nil && (accept == nil || accept(a)) }

// Inherited is the value of a keyword for the block itself.
func (b *Block) Inherited(keyword string) value.Value {
	if a := inherit(b, keyword, nil); a != nil {
		return a.Value
	}
	if b.Play != nil {
		return b.Play.Attrs.Get(keyword)
	}
	return nil
}

func inherit(p Parent, keyword string, accept func(*Attr) bool) *Attr {
	switch p := p.(type) {
	case *Block:
		if p == nil {
			return nil
		}
		if a := p.Attrs.Find(keyword); a.taken(accept) {
			return a
		}
		if p.Parent != nil {
			if a := inherit(p.Parent, keyword, accept); a != nil {
				return a
			}
		}
		if p.Role != nil {
			if a := p.Role.Attrs.Find(keyword); a.taken(accept) {
				return a
			}
			for i := len(p.Role.Parents) - 1; i >= 0 && !p.alone; i-- {
				if a := p.Role.Parents[i].Attrs.Find(keyword); a.taken(accept) {
					return a
				}
			}
		}
	case *Task:
		if p == nil {
			return nil
		}
		if p.Static {
			if a := p.Attrs.Find(keyword); a.taken(accept) {
				return a
			}
		}
		return inherit(p.Parent, keyword, accept)
	}
	return nil
}

// Extended gathers a keyword of all levels, outermost first: when, tags, environment or module_defaults.
func (t *Task) Extended(keyword string) []value.Value {
	var own []value.Value
	switch keyword {
	case "when":
		own = t.When
	case "tags":
		own = t.Tags
	case "environment":
		own = t.Environment
	case "module_defaults":
		own = t.ModuleDefaults
	}
	if t.Implicit && t.Role == nil && keyword == "when" {
		return own // the conditions of an import_playbook do not hold back flushes of handlers
	}
	return concat(t.Play.extended(keyword), extend(t.Parent, keyword), own)
}

// Extended gathers a keyword of the block and all levels above it.
func (b *Block) Extended(keyword string) []value.Value {
	return concat(b.Play.extended(keyword), extend(b, keyword))
}

func (p *Play) extended(keyword string) []value.Value {
	if p == nil {
		return nil
	}
	if keyword == "when" {
		return p.when
	}
	return p.Attrs.list(keyword)
}

func concat(lists ...[]value.Value) []value.Value {
	n := 0
	for _, l := range lists {
		n += len(l)
	}
	if n == 0 {
		return nil
	}
	out := make([]value.Value, 0, n)
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// list is an extended keyword's value as a list.
func (a Attrs) list(keyword string) []value.Value {
	e := a.Find(keyword)
	if e == nil {
		return nil
	}
	if keyword == "tags" && e.Node != nil {
		tags, _ := tagList(e.Node)
		return tags
	}
	if keyword == "when" {
		return conditionsOf(e.Value, e.Node)
	}
	return listOf(e.Value)
}

// roleOf is the role that p stands in.
func roleOf(p Parent) *Role {
	switch p := p.(type) {
	case *Block:
		if p != nil {
			return p.Role
		}
	case *Task:
		if p != nil {
			return p.Role
		}
	}
	return nil
}

// extend gathers a keyword of p and its parents, without the play. A role counts where its outermost block begins.
func extend(p Parent, keyword string) []value.Value {
	switch p := p.(type) {
	case *Block:
		if p == nil {
			return nil
		}
		var role []value.Value
		if p.Role != nil && roleOf(p.Parent) != p.Role {
			for _, dep := range p.Role.Parents {
				if !p.alone {
					role = append(role, dep.Attrs.list(keyword)...)
				}
			}
			role = append(role, p.Role.Attrs.list(keyword)...)
		}
		return concat(role, extend(p.Parent, keyword), p.Attrs.list(keyword))
	case *Task:
		if p == nil {
			return nil
		}
		above := extend(p.Parent, keyword)
		if !p.Static {
			return above
		}
		return concat(above, p.Attrs.list(keyword))
	}
	return nil
}

// VarLayer is one mapping of variables with the place it was written at.
type VarLayer struct {
	Name string // "block vars", "task vars", "include vars"
	Vars *value.Dict
	Pos  source.Pos
}

// VarLayers lists the variables of blocks, imports and the task itself, outermost first: later ones win (BEHAVIOUR §1.1, 18).
func (t *Task) VarLayers() []VarLayer {
	return append(varLayers(t.Parent), ownVars("task vars", t.Vars, t.VarsNode.At())...)
}

func ownVars(name string, vars *value.Dict, pos source.Pos) []VarLayer {
	if vars == nil || vars.Len() == 0 {
		return nil
	}
	return []VarLayer{{name, vars, pos}}
}

func varLayers(p Parent) []VarLayer {
	switch p := p.(type) {
	case *Block:
		if p != nil {
			return append(varLayers(p.Parent), ownVars("block vars", p.Vars, p.VarsNode.At())...)
		}
	case *Task:
		if p != nil {
			return append(varLayers(p.Parent), ownVars("include vars", p.Vars, p.VarsNode.At())...)
		}
	}
	return nil
}

// IncludeParams lists the `vars:` of the dynamic includes around the task, and its own when it is one: they win over set_fact
// and registered results (BEHAVIOUR §1.1, 22).
func (t *Task) IncludeParams() []VarLayer {
	var above []VarLayer
	for p := t.Parent; p != nil; p = p.parentOf() {
		if inc, ok := p.(*Task); ok && inc != nil && inc.IsDynamicInclude() {
			above = append(ownVars("include params", inc.Vars, inc.VarsNode.At()), above...)
		}
	}
	if t.IsDynamicInclude() {
		above = append(above, ownVars("include params", t.Vars, t.VarsNode.At())...)
	}
	return above
}

// IsInclude reports whether the task is include_tasks, include_role or one of the imports.
func (t *Task) IsInclude() bool {
	switch Short(t.ActionAsWritten) {
	case "include_tasks", "include_role", "import_tasks", "import_role":
		return true
	}
	return false
}

// IsDynamicInclude reports whether the task is include_tasks or include_role.
func (t *Task) IsDynamicInclude() bool {
	switch Short(t.ActionAsWritten) {
	case "include_tasks", "include_role":
		return true
	}
	return false
}

// GetName is the task's name for banners, templates unrendered: the name, else the action as written, with "role : " in
// front inside a role (BEHAVIOUR §3.5). Tasks that bring roles show theirs without it.
func (t *Task) GetName() string {
	if short := Short(t.ActionAsWritten); short == "include_role" || short == "import_role" {
		if t.Name != "" {
			return t.Name
		}
		if n, ok := t.Args.GetStr("name"); ok {
			if tmpl, isTemplate := n.(*value.Template); isTemplate {
				return t.ActionAsWritten + " : " + tmpl.Text
			}
			if s, ok := value.AsString(n); ok {
				return t.ActionAsWritten + " : " + s
			}
		}
		return t.ActionAsWritten
	}
	name := t.Name
	if name == "" {
		name = t.ActionAsWritten
	}
	if t.Role != nil && t.Role.GetName() != "" {
		return t.Role.GetName() + " : " + name
	}
	return name
}

// GetName is the role's name for banners and role_name comparisons: the FQCN for roles of collections, else the name.
func (r *Role) GetName() string {
	if r.FQCN != "" {
		return r.FQCN
	}
	return r.Name
}

// GetName is the play's name as written, else its hosts joined by commas.
func (p *Play) GetName() string {
	if p.Name != "" {
		return p.Name
	}
	name := ""
	for i, h := range p.Hosts {
		if i > 0 {
			name += ","
		}
		s, _ := value.ToStr(h)
		if t, ok := h.(*value.Template); ok {
			s = t.Text
		}
		name += s
	}
	return name
}
