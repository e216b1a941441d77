// Package strategy decides which task a host runs next. State is the place of one host in the tree of a play: it walks
// blocks, takes failures to rescue and always sections, and enters included blocks. Linear picks, among the places of
// all hosts, the one that comes first.
//
// It is pure: no I/O, no goroutines. Called by internal/engine/run.
package strategy

import (
	"slices"

	"github.com/troupe-automation/troupe/internal/content/playbook"
)

// Section is a part of a block.
type Section int

// The sections of a block, in order.
const (
	Tasks Section = iota
	Rescue
	Always
)

// State is the place of one host in a play. The zero State is at its end.
type State struct {
	stack []*frame

	base []int // place of the flush that a forced state stands for

	Failed      bool // a task failed and nothing rescued it
	Unreachable bool // keeps its place: clear_host_errors brings it back
	Ended       bool // end_host, end_play, end_batch
	Forced      bool // runs its handlers although it failed
	InHandlers  bool // failed in a handler: the rest of its handlers does not run
}

// frame is one block that the host is inside of.
type frame struct {
	block    *playbook.Block
	section  Section
	idx      int
	slots    []int // order numbers of the items, when they are not their indexes (included files)
	failed   bool  // leaves the block as failed once always is done
	handlers bool  // items are handlers: only notified ones run
}

// Place is where a host is about to run a task.
type Place struct {
	Task    *playbook.Task
	Key     []int // orders places: section, index, slot of each block from the outside in
	Handler bool  // the task runs as a handler
	Cleanup bool  // the task stands in an always section
}

// Selector says which tasks of the tree count for a host.
type Selector interface {
	// Wants reports whether the task is to run: by tags, start-at-task and roles that ran before, or, for handlers, by
	// notification.
	Wants(t *playbook.Task, handler bool) bool
}

// Start returns the state at the beginning of a play.
func Start(root *playbook.Block) *State { return &State{stack: []*frame{{block: root}}} }

func (f *frame) items() []playbook.Item {
	switch f.section {
	case Rescue:
		return f.block.Rescue
	case Always:
		return f.block.Always
	default:
		return f.block.Tasks
	}
}

func (f *frame) slot() int {
	if f.slots != nil {
		return f.slots[f.idx]
	}
	return f.idx
}

func (s *State) top() *frame { return s.stack[len(s.stack)-1] }

// Active reports whether the host takes part in the play.
func (s *State) Active() bool {
	return (!s.Failed || s.Forced) && !s.Unreachable && !s.Ended
}

// Peek returns the host's next place, or nil when it is done. It moves over what sel does not want.
func (s *State) Peek(sel Selector) *Place {
	for len(s.stack) > 0 {
		f := s.top()
		items := f.items()
		if f.idx >= len(items) {
			s.finishSection()
			continue
		}
		switch it := items[f.idx].(type) {
		case *playbook.Task:
			handler := s.inHandlers()
			if !sel.Wants(it, f.handlers) {
				f.idx++
				continue
			}
			return &Place{Task: it, Key: s.key(), Handler: handler, Cleanup: s.inAlways()}
		case *playbook.Block:
			s.stack = append(s.stack, &frame{block: it, handlers: f.handlers})
		}
	}
	return nil
}

// RunsHandlers reports whether the host is among its handlers.
func (s *State) RunsHandlers() bool { return s.inHandlers() }

func (s *State) inHandlers() bool {
	for _, f := range s.stack {
		if f.handlers {
			return true
		}
	}
	return false
}

func (s *State) inAlways() bool {
	for _, f := range s.stack {
		if f.section == Always {
			return true
		}
	}
	return false
}

// key is the place's order: of two hosts the one with the smaller key is behind.
func (s *State) key() []int {
	k := make([]int, 0, len(s.base)+2*len(s.stack))
	k = append(k, s.base...)
	for _, f := range s.stack {
		k = append(k, int(f.section), f.slot())
	}
	return k
}

// finishSection goes on from the end of a section: tasks and rescue lead to always, always leaves the block.
func (s *State) finishSection() {
	f := s.top()
	if f.section != Always && len(f.block.Always) > 0 {
		f.section, f.idx = Always, 0
		return
	}
	failed := f.failed
	s.pop()
	if failed {
		s.fail()
	}
}

// pop leaves the innermost block and moves its parent past it.
func (s *State) pop() {
	s.stack = s.stack[:len(s.stack)-1]
	if len(s.stack) > 0 {
		s.top().idx++
	}
}

// Advance moves past the task that Peek returned.
func (s *State) Advance() {
	if len(s.stack) > 0 {
		f := s.top()
		f.idx++
	}
}

// Fail takes the failure of the task that Peek returned to the nearest rescue or always section. rescued tells whether
// some rescue section will run; the host is Failed when no section is left.
func (s *State) Fail() (rescued bool) {
	rescued = s.WillRescue()
	s.InHandlers = s.inHandlers()
	s.fail()
	return rescued
}

// WillRescue reports whether a rescue section around the current task would run after its failure.
func (s *State) WillRescue() bool {
	for _, f := range s.stack {
		if f.section == Tasks && len(f.block.Rescue) > 0 {
			return true
		}
	}
	return false
}

func (s *State) fail() {
	for len(s.stack) > 0 {
		f := s.top()
		switch {
		case f.section == Tasks && len(f.block.Rescue) > 0:
			f.section, f.idx = Rescue, 0
			return
		case f.section != Always && len(f.block.Always) > 0:
			f.section, f.idx, f.failed = Always, 0, true
			return
		}
		s.pop()
	}
	s.Failed = true
}

// ClearErrors brings a failed or lost host back: what it failed at no longer counts.
func (s *State) ClearErrors() {
	s.Failed, s.Unreachable, s.Forced = false, false, false
	for _, f := range s.stack {
		f.failed = false
	}
}

// Included is a block list that an include brought, with its order among all that the task brought on any host.
type Included struct {
	Blocks []*playbook.Block
	Slot   int
}

// Include enters included blocks in place of the task that Peek returned; the task itself is passed once they are done.
func (s *State) Include(list []Included) {
	outer := &playbook.Block{Implicit: true}
	f := &frame{block: outer, slots: []int{}}
	for _, inc := range list {
		for i, b := range inc.Blocks {
			outer.Tasks = append(outer.Tasks, b)
			f.slots = append(f.slots, inc.Slot*maxBlocks+i)
		}
	}
	s.stack = append(s.stack, f)
}

// maxBlocks bounds the blocks of one included file, for their order numbers.
const maxBlocks = 1 << 20

// RunHandlers enters the list of handlers in place of the flush task that Peek returned.
func (s *State) RunHandlers(handlers []*playbook.Block) {
	s.stack = append(s.stack, &frame{block: handlerRoot(handlers), handlers: true})
}

func handlerRoot(handlers []*playbook.Block) *playbook.Block {
	root := &playbook.Block{Implicit: true, IsHandlers: true}
	for _, h := range handlers {
		root.Tasks = append(root.Tasks, h)
	}
	return root
}

// Force lets a failed host run its handlers, in step with the hosts that are at the flush of the given place.
func (s *State) Force(handlers []*playbook.Block, at *Place) {
	s.Forced, s.base = true, nil
	if at != nil {
		s.base = at.Key
	}
	s.stack = []*frame{{block: handlerRoot(handlers), handlers: true}}
}

// Next returns the indexes of the hosts that run next in lockstep: those whose place is the first one at or behind the
// place of the task that ran last, or the very first when none is (hosts that came back). nil entries are hosts that are done.
func Next(places []*Place, last []int) []int {
	var best *Place
	var at []int
	behind := func(p *Place) bool { return slices.Compare(p.Key, last) < 0 }
	for i, p := range places {
		if p == nil {
			continue
		}
		better := best == nil
		if !better && behind(p) != behind(best) {
			better = behind(best)
		} else if !better {
			better = slices.Compare(p.Key, best.Key) < 0
		}
		switch {
		case better:
			best, at = p, append(at[:0], i)
		case slices.Equal(p.Key, best.Key) && p.Task == best.Task:
			at = append(at, i)
		}
	}
	return at
}
