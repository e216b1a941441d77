package launch

import (
	"context"

	troupe "github.com/troupe-automation/troupe"
	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/report/callback"
)

// Callbacks makes the stdout callback and the others that are switched on, ours and those written in Python. fallback is the
// one used when none is configured.
func (s *Session) Callbacks(ctx context.Context, p *troupe.Project, fallback string, opt callback.Options) (event.Sink, error) {
	name := s.Config.Str("DEFAULT_STDOUT_CALLBACK")
	if fallback != "" {
		name = fallback
	}
	entry, native := callback.Find(name)
	native = native && entry.Stdout
	enabled := s.Config.List("CALLBACKS_ENABLED")
	// ours reports whether a callback is a native one that no plugin beside the playbook takes the place of.
	ours := func(name string) bool {
		e, ok := callback.Find(name)
		return ok && (e.Stdout || p.Plugins.Search.Adjacent("callback", name) == nil)
	}
	if s.plugins == nil {
		wanted := ""
		if !native {
			wanted = name
		}
		var others []string
		for _, e := range enabled {
			if !ours(e) {
				others = append(others, e)
			}
		}
		if fallback != "" { // ad-hoc commands have one callback alone
			others = nil
		}
		var err error
		if s.plugins, s.stdout, err = p.Callbacks(ctx, wanted, others, fallback == ""); err != nil {
			return nil, err
		}
	}
	if !native && !s.stdout {
		msg := "Invalid callback for stdout specified: " + name
		return nil, &diag.Diagnostic{Code: diag.BadSetting, Summary: msg, Classic: msg, Exit: diag.ExitError}
	}
	var all sinks
	switch {
	case !s.stdout:
		all = sinks{entry.New(s.Display, opt)}
	case !s.plugins.Words():
		all = sinks{callback.NewWords(s.Display)}
	}
	if opt.TreeDir != "" {
		t, _ := callback.Find("tree")
		all = append(all, t.New(s.Display, opt))
	}
	if s.plugins != nil {
		all = append(all, s.plugins)
	}
	if !s.Env.classic(s.Display) {
		all = append(all, &diagnoses{display: s.Display})
	}
	for _, name := range enabled {
		if e, ok := callback.Find(name); ok && !e.Stdout && ours(name) {
			all = append(all, e.New(s.Display, opt))
		}
	}
	return all, nil
}

type sinks []event.Sink

// Emit hands an event to all.
func (s sinks) Emit(e event.Event) {
	for _, one := range s {
		one.Emit(e)
	}
}
