package pyhost

import (
	"context"
	"errors"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// Lookup runs the lookup plugin of that name; found false says that there is none. results are what it returned: a list, when it is well made.
func (h *Host) Lookup(ctx context.Context, t *template.Templar, name string, terms []value.Value, options []value.Kwarg) (results value.Value, found bool, err error) {
	p, err := h.Search.Find("lookup", name, nil)
	if d, ok := diag.As(err); ok {
		return nil, true, &value.Error{Class: "AnsibleError", Msg: d.Message()}
	}
	if err != nil {
		return nil, true, err
	}
	if p == nil {
		return nil, false, nil
	}
	v, err := h.Call(ctx, TaskSide, "lookup", value.DictOf(
		"path", value.Str(p.Path), "name", value.Str(p.Name), "collection", value.Str(p.Collection), "terms", value.NewList(terms...), "options", keywords(options)),
		&Scope{Templar: t}, false)
	if err != nil {
		var e *Error
		if errors.As(err, &e) && e.Known() == "AnsibleUndefinedVariable" {
			return nil, true, &template.Error{Class: "AnsibleUndefinedVariable", Kind: "undefined", Msg: e.Msg, Offset: -1, Cause: err}
		}
		return nil, true, raised(err)
	}
	return v, true, nil
}
