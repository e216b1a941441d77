package template

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

// addGlobals adds what Ansible adds to Jinja's globals.
func (e *Engine) addGlobals(env *jinja.Environment) {
	lookup := func(want bool) jinja.Func {
		return func(c *jinja.Call) (value.Value, error) { return e.lookupCall(c, want) }
	}
	env.Globals["lookup"] = &jinja.Global{Name: "lookup", Run: lookup(false)}
	env.Globals["query"] = &jinja.Global{Name: "query", Run: lookup(true)}
	env.Globals["q"] = &jinja.Global{Name: "q", Run: lookup(true)}
	env.Globals["now"] = &jinja.Global{Name: "now", Signature: "now(utc=False, fmt=None)", Run: now}
	env.Globals["undef"] = &jinja.Global{Name: "undef", Signature: "undef(hint=None)", Run: undef}
}

func now(c *jinja.Call) (value.Value, error) {
	utc, err := value.Truth(c.Args[0])
	if err != nil {
		return nil, err
	}
	if t, ok := c.Ctx.Vars().(*Templar); ok {
		t.volatile++
	}
	at := time.Now()
	if utc {
		at = at.UTC()
	}
	dt := value.NewDatetime(at)
	format, ok := value.AsString(c.Args[1])
	if !ok || format == "" {
		return dt, nil
	}
	s, err := value.Strftime(dt, format)
	return value.Str(s), err
}

func undef(c *jinja.Call) (value.Value, error) {
	hint, ok := value.AsString(c.Args[0])
	if !ok {
		hint = "Mandatory variable has not been overridden"
	}
	return &value.Undefined{Kind: Undefined, Hint: hint}, nil
}

// lookupCall runs lookup() and query() (template-semantics §7).
func (e *Engine) lookupCall(c *jinja.Call, wantList bool) (value.Value, error) {
	t, ok := c.Ctx.Vars().(*Templar)
	if !ok {
		return nil, value.Errorf("AnsibleError", "lookups need variables")
	}
	if len(c.Args) == 0 {
		return nil, value.TypeErrorf("AnsibleTemplar._lookup() missing 1 required positional argument: 'name'")
	}
	if u, ok := c.Args[0].(*value.Undefined); ok {
		return nil, u.Err()
	}
	name, err := value.ToStr(c.Args[0])
	if err != nil {
		return nil, err
	}
	onError := "strict"
	var options []value.Kwarg
	for _, kw := range c.Kw {
		switch kw.Name {
		case "wantlist":
			if wantList, err = value.Truth(kw.Val); err != nil {
				return nil, err
			}
		case "errors":
			if onError, err = value.ToStr(kw.Val); err != nil {
				return nil, err
			}
		case "allow_unsafe": // results are data, whatever is asked
		default:
			options = append(options, kw)
		}
	}
	terms, err := t.terms(name, c.Args[1:])
	if err != nil {
		return nil, err
	}
	t.volatile++
	results, err := t.RunLookup(name, terms, options)
	if err != nil {
		return t.lookupFailed(name, err, onError, wantList)
	}
	if some, err := value.Truth(results); err != nil || !some {
		return results, err
	}
	t.tainted = true
	if wantList {
		return results, nil
	}
	return joined(name, results)
}

// joined is what lookup() makes of results: their texts with commas, or themselves. A plugin in Python that gives a text or a dict
// instead of a list gets what it got up to 2.17, where community plugins rely on it, not the error of 2.18: the text's
// characters, the dict's keys.
func joined(name string, results value.Value) (value.Value, error) {
	elems, err := value.Collect(results)
	if err != nil {
		return nil, &Error{Class: "AnsibleError", Kind: "lookup", Msg: fmt.Sprintf("The lookup plugin '%s' did not return a list.", name), Offset: -1}
	}
	if n, ok := elems[0].(value.NativeText); ok && len(elems) == 1 {
		return n, nil
	}
	texts := make([]string, len(elems))
	for i, r := range elems {
		s, ok := value.AsString(r)
		if !ok {
			if len(elems) == 1 {
				return r, nil
			}
			return results, nil
		}
		texts[i] = s
	}
	return value.Str(strings.Join(texts, ",")), nil
}

// terms renders a lookup's terms once more, as Ansible does: a term that a template produced may name templates itself
// when it came from content alone.
func (t *Templar) terms(name string, args []value.Value) ([]value.Value, error) {
	out := make([]value.Value, 0, len(args))
	for _, a := range args {
		if u, ok := a.(*value.Undefined); ok {
			if name == "first_found" || strings.HasSuffix(name, ".first_found") {
				continue
			}
			return nil, u.Err()
		}
		if err := failUndefined(a); err != nil {
			return nil, err
		}
		if !t.readData() {
			r, err := t.Render(Content(a, noPos))
			if err != nil {
				return nil, err
			}
			a = r
		}
		out = append(out, a)
	}
	return out, nil
}

// RunLookup runs a lookup plugin. Its results are data, a list unless a plugin in Python gave something else.
func (t *Templar) RunLookup(name string, terms []value.Value, options []value.Kwarg) (value.Value, error) {
	if t.Engine.Lookup == nil {
		return nil, &Error{Class: "AnsibleError", Kind: "lookup", Msg: fmt.Sprintf("lookup plugin (%s) not found", name), Offset: -1}
	}
	return t.Engine.Lookup(t, name, terms, options)
}

func (t *Templar) lookupFailed(name string, err error, onError string, wantList bool) (value.Value, error) {
	var e *Error
	if errors.As(err, &e) && strings.HasSuffix(e.Msg, "not found") && strings.HasPrefix(e.Msg, "lookup plugin (") {
		return nil, err
	}
	if IsUndefined(err) {
		if onError == "strict" || e == nil {
			return nil, err
		}
	}
	switch onError {
	case "ignore", "warn":
		if onError == "warn" && t.Warn != nil {
			t.Warn(fmt.Sprintf("An error occurred while running the lookup plugin '%s'. Error was a %s, original message: %s", name, pythonClass(classOf(err)), err))
		}
		if wantList {
			return value.NewList(), nil
		}
		return value.None, nil
	}
	class := classOf(err)
	if class == "AnsibleLookupError" || class == "AnsibleOptionsError" {
		return nil, &Error{Class: class, Kind: "lookup", Msg: err.Error(), Offset: -1, Cause: err}
	}
	return nil, &Error{Class: "AnsibleError", Kind: "lookup", Offset: -1, Cause: err, Msg: fmt.Sprintf(
		"An unhandled exception occurred while running the lookup plugin '%s'. Error was a %s, original message: %s. %s", name, pythonClass(class), err, err)}
}

// classOf is the Python class behind an error.
func classOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	var v *value.Error
	if errors.As(err, &v) {
		return v.Class
	}
	return "AnsibleError"
}
