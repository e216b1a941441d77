package callback

import (
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/event"
)

// counter is community.general.counter_enabled: the default callback with the number of each task and host. Its totals are as
// odd as there: tasks are those of the play's first block, and hosts are counted on from play to play.
type counter struct {
	*standard
	task, tasks   int
	host, hosts   int
	before, batch int // hosts of all batches before this one, and with it
}

func newCounter(d *Display, opt Options) Callback {
	opt.Pretty = nil
	return &counter{standard: &standard{Display: d, opt: opt}}
}

// Emit implements event.Sink.
func (c *counter) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.PlayStart:
		c.startPlay(e)
	case *event.TaskStart:
		c.startTask(e.Task)
	case *event.Result:
		c.count(e)
	case *event.Stats:
		c.recap(e, false)
		if c.opt.CustomStats && len(e.Custom) > 0 {
			c.customStats(e)
		}
	default:
		c.words(e)
	}
}

func (c *counter) startPlay(e *event.PlayStart) {
	c.play = e
	if name := strings.TrimSpace(e.Name); name != "" {
		c.Banner("PLAY ["+name+"]", "")
	} else {
		c.Banner("play", "")
	}
	c.before = c.batch
	c.batch += len(e.Hosts)
	c.hosts = e.Targeted
	if e.Tasks >= 0 { // without a block there is nothing to count, and the numbers go on
		c.tasks, c.task = e.Tasks, 0
	}
}

func (c *counter) startTask(t *event.Task) {
	if t.Section == event.SectionHandler {
		return // no banner, and the hosts are counted on
	}
	c.host = c.before
	c.task++
	c.Banner(fmt.Sprintf("TASK %d/%d [%s%s]", c.task, c.tasks, strings.TrimSpace(t.Name), c.args(t)), "")
	if c.Verbosity >= 2 {
		c.taskPath(t)
	}
}

func (c *counter) count(e *event.Result) {
	c.host++
	label := e.Host.Name
	if e.Host.Delegate != "" {
		label += " -> " + address(e.Host)
	}
	line := func(word string) string { return fmt.Sprintf("%s: %d/%d [%s]", word, c.host, c.hosts, label) }
	dump := func() string { return " => " + c.dump(e.Result, e.Verbose, isDebug(e.Task)) }
	verbose := func() string {
		if c.Verbosity > 0 || e.Verbose {
			return dump()
		}
		return ""
	}
	switch e.Status {
	case event.OK, event.Changed:
		if isInclude(e.Task) {
			return
		}
		c.warnings(e.Result)
		switch {
		case e.Loop:
		case e.Status == event.Changed:
			c.Print(line("changed")+verbose(), "changed")
		default:
			c.Print(line("ok")+verbose(), "ok")
		}
	case event.Failed:
		c.exception(e.Result)
		c.warnings(e.Result)
		if !e.Loop {
			c.Print(line("fatal")+": FAILED!"+dump(), "error")
		}
		if e.Ignored {
			c.Print("...ignoring", "skip")
		}
	case event.Skipped:
		if c.opt.DisplaySkipped && !e.Loop {
			label = e.Host.Name
			c.Print(line("skipping")+verbose(), "skip")
		}
	case event.Unreachable:
		c.Print(line("fatal")+": UNREACHABLE!"+dump(), "unreachable")
	}
}

// address is where a delegated task ran.
func address(h event.Host) string {
	if h.DelegateTo != "" {
		return h.DelegateTo
	}
	return h.Delegate
}
