package jinja

import "github.com/troupe-automation/troupe/jinja/syntax"

// function is a stretch of template that runs in a frame of its own: the template's root, a block, a macro, the body of a
// recursive loop. All scopes inside it share its slots.
type function struct {
	parent   *function
	slots    int
	captured bool // frames may outlive the call: a macro or loop function refers to them
}

// hops counts the frames between a use in f and the function that owns the slot.
func (f *function) hops(owner *function) int {
	n := 0
	for g := f; g != owner; g = g.parent {
		n++
	}
	return n
}

type loadKind uint8

const (
	loadParam     loadKind = iota // set by whoever enters the scope
	loadResolve                   // asked of the context at first use
	loadAlias                     // starts as a copy of an outer variable
	loadUndefined                 // starts as missing
)

type variable struct {
	name  string
	fn    *function
	slot  int
	load  loadKind
	outer *variable // of loadAlias
}

// symbols are the variables of one scope, by the rules of Jinja's compiler: which names are local, and what they are
// before they are assigned. Branches of an if are analysed on copies and merged.
type symbols struct {
	parent *symbols
	fn     *function
	refs   map[string]*variable
	stores map[string]bool
	all    map[string]*variable // shared by the copies: one slot for a name in a scope
}

func newSymbols(parent *symbols, fn *function) *symbols {
	return &symbols{parent: parent, fn: fn, refs: map[string]*variable{}, stores: map[string]bool{}, all: map[string]*variable{}}
}

func (s *symbols) find(name string) *variable {
	for ; s != nil; s = s.parent {
		if v, ok := s.refs[name]; ok {
			return v
		}
	}
	return nil
}

func (s *symbols) define(name string, kind loadKind, outer *variable) *variable {
	v, ok := s.all[name]
	if !ok {
		v = &variable{name: name, fn: s.fn, slot: s.fn.slots}
		s.fn.slots++
		s.all[name] = v
	}
	v.load, v.outer = kind, outer
	s.refs[name] = v
	return v
}

func (s *symbols) param(name string) *variable {
	s.stores[name] = true
	return s.define(name, loadParam, nil)
}

func (s *symbols) load(name string) {
	if s.find(name) == nil {
		s.define(name, loadResolve, nil)
	}
}

func (s *symbols) store(name string) {
	s.stores[name] = true
	if _, ok := s.refs[name]; ok {
		return
	}
	if s.parent != nil {
		if outer := s.parent.find(name); outer != nil {
			s.define(name, loadAlias, outer)
			return
		}
	}
	s.define(name, loadUndefined, nil)
}

func (s *symbols) copy() *symbols {
	c := &symbols{parent: s.parent, fn: s.fn, all: s.all, refs: make(map[string]*variable, len(s.refs)), stores: make(map[string]bool, len(s.stores))}
	for k, v := range s.refs {
		c.refs[k] = v
	}
	for k := range s.stores {
		c.stores[k] = true
	}
	return c
}

// merge takes in the branches of an if: a name that not every branch sets falls back to what it was outside.
func (s *symbols) merge(branches ...*symbols) {
	count := map[string]int{}
	for _, b := range branches {
		for name := range b.stores {
			if !s.stores[name] {
				count[name]++
			}
		}
	}
	for _, b := range branches {
		for k, v := range b.refs {
			s.refs[k] = v
		}
		for k := range b.stores {
			s.stores[k] = true
		}
	}
	for name, n := range count {
		if n == len(branches) {
			continue
		}
		v := s.find(name)
		if s.parent != nil {
			if outer := s.parent.find(name); outer != nil {
				v.load, v.outer = loadAlias, outer
				continue
			}
		}
		v.load, v.outer = loadResolve, nil
	}
}

// visible are all variables that an include sees: everything stored in this scope and those around it.
func (s *symbols) visible() []*variable {
	var out []*variable
	seen := map[string]bool{}
	for n := s; n != nil; n = n.parent {
		for name := range n.stores {
			if !seen[name] {
				seen[name] = true
				out = append(out, s.find(name))
			}
		}
	}
	return out
}

func (s *symbols) exprs(es ...syntax.Expr) {
	for _, e := range es {
		s.expr(e)
	}
}

func (s *symbols) args(a syntax.Args) {
	s.exprs(a.Pos...)
	for _, k := range a.Kw {
		s.expr(k.Val)
	}
	s.exprs(a.Star, a.StarStar)
}

func (s *symbols) expr(e syntax.Expr) {
	syntax.WalkExpr(e, func(n syntax.Expr) {
		if name, ok := n.(*syntax.Name); ok {
			s.load(name.Name)
		}
	})
}

// target declares what an assignment stores.
func (s *symbols) target(e syntax.Expr, param bool) {
	switch e := e.(type) {
	case *syntax.Name:
		if param {
			s.param(e.Name)
		} else {
			s.store(e.Name)
		}
	case *syntax.Tuple:
		for _, i := range e.Items {
			s.target(i, param)
		}
	case *syntax.NSRef:
		s.load(e.Name)
	}
}

func (s *symbols) stmts(body []syntax.Stmt) {
	for _, st := range body {
		s.stmt(st)
	}
}

// stmt declares what a statement reads and stores in this scope; scopes inside it are analysed when they are compiled.
func (s *symbols) stmt(st syntax.Stmt) {
	switch st := st.(type) {
	case *syntax.Output:
		s.exprs(st.Nodes...)
	case *syntax.Extends:
		s.expr(st.Template)
	case *syntax.For:
		s.expr(st.Iter)
	case *syntax.If:
		s.ifStmt(st)
	case *syntax.Macro:
		s.store(st.Name)
	case *syntax.CallBlock:
		s.expr(st.Call)
	case *syntax.FilterBlock:
		s.expr(st.Filter)
	case *syntax.With:
		s.exprs(st.Vals...)
	case *syntax.Autoescape:
		s.expr(st.Enabled)
	case *syntax.Include:
		s.expr(st.Template)
	case *syntax.Import:
		s.expr(st.Template)
		s.store(st.Target)
	case *syntax.FromImport:
		s.expr(st.Template)
		for _, n := range st.Names {
			s.store(n.As)
		}
	case *syntax.Do:
		s.expr(st.Node)
	case *syntax.Assign:
		s.expr(st.Val)
		s.target(st.Target, false)
	case *syntax.AssignBlock:
		if st.Filter != nil {
			s.expr(st.Filter)
		}
		s.target(st.Target, false)
	}
}

func (s *symbols) ifStmt(st *syntax.If) {
	s.expr(st.Tests[0])
	body := s.copy()
	body.stmts(st.Bodies[0])
	elifs := s.copy()
	for i := 1; i < len(st.Tests); i++ {
		elifs.expr(st.Tests[i])
		b := elifs.copy()
		b.stmts(st.Bodies[i])
		elifs.merge(b, elifs.copy(), elifs.copy())
	}
	els := s.copy()
	els.stmts(st.Else)
	s.merge(body, elifs, els)
}

// reads reports whether a body reads name anywhere (blocks inside it are not looked into).
func reads(body []syntax.Stmt, name string) bool {
	found := false
	syntax.WalkStmts(body, func(s syntax.Stmt) bool { _, block := s.(*syntax.Block); return !block }, func(e syntax.Expr) {
		if n, ok := e.(*syntax.Name); ok && n.Name == name {
			found = true
		}
	})
	return found
}
