package task

import (
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/value"
)

// Result is how a task ended on one host.
type Result struct {
	Status    event.Status
	Dict      *value.Dict // what callbacks show
	Register  value.Value // what `register` keeps; nil when the task has none
	Effects   []Effect
	Ignored   bool // ignore_errors or ignore_unreachable applies
	NoLog     bool
	Loop      bool
	Verbose   bool
	Diagnosis *diag.Diagnostic
	Fatal     error // the whole run must end (a mistake in the content met while running)
	Delegate  event.Host
}

// Changed reports whether the task changed something, for handlers.
func (r *Result) Changed() bool { return truth(r.Dict, "changed") }

// Release lets go of what only callbacks read, once they have: a task in lockstep ends when its last host ends, and the results
// of a loop over all hosts on all hosts are many.
func (r *Result) Release() {
	r.Effects = slices.DeleteFunc(r.Effects, func(e Effect) bool {
		return e.Outcome.Facts == nil && e.Outcome.Stats == nil && e.Outcome.Include == nil
	})
	if r.Status == event.Failed || r.Status == event.Unreachable || len(r.Effects) > 0 {
		return // the rescue section and the includes read it
	}
	r.Dict = value.DictOf("changed", value.Bool(r.Changed()))
}

// Effect is what one attempt (one item) asks of the run.
type Effect struct {
	Outcome  *action.Outcome
	ItemVars *value.Dict // loop variables, for includes
	Label    string
	Item     bool
	Failed   bool
	Delegate string // host that delegate_facts gives the facts to
}

func truth(d *value.Dict, key string) bool {
	if d == nil {
		return false
	}
	v, ok := d.GetStr(key)
	if !ok {
		return false
	}
	b, err := value.Truth(v)
	return err == nil && b
}

// lost reports whether a result counts as failed: what failed_when said goes before the flag, which retries set when they
// run out.
func lost(d *value.Dict) bool {
	if d == nil {
		return false
	}
	if _, said := d.GetStr("failed_when_result"); said {
		return truth(d, "failed_when_result")
	}
	return truth(d, "failed")
}

// finish gives a result the shape that the engine owes it: lines of output when it is a module's, a changed flag, and the
// verdict failed.
func finish(d *value.Dict, ofModule bool) {
	for _, k := range []string{"stdout", "stderr"} {
		if !ofModule {
			break
		}
		v, ok := d.GetStr(k)
		if !ok {
			continue
		}
		if _, has := d.GetStr(k + "_lines"); has {
			continue
		}
		if s, isText := value.AsString(v); isText {
			d.SetStr(k+"_lines", splitLines(s))
		}
	}
	if _, has := d.GetStr("failed"); !has {
		d.SetStr("failed", value.Bool(failed(d)))
	}
	if _, has := d.GetStr("changed"); !has {
		d.SetStr("changed", value.False)
	}
}

// failed decides whether a result is a failure: failed when given, else rc.
func failed(d *value.Dict) bool {
	if v, ok := d.GetStr("failed"); ok {
		b, err := value.Truth(v)
		return err == nil && b
	}
	if rc, ok := d.GetStr("rc"); ok {
		switch n := rc.(type) {
		case value.Int:
			return n != 0
		case value.Str:
			return strings.TrimSpace(string(n)) != "0" && n != ""
		}
	}
	return false
}

// splitLines cuts text as Python's str.splitlines does.
func splitLines(s string) *value.List {
	l := value.NewList()
	start := 0
	runes := []byte(s)
	add := func(end int) { l.Elems = append(l.Elems, value.Str(s[start:end])) }
	for i := 0; i < len(runes); {
		width, brk := 1, false
		switch c := runes[i]; {
		case c == '\n', c == '\v', c == '\f', c >= 0x1c && c <= 0x1e:
			brk = true
		case c == '\r':
			brk = true
			if i+1 < len(runes) && runes[i+1] == '\n' {
				width = 2
			}
		case strings.HasPrefix(s[i:], "\u0085"):
			width, brk = 2, true
		case strings.HasPrefix(s[i:], "\u2028"), strings.HasPrefix(s[i:], "\u2029"):
			width, brk = 3, true
		}
		if brk {
			add(i)
			start = i + width
		}
		i += width
	}
	if start < len(s) {
		add(len(s))
	}
	return l
}

// registered is the copy of a result that `register` keeps.
func registered(d *value.Dict, keepInvocation bool) *value.Dict {
	out := value.NewDict()
	for k, v := range d.All() {
		name, _ := value.AsString(k)
		if strings.HasPrefix(name, "_ansible_") || name == "invocation" && !keepInvocation {
			continue
		}
		_ = out.Set(k, v) // the key was hashable before
	}
	if _, include := out.GetStr("include"); !include {
		if _, ok := out.GetStr("failed"); !ok && !truth(out, "skipped") {
			out.SetStr("failed", value.False)
		}
	}
	if _, ok := out.GetStr("changed"); !ok {
		out.SetStr("changed", value.False)
	}
	return out
}
