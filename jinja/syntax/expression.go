package syntax

// tupleOpts are the ways a tuple may be read.
type tupleOpts struct {
	simple   bool   // only primaries: assignment targets
	noCond   bool   // no "a if b" at the top
	end      string // a token that ends the tuple besides the usual ones
	explicit bool   // inside parentheses: may be empty
}

func (p *parser) tuple(o tupleOpts) Expr {
	start := p.tok
	var items []Expr
	isTuple := false
	for {
		if len(items) > 0 {
			p.expect("comma")
		}
		if p.testAny("variable_end", "block_end", "rparen") || o.end != "" && p.tok.is(o.end) {
			break
		}
		switch {
		case o.simple:
			items = append(items, p.primary())
		case o.noCond:
			items = append(items, p.or())
		default:
			items = append(items, p.expression())
		}
		if p.tok.kind != "comma" {
			break
		}
		isTuple = true
	}
	if !isTuple {
		if len(items) > 0 {
			return items[0]
		}
		if !o.explicit {
			p.failf("Expected an expression, got %s", quote(p.tok.describe()))
		}
	}
	return &Tuple{At: p.at(start), Items: items}
}

func (p *parser) expression() Expr {
	p.enter()
	defer p.leave()
	start := p.tok
	e := p.or()
	for p.skipIf("name:if") {
		c := &Cond{At: p.at(start), Then: e, Test: p.or()}
		if p.skipIf("name:else") {
			c.Else = p.expression()
		}
		e = c
	}
	return e
}

func (p *parser) or() Expr {
	start := p.tok
	left := p.and()
	for p.skipIf("name:or") {
		left = &Logic{At: p.at(start), Or: true, Left: left, Right: p.and()}
	}
	return left
}

func (p *parser) and() Expr {
	start := p.tok
	left := p.not()
	for p.skipIf("name:and") {
		left = &Logic{At: p.at(start), Left: left, Right: p.not()}
	}
	return left
}

func (p *parser) not() Expr {
	if p.tok.is("name:not") {
		p.enter()
		defer p.leave()
		t := p.advance()
		return &Not{At: p.at(t), Node: p.not()}
	}
	return p.compare()
}

var compareOps = map[string]string{"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">="}

func (p *parser) compare() Expr {
	start := p.tok
	e := p.sum()
	var ops []Operand
	for {
		if op, ok := compareOps[p.tok.kind]; ok {
			p.advance()
			ops = append(ops, Operand{op, p.sum()})
		} else if p.skipIf("name:in") {
			ops = append(ops, Operand{"in", p.sum()})
		} else if p.tok.is("name:not") && p.look().is("name:in") {
			p.advance()
			p.advance()
			ops = append(ops, Operand{"notin", p.sum()})
		} else {
			break
		}
	}
	if ops == nil {
		return e
	}
	return &Compare{At: p.at(start), Left: e, Ops: ops}
}

func (p *parser) sum() Expr {
	start := p.tok
	left := p.concat()
	for p.tok.kind == "add" || p.tok.kind == "sub" {
		op := p.advance().text
		left = &Binary{At: p.at(start), Op: op, Left: left, Right: p.concat()}
	}
	return left
}

func (p *parser) concat() Expr {
	start := p.tok
	items := []Expr{p.product()}
	for p.tok.kind == "tilde" {
		p.advance()
		items = append(items, p.product())
	}
	if len(items) == 1 {
		return items[0]
	}
	return &Concat{At: p.at(start), Items: items}
}

func (p *parser) product() Expr {
	start := p.tok
	left := p.pow()
	for p.testAny("mul", "div", "floordiv", "mod") {
		op := p.advance().text
		left = &Binary{At: p.at(start), Op: op, Left: left, Right: p.pow()}
	}
	return left
}

func (p *parser) pow() Expr {
	start := p.tok
	left := p.unary(true)
	for p.tok.kind == "pow" {
		p.advance()
		left = &Binary{At: p.at(start), Op: "**", Left: left, Right: p.unary(true)}
	}
	return left
}

func (p *parser) unary(withFilter bool) Expr {
	p.enter()
	defer p.leave()
	var e Expr
	switch t := p.tok; t.kind {
	case "sub", "add":
		p.advance()
		e = &Unary{At: p.at(t), Op: t.text, Node: p.unary(false)}
	default:
		e = p.primary()
	}
	e = p.postfix(e)
	if withFilter {
		e = p.filterExpr(e)
	}
	return e
}

func (p *parser) primary() Expr {
	t := p.tok
	switch t.kind {
	case "name":
		p.advance()
		switch t.text {
		case "true", "True":
			return &BoolConst{p.at(t), true}
		case "false", "False":
			return &BoolConst{p.at(t), false}
		case "none", "None":
			return &NoneConst{p.at(t)}
		}
		return &Name{p.at(t), t.text}
	case "string":
		text := p.advance().text
		for p.tok.kind == "string" {
			text += p.advance().text
		}
		return &StrConst{p.at(t), text}
	case "integer":
		p.advance()
		return &IntConst{p.at(t), t.num}
	case "float":
		p.advance()
		return &FloatConst{p.at(t), t.flt}
	case "lparen":
		p.enter()
		defer p.leave()
		p.advance()
		e := p.tuple(tupleOpts{explicit: true})
		p.expect("rparen")
		return e
	case "lbracket":
		p.advance()
		l := &List{At: p.at(t)}
		for p.tok.kind != "rbracket" {
			if len(l.Items) > 0 {
				p.expect("comma")
			}
			if p.tok.kind == "rbracket" {
				break
			}
			l.Items = append(l.Items, p.expression())
		}
		p.expect("rbracket")
		return l
	case "lbrace":
		p.advance()
		d := &Dict{At: p.at(t)}
		for p.tok.kind != "rbrace" {
			if len(d.Keys) > 0 {
				p.expect("comma")
			}
			if p.tok.kind == "rbrace" {
				break
			}
			d.Keys = append(d.Keys, p.expression())
			p.expect("colon")
			d.Vals = append(d.Vals, p.expression())
		}
		p.expect("rbrace")
		return d
	}
	p.failf("unexpected %s", quote(t.describe()))
	return nil
}

func (p *parser) postfix(e Expr) Expr {
	for n := 0; ; n++ {
		p.chain(n)
		switch p.tok.kind {
		case "dot", "lbracket":
			e = p.subscript(e)
		case "lparen":
			e = p.call(e)
		default:
			return e
		}
	}
}

// chain bounds the length of a.b.c… and a|b|c…, whose trees are as deep as they are long.
func (p *parser) chain(n int) {
	if n > 4*maxDepth {
		p.failf("too many nested expressions or blocks")
	}
}

func (p *parser) filterExpr(e Expr) Expr {
	for n := 0; ; n++ {
		p.chain(n)
		switch {
		case p.tok.kind == "pipe":
			e = p.filterChain(e, false)
		case p.tok.is("name:is"):
			e = p.test(e)
		case p.tok.kind == "lparen":
			e = p.call(e)
		default:
			return e
		}
	}
}

func (p *parser) subscript(e Expr) Expr {
	t := p.advance()
	if t.kind == "dot" {
		a := p.advance()
		switch a.kind {
		case "name":
			return &Getattr{At: p.at(t), Node: e, Name: a.text}
		case "integer":
			return &Getitem{At: p.at(t), Node: e, Key: &IntConst{p.at(a), a.num}}
		}
		p.failAt(a, "expected name or number")
	}
	var args []Expr
	for p.tok.kind != "rbracket" {
		if len(args) > 0 {
			p.expect("comma")
		}
		args = append(args, p.subscribed())
	}
	p.expect("rbracket")
	if len(args) == 1 {
		return &Getitem{At: p.at(t), Node: e, Key: args[0]}
	}
	return &Getitem{At: p.at(t), Node: e, Key: &Tuple{At: p.at(t), Items: args}}
}

func (p *parser) subscribed() Expr {
	s := &Slice{At: p.at(p.tok)}
	if p.tok.kind == "colon" {
		p.advance()
	} else {
		e := p.expression()
		if p.tok.kind != "colon" {
			return e
		}
		p.advance()
		s.Start = e
	}
	if !p.testAny("colon", "rbracket", "comma") {
		s.Stop = p.expression()
	}
	if p.skipIf("colon") && !p.testAny("rbracket", "comma") {
		s.Step = p.expression()
	}
	return s
}

func (p *parser) call(e Expr) Expr {
	t := p.tok
	return &Call{At: p.at(t), Fn: e, Args: p.callArgs()}
}

func (p *parser) callArgs() Args {
	var a Args
	start := p.expect("lparen")
	ensure := func(ok bool) {
		if !ok {
			p.failAt(start, "invalid syntax for function call expression")
		}
	}
	comma := false
	for p.tok.kind != "rparen" {
		if comma {
			p.expect("comma")
			if p.tok.kind == "rparen" {
				break
			}
		}
		switch {
		case p.tok.kind == "mul":
			ensure(a.Star == nil && a.StarStar == nil)
			p.advance()
			a.Star = p.expression()
		case p.tok.kind == "pow":
			ensure(a.StarStar == nil)
			p.advance()
			a.StarStar = p.expression()
		case p.tok.kind == "name" && p.look().kind == "assign":
			ensure(a.StarStar == nil)
			key := p.advance().text
			p.advance()
			a.Kw = append(a.Kw, Keyword{key, p.expression()})
		default:
			ensure(a.Star == nil && a.StarStar == nil && len(a.Kw) == 0)
			a.Pos = append(a.Pos, p.expression())
		}
		comma = true
	}
	p.expect("rparen")
	return a
}

func (p *parser) filterChain(e Expr, inline bool) Expr {
	for n := 0; p.tok.kind == "pipe" || inline; n++ {
		p.chain(n)
		if !inline {
			p.advance()
		}
		t := p.expect("name")
		f := &Filter{At: p.at(t), Node: e, Name: p.dotted(t.text)}
		if p.tok.kind == "lparen" {
			f.Args = p.callArgs()
		}
		e = f
		inline = false
	}
	return e
}

func (p *parser) dotted(name string) string {
	for p.skipIf("dot") {
		name += "." + p.expect("name").text
	}
	return name
}

func (p *parser) test(e Expr) Expr {
	p.advance()
	negated := p.skipIf("name:not")
	t := p.expect("name")
	n := &Test{At: p.at(t), Node: e, Name: p.dotted(t.text)}
	if p.tok.kind == "lparen" {
		n.Args = p.callArgs()
	} else if p.testAny("name", "string", "integer", "float", "lbracket", "lbrace") && !p.testAny("name:else", "name:or", "name:and") {
		if p.tok.is("name:is") {
			p.failf("You cannot chain multiple tests with is")
		}
		n.Args.Pos = []Expr{p.postfix(p.primary())}
	}
	if negated {
		return &Not{At: n.At, Node: n}
	}
	return n
}
