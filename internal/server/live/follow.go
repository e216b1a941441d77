package live

import (
	"sync"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Follower has a place in the events of one job.
type Follower struct {
	Job  int64
	Kind domain.Type
	hub  *Hub
	wake chan<- struct{}

	at int64 // counter of the last event that was given out; only Next uses it

	mu     sync.Mutex
	queue  []*Batch
	known  int64 // events up to this one are stored
	ending bool  // the job has ended, known is final
}

// Follow begins to follow a job after an event; wake is knocked at when there is more.
func (h *Hub) Follow(job int64, kind domain.Type, after int64, wake chan<- struct{}) *Follower {
	f := &Follower{Job: job, Kind: kind, hub: h, wake: wake, at: after}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.followers[job] == nil {
		h.followers[job] = map[*Follower]struct{}{}
	}
	h.followers[job][f] = struct{}{}
	return f
}

// Close ends it.
func (f *Follower) Close() {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	delete(f.hub.followers[f.Job], f)
	if len(f.hub.followers[f.Job]) == 0 {
		delete(f.hub.followers, f.Job)
	}
}

func (f *Follower) add(b *Batch) {
	f.mu.Lock()
	f.known = max(f.known, b.Events[len(b.Events)-1].Counter)
	if len(f.queue) < most {
		f.queue = append(f.queue, b)
	} // else it reads the database when it comes there
	f.mu.Unlock()
	knock(f.wake)
}

func (f *Follower) hint(last int64) {
	f.mu.Lock()
	f.known = max(f.known, last)
	f.mu.Unlock()
	knock(f.wake)
}

func (f *Follower) end(last int64) {
	f.mu.Lock()
	f.known, f.ending = max(f.known, last), true
	f.mu.Unlock()
	knock(f.wake)
}

// page is how many events are read from the database at a time.
const page = 500

// Start looks what there is already: events that are stored, and whether the job has ended. It is called once, after Follow, so that
// nothing falls between.
func (f *Follower) Start(tx *store.Tx) error {
	var last int64
	var status string
	// First the state: an event that comes after it is heard of.
	if err := tx.Value(&status, "SELECT status FROM unified_job WHERE id = ?", f.Job); err != nil {
		return err
	}
	if err := tx.Value(&last, "SELECT COALESCE(MAX(counter), 0) FROM event_index WHERE job = ?", f.Job); err != nil {
		return err
	}
	f.hint(last)
	switch status {
	case "", "successful", "failed", "error", "canceled":
		f.end(last)
	}
	if f.at < 0 {
		f.at = last
	}
	return nil
}

// At is the counter of the last event that Next gave.
func (f *Follower) At() int64 { return f.at }

// Next gives the events after those it gave before; more says that there are further ones already, ended that there will be none.
func (f *Follower) Next(tx *store.Tx) (batches []*Batch, more, ended bool, err error) {
	f.mu.Lock()
	queue, known, ending := f.queue, f.known, f.ending
	f.queue = nil
	f.mu.Unlock()
	for _, b := range queue {
		first, last := b.Events[0].Counter, b.Events[len(b.Events)-1].Counter
		switch {
		case last <= f.at:
		case first == f.at+1:
			batches = append(batches, b)
			f.at = last
		case first <= f.at:
			part := &Batch{Job: b.Job, Kind: b.Kind, Events: b.Events[f.at+1-first:]}
			batches = append(batches, part)
			f.at = last
		}
		// One that begins later waits in the database until what lies before it was read.
	}
	if len(batches) == 0 && known > f.at {
		list, err := tx.Events(store.EventQuery{Where: store.Where("t.job = ? AND t.counter > ?", f.Job, f.at), Order: "t.counter", Limit: page})
		if err != nil {
			return nil, false, false, err
		}
		if len(list) == 0 { // they were deleted, or the state was told before this server's copy has them
			return nil, false, ending, nil
		}
		batches = append(batches, &Batch{Job: f.Job, Kind: f.Kind, Events: list})
		f.at = list[len(list)-1].Counter
	}
	return batches, known > f.at, ending && known <= f.at, nil
}
