package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/inventory"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// intake turns the lines of a run into the events of AWX, stores them in batches and passes them on.
type intake struct {
	d       *Dispatcher
	job     domain.Record
	ctx     context.Context // for storing; ends some time after the server
	stopped func() bool

	mu      sync.Mutex // guards all below
	batch   []store.Event
	size    int
	counter int64
	lines   int64 // of the output so far
	book    int64 // counters of the events that are open
	play    int64
	tasks   map[string]int64
	names   struct{ book, play string }
	hosts   map[string]int64
	stats   map[string]event.SummaryLine
	custom  json.RawMessage
	plays   int
	err     error

	kick, done chan struct{}
}

const (
	batchEvents = 1000
	batchBytes  = 512 << 10
	batchDelay  = 50 * time.Millisecond
	lastWords   = 20 * time.Second // how long a stopping server stores what runs have said
)

func (d *Dispatcher) newIntake(ctx context.Context, job domain.Record) *intake {
	in := &intake{d: d, job: job, tasks: map[string]int64{}, hosts: map[string]int64{}, kick: make(chan struct{}, 1), done: make(chan struct{})}
	if id := job.Int("inventory"); id != 0 {
		in.err = d.DB.Patiently(ctx, func() error {
			clear(in.hosts)
			tx := d.DB.Read(ctx)
			inv, err := tx.Get("inventory", id)
			if err != nil {
				return ignore(err)
			}
			mine, err := inventory.Hosts(d.DB, inv)
			if err != nil {
				return err
			}
			return tx.Query("SELECT t.name, t.id FROM host t WHERE "+mine.SQL, mine.Args, func(scan func(...any) error) error {
				var name string
				var host int64
				err := scan(&name, &host)
				in.hosts[name] = host
				return err
			})
		})
	}
	// What the run said is stored also when the server stops, but not for ever.
	storing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	in.ctx = storing
	in.stopped = context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, cancel) })
	d.jobs.Go(in.pump)
	return in
}

// pump stores what has come, at most so often.
func (in *intake) pump() {
	timer := time.NewTimer(batchDelay)
	defer timer.Stop()
	for {
		select {
		case <-in.done:
			return
		case <-in.kick:
		case <-timer.C:
		}
		timer.Reset(batchDelay)
		in.mu.Lock()
		err := in.flush(in.ctx)
		if err != nil && in.err == nil {
			in.err = err
		}
		in.mu.Unlock()
	}
}

// flush stores the batch; the caller holds the lock, so that a run that is faster than the store waits for it.
func (in *intake) flush(ctx context.Context) error {
	if len(in.batch) == 0 || in.err != nil {
		return in.err
	}
	batch := in.batch
	tries := 0
	err := in.d.DB.Persist(ctx, func(tx *store.Tx) error {
		tries++
		return tx.AppendEvents(in.job.ID(), batch)
	})
	if tries > 1 && errors.Is(err, store.ErrConflict) {
		err = nil // the first try was not answered and had come through
	}
	if err == nil {
		in.d.Live.Events(in.job.ID(), in.job.Type(), batch)
		in.batch, in.size = nil, 0
	}
	return err
}

// close stores what is left.
func (in *intake) close(ctx context.Context) error {
	close(in.done)
	defer in.stopped()
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.flush(ctx)
}

// say adds a line of our own to the output.
func (in *intake) say(text string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.add(store.Event{Event: "verbose", Parent: 0}, text+"\n", nil)
}

// add numbers an event and gives it its lines.
func (in *intake) add(e store.Event, stdout string, data map[string]any) int64 {
	in.counter++
	e.Counter = in.counter
	e.Created = domain.Stamp(time.Now())
	stdout = strings.TrimSuffix(stdout, "\n")
	e.StartLine = in.lines
	if stdout != "" {
		in.lines += int64(strings.Count(stdout, "\n")) + 1
		e.Stdout = strings.ReplaceAll(strings.ReplaceAll(stdout, "\r\n", "\n"), "\n", "\r\n")
	}
	e.EndLine = in.lines
	if data != nil {
		e.Data = domain.Encode(data)
	}
	in.batch = append(in.batch, e)
	in.size += len(e.Stdout) + len(e.Data) + 100
	if len(in.batch) >= batchEvents || in.size >= batchBytes {
		if err := in.flush(in.ctx); err != nil && in.err == nil {
			in.err = err
		}
	}
	return e.Counter
}

// take translates one line.
func (in *intake) take(l event.Line) {
	e := store.Event{Playbook: in.names.book, Play: in.names.play, HostName: l.Host, Host: in.hosts[l.Host]}
	data := map[string]any{"playbook": in.names.book}
	if in.names.play != "" {
		data["play"] = in.names.play
	}
	if t := l.Task; t != nil {
		name := t.Name
		if t.Role != "" {
			name = strings.TrimPrefix(name, t.Role+" : ")
			data["role"] = t.Role
		}
		e.Task, e.Role = name, t.Role
		e.Parent = in.tasks[t.ID]
		data["task"], data["task_uuid"], data["task_action"], data["resolved_action"], data["task_args"], data["task_path"] = name, t.ID, t.Written, t.Action, "", t.Path
	}
	if l.Host != "" {
		data["host"] = l.Host
	}
	result := func() {
		if l.Result != nil {
			data["res"] = l.Result
		}
		if l.Started != nil {
			data["start"], data["duration"] = l.Started.Format("2006-01-02T15:04:05.000000"), l.Seconds
			data["end"] = l.Started.Add(time.Duration(l.Seconds * float64(time.Second))).Format("2006-01-02T15:04:05.000000")
			data["event_loop"] = nil
		}
		e.Changed = l.Status == event.Changed
		e.Failed = (l.Status == event.Failed || l.Status == event.Unreachable) && !l.Ignored && !l.Rescued
		if l.Ignored {
			data["ignore_errors"] = true
		}
	}
	switch l.Type {
	case "playbook_start":
		in.names.book = filepath.Base(l.File)
		if in.job.Type() == "job" {
			in.names.book = in.job.Str("playbook")
		}
		e.Event, e.Playbook, data["playbook"] = "playbook_on_start", in.names.book, in.names.book
		in.book = in.add(e, l.Stdout, data)
		return
	case "play_start":
		in.plays++
		in.names.play = l.Name
		e.Event, e.Play, e.Parent = "playbook_on_play_start", l.Name, in.book
		data["play"], data["name"], data["pattern"], data["play_uuid"], data["play_pattern"] = l.Name, l.Name, l.Pattern, l.ID, l.Pattern
		in.play = in.add(e, l.Stdout, data)
		return
	case "task_start":
		e.Event, e.Parent, e.HostName, e.Host = "playbook_on_task_start", in.play, "", 0
		if l.Task.Section == event.SectionHandler {
			e.Event = "playbook_on_handler_task_start"
		}
		data["name"], data["is_conditional"] = e.Task, false
		in.tasks[l.Task.ID] = in.add(e, l.Stdout, data)
		return
	case "host_start":
		e.Event = "runner_on_start"
	case "result":
		e.Event = map[event.Status]string{event.OK: "runner_on_ok", event.Changed: "runner_on_ok", event.Failed: "runner_on_failed", event.Skipped: "runner_on_skipped", event.Unreachable: "runner_on_unreachable"}[l.Status]
		result()
	case "item_result":
		e.Event = map[event.Status]string{event.OK: "runner_item_on_ok", event.Changed: "runner_item_on_ok", event.Failed: "runner_item_on_failed", event.Skipped: "runner_item_on_skipped", event.Unreachable: "runner_item_on_failed"}[l.Status]
		result()
	case "retry":
		e.Event = "runner_retry"
		result()
	case "async_poll":
		e.Event = "runner_on_async_" + l.Kind
	case "included":
		e.Event = "playbook_on_include"
		data["included_file"] = l.Name
	case "notified":
		e.Event, e.Parent = "playbook_on_notify", in.play
		data["handler"] = l.Name
	case "no_hosts_matched":
		e.Event, e.Parent = "playbook_on_no_hosts_matched", in.play
	case "no_hosts_remaining":
		e.Event, e.Parent = "playbook_on_no_hosts_remaining", in.play
	case "stats":
		in.stats, in.custom = l.ByHost, l.Custom
		e.Event, e.Parent, e.Play = "playbook_on_stats", in.book, ""
		in.add(e, l.Stdout, statsData(data, l))
		return
	case "warning":
		e.Event = "warning"
		if l.Kind == "deprecation" {
			e.Event = "deprecated"
		}
	default: // what has no event of its own is heard all the same
		if l.Stdout == "" {
			return
		}
		e.Event = "verbose"
	}
	if e.Event == "" {
		return
	}
	in.add(e, l.Stdout, data)
}

func statsData(data map[string]any, l event.Line) map[string]any {
	counts := map[string]map[string]int{}
	for _, k := range []string{"changed", "dark", "failures", "ignored", "ok", "processed", "rescued", "skipped"} {
		counts[k] = map[string]int{}
	}
	set := func(kind, host string, n int) {
		if n > 0 {
			counts[kind][host] = n
		}
	}
	for host, s := range l.ByHost {
		set("ok", host, s.OK)
		set("changed", host, s.Changed)
		set("dark", host, s.Unreachable)
		set("failures", host, s.Failed)
		set("skipped", host, s.Skipped)
		set("rescued", host, s.Rescued)
		set("ignored", host, s.Ignored)
		set("processed", host, 1)
	}
	for k, v := range counts {
		data[k] = v
	}
	delete(data, "play")
	if l.Custom != nil {
		data["artifact_data"] = l.Custom
	}
	return data
}

// results are the columns of the job that its events tell.
func (in *intake) results() domain.Record {
	in.mu.Lock()
	defer in.mu.Unlock()
	rec := domain.Record{"events": in.counter, "stdout_lines": in.lines, "playbook_counts": domain.Encode(map[string]int{"play_count": in.plays, "task_count": len(in.tasks)})}
	counts := map[string]int{}
	for _, s := range in.stats { // each host counts once, as what is worst about it
		switch {
		case s.Unreachable > 0:
			counts["dark"]++
		case s.Failed > 0:
			counts["failures"]++
		case s.Changed > 0:
			counts["changed"]++
		case s.OK > 0:
			counts["ok"]++
		default:
			counts["skipped"]++
		}
	}
	rec["host_status_counts"] = domain.Encode(counts)
	if in.custom != nil && in.job.Type() == "job" {
		rec["artifacts"] = in.custom
	}
	return rec
}

// summaries stores how the run went on each host, and makes it the last job of the host.
func (in *intake) summaries(tx *store.Tx) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.job.Type() != "job" || len(in.stats) == 0 {
		return nil
	}
	for name, s := range in.stats {
		failed := s.Failed > 0 || s.Unreachable > 0
		rec := domain.Record{"job": in.job.ID(), "host_name": name, "ok": s.OK, "changed": s.Changed, "dark": s.Unreachable, "failures": s.Failed, "skipped": s.Skipped,
			"rescued": s.Rescued, "ignored": s.Ignored, "processed": 1, "failed": failed}
		host, known := in.hosts[name]
		if known {
			rec["host"] = host
		}
		if err := tx.Insert("job_host_summary", rec); err != nil {
			return err
		}
		if err := meter(tx, name); err != nil {
			return err
		}
		if known {
			if _, err := tx.UpdateWhere("host", store.Is("id", host), domain.Record{"last_job": in.job.ID(), "last_job_host_summary": rec.ID()}); err != nil {
				return err
			}
		}
	}
	id := in.job.Int("inventory")
	if id == 0 {
		return nil
	}
	var n int64
	if err := tx.Value(&n, "SELECT COUNT(*) FROM host h JOIN job_host_summary s ON s.id = h.last_job_host_summary WHERE h.inventory = ? AND s.failed = 1", id); err != nil {
		return err
	}
	_, err := tx.UpdateWhere("inventory", store.Is("id", id), domain.Record{"hosts_with_active_failures": n, "has_active_failures": n > 0})
	return err
}

// meter counts that a host was automated.
func meter(tx *store.Tx, host string) error {
	now := domain.Stamp(time.Now())
	n, err := tx.Exec("UPDATE host_metric SET last_automation = ?, automated_counter = automated_counter + 1 WHERE hostname = ?", now, host)
	if err != nil || n > 0 {
		return err
	}
	return tx.Insert("host_metric", domain.Record{"hostname": host, "first_automation": now, "last_automation": now, "automated_counter": 1})
}
