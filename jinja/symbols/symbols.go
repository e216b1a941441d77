// Package symbols decides, by the rules of Jinja's compiler, which names of a template are variables of its own, where each
// has its slot, and what it holds before it is assigned. Called by package jinja's compiler, after the parser.
package symbols

import "github.com/troupe-automation/troupe/jinja/syntax"

// Function is a stretch of template that runs in a frame of its own: the template's root, a block, a macro, the body of a
// recursive loop. All scopes inside it share its slots.
type Function struct {
	Parent   *Function
	Slots    int
	Captured bool // frames may outlive the call: a macro or loop function refers to them
}

// Hops counts the frames between a use in f and the function that owns the slot.
func (f *Function) Hops(owner *Function) int {
	n := 0
	for g := f; g != owner; g = g.Parent {
		n++
	}
	return n
}

// Load is how a variable gets its first value.
type Load uint8

const (
	Param     Load = iota // set by whoever enters the scope
	Resolve               // asked of the context at first use
	Alias                 // starts as a copy of an outer variable
	Undefined             // starts as missing
)

// Variable is a name of a template with its slot in the frames of its function.
type Variable struct {
	Name  string
	Fn    *Function
	Slot  int
	Load  Load
	Outer *Variable // of Alias
}

// Table has the variables of one scope, by the rules of Jinja's compiler: which names are local, and what they are
// before they are assigned. Branches of an if are analysed on copies and merged.
type Table struct {
	parent *Table
	Fn     *Function
	refs   map[string]*Variable
	stores map[string]bool
	All    map[string]*Variable // shared by the copies: one slot for a name in a scope
}

// New is the table of a scope in fn, inside parent (nil: there is none).
func New(parent *Table, fn *Function) *Table {
	return &Table{parent: parent, Fn: fn, refs: map[string]*Variable{}, stores: map[string]bool{}, All: map[string]*Variable{}}
}

// Find is the variable that a name means here: of this scope or one around it; nil when no analysis saw the name.
func (s *Table) Find(name string) *Variable {
	for ; s != nil; s = s.parent {
		if v, ok := s.refs[name]; ok {
			return v
		}
	}
	return nil
}

func (s *Table) define(name string, kind Load, outer *Variable) *Variable {
	v, ok := s.All[name]
	if !ok {
		v = &Variable{Name: name, Fn: s.Fn, Slot: s.Fn.Slots}
		s.Fn.Slots++
		s.All[name] = v
	}
	v.Load, v.Outer = kind, outer
	s.refs[name] = v
	return v
}

// Param declares a variable that is set by whoever enters the scope.
func (s *Table) Param(name string) *Variable {
	s.stores[name] = true
	return s.define(name, Param, nil)
}

func (s *Table) load(name string) {
	if s.Find(name) == nil {
		s.define(name, Resolve, nil)
	}
}

func (s *Table) store(name string) {
	s.stores[name] = true
	if _, ok := s.refs[name]; ok {
		return
	}
	if s.parent != nil {
		if outer := s.parent.Find(name); outer != nil {
			s.define(name, Alias, outer)
			return
		}
	}
	s.define(name, Undefined, nil)
}

// Stores reports whether something in this scope is assigned to name.
func (s *Table) Stores(name string) bool { return s.stores[name] }

func (s *Table) copy() *Table {
	c := &Table{parent: s.parent, Fn: s.Fn, All: s.All, refs: make(map[string]*Variable, len(s.refs)), stores: make(map[string]bool, len(s.stores))}
	for k, v := range s.refs {
		c.refs[k] = v
	}
	for k := range s.stores {
		c.stores[k] = true
	}
	return c
}

// merge takes in the branches of an if: a name that not every branch sets falls back to what it was outside.
func (s *Table) merge(branches ...*Table) {
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
		v := s.Find(name)
		if s.parent != nil {
			if outer := s.parent.Find(name); outer != nil {
				v.Load, v.Outer = Alias, outer
				continue
			}
		}
		v.Load, v.Outer = Resolve, nil
	}
}

// Visible are all variables that an include sees: everything stored in this scope and those around it.
func (s *Table) Visible() []*Variable {
	var out []*Variable
	seen := map[string]bool{}
	for n := s; n != nil; n = n.parent {
		for name := range n.stores {
			if !seen[name] {
				seen[name] = true
				out = append(out, s.Find(name))
			}
		}
	}
	return out
}

func (s *Table) exprs(es ...syntax.Expr) {
	for _, e := range es {
		s.Expr(e)
	}
}

func (s *Table) args(a syntax.Args) {
	s.exprs(a.Pos...)
	for _, k := range a.Kw {
		s.Expr(k.Val)
	}
	s.exprs(a.Star, a.StarStar)
}

// Expr declares what an expression reads.
func (s *Table) Expr(e syntax.Expr) {
	syntax.WalkExpr(e, func(n syntax.Expr) {
		if name, ok := n.(*syntax.Name); ok {
			s.load(name.Name)
		}
	})
}

// Target declares what an assignment stores.
func (s *Table) Target(e syntax.Expr, param bool) {
	switch e := e.(type) {
	case *syntax.Name:
		if param {
			s.Param(e.Name)
		} else {
			s.store(e.Name)
		}
	case *syntax.Tuple:
		for _, i := range e.Items {
			s.Target(i, param)
		}
	case *syntax.NSRef:
		s.load(e.Name)
	}
}

// Stmts declares what statements read and store in this scope; scopes inside it are analysed when they are compiled.
func (s *Table) Stmts(body []syntax.Stmt) {
	for _, st := range body {
		s.stmt(st)
	}
}

func (s *Table) stmt(st syntax.Stmt) {
	switch st := st.(type) {
	case *syntax.Output:
		s.exprs(st.Nodes...)
	case *syntax.Extends:
		s.Expr(st.Template)
	case *syntax.For:
		s.Expr(st.Iter)
	case *syntax.If:
		s.ifStmt(st)
	case *syntax.Macro:
		s.store(st.Name)
	case *syntax.CallBlock:
		s.Expr(st.Call)
	case *syntax.FilterBlock:
		s.Expr(st.Filter)
	case *syntax.With:
		s.exprs(st.Vals...)
	case *syntax.Autoescape:
		s.Expr(st.Enabled)
	case *syntax.Include:
		s.Expr(st.Template)
	case *syntax.Import:
		s.Expr(st.Template)
		s.store(st.Target)
	case *syntax.FromImport:
		s.Expr(st.Template)
		for _, n := range st.Names {
			s.store(n.As)
		}
	case *syntax.Do:
		s.Expr(st.Node)
	case *syntax.Assign:
		s.Expr(st.Val)
		s.Target(st.Target, false)
	case *syntax.AssignBlock:
		if st.Filter != nil {
			s.Expr(st.Filter)
		}
		s.Target(st.Target, false)
	}
}

func (s *Table) ifStmt(st *syntax.If) {
	s.Expr(st.Tests[0])
	body := s.copy()
	body.Stmts(st.Bodies[0])
	elifs := s.copy()
	for i := 1; i < len(st.Tests); i++ {
		elifs.Expr(st.Tests[i])
		b := elifs.copy()
		b.Stmts(st.Bodies[i])
		elifs.merge(b, elifs.copy(), elifs.copy())
	}
	els := s.copy()
	els.Stmts(st.Else)
	s.merge(body, elifs, els)
}

// Reads reports whether a body reads name anywhere (blocks inside it are not looked into).
func Reads(body []syntax.Stmt, name string) bool {
	found := false
	syntax.WalkStmts(body, func(s syntax.Stmt) bool { _, block := s.(*syntax.Block); return !block }, func(e syntax.Expr) {
		if n, ok := e.(*syntax.Name); ok && n.Name == name {
			found = true
		}
	})
	return found
}

// LoopStays reports whether the variable loop of st is only read for attributes that do not refer to it. A statement that may
// pass it on, and a recursive loop, are not looked into.
func LoopStays(st *syntax.For) bool {
	ok, names, attrs := !st.Recursive, 0, 0
	syntax.WalkStmts(st.Body, func(s syntax.Stmt) bool {
		switch s.(type) {
		case *syntax.Include, *syntax.Import, *syntax.FromImport, *syntax.Block, *syntax.Macro, *syntax.CallBlock:
			ok = false
		}
		return ok
	}, func(e syntax.Expr) {
		switch e := e.(type) {
		case *syntax.Name:
			if e.Name == "loop" {
				names++
			}
		case *syntax.Getattr:
			if n, isName := e.Node.(*syntax.Name); isName && n.Name == "loop" && e.Name != "cycle" && e.Name != "changed" {
				attrs++
			}
		}
	})
	return ok && names == attrs
}
