package playbook

import (
	"fmt"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
)

// scope is where a list of tasks stands.
type scope struct {
	play        *Play
	role        *Role
	parent      Parent
	path        string // file of the list
	handlers    bool
	collections []string
	depth       int // of imports
}

func (s scope) under(p Parent) scope { s.parent = p; return s }

func (s scope) collectionList() []string {
	if s.collections != nil {
		return s.collections
	}
	if s.role != nil {
		return s.role.Collections
	}
	if s.play != nil {
		return s.play.Collections
	}
	return nil
}

func isBlock(n *yamldoc.Node) bool {
	return n.Pair("block") != nil || n.Pair("rescue") != nil || n.Pair("always") != nil
}

// blocks reads a list of tasks and blocks. Neighbouring tasks share one implicit block.
func (l *Loader) blocks(n *yamldoc.Node, s scope) ([]*Block, error) {
	var out []*Block
	var open *Block
	for _, item := range n.Items {
		if item.IsNull() {
			continue
		}
		if item.Kind != yamldoc.Mapping {
			return nil, notATask(item)
		}
		if isBlock(item) {
			open = nil
			b, err := l.block(item, s)
			if err != nil {
				return nil, err
			}
			out = append(out, b)
			continue
		}
		if open == nil {
			open = &Block{
				Implicit: true, Pos: item.Pos, Path: s.path, IsHandlers: s.handlers, Vars: emptyDict(),
				Parent: s.parent, Role: s.role, Play: s.play,
			}
			out = append(out, open)
		}
		items, err := l.items(item, s.under(open))
		if err != nil {
			return nil, err
		}
		open.Tasks = append(open.Tasks, items...)
	}
	return out, nil
}

func notATask(item *yamldoc.Node) error {
	list, _ := yamldocRepr(item)
	d := problem(diag.MalformedBlock, source.Pos{}, "A malformed block was encountered while loading a block. The ds (["+list+"]) should be a dict but was a <class 'list'>")
	d.Summary = "a task must be a mapping"
	return d.At(item.Pos, 0, "")
}

// taskList reads the tasks of a block's section.
func (l *Loader) taskList(n *yamldoc.Node, s scope) ([]Item, error) {
	var out []Item
	for _, item := range n.Items {
		if item.IsNull() {
			continue
		}
		if item.Kind != yamldoc.Mapping {
			return nil, notATask(item)
		}
		items, err := l.items(item, s)
		if err != nil {
			return nil, err
		}
		out = append(out, items...)
	}
	return out, nil
}

// items reads one entry of a task list: a block, a task, or the blocks that a static import stands for.
func (l *Loader) items(n *yamldoc.Node, s scope) ([]Item, error) {
	if isBlock(n) {
		b, err := l.block(n, s)
		if err != nil {
			return nil, err
		}
		return []Item{b}, nil
	}
	t, err := l.task(n, s)
	if err != nil {
		return nil, err
	}
	switch Short(t.ActionAsWritten) {
	case "import_tasks":
		blocks, err := l.importTasks(t, s)
		if err != nil {
			return nil, err
		}
		return asItems(blocks), nil
	case "import_role":
		blocks, err := l.importRole(t, s)
		if err != nil {
			return nil, err
		}
		return asItems(blocks), nil
	}
	return []Item{t}, nil
}

func asItems(blocks []*Block) []Item {
	out := make([]Item, len(blocks))
	for i, b := range blocks {
		out[i] = b
	}
	return out
}

// block reads a block with its rescue and always sections.
func (l *Loader) block(n *yamldoc.Node, s scope) (*Block, error) {
	if around, ok := s.parent.(*Block); ok && around != nil && s.handlers && around.IsHandlers && !around.Implicit {
		return nil, problem(diag.MalformedBlock, n.Pos, "Using a block as a handler is not supported.")
	}
	b := &Block{Pos: n.Pos, Path: s.path, IsHandlers: s.handlers, Parent: s.parent, Role: s.role, Play: s.play}
	var err error
	for _, e := range n.Pairs {
		if !blockKeywords[e.Name()] {
			return nil, l.unknownKeyword(n, e.Key, "Block", blockKeywords)
		}
		b.Attrs = append(b.Attrs, Attr{e.Name(), e.Value.Value(), e.Key.Pos, e.Value})
	}
	if n.Pair("block") == nil {
		for _, section := range []string{"rescue", "always"} {
			if p := n.Pair(section); p != nil {
				d := problem(diag.MalformedBlock, n.Pos, fmt.Sprintf("'%s' keyword cannot be used without 'block'", section))
				return nil, point(d, p.Key.Pos, len(section), "")
			}
		}
	}
	if b.Name, _, err = nameOf(b.Attrs, n); err != nil {
		return nil, err
	}
	if b.Vars, err = l.varsOf(b.Attrs, "Block"); err != nil {
		return nil, err
	}
	if a := b.Attrs.Find("vars"); a != nil {
		b.VarsNode = a.Node
	}
	if err := checkTags(b.Attrs); err != nil {
		return nil, err
	}
	if err := l.checkDefaults(b.Attrs); err != nil {
		return nil, err
	}
	s.collections = collectionsOf(b.Attrs, s.collections)
	s.parent = b
	for _, section := range []struct {
		keyword string
		into    *[]Item
	}{{"block", &b.Tasks}, {"rescue", &b.Rescue}, {"always", &b.Always}} {
		p := n.Pair(section.keyword)
		if p == nil {
			continue
		}
		if p.Value.Kind != yamldoc.Sequence {
			d := problem(diag.MalformedBlock, n.Pos, fmt.Sprintf("A malformed block was encountered while loading a block. The ds (%s) should be a list but was a %s", shown(p.Value), classOf(p.Value)))
			d.Summary = fmt.Sprintf("%s must be a list of tasks", section.keyword)
			return nil, point(d, p.Value.Pos, 0, "")
		}
		if *section.into, err = l.taskList(p.Value, s); err != nil {
			return nil, err
		}
	}
	return b, nil
}
