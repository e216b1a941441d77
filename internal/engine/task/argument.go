package task

import (
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/didyoumean"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// diagnoseResult finds the token that a module's complaint about its parameters is about; nil for other failures.
func (x *exec) diagnoseResult(d *value.Dict) *diag.Diagnostic {
	v, _ := d.GetStr("msg")
	msg, ok := value.AsString(v)
	if !ok {
		return nil
	}
	short := x.Task.ActionAsWritten[strings.LastIndexByte(x.Task.ActionAsWritten, '.')+1:]
	if rest, ok := strings.CutPrefix(msg, "Unsupported parameters for ("); ok {
		return x.unknownParameter(short, rest)
	}
	if rest, ok := strings.CutPrefix(msg, "value of "); ok {
		return x.wrongChoice(short, rest)
	}
	if names, ok := strings.CutPrefix(msg, "missing required arguments: "); ok {
		out := &diag.Diagnostic{Code: diag.MissingParameter, Summary: fmt.Sprintf("%s needs %s", short, names), Exit: diag.ExitFailed}
		return out.At(x.Task.ActionPos, len(x.Task.ActionAsWritten), "")
	}
	return nil
}

// unknownParameter reads "module) module: a, b. Supported parameters include: c, d (alias)."
func (x *exec) unknownParameter(module, rest string) *diag.Diagnostic {
	_, rest, ok := strings.Cut(rest, ") module: ")
	if !ok {
		return nil
	}
	bad, supported, _ := strings.Cut(rest, ". Supported parameters include: ")
	name, _, _ := strings.Cut(bad, ", ")
	out := &diag.Diagnostic{Code: diag.UnknownParameter, Summary: fmt.Sprintf("%s has no parameter %q", module, name), Exit: diag.ExitFailed}
	names := strings.FieldsFunc(supported, func(r rune) bool { return strings.ContainsRune(", ().", r) })
	if near := didyoumean.Nearest(name, names); near != "" {
		out.Hint(fmt.Sprintf("did you mean `%s`?", near))
	}
	return out.At(x.keyPos(name), len(name), "")
}

// wrongChoice reads "state must be one of: a, b, got: c".
func (x *exec) wrongChoice(module, rest string) *diag.Diagnostic {
	name, rest, ok := strings.Cut(rest, " must be one of: ")
	if !ok {
		return nil
	}
	choices, got, ok := strings.Cut(rest, ", got: ")
	if !ok {
		return nil
	}
	got, _, _ = strings.Cut(got, " found in ")
	out := &diag.Diagnostic{
		Code: diag.WrongChoice, Summary: fmt.Sprintf("%q is not a %s of %s", got, name, module), Detail: "it may be: " + choices, Exit: diag.ExitFailed,
	}
	if near := didyoumean.Nearest(got, strings.Split(choices, ", ")); near != "" {
		out.Hint(fmt.Sprintf("did you mean `%s`?", near))
	}
	pos := x.Task.ActionPos
	if p := x.Task.ArgsNode.Pair(name); p != nil {
		pos = p.Value.Pos
	}
	return out.At(pos, len(got), "")
}

// keyPos is where a parameter is written.
func (x *exec) keyPos(name string) source.Pos {
	if p := x.Task.ArgsNode.Pair(name); p != nil {
		return p.Key.Pos
	}
	if x.Task.ActionPos.IsValid() {
		return x.Task.ActionPos
	}
	return x.Task.Pos
}
