package callback

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/value"
)

// standard is the default callback. Its lines are those of ansible-core 2.18 (BEHAVIOUR §4, samples fmt_*).
type standard struct {
	*Display
	opt        Options
	format     func(r *value.Dict, verbose bool) string // how results are shown; nil: as JSON
	lastBanner string                                   // task ID (and section) whose banner was printed last
	noSkipped  bool                                     // lines of skipped hosts are left out, banners are not
	pending    *event.Task
	play       *event.PlayStart
}

func newDefault(d *Display, opt Options) Callback {
	s := &standard{Display: d, opt: opt}
	if opt.ResultFormat == "yaml" {
		s.format = func(r *value.Dict, _ bool) string { return resultYAML(r, opt.Pretty == nil || *opt.Pretty) }
	}
	return s
}

func (s *standard) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.PlaybookStart:
		s.playbookStart(e)
	case *event.PlayStart:
		s.playStart(e)
	case *event.NoHostsMatched:
		s.Print("skipping: no hosts matched", "skip")
	case *event.NoHostsRemaining:
		s.Banner("NO MORE HOSTS LEFT", "")
	case *event.TaskStart:
		s.taskStart(e)
	case *event.HostStart:
		if s.opt.PerHostStart {
			s.Print(fmt.Sprintf(" [started %s: %s on %s]", s.prefix(e.Task), e.Task.Name, hostLabel(e.Host)), "")
		}
	case *event.Result:
		s.result(e)
	case *event.ItemResult:
		s.item(e)
	case *event.Retry:
		msg := fmt.Sprintf("FAILED - RETRYING: [%s]: %s (%d retries left).", hostLabel(e.Host), e.Task.Name, e.Left)
		if s.Verbosity > 2 || e.Verbose {
			msg += "Result was: " + s.dump(e.Result, e.Verbose, false)
		}
		s.Print(msg, "debug")
	case *event.AsyncPoll:
		s.async(e)
	case *event.Included:
		msg := fmt.Sprintf("included: %s for %s", e.Name, strings.Join(e.Hosts, ", "))
		if e.Item {
			msg += fmt.Sprintf(" => (item=%s)", e.Label)
		}
		s.Print(msg, "included")
	case *event.Notified, *event.Message, *event.Warning, *event.Log:
		s.words(e)
	case *event.Stats:
		s.stats(e)
	}
}

func (s *standard) playbookStart(e *event.PlaybookStart) {
	if s.Verbosity > 1 {
		s.Banner("PLAYBOOK: "+filepath.Base(e.File), "")
		s.words(e)
	}
	if s.Verbosity > 3 {
		s.Print("Positional arguments: "+e.File, "verbose")
	}
	if s.opt.CheckMarkers && e.Check {
		s.Banner("DRY RUN", "")
	}
}

func (s *standard) playStart(e *event.PlayStart) {
	s.play = e
	name := strings.TrimSpace(e.Name)
	check := ""
	if s.opt.CheckMarkers && e.Check {
		check = " [CHECK MODE]"
	}
	if name == "" {
		s.Banner("PLAY"+check, "")
	} else {
		s.Banner(fmt.Sprintf("PLAY [%s]%s", name, check), "")
	}
}

// prefix is the word of a task's banner.
func (s *standard) prefix(t *event.Task) string {
	switch t.Section {
	case event.SectionHandler:
		return "RUNNING HANDLER"
	case event.SectionCleanup:
		return "CLEANUP TASK"
	default:
		return "TASK"
	}
}

func (s *standard) taskStart(e *event.TaskStart) {
	s.pending = e.Task
	if s.opt.DisplayOK && s.opt.DisplaySkipped {
		s.banner(e.Task)
	}
}

// banner prints the task's banner unless it stands already.
func (s *standard) banner(t *event.Task) {
	check := ""
	if s.opt.CheckMarkers && t.Check {
		check = " [CHECK MODE]"
	}
	s.Banner(fmt.Sprintf("%s [%s%s]%s", s.prefix(t), strings.TrimSpace(t.Name), s.args(t), check), "")
	if s.Verbosity >= 2 {
		s.taskPath(t)
	}
	s.lastBanner = t.ID
}

// args are the arguments as a banner shows them when display_args_to_stdout wants them.
func (s *standard) args(t *event.Task) string {
	if !s.opt.ArgsToStdout || t.NoLog || t.Args == nil {
		return ""
	}
	var parts []string
	for k, v := range t.Args.All() {
		parts = append(parts, fmt.Sprintf("%s=%s", str(k), str(v)))
	}
	return " " + strings.Join(parts, ", ")
}

func (s *standard) taskPath(t *event.Task) {
	if t.Pos.File != "" {
		s.Print(fmt.Sprintf("task path: %s:%d", t.Pos.File, t.Pos.Line), "debug")
	}
}

// ensureBanner prints the banner late when lines without news are hidden.
func (s *standard) ensureBanner(t *event.Task) {
	if s.lastBanner != t.ID {
		s.banner(t)
	}
}

func hostLabel(h event.Host) string {
	if h.Delegate == "" || h.Delegate == h.Name {
		return h.Name
	}
	if h.DelegateTo != "" && h.DelegateTo != h.Delegate {
		return fmt.Sprintf("%s -> %s(%s)", h.Name, h.Delegate, h.DelegateTo)
	}
	return h.Name + " -> " + h.Delegate
}

func (s *standard) result(e *event.Result) {
	host := hostLabel(e.Host)
	switch e.Status {
	case event.OK, event.Changed:
		if isInclude(e.Task) {
			s.ensureBanner(e.Task)
			return
		}
		word, kind := "ok", "ok"
		if e.Status == event.Changed {
			word, kind = "changed", "changed"
		} else if !s.opt.DisplayOK {
			return
		}
		s.ensureBanner(e.Task)
		s.warnings(e.Result)
		if e.Loop {
			return
		}
		if e.Status == event.Changed {
			s.diff(e.Task, e.Result)
		}
		msg := fmt.Sprintf("%s: [%s]", word, host)
		if s.Verbosity > 0 || e.Verbose {
			msg += " => " + s.dump(e.Result, e.Verbose, isDebug(e.Task))
		}
		s.Print(msg, kind)
	case event.Failed:
		s.ensureBanner(e.Task)
		s.exception(e.Result)
		s.warnings(e.Result)
		if !e.Loop || isDebug(e.Task) {
			if s.opt.PathOnFailure && s.Verbosity < 2 {
				s.taskPath(e.Task)
			}
			s.failure(fmt.Sprintf("fatal: [%s]: FAILED! => %s", host, s.dump(e.Result, e.Verbose, isDebug(e.Task))))
		}
		if e.Ignored {
			s.Print("...ignoring", "skip")
		}
	case event.Skipped:
		if !s.opt.DisplaySkipped || s.noSkipped {
			return
		}
		s.ensureBanner(e.Task)
		s.warnings(e.Result)
		msg := fmt.Sprintf("skipping: [%s]", host)
		if s.Verbosity > 0 {
			msg += " => " + s.dump(withoutItems(e), e.Verbose, isDebug(e.Task))
		}
		s.Print(msg, "skip")
	case event.Unreachable:
		s.ensureBanner(e.Task)
		s.Print2(fmt.Sprintf("fatal: [%s]: UNREACHABLE! => %s", host, s.dump(e.Result, false, false)), "unreachable", s.opt.FailedToStderr)
		if e.Ignored {
			s.Print("...ignoring", "skip")
		}
	}
}

// Print2 prints to stderr when toErr is set, else to stdout.
func (d *Display) Print2(text, kind string, toErr bool) {
	if toErr {
		d.PrintErr(text, kind)
	} else {
		d.Print(text, kind)
	}
}

// withoutItems is the result of a loop without what was shown item by item.
func withoutItems(e *event.Result) *value.Dict {
	if !e.Loop || e.Result == nil {
		return e.Result
	}
	d := e.Result.Copy()
	d.DeleteStr("results")
	return d
}

func (s *standard) failure(text string) { s.Print2(text, "error", s.opt.FailedToStderr) }

func (s *standard) item(e *event.ItemResult) {
	if isInclude(e.Task) && (e.Status == event.OK || e.Status == event.Changed) {
		return
	}
	host := hostLabel(e.Host)
	switch e.Status {
	case event.OK, event.Changed:
		word, kind := "ok", "ok"
		if e.Status == event.Changed {
			word, kind = "changed", "changed"
		} else if !s.opt.DisplayOK {
			return
		}
		s.ensureBanner(e.Task)
		s.warnings(e.Result)
		if e.Status == event.Changed {
			s.diff(e.Task, e.Result)
		}
		msg := fmt.Sprintf("%s: [%s] => (item=%s)", word, host, e.Label)
		if s.Verbosity > 0 || e.Verbose {
			msg += " => " + s.dump(e.Result, e.Verbose, isDebug(e.Task))
		}
		s.Print(msg, kind)
	case event.Failed, event.Unreachable:
		s.ensureBanner(e.Task)
		s.exception(e.Result)
		s.warnings(e.Result)
		if e.Status == event.Unreachable {
			s.Print2(fmt.Sprintf("failed: [%s] (item=%s) => %s", host, e.Label, s.dump(e.Result, e.Verbose, false)), "unreachable", s.opt.FailedToStderr)
			return
		}
		s.failure(fmt.Sprintf("failed: [%s] (item=%s) => %s", host, e.Label, s.dump(e.Result, e.Verbose, isDebug(e.Task))))
	case event.Skipped:
		if !s.opt.DisplaySkipped || s.noSkipped {
			return
		}
		s.ensureBanner(e.Task)
		msg := fmt.Sprintf("skipping: [%s] => (item=%s) ", host, e.Label)
		if s.Verbosity > 0 {
			msg += " => " + s.dump(e.Result, e.Verbose, isDebug(e.Task))
		}
		s.Print(msg, "skip")
	}
}

func (s *standard) async(e *event.AsyncPoll) {
	host := hostLabel(e.Host)
	switch e.State {
	case "poll":
		s.Print(fmt.Sprintf("ASYNC POLL on %s: jid=%s started=%d finished=%d", host, e.JobID, e.Started, e.Finished), "debug")
	case "ok":
		s.Print(fmt.Sprintf("ASYNC OK on %s: jid=%s", host, e.JobID), "debug")
	case "failed":
		s.Print(fmt.Sprintf("ASYNC FAILED on %s: jid=%s", host, e.JobID), "debug")
	}
}

// warnings prints what a module warned about.
func (s *standard) warnings(r *value.Dict) {
	if r == nil {
		return
	}
	for _, w := range elems(r, "warnings") {
		s.Warning(str(w))
	}
	for _, w := range elems(r, "deprecations") {
		if d, ok := w.(*value.Dict); ok {
			get := func(k string) string {
				if v, ok := d.GetStr(k); ok && v != value.None {
					return str(v)
				}
				return ""
			}
			s.Deprecated(diag.Removal{Text: get("msg"), Version: get("version"), Date: get("date"), Collection: get("collection_name")}.Deprecated())
		}
	}
}

func (s *standard) exception(r *value.Dict) {
	if r == nil {
		return
	}
	v, ok := r.GetStr("exception")
	if !ok {
		return
	}
	text := str(v)
	if s.Verbosity < 3 {
		lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
		text = "An exception occurred during task execution. To see the full traceback, use -vvv. The error was: " + lines[len(lines)-1]
	} else {
		text = "The full traceback is:\n" + text
	}
	s.Print2(text, "error", s.opt.FailedToStderr)
}

func (s *standard) stats(e *event.Stats) {
	s.recap(e, true)
	if s.opt.CustomStats && len(e.Custom) > 0 {
		s.customStats(e)
	}
	if s.opt.CheckMarkers && s.play != nil && s.play.Check {
		s.Banner("DRY RUN", "")
	}
}

// recap is the table of hosts below its banner; skipped adds that column.
func (s *standard) recap(e *event.Stats, skipped bool) {
	s.retry(e)
	s.Banner("PLAY RECAP", "")
	s.summaries(e, skipped)
	s.Print("", "")
}

func (s *standard) retry(e *event.Stats) {
	if e.Retry != "" {
		s.Print("\tto retry, use: --limit @"+e.Retry+"\n", "")
	}
}

func (s *standard) summaries(e *event.Stats, skipped bool) {
	hosts := slices.Clone(e.Hosts)
	slices.Sort(hosts)
	for _, h := range hosts {
		t := e.ByHost[h]
		field := func(name string, n int, kind string) string {
			text := fmt.Sprintf("%s=%-4d", name, n)
			if n == 0 || !s.Out.Color {
				return text
			}
			return s.Out.Paint(s.Color(kind), text)
		}
		name := fmt.Sprintf("%-26s", h)
		if s.Out.Color {
			name = fmt.Sprintf("%-37s", s.Out.Paint(s.Color(outcome(t)), h))
		}
		line := []string{name, ":", field("ok", t.OK, "ok"), field("changed", t.Changed, "changed"), field("unreachable", t.Unreachable, "unreachable"),
			field("failed", t.Failed, "error")}
		if skipped {
			line = append(line, field("skipped", t.Skipped, "skip"))
		}
		line = append(line, field("rescued", t.Rescued, "ok"), field("ignored", t.Ignored, "warn"))
		s.Print(strings.Join(line, " "), "")
	}
}

// outcome is the colour of a host's line in the recap.
func outcome(t event.Summary) string {
	switch {
	case t.Failed > 0 || t.Unreachable > 0:
		return "error"
	case t.Changed > 0:
		return "changed"
	}
	return "ok"
}

func (s *standard) customStats(e *event.Stats) {
	s.Banner("CUSTOM STATS: ", "")
	var hosts []string
	for h := range e.Custom {
		if h != "_run" {
			hosts = append(hosts, h)
		}
	}
	slices.Sort(hosts)
	flat := func(d *value.Dict) string { return strings.ReplaceAll(toJSON(d, 1), "\n", "") }
	for _, h := range hosts {
		s.Print(fmt.Sprintf("\t%s: %s", h, flat(e.Custom[h])), "")
	}
	if d, ok := e.Custom["_run"]; ok {
		s.Print("", "")
		s.Print("\tRUN: "+flat(d), "")
	}
	s.Print("", "")
}

func isInclude(t *event.Task) bool {
	switch strings.TrimPrefix(t.Action, "ansible.builtin.") {
	case "include_tasks", "include_role":
		return true
	}
	return false
}

func isDebug(t *event.Task) bool { return t.Action == "ansible.builtin.debug" }

func elems(d *value.Dict, key string) []value.Value {
	v, ok := d.GetStr(key)
	if !ok {
		return nil
	}
	switch v := v.(type) {
	case *value.List:
		return v.Elems
	case *value.Tuple:
		return v.Elems
	}
	return nil
}
