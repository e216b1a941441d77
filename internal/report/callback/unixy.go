package callback

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/value"
)

// unixy is community.general.unixy: a line for each result, in small letters.
type unixy struct {
	*standard
	retries map[string]int // attempts of an until loop that were told, by host
}

func newUnixy(d *Display, opt Options) Callback {
	return &unixy{&standard{Display: d, opt: opt}, map[string]int{}}
}

// Emit implements event.Sink.
func (u *unixy) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.PlaybookStart:
		check := ""
		if e.Check && u.opt.CheckMarkers {
			check = " in check mode"
		}
		u.Print("Executing playbook "+filepath.Base(e.File)+check, "")
	case *event.PlayStart:
		u.play = e
		name := strings.TrimSpace(e.Name)
		switch {
		case name == "" || name == e.Pattern:
			u.Print(fmt.Sprintf("\n- on hosts: %s -", e.Pattern), "")
		default:
			u.Print(fmt.Sprintf("\n- %s on hosts: %s -", name, e.Pattern), "")
		}
	case *event.TaskStart:
		u.task(e.Task)
	case *event.Result:
		u.one(e.Task, e.Host, e.Status, e.Result, e.Loop, nil)
	case *event.ItemResult:
		u.one(e.Task, e.Host, e.Status, e.Result, false, e)
	case *event.Retry:
		u.retries[e.Host.Name]++
		u.Print(fmt.Sprintf("  Retrying... (%d of %d)", u.retries[e.Host.Name], u.retries[e.Host.Name]+e.Left), "debug")
	case *event.Stats:
		u.table(e)
	default:
		u.standard.Emit(e)
	}
}

func (u *unixy) task(t *event.Task) {
	clear(u.retries)
	if isInclude(t) {
		return
	}
	name := t.Name
	if t.Role != "" {
		name = strings.TrimPrefix(name, t.Role+" : ")
	}
	check := ""
	if t.Check && u.opt.CheckMarkers {
		check = " (check mode)"
	}
	if t.Section == event.SectionHandler {
		u.Print(fmt.Sprintf("%s (via handler)%s... ", name, check), "")
		return
	}
	u.Print(name+check+"...", "")
}

// one tells a result or, when item is set, that of an item.
func (u *unixy) one(t *event.Task, host event.Host, status event.Status, r *value.Dict, loop bool, item *event.ItemResult) {
	name := hostLabel(host)
	label := ""
	if item != nil {
		if v, ok := r.GetStr(text(r, "ansible_loop_var")); ok && truthy(v) {
			label = " | item: " + str(v)
		}
	}
	fields := func(keys ...string) string {
		s := ""
		for _, k := range keys {
			if v := text(r, k); v != "" {
				s += " | " + k + ": " + v
			}
		}
		return s
	}
	u.warnings(r)
	switch status {
	case event.OK:
		if !u.opt.DisplayOK {
			return
		}
		line := fmt.Sprintf("  %s ok", name)
		if isDebug(t) && !loop {
			line += ": " + toJSON(visible(r, u.Verbosity, false), 4)
		} else {
			line += fields("stdout")
		}
		u.Print(line, "ok")
	case event.Changed:
		if !loop {
			u.diff(t, r)
		}
		u.Print(fmt.Sprintf("  %s done%s%s", name, label, fields("stdout")), "changed")
	case event.Skipped:
		if u.opt.DisplaySkipped {
			msg := ""
			if loop {
				msg = fields("msg")
			}
			u.Print(fmt.Sprintf("  %s skipped%s", name, msg), "skip")
		}
	case event.Failed:
		u.failure(fmt.Sprintf("  %s failed%s%s", name, label, fields("msg", "stdout", "stderr")))
	case event.Unreachable:
		u.Print2(fmt.Sprintf("  %s unreachable%s", name, fields("msg")), "unreachable", u.opt.FailedToStderr)
	}
}

func (u *unixy) table(e *event.Stats) {
	u.Print("\n- Play recap -", "")
	hosts := slices.Clone(e.Hosts)
	slices.Sort(hosts)
	for _, h := range hosts {
		t := e.ByHost[h]
		u.Print(fmt.Sprintf("  %-26s : ok=%-4d changed=%-4d unreachable=%-4d failed=%-4d rescued=%-4d ignored=%-4d", h, t.OK, t.Changed, t.Unreachable, t.Failed, t.Rescued, t.Ignored), "")
	}
}
