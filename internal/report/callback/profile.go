package callback

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/event"
)

// profile is ansible.posix.profile_tasks and profile_roles: a line with the time at each task, and at the end the tasks, or
// the roles, that took longest.
type profile struct {
	*Display
	byRole      bool
	summaryOnly bool
	limit       int    // tasks in the list; negative: all
	order       string // "descending", "ascending", "none"
	now         func() time.Time
	began       time.Time // of the callback
	last        time.Time // when the task that runs began
	spent       []spent
	at          map[string]int
}

// spent is how long a task or role took.
type spent struct {
	id, name string
	took     time.Duration
}

func newProfileTasks(d *Display, opt Options) Callback { return newProfile(d, opt, false) }
func newProfileRoles(d *Display, opt Options) Callback { return newProfile(d, opt, true) }

func newProfile(d *Display, opt Options, byRole bool) *profile {
	p := &profile{Display: d, byRole: byRole, limit: 20, order: "descending", now: opt.clock(), at: map[string]int{}}
	if byRole {
		p.limit = -1
	} else {
		p.summaryOnly = opt.on("PROFILE_TASKS_SUMMARY_ONLY", false)
		p.order = opt.env("PROFILE_TASKS_SORT_ORDER", p.order)
		if n := opt.env("PROFILE_TASKS_TASK_OUTPUT_LIMIT", ""); n == "all" {
			p.limit = -1
		} else if n, err := strconv.Atoi(n); err == nil {
			p.limit = n
		}
	}
	p.began = p.now()
	p.last = p.began
	return p
}

// Emit implements event.Sink.
func (p *profile) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.TaskStart:
		line := p.tick()
		if !p.summaryOnly {
			p.Print(line, "")
		}
		id, name := e.Task.ID, strings.TrimSpace(e.Task.Name)
		if p.byRole {
			if name = e.Task.Role; name == "" {
				name = e.Task.Written
			}
			id = name
		}
		i, known := p.at[id]
		if !known {
			i = len(p.spent)
			p.spent = append(p.spent, spent{id: id, name: name})
		}
		p.at[id], p.at[""] = i, i+1 // "" is the running one, counted from 1
	case *event.Stats:
		p.stats()
	}
}

// tick gives the running task its time and returns the line that says what the time is.
func (p *profile) tick() string {
	now := p.now()
	step := now.Sub(p.last)
	p.last = now
	if i := p.at[""]; i > 0 {
		p.spent[i-1].took += step
		p.at[""] = 0
	}
	return filled(fmt.Sprintf("%s (%s)       %s", now.Format("Monday 02 January 2006  15:04:05 -0700"), clockTime(step), clockTime(now.Sub(p.began))), "*")
}

func (p *profile) stats() {
	p.Print(p.tick(), "")
	p.Print(filled("", "="), "")
	list := slices.Clone(p.spent)
	switch p.order {
	case "none":
	case "ascending":
		slices.SortStableFunc(list, func(a, b spent) int { return int(a.took - b.took) })
	default:
		slices.SortStableFunc(list, func(a, b spent) int { return int(b.took - a.took) })
	}
	total := time.Duration(0)
	for i, s := range list {
		total += s.took
		if p.limit < 0 || i < p.limit {
			p.Print(dashed(s.name, s.took), "")
		}
	}
	if p.byRole {
		p.Print(filled("", "~"), "")
		p.Print(dashed("total", total), "")
	}
}

// filled is text followed by a character up to 79 columns.
func filled(text, with string) string {
	width := 79
	if text != "" {
		text += " "
		width = max(3, 79-len([]rune(text)))
	}
	return text + strings.Repeat(with, width) + " "
}

func dashed(name string, took time.Duration) string {
	left, right := name+" ", fmt.Sprintf(" %.2fs", took.Seconds())
	return left + strings.Repeat("-", max(0, 70-len([]rune(left)))) + strings.Repeat("-", max(0, 9-len(right))) + right
}

// clockTime is 0:00:00.000.
func clockTime(d time.Duration) string {
	ms := d.Milliseconds()
	return fmt.Sprintf("%d:%02d:%02d.%03d", ms/3_600_000, ms/60_000%60, ms/1000%60, ms%1000)
}

// timer is ansible.posix.timer: how long the playbook ran.
type timer struct {
	*Display
	now   func() time.Time
	began time.Time
}

func newTimer(d *Display, opt Options) Callback {
	now := opt.clock()
	return &timer{d, now, now()}
}

// Emit implements event.Sink.
func (t *timer) Emit(e event.Event) {
	if _, end := e.(*event.Stats); end {
		s := int(t.now().Sub(t.began).Seconds())
		t.Print(fmt.Sprintf("Playbook run took %d days, %d hours, %d minutes, %d seconds", s/86400, s/3600%24, s/60%60, s%60), "")
	}
}
