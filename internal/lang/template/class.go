package template

import (
	"strings"

	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

// Ansible's texts are of classes that tell where they come from. Users meet the names in errors ("'…AnsibleUnicode object' has
// no attribute 'x'") and in type_debug. Here a text carries no class: when a name is wanted, it is found from the expression
// that gave the text.
const (
	plainClass  = ""                                            // made by a template, or read from JSON and key=value
	yamlClass   = "ansible.parsing.yaml.objects.AnsibleUnicode" // read from YAML
	unsafeClass = "ansible.utils.unsafe_proxy.AnsibleUnsafeText"
	nativeClass = "ansible.utils.native_jinja.NativeJinjaText" // made by a filter whose text stays text
	safeNative  = "ansible.utils.unsafe_proxy.NativeJinjaUnsafeText"
)

// TextKind says where the texts of a variable come from.
type TextKind uint8

const (
	YAMLText         TextKind = iota // read from YAML
	PlainText                        // given as key=value or JSON, or made by the engine
	UnsafeText                       // marked as unsafe by Ansible
	NativeText                       // made by a filter whose text stays text
	UnsafeNativeText                 // both
	DataText                         // as YAMLText, but what templates make of it is data: the registered result of set_fact
)

var textClasses = [...]string{YAMLText: yamlClass, PlainText: plainClass, UnsafeText: unsafeClass, NativeText: nativeClass, UnsafeNativeText: safeNative, DataText: yamlClass}

// Kinds are Vars that know the kinds of their texts; those of other Vars are YAMLText.
type Kinds interface {
	TextKind(name string) TextKind
}

// StrClass implements jinja.Classer.
func (t *Templar) StrClass(e syntax.Expr) string {
	class, _ := t.classOf(e, 0)
	return class
}

// KindOf tells the kind of the text that a value of the content renders to.
func (t *Templar) KindOf(raw value.Value) TextKind {
	class, _ := t.classOfRaw(raw, yamlClass, 0)
	for kind, name := range textClasses {
		if name == class {
			return TextKind(kind)
		}
	}
	return PlainText
}

// StrClassOf is StrClass for a value of the content.
func (t *Templar) StrClassOf(raw value.Value) string {
	class, _ := t.classOfRaw(raw, yamlClass, 0)
	return class
}

// classOf is the class of the text that e gives, and the raw value behind e where it is known. Of a container it is the
// class of the texts inside.
func (t *Templar) classOf(e syntax.Expr, depth int) (class string, raw value.Value) {
	if depth > 20 {
		return plainClass, nil
	}
	switch e := e.(type) {
	case *syntax.Name:
		return t.classOfVariable(e.Name, depth)
	case *syntax.Getattr:
		class, raw = t.classOf(e.Node, depth+1)
		return t.classInside(class, raw, value.Str(e.Name), depth)
	case *syntax.Getitem:
		class, raw = t.classOf(e.Node, depth+1)
		switch k := e.Key.(type) {
		case *syntax.StrConst:
			return t.classInside(class, raw, value.Str(k.Val), depth)
		case *syntax.IntConst:
			return t.classInside(class, raw, value.NewBig(k.Val), depth)
		}
		return class, nil
	case *syntax.Call:
		return t.classOfCall(e, depth), nil
	case *syntax.Filter:
		return t.classOfFilter(e, depth)
	}
	return plainClass, nil
}

// classInside is the class of the element k of a container.
func (t *Templar) classInside(class string, raw, k value.Value, depth int) (string, value.Value) {
	if _, isText := raw.(value.Str); isText {
		raw = nil
		if class == yamlClass {
			class = plainClass // a part of a text
		}
	}
	if raw == nil {
		return class, nil
	}
	switch c := raw.(type) {
	case *HostVars:
		name, _ := value.AsString(k)
		vars := c.VarsOf(name)
		if vars == nil {
			return plainClass, nil
		}
		return class, &HostVarsVars{engine: c.Engine, vars: vars}
	case *HostVarsVars:
		name, _ := value.AsString(k)
		return c.engine.New(c.vars).classOfVariable(name, depth+1)
	}
	v, ok, err := value.GetItem(raw, k)
	if !ok || err != nil {
		return class, nil
	}
	return t.classOfRaw(v, class, depth)
}

func (t *Templar) classOfVariable(name string, depth int) (string, value.Value) {
	raw, data, ok := t.Vars.Lookup(name)
	if !ok {
		return plainClass, nil
	}
	class := yamlClass
	if data {
		class = unsafeClass
	}
	if k, knows := t.Vars.(Kinds); knows && (!data || k.TextKind(name) >= UnsafeNativeText) {
		class = textClasses[k.TextKind(name)]
	}
	if tpl, isTemplate := raw.(*value.Template); isTemplate {
		if _, _, err := t.Resolve(name); err == nil && t.memo[name].tainted {
			return unsafeClass, nil
		}
		if e := soleExpression(t.Engine, tpl.Text); e != nil {
			class, raw := t.classOf(e, depth+1)
			if _, isText := raw.(value.Str); raw != nil && !isText && !t.Engine.Native {
				return plainClass, nil // read from the text of a container
			}
			return class, raw
		}
		return plainClass, nil
	}
	return t.classOfRaw(raw, class, depth)
}

// classOfRaw is the class of a value as it was written, which would be class.
func (t *Templar) classOfRaw(raw value.Value, class string, depth int) (string, value.Value) {
	switch v := raw.(type) {
	case value.Str:
		if IsTemplate(string(v)) {
			return unsafeClass, raw // marked !unsafe
		}
	case *value.Template:
		if e := soleExpression(t.Engine, v.Text); e != nil {
			c, raw := t.classOf(e, depth+1)
			if _, isText := raw.(value.Str); isText || raw == nil || c == unsafeClass {
				return c, nil
			}
		}
		return plainClass, nil
	}
	return class, raw
}

// soleExpression is the expression of a text that is {{ expression }} and nothing else.
func soleExpression(e *Engine, text string) syntax.Expr {
	tree, err := syntax.Parse(&e.args.Syntax, text)
	if err != nil || len(tree.Body) != 1 {
		return nil
	}
	out, ok := tree.Body[0].(*syntax.Output)
	if !ok || len(out.Nodes) != 1 {
		return nil
	}
	return out.Nodes[0]
}

func (t *Templar) classOfCall(e *syntax.Call, depth int) string {
	switch fn := e.Fn.(type) {
	case *syntax.Name:
		switch fn.Name {
		case "lookup", "query", "q":
			if len(e.Args.Pos) == 2 && (t.looksUpVariable(e.Args.Pos, depth) || t.rendersText(e)) {
				return safeNative
			}
			return unsafeClass
		}
	case *syntax.Getattr:
		if class, _ := t.classOf(fn.Node, depth+1); class == unsafeClass {
			return class
		}
	}
	return plainClass
}

// rendersText reports whether a lookup renders a file to text although types are native.
func (t *Templar) rendersText(e *syntax.Call) bool {
	plugin, ok := e.Args.Pos[0].(*syntax.StrConst)
	if !ok || strings.TrimPrefix(plugin.Val, "ansible.builtin.") != "template" {
		return false
	}
	stays := t.Engine.Native
	for _, kw := range e.Args.Kw {
		b, given := kw.Val.(*syntax.BoolConst)
		switch kw.Name {
		case "jinja2_native":
			return false
		case "convert_data":
			stays = stays || given && !b.Val
		}
	}
	return stays
}

// looksUpVariable reports whether the arguments of a lookup name a variable whose text stays text.
func (t *Templar) looksUpVariable(args []syntax.Expr, depth int) bool {
	if plugin, ok := args[0].(*syntax.StrConst); !ok || plugin.Val != "vars" {
		return false
	}
	var name string
	switch a := args[1].(type) {
	case *syntax.StrConst:
		name = a.Val
	case *syntax.Name:
		v, ok, err := t.Resolve(a.Name)
		if !ok || err != nil {
			return false
		}
		name, _ = value.AsString(v)
	}
	class, _ := t.classOfVariable(name, depth+1)
	return class == nativeClass
}

// keepsUnsafe are filters whose text is unsafe when what they were given is: they call methods of it.
var keepsUnsafe = map[string]bool{
	"upper": true, "lower": true, "capitalize": true, "title": true, "trim": true, "replace": true, "quote": true, "center": true,
	"split": true, "sort": true, "unique": true, "reverse": true, "list": true, "flatten": true, "union": true, "intersect": true,
	"difference": true, "select": true, "reject": true, "expanduser": true,
}

// picks are filters that give an element of what they were given as it is.
var picks = map[string]bool{"first": true, "last": true, "min": true, "max": true, "random": true}

// asItIs are filters that give what they were given, or a list of its elements.
var asItIs = map[string]bool{
	"default": true, "d": true, "mandatory": true, "sort": true, "unique": true, "reverse": true, "list": true, "flatten": true,
}

func (t *Templar) classOfFilter(e *syntax.Filter, depth int) (string, value.Value) {
	if e.Node == nil {
		return plainClass, nil
	}
	name := strings.TrimPrefix(e.Name, "ansible.builtin.")
	class, raw := t.classOf(e.Node, depth+1)
	switch name {
	case "string", "to_json", "to_nice_json", "to_yaml", "to_nice_yaml":
		return nativeClass, nil
	case "default", "d":
		if n, ok := e.Node.(*syntax.Name); ok && len(e.Args.Pos) > 0 {
			if _, _, defined := t.Vars.Lookup(n.Name); !defined {
				return t.classOf(e.Args.Pos[0], depth+1)
			}
		}
	}
	switch {
	case picks[name] && raw != nil:
		at := value.Value(value.Int(0))
		if name == "last" {
			at = value.Int(-1)
		}
		return t.classInside(class, raw, at, depth)
	case picks[name]:
		return class, nil
	case asItIs[name]:
		return class, raw
	case keepsUnsafe[name] && class == unsafeClass:
		return class, nil
	}
	return plainClass, nil
}

// TextKind implements Kinds.
func (o *Over) TextKind(name string) TextKind {
	if _, own := o.Locals.GetStr(name); own {
		return o.Kind
	}
	if k, ok := o.Base.(Kinds); ok {
		return k.TextKind(name)
	}
	return YAMLText
}
