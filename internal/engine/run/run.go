// Package run executes playbooks: plays, batches of hosts, strategies, handlers, includes and what results do to the rest
// of the run. One goroutine owns the state of a run; tasks work on hosts in goroutines of their own, at most `forks` at
// a time, and hand their results back to it. Everything a run has to say goes out as events.
//
// Called by the root package.
package run

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/content/vars"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/engine/task"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// Exit codes of a run (BEHAVIOUR §5).
const (
	ExitOK          = 0
	ExitError       = 1
	ExitFailed      = 2
	ExitUnreachable = 4
	ExitInterrupted = 99
)

// Options say what to run and how.
type Options struct {
	Config    *config.Config
	Inventory *inventory.Inventory
	Loader    *playbook.Loader
	Vars      *vars.Manager
	Templates *template.Engine
	Runner    *task.Runner
	Sink      event.Sink

	ExtraVars     *value.Dict
	Tags          Tags
	StartAtTask   string
	Step          func(task string) (run bool, all bool) // asks before each task; nil: runs all
	Limit         []string
	Forks         int
	Verbosity     int
	Check, Diff   bool
	ForceHandlers bool
	FlushCache    bool
	RetryFile     func(playbook string, hosts []string) (path string, err error)
	Facts         FactCache
	// Prompt asks on the terminal; ok false: nobody is there.
	Prompt func(text string, echo bool, seconds int) (answer string, ok bool, err error)
	// Line prompts on standard output and reads a line, for the debugger; nil: there is none.
	Line func(prompt string) (string, error)
	// ResolveAction gives the full name of a module; IsNative tells whether the agent has it.
	ResolveAction func(name string) string
	IsNative      func(name string) bool
	// InActionGroup tells whether an action group, as module_defaults name it, has a module.
	InActionGroup func(group, name string) bool
	// Refresh reads the inventory's sources anew (meta: refresh_inventory).
	Refresh func(ctx context.Context) error
}

// Tags are --tags and --skip-tags.
type Tags struct{ Run, Skip []string }

// FactCache keeps facts between runs; nil keeps none.
type FactCache interface {
	Get(host string) (*value.Dict, bool)
	Set(host string, facts *value.Dict) error
	Clear(host string) error
}

// Run is one run of one or more playbooks.
type Run struct {
	Options
	mu      sync.Mutex // guards Sink
	hostsMu sync.Mutex // guards hosts: tasks at work look at other hosts' variables
	hosts   map[string]*host
	stats   *stats

	groupsMu   sync.Mutex
	groupsDict *value.Dict

	startAt string // start-at-task that was not met yet
	nextID  int
	taskIDs map[*playbook.Task]string
	stepAll bool
	play    *play
}

// host is what a run knows about a host, across plays. The coordinator changes it between tasks of that host only.
type host struct {
	name string
	inv  *inventory.Host

	mu sync.RWMutex // guards the variables: other hosts read them through hostvars

	facts            *value.Dict                  // as modules gave them: ansible_distribution …
	spaced, spacedOf *value.Dict                  // ansible_facts, and of which facts it was made
	set              *value.Dict                  // set_fact and register
	setKind          map[string]template.TextKind // of set; UnsafeText is data
	loaded           *value.Dict                  // include_vars

	failed, unreachable atomic.Bool
}

// New prepares a run.
func New(o Options) *Run {
	if o.Forks <= 0 {
		o.Forks = 50
	}
	r := &Run{Options: o, hosts: map[string]*host{}, taskIDs: map[*playbook.Task]string{}, stats: newStats(), startAt: o.StartAtTask}
	o.Runner.Emit = r.emit
	o.Runner.Services = (*services)(r)
	return r
}

// emit hands an event to the sink, one at a time.
func (r *Run) emit(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Sink.Emit(e)
}

func (r *Run) warn(text string) { r.emit(&event.Warning{Kind: "warning", Text: text}) }

// Playbooks runs files one after the other and returns the exit code. A mistake in the content is returned as an error
// with the exit code that goes with it.
func (r *Run) Playbooks(ctx context.Context, files []*playbook.Playbook) (code int, err error) {
	defer func() { r.emit(&event.End{ExitCode: code}) }()
	for _, pb := range files {
		code, err = r.playbook(ctx, pb)
		if code != 0 || err != nil {
			return code, err
		}
	}
	return code, nil
}

func (r *Run) playbook(ctx context.Context, pb *playbook.Playbook) (int, error) {
	r.emit(&event.PlaybookStart{File: pb.Path, Verbosity: r.Verbosity, Check: r.Check, Plays: len(pb.Plays)})
	result := ExitOK
	ran := false
	for _, p := range pb.Plays {
		code, stop, err := r.runPlay(ctx, p)
		ran = true
		if err != nil {
			if ctx.Err() != nil {
				return ExitInterrupted, err
			}
			if errors.Is(err, errQuit) {
				return ExitInterrupted, nil
			}
			return int(diag.ExitOf(err)), err
		}
		result = code
		if stop {
			break
		}
	}
	if ran {
		r.emit(r.stats.event(r.retry(pb.Path)))
	}
	if ctx.Err() != nil {
		return ExitInterrupted, nil
	}
	return max(result, r.code()), nil
}

// retry writes the retry file when it is wanted and hosts failed.
func (r *Run) retry(path string) string {
	if r.RetryFile == nil {
		return ""
	}
	var bad []string
	for name, h := range r.hosts {
		if h.failed.Load() || h.unreachable.Load() {
			bad = append(bad, name)
		}
	}
	if len(bad) == 0 {
		return ""
	}
	slices.Sort(bad)
	p, err := r.RetryFile(path, bad)
	if err != nil {
		r.warn("Could not create retry file '" + p + "'. " + err.Error())
		return ""
	}
	return p
}

// code is the exit code that the hosts' fates so far ask for.
func (r *Run) code() int {
	code := ExitOK
	for _, h := range r.hosts {
		if h.unreachable.Load() {
			return ExitUnreachable
		}
		if h.failed.Load() {
			code = ExitFailed
		}
	}
	return code
}

// host returns what the run knows about a host of the inventory.
func (r *Run) host(h *inventory.Host) *host {
	r.hostsMu.Lock()
	defer r.hostsMu.Unlock()
	if known, ok := r.hosts[h.Name]; ok {
		return known
	}
	n := &host{name: h.Name, inv: h, facts: value.NewDict(), set: value.NewDict(), setKind: map[string]template.TextKind{}, loaded: value.NewDict()}
	if r.Facts != nil {
		if r.FlushCache {
			_ = r.Facts.Clear(h.Name) // a cache that cannot be cleared is reported when it is written
		} else if f, ok := r.Facts.Get(h.Name); ok {
			n.facts = f
		}
	}
	r.hosts[h.Name] = n
	return n
}

var errStopped = errors.New("the run was stopped")
