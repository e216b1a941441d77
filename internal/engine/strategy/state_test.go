package strategy

import (
	"slices"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/playbook"
)

func task(name string) *playbook.Task { return &playbook.Task{Name: name} }

func block(tasks ...playbook.Item) *playbook.Block { return &playbook.Block{Tasks: tasks} }

// every wants all tasks; handlers only those notified.
type every struct{ notified map[string]bool }

func (e every) Wants(t *playbook.Task, handler bool) bool { return !handler || e.notified[t.Name] }

// walk runs a host to its end; fails names the tasks that fail. It returns the names in the order they ran.
func walk(s *State, sel Selector, fails ...string) []string {
	var ran []string
	for range 100 {
		p := s.Peek(sel)
		if p == nil {
			break
		}
		ran = append(ran, p.Task.Name)
		if slices.Contains(fails, p.Task.Name) {
			s.Fail()
		} else {
			s.Advance()
		}
	}
	return ran
}

// TestBlocks pins the order of block, rescue and always as ansible-core 2.18 runs them (BEHAVIOUR §3.2, sample flow_any_errors_fatal_block).
func TestBlocks(t *testing.T) {
	guarded := func() *playbook.Block {
		return &playbook.Block{
			Tasks: []playbook.Item{task("a"), task("b")}, Rescue: []playbook.Item{task("r1"), task("r2")}, Always: []playbook.Item{task("z")},
		}
	}
	for _, tt := range []struct {
		name   string
		root   *playbook.Block
		fails  []string
		want   []string
		failed bool
	}{
		{"all well", block(guarded(), task("after")), nil, []string{"a", "b", "z", "after"}, false},
		{"rescued", block(guarded(), task("after")), []string{"a"}, []string{"a", "r1", "r2", "z", "after"}, false},
		{"rescue fails", block(guarded(), task("after")), []string{"a", "r1"}, []string{"a", "r1", "z"}, true},
		{"always fails", block(guarded(), task("after")), []string{"z"}, []string{"a", "b", "z"}, true},
		{"nested failure reaches the outer rescue", block(&playbook.Block{
			Tasks:  []playbook.Item{&playbook.Block{Tasks: []playbook.Item{task("in")}, Always: []playbook.Item{task("inz")}}, task("skipped")},
			Rescue: []playbook.Item{task("out")},
		}, task("after")), []string{"in"}, []string{"in", "inz", "out", "after"}, false},
		{"plain failure ends the host", block(task("a"), task("b")), []string{"a"}, []string{"a"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Start(tt.root)
			if got := walk(s, every{}, tt.fails...); !slices.Equal(got, tt.want) {
				t.Errorf("ran %q, want %q", got, tt.want)
			}
			if s.Failed != tt.failed {
				t.Errorf("Failed = %v, want %v", s.Failed, tt.failed)
			}
		})
	}
}

// TestNext pins lockstep: the host that is behind goes first, and one that came back is served when nobody is further on.
func TestNext(t *testing.T) {
	root := block(task("a"), &playbook.Block{Tasks: []playbook.Item{task("b")}, Rescue: []playbook.Item{task("r")}}, task("c"))
	one, two := Start(root), Start(root)
	places := func() []*Place { return []*Place{one.Peek(every{}), two.Peek(every{})} }
	p := places()
	if at := Next(p, nil); !slices.Equal(at, []int{0, 1}) {
		t.Fatalf("both hosts start together, got %v", at)
	}
	one.Advance()
	two.Advance()
	p = places()
	last := p[0].Key
	one.Fail() // goes to rescue
	two.Advance()
	p = places()
	if at := Next(p, last); !slices.Equal(at, []int{0}) || p[0].Task.Name != "r" {
		t.Errorf("the rescue comes before what follows the block, got %v", at)
	}
	behind := []*Place{{Task: task("x"), Key: []int{0, 0}}, {Task: task("y"), Key: []int{0, 2}}}
	if at := Next(behind, []int{0, 1}); !slices.Equal(at, []int{1}) {
		t.Errorf("a host that came back waits, got %v", at)
	}
}

// TestInclude pins that included tasks run in place of the include, and that hosts with different files keep their order.
func TestInclude(t *testing.T) {
	root := block(task("inc"), task("after"))
	one, two := Start(root), Start(root)
	one.Peek(every{})
	two.Peek(every{})
	x, y := block(task("x1"), task("x2")), block(task("y1"))
	one.Include([]Included{{Blocks: []*playbook.Block{x}, Slot: 0}})
	two.Include([]Included{{Blocks: []*playbook.Block{y}, Slot: 1}})
	if at := Next([]*Place{one.Peek(every{}), two.Peek(every{})}, nil); !slices.Equal(at, []int{0}) {
		t.Errorf("the file that was named first runs first, got %v", at)
	}
	if got := walk(one, every{}); !slices.Equal(got, []string{"x1", "x2", "after"}) {
		t.Errorf("ran %q", got)
	}
}

// TestHandlers pins that only notified handlers run, in the order they are defined.
func TestHandlers(t *testing.T) {
	s := Start(block(task("flush"), task("after")))
	sel := every{notified: map[string]bool{"h1": true, "h3": true}}
	s.Peek(sel)
	s.RunHandlers([]*playbook.Block{block(task("h1"), task("h2"), task("h3"))})
	if got := walk(s, sel); !slices.Equal(got, []string{"h1", "h3", "after"}) {
		t.Errorf("ran %q", got)
	}
}
