// Package live passes news of jobs on to those who watch: events and states. Nobody who watches holds the jobs up, and nothing is lost or
// doubled: a follower has a place in the job's events, gets what comes after it from the hub while it keeps up, and from the
// database when it did not, or when the events were stored by another server.
//
// Fed by internal/server/dispatch, read by internal/server/stream.
package live

import (
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/server/bus"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Batch is events of one job that follow each other.
type Batch struct {
	Job    int64
	Kind   domain.Type
	Events []store.Event

	once  sync.Once
	shown [][]byte
}

// Shown is what show makes of each event, made once for all who follow.
func (b *Batch) Shown(show func(domain.Type, store.Event) []byte) [][]byte {
	b.once.Do(func() {
		for i := range b.Events {
			b.shown = append(b.shown, show(b.Kind, b.Events[i]))
		}
	})
	return b.shown
}

// Status is a job's new state.
type Status struct {
	Job           int64       `json:"job"`
	Kind          domain.Type `json:"kind"`
	Status        string      `json:"status"`
	Finished      string      `json:"finished,omitempty"`
	Template      int64       `json:"template,omitempty"`
	Group         int64       `json:"group,omitempty"`
	Project       int64       `json:"project,omitempty"`
	Source        int64       `json:"source,omitempty"`
	Launch        string      `json:"launch,omitempty"`
	Events        int64       `json:"events,omitempty"` // how many there are, once it has ended
	Ended         bool        `json:"ended,omitempty"`
	Origin        string      `json:"origin"`
	EventsEnded   bool        `json:"-"`
	once          sync.Once
	shown, ending []byte
}

// Shown is what show makes of it, made once for all who watch.
func (s *Status) Shown(show func(*Status) (message, ending []byte)) (message, ending []byte) {
	s.once.Do(func() { s.shown, s.ending = show(s) })
	return s.shown, s.ending
}

// Hub is where news meets those who watch.
type Hub struct {
	bus    *bus.Bus
	origin string
	log    *slog.Logger
	unhear func()

	mu        sync.Mutex
	followers map[int64]map[*Follower]struct{}
	watchers  map[*Watcher]struct{}
}

// NewHub makes a Hub; origin tells this server from others on the bus.
func NewHub(b *bus.Bus, origin string, log *slog.Logger) (*Hub, error) {
	h := &Hub{bus: b, origin: origin, log: log, followers: map[int64]map[*Follower]struct{}{}, watchers: map[*Watcher]struct{}{}, unhear: func() {}}
	if !b.Shared() {
		return h, nil
	}
	stop, err := b.Hear("live.*", h.heard)
	if err == nil {
		h.unhear = stop
	}
	return h, err
}

// Close stops listening to others.
func (h *Hub) Close() { h.unhear() }

// stored is what servers tell each other of events: that they are in the database.
type stored struct {
	Origin string `json:"origin"`
	Last   int64  `json:"last"`
}

func (h *Hub) heard(subject string, body []byte) {
	word := strings.TrimPrefix(subject, "live.")
	if word == "status" {
		s := &Status{}
		if err := json.Unmarshal(body, s); err == nil && s.Origin != h.origin {
			h.status(s)
		}
		return
	}
	job, err := strconv.ParseInt(word, 10, 64)
	var n stored
	if err == nil && json.Unmarshal(body, &n) == nil && n.Origin != h.origin {
		h.each(job, func(f *Follower) { f.hint(n.Last) })
	}
}

func (h *Hub) tell(subject string, v any) {
	if !h.bus.Shared() {
		return
	}
	if err := h.bus.Tell("live."+subject, domain.Encode(v)); err != nil {
		h.log.Debug("telling other servers", "error", err)
	}
}

func (h *Hub) each(job int64, f func(*Follower)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.followers[job] {
		f(w)
	}
}

// Events tells of new events of a job, which are stored.
func (h *Hub) Events(job int64, kind domain.Type, events []store.Event) {
	if len(events) == 0 {
		return
	}
	b := &Batch{Job: job, Kind: kind, Events: events}
	h.each(job, func(f *Follower) { f.add(b) })
	h.tell(strconv.FormatInt(job, 10), stored{h.origin, events[len(events)-1].Counter})
}

// Status tells of a job's new state.
func (h *Hub) Status(job domain.Record) {
	s := &Status{Job: job.ID(), Kind: job.Type(), Status: job.Str("status"), Finished: job.Str("finished"), Template: job.Int("unified_job_template"), Group: job.Int("instance_group"), Project: job.Int("project"),
		Source: job.Int("inventory_source"), Launch: job.Str("launch_type"), Events: job.Int("events"), Origin: h.origin}
	switch s.Status {
	case "successful", "failed", "error", "canceled":
		s.Ended = true
	}
	h.status(s)
	h.tell("status", s)
}

func (h *Hub) status(s *Status) {
	if s.Ended {
		h.each(s.Job, func(f *Follower) { f.end(s.Events) })
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		w.add(s)
	}
}

// most is how much waits for one who watches before it is let fall.
const most = 256

// Watcher sees all states.
type Watcher struct {
	hub  *Hub
	wake chan<- struct{}

	mu     sync.Mutex
	queue  []*Status
	missed bool
}

// Watch begins to watch; wake is knocked at when there is something.
func (h *Hub) Watch(wake chan<- struct{}) *Watcher {
	w := &Watcher{hub: h, wake: wake}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers[w] = struct{}{}
	return w
}

// Close ends it.
func (w *Watcher) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	delete(w.hub.watchers, w)
}

func (w *Watcher) add(s *Status) {
	w.mu.Lock()
	if len(w.queue) < most {
		w.queue = append(w.queue, s)
	} else {
		w.missed = true
	}
	w.mu.Unlock()
	knock(w.wake)
}

// Next are the states since the last call; missed says that some were let fall, because they were not taken in time.
func (w *Watcher) Next() (list []*Status, missed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list, missed = w.queue, w.missed
	w.queue, w.missed = nil, false
	return list, missed
}

func knock(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
