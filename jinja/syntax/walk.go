package syntax

// WalkExpr calls f for e and every expression inside it.
func WalkExpr(e Expr, f func(Expr)) {
	if e == nil {
		return
	}
	f(e)
	all := func(es ...Expr) {
		for _, x := range es {
			if x != nil {
				WalkExpr(x, f)
			}
		}
	}
	args := func(a Args) {
		all(a.Pos...)
		for _, k := range a.Kw {
			all(k.Val)
		}
		all(a.Star, a.StarStar)
	}
	switch e := e.(type) {
	case *Tuple:
		all(e.Items...)
	case *List:
		all(e.Items...)
	case *Dict:
		for i := range e.Keys {
			all(e.Keys[i], e.Vals[i])
		}
	case *Cond:
		all(e.Test, e.Then, e.Else)
	case *Filter:
		all(e.Node)
		args(e.Args)
	case *Test:
		all(e.Node)
		args(e.Args)
	case *Call:
		all(e.Fn)
		args(e.Args)
	case *Getattr:
		all(e.Node)
	case *Getitem:
		all(e.Node, e.Key)
	case *Slice:
		all(e.Start, e.Stop, e.Step)
	case *Concat:
		all(e.Items...)
	case *Compare:
		all(e.Left)
		for _, o := range e.Ops {
			all(o.Right)
		}
	case *Binary:
		all(e.Left, e.Right)
	case *Unary:
		all(e.Node)
	case *Logic:
		all(e.Left, e.Right)
	case *Not:
		all(e.Node)
	}
}

// WalkStmts calls onExpr for every expression and onStmt for every statement below body, in order. onStmt returns false
// to stay out of a statement's insides.
func WalkStmts(body []Stmt, onStmt func(Stmt) bool, onExpr func(Expr)) {
	es := func(list ...Expr) {
		for _, e := range list {
			if e != nil {
				WalkExpr(e, onExpr)
			}
		}
	}
	in := func(b []Stmt) { WalkStmts(b, onStmt, onExpr) }
	params := func(ps []Param) {
		for _, p := range ps {
			es(p.Default)
		}
	}
	for _, st := range body {
		if !onStmt(st) {
			continue
		}
		switch st := st.(type) {
		case *Output:
			es(st.Nodes...)
		case *Extends:
			es(st.Template)
		case *For:
			es(st.Iter, st.Test)
			in(st.Body)
			in(st.Else)
		case *If:
			for i := range st.Tests {
				es(st.Tests[i])
				in(st.Bodies[i])
			}
			in(st.Else)
		case *Macro:
			params(st.Params)
			in(st.Body)
		case *CallBlock:
			params(st.Params)
			es(st.Call)
			in(st.Body)
		case *FilterBlock:
			es(st.Filter)
			in(st.Body)
		case *With:
			es(st.Vals...)
			in(st.Body)
		case *Autoescape:
			es(st.Enabled)
			in(st.Body)
		case *Block:
			in(st.Body)
		case *Include:
			es(st.Template)
		case *Import:
			es(st.Template)
		case *FromImport:
			es(st.Template)
		case *Do:
			es(st.Node)
		case *Assign:
			es(st.Val)
		case *AssignBlock:
			if st.Filter != nil {
				es(st.Filter)
			}
			in(st.Body)
		}
	}
}
