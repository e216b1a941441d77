package callback

import (
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/value"
)

// dense is community.general.dense: one line that is written anew for each result, and stays when something changed or failed.
// It moves the cursor whether there is a terminal or not, as the original does; from -vv on it is the default callback.
type dense struct {
	*standard
	hosts  []*denseHost // of the task, in the order they were told
	at     map[string]*denseHost
	keep   bool // the line is to stay
	titled bool // with -v: the title of the task stands already
	kind   string
	task   *event.Task
	plays  int
	count  map[string]int // tasks and handlers of the play
}

type denseHost struct{ name, state, delegate string }

// The codes of a terminal that dense uses.
const (
	vtReset     = "\x1b[0;0m"
	vtSave      = "\x1b[s"
	vtRestore   = "\x1b[u"
	vtClear     = "\x1b[2K"
	vtBold      = "\x1b[1m"
	vtUnderline = "\x1b[4m"
	vtWrap      = "\x1b[7h"
	vtNoWrap    = "\x1b[7l"

	vtBack = vtRestore + vtReset               // to where the line begins
	vtNext = vtReset + "\n" + vtSave + vtClear // to the next line, which is remembered
)

// denseStates are the states of a host, the weaker first; an item does not weaken what was told of another.
var denseStates = []string{"skipped", "ok", "changed", "failed", "unreachable"}

var denseColors = map[string]string{
	"ok": "\x1b[0;32m", "changed": "\x1b[0;33m", "skipped": "\x1b[0;36m", "ignored": "\x1b[46m\x1b[1;31m", "failed": "\x1b[0;31m", "unreachable": "\x1b[1;31m",
}

func newDense(d *Display, opt Options) Callback {
	if d.Verbosity > 1 {
		return newDefault(d, opt)
	}
	c := &dense{standard: &standard{Display: d, opt: opt}, count: map[string]int{}}
	c.write(vtReset + vtSave + vtClear)
	return c
}

func (c *dense) write(text ...string) { c.Raw(strings.Join(text, ""), false) }

// Emit implements event.Sink.
func (c *dense) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.PlayStart:
		c.play = e
		c.settle(true)
		c.plays++
		clear(c.count)
		name := strings.TrimSpace(e.Name)
		if name == "" {
			name = "unnamed"
		}
		c.write(vtBold, fmt.Sprintf("PLAY %d: %s", c.plays, strings.ToUpper(name)), vtRestore, vtNext)
	case *event.TaskStart:
		c.start(e.Task)
	case *event.Result:
		if !e.Loop {
			c.differences(e.Task, e.Status, e.Result)
		}
		c.tell(e.Task, e.Host, e.Status, e.Ignored, e.Loop, e.Result)
	case *event.ItemResult:
		c.differences(e.Task, e.Status, e.Result)
		c.tell(e.Task, e.Host, e.Status, e.Ignored, false, e.Result)
	case *event.Included:
	case *event.NoHostsRemaining:
		c.settle(true)
		c.write("\x1b[1;37m\x1b[41mNO MORE HOSTS LEFT", vtRestore, vtNext)
	case *event.Stats:
		c.retry(e)
		c.settle(true)
		if c.Verbosity > 0 {
			c.write(vtBold, vtUnderline, "SUMMARY", vtRestore, vtNext)
			c.summaries(e, false)
		}
	case *event.End:
		c.write(vtRestore, vtNext)
	default:
		c.standard.Emit(e)
	}
}

// settle leaves the line, or goes back to its beginning; wipe then clears it.
func (c *dense) settle(wipe bool) {
	switch {
	case c.Verbosity == 0 && c.keep:
		c.write(vtRestore, vtNext)
	case wipe:
		c.write(vtBack, vtClear)
	default:
		c.write(vtBack)
	}
	c.keep = false
}

func (c *dense) start(t *event.Task) {
	handler := t.Section == event.SectionHandler
	c.settle(handler) // what the last task left stays in view until a task has something to say
	c.task, c.titled, c.hosts, c.at = t, false, nil, map[string]*denseHost{}
	c.kind = "task"
	if handler {
		c.kind = "handler"
	}
	if strings.TrimSpace(t.Name) != "setup" {
		c.count[c.kind]++
	}
	c.write(vtUnderline, fmt.Sprintf("%s %d.", c.kind, c.count[c.kind]), vtReset)
}

// differences shows what changed in bold, below the banner of the default callback.
func (c *dense) differences(t *event.Task, status event.Status, r *value.Dict) {
	if r == nil || !t.Diff || status != event.OK && status != event.Changed {
		return
	}
	if _, has := r.GetStr("diff"); !has {
		return
	}
	c.write(vtBold)
	if text := c.diffOf(t, r); text != "" && status == event.Changed {
		c.ensureBanner(t)
		c.Print(text, "")
	}
	c.write(vtReset)
}

func (c *dense) tell(t *event.Task, host event.Host, status event.Status, ignored, loop bool, r *value.Dict) {
	state := string(status)
	if status == event.Failed && ignored {
		state = "ignored"
	}
	h := c.at[host.Name]
	if h == nil {
		h = &denseHost{name: host.Name, state: state}
		if c.at == nil {
			c.at = map[string]*denseHost{}
		}
		c.at[host.Name] = h
		c.hosts = append(c.hosts, h)
	} else {
		was, is := slices.Index(denseStates, h.state), slices.Index(denseStates, state)
		if was < 0 || is < 0 {
			return // the original does not know how bad an ignored failure is, and gives up
		}
		if was < is {
			h.state = state
		}
	}
	if host.Delegate != "" {
		h.delegate = address(host)
	}
	c.progress()
	switch state {
	case "changed", "failed", "unreachable":
		c.keep = true
		if c.Verbosity == 1 {
			c.title()
			c.detail(host, status, loop, r)
		}
	}
}

// progress writes the line anew.
func (c *dense) progress() {
	c.write(vtBack, vtClear, vtNoWrap, vtUnderline, fmt.Sprintf("%s %d:", c.kind, c.count[c.kind]), vtReset)
	for _, h := range c.hosts {
		c.write(" ")
		if h.delegate != "" {
			c.write(h.delegate, ">")
		}
		c.write(denseColors[h.state], h.name, vtReset)
	}
	c.write(vtWrap)
}

func (c *dense) title() {
	c.write(vtBack, vtClear)
	if !c.titled {
		c.titled = true
		c.write(vtUnderline, fmt.Sprintf("%s %d: %s", c.kind, c.count[c.kind], strings.TrimSpace(c.task.Name)), vtRestore, vtNext)
	}
	c.keep = false
}

// denseHidden are the keys of a result that say little.
var denseHidden = []string{"delta", "end", "failed", "failed_when_result", "invocation", "start", "stdout_lines"}

// detail is a result in full, without what is empty.
func (c *dense) detail(host event.Host, status event.Status, loop bool, r *value.Dict) {
	c.write(vtBack, vtClear)
	if loop {
		return
	}
	shown := value.NewDict()
	if r != nil {
		for k, v := range r.All() {
			switch v.(type) {
			case value.Str, *value.List, *value.Dict, *value.Tuple:
				if !truthy(v) {
					continue
				}
			}
			if name, _ := value.AsString(k); !slices.Contains(denseHidden, name) {
				_ = shown.Set(k, v) // the key was hashable before
			}
		}
	}
	dump := ""
	switch _, raised := shown.GetStr("exception"); {
	case status == event.Unreachable:
		dump = text(shown, "msg")
	case status == event.Failed && raised:
		dump = "An exception occurred during task execution. To see the full traceback, use -vvv."
	}
	if dump == "" {
		dump = c.dump(shown, false, false)
	}
	name := host.Name
	if host.Delegate != "" {
		name = vtReset + host.Name + ">" + denseColors[string(status)] + address(host)
	}
	c.write(denseColors[string(status)], string(status), ": ", name, ": ", dump, "\n", vtReset, vtSave, vtClear)
	if status == event.Changed {
		c.warnings(r)
	}
}
