package callback

import (
	"fmt"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/value"
)

// document is ansible.posix.json: one JSON document about the whole run, written at its end.
type document struct {
	*Display
	now    func() time.Time
	custom bool // show_custom_stats
	plays  *value.List
	play   *value.Dict // the running play's entry
	tasks  map[string]*value.Dict
}

func newJSON(d *Display, opt Options) Callback {
	return &document{Display: d, now: opt.clock(), custom: opt.CustomStats, plays: value.NewList()}
}

func (j *document) stamp() value.Value {
	return value.Str(j.now().UTC().Format("2006-01-02T15:04:05.000000") + "Z")
}

// Emit implements event.Sink.
func (j *document) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.PlayStart:
		head := value.DictOf("name", value.Str(e.Name), "id", value.Str(e.ID), "path", value.Str(place(e.Pos.File, e.Pos.Line)),
			"duration", value.DictOf("start", j.stamp()))
		j.play = value.DictOf("play", head, "tasks", value.NewList())
		j.tasks = map[string]*value.Dict{}
		j.plays.Elems = append(j.plays.Elems, j.play)
	case *event.TaskStart:
		j.task(e.Task)
	case *event.Result:
		j.result(e)
	case *event.Warning:
		warn(j.Display, e)
	case *event.Stats:
		j.stats(e)
	}
}

// task is the entry of a task in the running play.
func (j *document) task(t *event.Task) *value.Dict {
	if d, ok := j.tasks[t.ID]; ok {
		return d
	}
	head := value.DictOf("name", value.Str(t.Name), "id", value.Str(t.ID), "path", value.Str(place(t.Pos.File, t.Pos.Line)),
		"duration", value.DictOf("start", j.stamp()))
	d := value.DictOf("task", head, "hosts", value.NewDict())
	j.tasks[t.ID] = d
	if j.play != nil {
		sub(j.play, "tasks").(*value.List).Elems = append(sub(j.play, "tasks").(*value.List).Elems, d)
	}
	return d
}

func (j *document) result(e *event.Result) {
	t := j.task(e.Task)
	r := value.NewDict()
	if e.Result != nil {
		for k, v := range e.Result.All() {
			name, _ := value.AsString(k)
			if (name == "failed" || name == "skipped" || name == "unreachable") && !truthy(v) {
				continue
			}
			_ = r.Set(k, v) // the key was hashable before
		}
	}
	if e.Verbose {
		r.SetStr("_ansible_verbose_always", value.True)
	}
	if !e.Loop && !e.Task.NoLog && !isInclude(e.Task) {
		r.SetStr("_ansible_no_log", value.Bool(e.Task.NoLog))
	}
	r.SetStr("action", value.Str(e.Task.Written))
	sub(t, "hosts").(*value.Dict).SetStr(e.Host.Name, r)
	end := j.stamp()
	sub(sub(t, "task").(*value.Dict), "duration").(*value.Dict).SetStr("end", end)
	if j.play != nil {
		sub(sub(j.play, "play").(*value.Dict), "duration").(*value.Dict).SetStr("end", end)
	}
}

func (j *document) stats(e *event.Stats) {
	stats := value.NewDict()
	for _, h := range e.Hosts {
		s := e.ByHost[h]
		stats.SetStr(h, value.DictOf("ok", value.Int(s.OK), "failures", value.Int(s.Failed), "unreachable", value.Int(s.Unreachable), "changed", value.Int(s.Changed),
			"skipped", value.Int(s.Skipped), "rescued", value.Int(s.Rescued), "ignored", value.Int(s.Ignored)))
	}
	custom, global := value.NewDict(), value.NewDict()
	for h, d := range e.Custom {
		switch {
		case !j.custom:
		case h == "_run":
			global = d
		default:
			custom.SetStr(h, d)
		}
	}
	j.Print(toJSON(value.DictOf("plays", j.plays, "stats", stats, "custom_stats", custom, "global_custom_stats", global), 4), "")
	j.plays, j.play = value.NewList(), nil
}

func sub(d *value.Dict, key string) value.Value {
	v, _ := d.GetStr(key)
	return v
}

func truthy(v value.Value) bool {
	b, err := value.Truth(v)
	return err == nil && b
}

// place is FILE:LINE, "" when nothing is known.
func place(file string, line int) string {
	if file == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// warn shows a warning of the run.
func warn(d *Display, e *event.Warning) {
	switch e.Kind {
	case "deprecation":
		d.Deprecated(e.Text)
	case "error":
		d.Error(e.Text)
	case "notice":
		d.PrintErr(e.Text, "")
	default:
		d.Warning(strings.TrimSpace(e.Text))
	}
}
