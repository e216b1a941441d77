// Package live passes news of jobs on to those who watch: events and states, by topic. A watcher that does not keep up loses its
// subscription and is told so; it reads the gap from the API by counter, where nothing is ever lost.
//
// Fed by internal/server/dispatch, read by internal/server's stream of events.
package live

import (
	"sync"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// News is one thing that happened: events of a job, or a state.
type News struct {
	Job    int64
	Kind   domain.Type
	Events []store.Event
	Status domain.Record
}

// Hub is where news meets watchers.
type Hub struct {
	mu       sync.Mutex
	watchers map[*Watcher]struct{}
}

// Watcher follows one job, or all states when Job is 0.
type Watcher struct {
	hub *Hub
	job int64
	// C is closed when the watcher was too slow, or has ended.
	C chan News
}

// NewHub makes a Hub.
func NewHub() *Hub { return &Hub{watchers: map[*Watcher]struct{}{}} }

// Watch begins to follow.
func (h *Hub) Watch(job int64) *Watcher {
	w := &Watcher{hub: h, job: job, C: make(chan News, 256)}
	h.mu.Lock()
	h.watchers[w] = struct{}{}
	h.mu.Unlock()
	return w
}

// Close ends the following.
func (w *Watcher) Close() {
	w.hub.mu.Lock()
	defer w.hub.mu.Unlock()
	w.drop()
}

func (w *Watcher) drop() {
	if _, there := w.hub.watchers[w]; there {
		delete(w.hub.watchers, w)
		close(w.C)
	}
}

func (h *Hub) send(n News, events bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		if w.job != n.Job && (w.job != 0 || events) {
			continue
		}
		select {
		case w.C <- n:
		default:
			w.drop()
		}
	}
}

// Events tells of new events of a job.
func (h *Hub) Events(job int64, kind domain.Type, events []store.Event) {
	h.send(News{Job: job, Kind: kind, Events: events}, true)
}

// Status tells of a job's new state.
func (h *Hub) Status(job domain.Record) {
	h.send(News{Job: job.ID(), Kind: job.Type(), Status: job}, false)
}
