package run

import (
	"slices"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/engine/task"
	"github.com/troupe-automation/troupe/value"
)

// stats counts what the recap shows, and keeps the data of set_stats.
type stats struct {
	byHost map[string]*event.Summary
	data   map[string]*value.Dict
}

func newStats() *stats {
	return &stats{byHost: map[string]*event.Summary{}, data: map[string]*value.Dict{}}
}

func (s *stats) of(host string) *event.Summary {
	t := s.byHost[host]
	if t == nil {
		t = &event.Summary{}
		s.byHost[host] = t
	}
	return t
}

// included counts an included file for a host.
func (s *stats) included(host string) { s.of(host).OK++ }

// count adds a result (BEHAVIOUR §4, stats rules).
func (s *stats) count(host string, r *task.Result, rescued bool) {
	t := s.of(host)
	switch r.Status {
	case event.OK:
		t.OK++
	case event.Changed:
		t.OK++
		t.Changed++
	case event.Skipped:
		t.Skipped++
	case event.Failed:
		switch {
		case r.Ignored:
			t.OK++
			t.Ignored++
			if r.Changed() {
				t.Changed++
			}
		case rescued:
			t.Rescued++
		default:
			t.Failed++
		}
	case event.Unreachable:
		if r.Ignored {
			t.OK++
			t.Ignored++
		} else {
			t.Unreachable++
		}
	}
}

// takeBack uncounts a result that the debugger runs again, as Ansible does it: what failed was never ok, and yet one ok goes.
func (s *stats) takeBack(host string, r *task.Result) {
	t := s.of(host)
	take := func(n *int, yes bool) {
		if yes && *n > 0 {
			*n--
		}
	}
	take(&t.Failed, r.Status == event.Failed)
	take(&t.Unreachable, r.Status == event.Unreachable)
	take(&t.Changed, r.Changed())
	take(&t.Skipped, r.Status == event.Skipped)
	take(&t.OK, true)
}

// custom keeps the data of set_stats.
func (s *stats) custom(c *action.Stats, host string) {
	where := "_run"
	if c.PerHost {
		where = host
	}
	have := s.data[where]
	if have == nil {
		have = value.NewDict()
		s.data[where] = have
	}
	for k, v := range c.Data.All() {
		old, ok, _ := have.Get(k)
		if !ok || !c.Aggregate {
			_ = have.Set(k, v) // the key was hashable before
			continue
		}
		_ = have.Set(k, aggregate(old, v)) // the key was hashable before
	}
}

// aggregate adds two values: dicts are merged, everything else is added as Python would.
func aggregate(a, b value.Value) value.Value {
	if da, ok := a.(*value.Dict); ok {
		if db, ok := b.(*value.Dict); ok {
			return merged(da, db, true)
		}
		return b
	}
	if a.TypeName() != b.TypeName() {
		return b
	}
	sum, err := value.Add(a, b)
	if err != nil {
		return b
	}
	return sum
}

func (s *stats) event(retry string) *event.Stats {
	e := &event.Stats{ByHost: map[string]event.Summary{}, Custom: s.data, Retry: retry}
	for h, t := range s.byHost {
		e.Hosts = append(e.Hosts, h)
		e.ByHost[h] = *t
	}
	slices.Sort(e.Hosts)
	return e
}
