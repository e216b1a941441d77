package session

import (
	"context"
	"sync"
)

// Pool keeps one Session per distinct Target, so that tasks, loops and delegation reuse connections.
// It may be used by several goroutines.
type Pool struct {
	cfg Config

	mu      sync.Mutex
	entries map[string]*entry
	closed  bool
}

type entry struct {
	ready   chan struct{} // closed when session or err is set
	session *Session
	err     error
}

// NewPool returns an empty pool.
func NewPool(cfg Config) *Pool { return &Pool{cfg: cfg, entries: map[string]*entry{}} }

// Get returns the session of a target, and opens it when there is none or the old one was lost. Errors are those of Open;
// they are not kept, so the next Get tries again.
func (p *Pool) Get(ctx context.Context, t Target) (*Session, error) {
	key := t.Key()
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, errClosed
		}
		e := p.entries[key]
		if e == nil {
			e = &entry{ready: make(chan struct{})}
			p.entries[key] = e
			p.mu.Unlock()
			return p.open(ctx, t, key, e)
		}
		p.mu.Unlock()
		select {
		case <-e.ready:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if e.err != nil {
			if ctx.Err() == nil && (e.err == context.Canceled || e.err == context.DeadlineExceeded) {
				continue // the goroutine that dialled gave up; we did not
			}
			return nil, e.err
		}
		if !e.session.Lost() {
			return e.session, nil
		}
		p.remove(key, e)
		e.session.Close()
	}
}

func (p *Pool) open(ctx context.Context, t Target, key string, e *entry) (*Session, error) {
	e.session, e.err = Open(ctx, t, p.cfg)
	if e.err != nil {
		p.remove(key, e)
	}
	p.mu.Lock()
	closed := p.closed
	p.mu.Unlock()
	close(e.ready)
	if closed && e.err == nil {
		e.session.Close()
		return nil, errClosed
	}
	return e.session, e.err
}

func (p *Pool) remove(key string, e *entry) {
	p.mu.Lock()
	if p.entries[key] == e {
		delete(p.entries, key)
	}
	p.mu.Unlock()
}

// Reset closes the session of a target, if there is one (meta: reset_connection).
func (p *Pool) Reset(t Target) {
	key := t.Key()
	p.mu.Lock()
	e := p.entries[key]
	delete(p.entries, key)
	p.mu.Unlock()
	if e != nil {
		<-e.ready
		if e.err == nil {
			e.session.Close()
		}
	}
}

// Close closes all sessions and refuses new ones.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	entries := p.entries
	p.entries = map[string]*entry{}
	p.mu.Unlock()
	var wg sync.WaitGroup
	for _, e := range entries {
		wg.Go(func() {
			<-e.ready
			if e.err == nil {
				e.session.Close()
			}
		})
	}
	wg.Wait()
}
