package task

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/didyoumean"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

// valueErrors are ValueError and the classes below it, as filters raise them.
var valueErrors = map[string]bool{"ValueError": true, "JSONDecodeError": true, "UnicodeDecodeError": true, "UnicodeEncodeError": true, "Error": true}

// argsError words a failure in the arguments of a task, which are args as they are written.
func argsError(err error, args *value.Dict, pos source.Pos) error {
	var e *template.Error
	if errors.As(err, &e) && valueErrors[e.Class] {
		n := *e
		n.Class = "AnsibleParserError"
		shown, rerr := value.Repr(sealed(args))
		if rerr != nil {
			return err
		}
		n.Msg = fmt.Sprintf("the field 'args' has an invalid value (%s), and could not be converted to dict.. %s%s", shown, e.Msg, diag.Trailer(pos))
		return &n
	}
	if errors.As(err, &e) && template.IsUndefined(err) {
		n := *e
		n.Class = "AnsibleUndefinedVariable"
		n.Msg = "The task includes an option with an undefined variable.. " + e.Msg + diag.Trailer(pos)
		return &n
	}
	return err
}

// sealed is a value of the content with its encrypted texts left out, for messages.
func sealed(v value.Value) value.Value {
	return value.MapLeaves(v, func(e value.Value) value.Value {
		if _, ok := e.(*value.Encrypted); ok {
			return value.Str("(encrypted)")
		}
		return e
	})
}

// diagnose finds the token in the content that a template error is about.
func (x *exec) diagnose(e *template.Error) *diag.Diagnostic {
	summary := e.Msg
	if i := strings.IndexByte(summary, '\n'); i >= 0 {
		summary = summary[:i]
	}
	d := &diag.Diagnostic{Code: diag.TemplateError, Summary: summary, Exit: diag.ExitFailed}
	var inner *value.Error
	var syn *syntax.Error
	var unknown *jinja.UnknownError
	switch {
	case errors.As(e, &unknown):
		d.Summary = fmt.Sprintf("no %s %q", unknown.Kind, unknown.Name)
	case errors.As(e, &syn):
		d.Summary = syn.Msg
	case errors.As(e, &inner):
		d.Summary = inner.Msg
	}
	name := undefinedName(d.Summary)
	if name != "" {
		d.Code = diag.Undefined
		d.Summary = fmt.Sprintf("`%s` is not defined", name)
		names := x.Vars.Names()
		slices.Sort(names)
		if near := didyoumean.Nearest(name, names); near != "" {
			d.Hint(fmt.Sprintf("did you mean `%s`?", near))
		}
	}
	if pos, ok := e.Place(); ok {
		return d.At(pos, len(name), "").Also(source.Pos{File: x.Task.Pos.File, Line: x.Task.Pos.Line}, 0, "rendered by this task")
	}
	if e.Pos.IsValid() && e.Offset >= 0 {
		if pos := yamldoc.Locate(e.Pos, e.Text, e.Offset); pos.Col > 0 {
			return d.At(pos, len(name), "")
		}
	}
	return d.At(source.Pos{File: x.Task.Pos.File, Line: x.Task.Pos.Line}, 0, "")
}

// undefinedName is the name in "'name' is undefined", or "".
func undefinedName(msg string) string {
	rest, ok := strings.CutPrefix(msg, "'")
	if !ok {
		return ""
	}
	name, ok := strings.CutSuffix(rest, "' is undefined")
	if !ok || strings.ContainsAny(name, "' ") {
		return ""
	}
	return name
}

// checkSpec checks the arguments of an action that runs on the controller.
func checkSpec(act *action.Action, c *action.Context) error {
	given := map[string]any{}
	for k, v := range c.Args.All() {
		g, err := value.ToGo(v)
		if err != nil {
			return err
		}
		given[plain(k)] = g
	}
	short := act.Name[strings.LastIndexByte(act.Name, '.')+1:]
	if checked := act.Spec.Check(short, given); checked.Err != "" {
		return &action.Failure{Msg: checked.Err, Exception: "NoneType: None", Keys: value.NewDict()}
	}
	return nil
}
