package template

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

// Error is a failure to render, in Ansible's words.
type Error struct {
	Class string // Python class that Ansible would raise: "AnsibleUndefinedVariable", "AnsibleError", "ZeroDivisionError" …
	Kind  string // "undefined", "syntax", "filter", "lookup", "recursion", "runtime"
	Msg   string
	Text  string     // the template
	Pos   source.Pos // where its scalar starts
	// Offset is the byte offset of the failing expression in Text, -1 when unknown.
	Offset int
	Whole  bool // Text is a file, from line Pos.Line on: offsets count from there
	Cause  error
}

// Place is where the failing expression stands when Text is a whole file; ok is false for values of YAML files.
func (e *Error) Place() (pos source.Pos, ok bool) {
	if !e.Whole || e.Offset < 0 || e.Offset > len(e.Text) {
		return source.Pos{}, false
	}
	before := e.Text[:e.Offset]
	return source.Pos{
		File: e.Pos.File, Line: e.Pos.Line + strings.Count(before, "\n"),
		Col: utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1,
	}, true
}

func (e *Error) Error() string { return e.Msg }

func (e *Error) Unwrap() error { return e.Cause }

// IsUndefined reports whether err is the use of something undefined.
func IsUndefined(err error) bool {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind == "undefined" && e.Class == "AnsibleUndefinedVariable"
	}
	return value.IsUndefined(err)
}

// wrap words an error from the engine as Ansible's templar does (template-semantics §5).
func (t *Templar) wrap(err error, text string, pos source.Pos) error {
	var already *Error
	if errors.As(err, &already) {
		if already.Text == "" {
			already.Text, already.Pos, already.Offset = text, pos, offsetOf(err)
		}
		return err
	}
	e := &Error{Text: text, Pos: pos, Offset: offsetOf(err), Cause: err}
	var syn *syntax.Error
	var unknown *jinja.UnknownError
	var val *value.Error
	switch {
	case errors.As(err, &unknown):
		e.Class, e.Kind = "AnsibleError", "syntax"
		could := couldNotLoad(unknown.Name)
		if unknown.Late {
			e.Class, e.Kind, e.Msg = "TemplateSyntaxError", "runtime", could
			break
		}
		e.Msg = fmt.Sprintf("template error while templating string: %s. String: %s. %s", could, text, could)
	case errors.As(err, &syn):
		e.Class, e.Kind = "AnsibleError", "syntax"
		e.Msg = fmt.Sprintf("template error while templating string: %s. String: %s. %s", syn.Msg, text, syn.Msg)
	case errors.As(err, &val):
		switch val.Class {
		case "UndefinedError":
			e.Class, e.Kind, e.Msg = "AnsibleUndefinedVariable", "undefined", val.Msg
		case "TypeError", "AnsibleFilterTypeError":
			if strings.Contains(val.Msg, "AnsibleUndefined") {
				e.Class, e.Kind = "AnsibleUndefinedVariable", "undefined"
				e.Msg = fmt.Sprintf("Unable to look up a name or access an attribute in template string (%s).\nMake sure your variable name does not contain invalid characters like '-': %s. %s", text, val.Msg, val.Msg)
				break
			}
			e.Class, e.Kind = "AnsibleError", "runtime"
			e.Msg = fmt.Sprintf("Unexpected templating type error occurred on (%s): %s. %s", text, val.Msg, val.Msg)
		case "AnsiblePluginRemovedError":
			e.Class, e.Kind = "AnsibleError", "syntax"
			e.Msg = fmt.Sprintf("template error while templating string: %s. String: %s. %s", val.Msg, text, val.Msg)
		case "AnsibleFilterError":
			e.Class, e.Kind, e.Msg = val.Class, "filter", val.Msg
		case "AnsibleLookupError":
			e.Class, e.Kind, e.Msg = val.Class, "lookup", val.Msg
		default:
			e.Class, e.Kind, e.Msg = val.Class, "runtime", val.Msg
		}
	default:
		e.Class, e.Kind, e.Msg = "AnsibleError", "runtime", err.Error()
	}
	return e
}

// pluginName reports whether a filter or test may have the name.
func pluginName(name string) bool {
	for _, r := range name {
		if r != '_' && r != '.' && (r < '0' || r > '9') && !unicode.IsLetter(r) {
			return false
		}
	}
	return true
}

// couldNotLoad is Ansible's word for a filter or test that does not exist.
func couldNotLoad(name string) string {
	reason := name
	if !pluginName(name) {
		reason = "invalid plugin name: ansible.builtin." + name
	} else if parts := strings.Split(name, "."); len(parts) > 2 && parts[0] != "ansible" {
		reason = fmt.Sprintf("Invalid plugin FQCN (%s): unable to locate collection %s.%s", name, parts[0], parts[1])
	}
	return fmt.Sprintf("Could not load \"%s\": '%s'", name, reason)
}

func offsetOf(err error) int {
	var je *jinja.Error
	if errors.As(err, &je) {
		return je.Offset
	}
	return -1
}

// nested words an error met while a variable was rendered for another template.
func nested(err error, raw string) error {
	class, kind := "AnsibleError", "runtime"
	var e *Error
	if errors.As(err, &e) {
		class, kind = e.Class, e.Kind
	}
	n := &Error{Class: "AnsibleError", Kind: kind, Offset: -1, Cause: err}
	if e != nil {
		n.Text, n.Pos, n.Offset = e.Text, e.Pos, e.Offset
	}
	n.Msg = fmt.Sprintf("An unhandled exception occurred while templating '%s'. Error was a %s, original message: %s. %s", raw, pythonClass(class), err, err)
	return n
}

// pythonClass is how Python prints a class.
func pythonClass(name string) string {
	switch name {
	case "AnsibleError", "AnsibleUndefinedVariable", "AnsibleFilterError", "AnsibleFilterTypeError", "AnsibleLookupError", "AnsibleOptionsError":
		return "<class 'ansible.errors." + name + "'>"
	case "TemplateNotFound", "TemplateRuntimeError", "TemplateSyntaxError", "FilterArgumentError":
		return "<class 'jinja2.exceptions." + name + "'>"
	}
	return "<class '" + name + "'>"
}
