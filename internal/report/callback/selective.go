package callback

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/term"
	"github.com/troupe-automation/troupe/value"
)

// selective is community.general.selective: tasks with the tag print_action and tasks that fail are shown, of others a dot. From
// -vv on all are shown. Widths count the codes of colours, which are written off a terminal, too: so does the original.
type selective struct {
	*Display
	plain   bool // no colours
	title   string
	titled  bool // the title of the task stands already
	dotting bool // the last thing written was a dot
}

func newSelective(d *Display, opt Options) Callback {
	return &selective{Display: d, plain: opt.on("ANSIBLE_NOCOLOR", opt.on("ANSIBLE_SELECTIVE_DONT_COLORIZE", false))}
}

// The columns of a line.
const selectiveWidth = 120

// Emit implements event.Sink.
func (s *selective) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.TaskStart:
		s.title, s.titled = strings.TrimSpace(e.Task.Name), false
	case *event.Result:
		s.result(e)
	case *event.Stats:
		s.stats(e)
	default:
		s.words(e)
	}
}

func (s *selective) line(text string) { s.Raw(text+"\n", false) }

// paint colours text: with the colour of a kind of result, or with one of the two kinds of bold.
func (s *selective) paint(text, kind string) string {
	if s.plain {
		return text
	}
	code := "\x1b[" + term.Code(s.Color(kind)) + "m"
	switch kind {
	case "bold":
		code = "\x1b[1m"
	case "host":
		code = "\x1b[1m\x1b[34m"
	}
	return code + text + "\x1b[0m"
}

func (s *selective) heading(title string) {
	if s.titled {
		return
	}
	s.titled = true
	if s.dotting {
		s.line("")
	}
	s.line(s.paint("# "+title+" "+repeated("*", selectiveWidth-utf8.RuneCountInString(title)), "bold"))
}

func (s *selective) result(e *event.Result) {
	bad := e.Status == event.Failed || e.Status == event.Unreachable
	switch {
	case e.Status == event.Skipped:
		if s.Verbosity > 1 {
			s.skipped(e)
		}
		return
	case !bad && s.Verbosity <= 1 && !wanted(e.Task):
		s.dotting = true
		s.Raw(".", false)
		return
	}
	s.heading(s.title)
	s.dotting = false
	r := e.Result
	if r == nil {
		r = value.NewDict()
	}
	msg := text(r, "msg")
	if msg == "" {
		msg = text(r, "reason")
	}
	s.entry(0, s.paint(e.Host.Name, "host"), r, msg, bad)
	for _, v := range elems(r, "results") {
		item, ok := v.(*value.Dict)
		if !ok {
			return
		}
		name, ok := item.GetStr("item")
		if !ok {
			return // the original stumbles over other loop variables
		}
		if d, ok := name.(*value.Dict); ok {
			if key, ok := d.GetStr("key"); ok {
				name = key
			}
		}
		failed, _ := item.GetStr("failed")
		s.entry(4, s.paint(str(name), "bold"), item, text(item, "msg"), truthy(orNone(failed)))
	}
}

// wanted reports whether the task has the tag that shows it.
func wanted(t *event.Task) bool {
	return t.Keywords != nil && slices.Contains(elems(t.Keywords, "tags"), value.Value(value.Str("print_action")))
}

// entry is the line of a host or, indented, of an item, and below it what it printed.
func (s *selective) entry(indent int, name string, r *value.Dict, msg string, failed bool) {
	changed, ok := r.GetStr("changed")
	if !ok {
		changed = value.False
	}
	kind, state := "ok", "changed="+str(changed)
	switch {
	case failed:
		kind, state = "error", "FAILED!!!"
	case truthy(changed):
		kind = "changed"
	}
	head := fmt.Sprintf("%s  * %s%s- %s", repeated(" ", indent), name, repeated(" ", 40-utf8.RuneCountInString(name)-indent), s.paint(state, kind))
	s.filled(head, s.paint(msg, kind), indent+4)
	if d, ok := r.GetStr("diff"); ok && truthy(d) {
		if text := selectiveDiff(d); text != "" {
			s.line(indented(s.paint(text, "changed"), indent+4))
		}
	}
	var errs []string
	for _, k := range []string{"exception", "module_stderr"} {
		if t := text(r, k); t != "" {
			errs = append(errs, t)
		}
	}
	for _, t := range []string{text(r, "module_stdout"), strings.TrimSpace(strings.Join(errs, "\n"))} {
		if t != "" {
			s.line(indented(s.paint(t, "error"), indent+4))
		}
	}
}

// filled writes a line up to its width, with the message in it or, when that is long, below it.
func (s *selective) filled(head, msg string, indent int) {
	if short := utf8.RuneCountInString(msg) < 50; short {
		head += " -- " + msg
		s.line(head + " " + repeated("-", selectiveWidth-utf8.RuneCountInString(head)) + "---------")
		return
	}
	s.line(head + " " + repeated("-", selectiveWidth-utf8.RuneCountInString(head)))
	s.line(indented(msg, indent))
}

func (s *selective) skipped(e *event.Result) {
	s.heading(s.title)
	s.dotting = false
	reason := ""
	if e.Result != nil {
		if reason = text(e.Result, "skipped_reason"); reason == "" {
			reason = text(e.Result, "skip_reason")
		}
	}
	head := fmt.Sprintf("  * %s%s- %s", s.paint(e.Host.Name, "host"), repeated(" ", 31-utf8.RuneCountInString(e.Host.Name)-4), s.paint("skipped", "skip"))
	s.filled(head, reason, 8)
	if utf8.RuneCountInString(reason) >= 50 {
		s.line(reason)
	}
}

func (s *selective) stats(e *event.Stats) {
	s.line("")
	s.titled = false
	s.heading("STATS")
	hosts := slices.Clone(e.Hosts)
	slices.Sort(hosts)
	for _, h := range hosts {
		t := e.ByHost[h]
		s.line(s.paint(fmt.Sprintf("%s    : ok=%d\tchanged=%d\tfailed=%d\tunreachable=%d\trescued=%d\tignored=%d",
			h, t.OK, t.Changed, t.Failed, t.Unreachable, t.Rescued, t.Ignored), outcome(t)))
	}
}

// selectiveDiff is a difference as the original shows it: of two texts as lines, anything else as Python prints it.
func selectiveDiff(v value.Value) string {
	d, ok := v.(*value.Dict)
	if !ok {
		return str(v)
	}
	before, _ := d.GetStr("before")
	after, _ := d.GetStr("after")
	a, textA := value.AsString(orNone(before))
	b, textB := value.AsString(orNone(after))
	if !textA || !textB {
		return str(v)
	}
	from := text(d, "before_header")
	if from == "" {
		from = "new_file"
	}
	u := difflib.UnifiedDiff{A: lines(a), B: lines(b), FromFile: from, ToFile: text(d, "after_header"), Context: 3, Eol: "\n"}
	out, err := difflib.GetUnifiedDiffString(u)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(out, "\n")
}

// lines cuts text into lines, each with its end.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.SplitAfter(strings.TrimSuffix(text, "\n")+"\n", "\n")[:strings.Count(strings.TrimSuffix(text, "\n"), "\n")+1]
}

func indented(text string, by int) string {
	pad := repeated(" ", by)
	return pad + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+pad)
}

func repeated(s string, n int) string { return strings.Repeat(s, max(0, n)) }
