package syntax

import (
	"sort"
	"strings"
)

// maxDepth bounds how deep expressions and blocks may nest.
const maxDepth = 400

// Parse reads a whole template. The error is a *Error.
func Parse(cfg *Config, src string) (t *Template, err error) {
	p, perr := newParser(cfg, src)
	if perr != nil {
		return nil, perr
	}
	defer p.recoverError(&err)
	p.advance()
	body := p.subparse(nil)
	if p.tok.kind != "eof" {
		p.failf("unexpected %s", quote(p.tok.describe()))
	}
	return &Template{Body: body, Blocks: p.blocks}, nil
}

// ParseExpression reads src as one bare expression. The error is a *Error.
func ParseExpression(cfg *Config, src string) (e Expr, err error) {
	p, perr := newParser(cfg, src)
	if perr != nil {
		return nil, perr
	}
	p.lex.state = inVariable
	defer p.recoverError(&err)
	p.advance()
	e = p.expression()
	if p.tok.kind != "eof" {
		p.failf("chunk after expression")
	}
	return e, nil
}

type parser struct {
	cfg       *Config
	lex       *lexer
	tok       token
	ahead     []token
	tags      []string
	ends      [][]string
	depth     int
	blocks    []*Block
	blockSeen map[string]bool

	added []int // offsets of doubled backslashes in the lexer's text
	crs   []int // offsets in the normalised text where a carriage return was dropped
}

func newParser(cfg *Config, src string) (*parser, *Error) {
	for _, d := range []string{cfg.BlockStart, cfg.BlockEnd, cfg.VariableStart, cfg.VariableEnd, cfg.CommentStart, cfg.CommentEnd} {
		if d == "" {
			return nil, errorf(0, 1, "the delimiters of a template must not be empty")
		}
	}
	p := &parser{cfg: cfg, blockSeen: map[string]bool{}}
	if strings.Contains(src, "\r\n") {
		n := 0
		for i := 0; i+1 < len(src); i++ {
			if src[i] == '\r' && src[i+1] == '\n' {
				p.crs = append(p.crs, i-n)
				n++
			}
		}
	}
	text := normalize(src, cfg.KeepTrailingNewline)
	if cfg.DoubleBackslashes {
		var err *Error
		if text, p.added, err = doubleBackslashes(cfg, text); err != nil {
			err.Offset = p.original(err.Offset)
			return nil, err
		}
	}
	p.lex = newLexer(cfg, text)
	return p, nil
}

// original maps an offset of the lexer's text to one of the text given to Parse.
func (p *parser) original(off int) int {
	if len(p.added) > 0 {
		off -= sort.SearchInts(p.added, off)
	}
	if len(p.crs) > 0 {
		off += sort.SearchInts(p.crs, off)
	}
	return off
}

func (p *parser) recoverError(err *error) {
	switch r := recover().(type) {
	case nil:
	case *Error:
		r.Offset = p.original(r.Offset)
		*err = r
	default:
		panic(r)
	}
}

func (p *parser) failAt(t token, format string, args ...any) {
	panic(errorf(t.off, t.line, format, args...))
}

func (p *parser) failf(format string, args ...any) { p.failAt(p.tok, format, args...) }

func (p *parser) enter() {
	if p.depth++; p.depth > maxDepth {
		p.failf("too many nested expressions or blocks")
	}
}

func (p *parser) leave() { p.depth-- }

func (p *parser) at(t token) At { return At(p.original(t.off)) }

func (p *parser) read() token {
	t, err := p.lex.next()
	if err != nil {
		panic(err)
	}
	return t
}

// advance moves to the next token and returns the one left.
func (p *parser) advance() token {
	t := p.tok
	if len(p.ahead) > 0 {
		p.tok, p.ahead = p.ahead[0], p.ahead[1:]
	} else if t.kind != "eof" || t.line == 0 {
		p.tok = p.read()
	}
	return t
}

func (p *parser) look() token {
	if len(p.ahead) == 0 {
		p.ahead = append(p.ahead, p.read())
	}
	return p.ahead[0]
}

func (p *parser) skipIf(expr string) bool {
	if p.tok.is(expr) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) testAny(exprs ...string) bool {
	for _, e := range exprs {
		if p.tok.is(e) {
			return true
		}
	}
	return false
}

func (p *parser) expect(expr string) token {
	if !p.tok.is(expr) {
		want := quote(describeExpr(expr))
		if p.tok.kind == "eof" {
			p.failf("unexpected end of template, expected %s.", want)
		}
		p.failf("expected token %s, got %s", want, quote(p.tok.describe()))
	}
	return p.advance()
}

func (p *parser) subparse(ends []string) []Stmt {
	p.enter()
	defer p.leave()
	var body []Stmt
	var out []Expr
	flush := func() {
		if len(out) > 0 {
			body = append(body, &Output{At: At(out[0].Offset()), Nodes: out})
			out = nil
		}
	}
	if ends != nil {
		p.ends = append(p.ends, ends)
		defer func() { p.ends = p.ends[:len(p.ends)-1] }()
	}
	for p.tok.kind != "eof" {
		switch p.tok.kind {
		case "data":
			t := p.advance()
			out = append(out, &Data{At: p.at(t), Text: t.text})
		case "variable_begin":
			p.advance()
			out = append(out, p.tuple(tupleOpts{}))
			p.expect("variable_end")
		case "block_begin":
			flush()
			p.advance()
			if ends != nil && p.testAny(ends...) {
				return body
			}
			if s := p.statement(); s != nil {
				body = append(body, s)
			}
			p.expect("block_end")
		default:
			p.failf("unexpected %s", quote(p.tok.describe()))
		}
	}
	flush()
	return body
}

func (p *parser) statements(drop bool, ends ...string) []Stmt {
	p.skipIf("colon")
	p.expect("block_end")
	body := p.subparse(ends)
	if p.tok.kind == "eof" {
		p.failTag("", append(p.ends[:len(p.ends):len(p.ends)], ends), p.tok)
	}
	if drop {
		p.advance()
	}
	return body
}

func (p *parser) failTag(name string, stack [][]string, t token) {
	var msg strings.Builder
	if name == "" {
		msg.WriteString("Unexpected end of template.")
	} else {
		msg.WriteString("Encountered unknown tag " + quote(name) + ".")
	}
	if len(stack) > 0 {
		var looking []string
		for _, e := range stack[len(stack)-1] {
			looking = append(looking, quote(describeExpr(e)))
		}
		known := false
		for _, s := range stack {
			for _, e := range s {
				known = known || name != "" && describeExpr(e) == name
			}
		}
		list := strings.Join(looking, " or ")
		if known {
			msg.WriteString(" You probably made a nesting mistake. Jinja is expecting this tag, but currently looking for " + list + ".")
		} else {
			msg.WriteString(" Jinja was looking for the following tags: " + list + ".")
		}
	}
	if len(p.tags) > 0 {
		msg.WriteString(" The innermost block that needs to be closed is " + quote(p.tags[len(p.tags)-1]) + ".")
	}
	p.failAt(t, "%s", msg.String())
}

func (p *parser) statement() Stmt {
	t := p.tok
	if t.kind != "name" {
		p.failf("tag name expected")
	}
	parse, ok := statementParsers[t.text]
	switch t.text {
	case "do":
		ok = p.cfg.Do
	case "break", "continue":
		ok = p.cfg.LoopControls
	}
	if !ok {
		p.failTag(t.text, p.ends, t)
	}
	p.tags = append(p.tags, t.text)
	s := parse(p)
	p.tags = p.tags[:len(p.tags)-1]
	return s
}

// statementParsers is filled in init order of the package's variables; parse functions refer back to it.
var statementParsers map[string]func(*parser) Stmt

func init() {
	statementParsers = map[string]func(*parser) Stmt{
		"for": (*parser).forStmt, "if": (*parser).ifStmt, "block": (*parser).blockStmt, "extends": (*parser).extendsStmt,
		"print": (*parser).printStmt, "macro": (*parser).macroStmt, "include": (*parser).includeStmt,
		"from": (*parser).fromStmt, "import": (*parser).importStmt, "set": (*parser).setStmt, "with": (*parser).withStmt,
		"autoescape": (*parser).autoescapeStmt, "call": (*parser).callStmt, "filter": (*parser).filterStmt,
		"do":       func(p *parser) Stmt { t := p.advance(); return &Do{At: p.at(t), Node: p.tuple(tupleOpts{})} },
		"break":    func(p *parser) Stmt { return &Break{At: p.at(p.advance())} },
		"continue": func(p *parser) Stmt { return &Continue{At: p.at(p.advance())} },
	}
}

func (p *parser) setStmt() Stmt {
	t := p.advance()
	target := p.assignTarget(true)
	if p.skipIf("assign") {
		return &Assign{At: p.at(t), Target: target, Val: p.tuple(tupleOpts{})}
	}
	f := p.filterChain(nil, false)
	body := p.statements(true, "name:endset")
	s := &AssignBlock{At: p.at(t), Target: target, Body: body}
	if f != nil {
		s.Filter = f.(*Filter)
	}
	return s
}

func (p *parser) forStmt() Stmt {
	t := p.advance()
	s := &For{At: p.at(t)}
	s.Target = p.assignable(p.tuple(tupleOpts{simple: true, end: "name:in"}), p.tok)
	p.expect("name:in")
	s.Iter = p.tuple(tupleOpts{noCond: true, end: "name:recursive"})
	if p.skipIf("name:if") {
		s.Test = p.expression()
	}
	s.Recursive = p.skipIf("name:recursive")
	s.Body = p.statements(false, "name:endfor", "name:else")
	if p.advance().text != "endfor" {
		s.Else = p.statements(true, "name:endfor")
	}
	return s
}

func (p *parser) ifStmt() Stmt {
	s := &If{At: p.at(p.tok)}
	p.advance()
	for {
		s.Tests = append(s.Tests, p.tuple(tupleOpts{noCond: true}))
		s.Bodies = append(s.Bodies, p.statements(false, "name:elif", "name:else", "name:endif"))
		switch p.advance().text {
		case "elif":
			continue
		case "else":
			s.Else = p.statements(true, "name:endif")
		}
		return s
	}
}

func (p *parser) withStmt() Stmt {
	s := &With{At: p.at(p.advance())}
	for p.tok.kind != "block_end" {
		if len(s.Targets) > 0 {
			p.expect("comma")
		}
		s.Targets = append(s.Targets, p.assignTarget(false))
		p.expect("assign")
		s.Vals = append(s.Vals, p.expression())
	}
	s.Body = p.statements(true, "name:endwith")
	return s
}

func (p *parser) autoescapeStmt() Stmt {
	s := &Autoescape{At: p.at(p.advance())}
	s.Enabled = p.expression()
	s.Body = p.statements(true, "name:endautoescape")
	return s
}

func (p *parser) blockStmt() Stmt {
	t := p.advance()
	s := &Block{At: p.at(t), Name: p.expect("name").text}
	s.Scoped = p.skipIf("name:scoped")
	s.Required = p.skipIf("name:required")
	if p.tok.kind == "sub" {
		p.failf("Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.")
	}
	s.Body = p.statements(true, "name:endblock")
	if s.Required && !blank(s.Body) {
		p.failf("Required blocks can only contain comments or whitespace")
	}
	p.skipIf("name:" + s.Name)
	if p.blockSeen[s.Name] {
		p.failAt(t, "block %s defined twice", quote(s.Name))
	}
	p.blockSeen[s.Name] = true
	p.blocks = append(p.blocks, s)
	return s
}

func blank(body []Stmt) bool {
	for _, s := range body {
		o, ok := s.(*Output)
		if !ok {
			return false
		}
		for _, n := range o.Nodes {
			if d, ok := n.(*Data); !ok || strings.TrimSpace(d.Text) != "" {
				return false
			}
		}
	}
	return true
}

func (p *parser) extendsStmt() Stmt {
	t := p.advance()
	return &Extends{At: p.at(t), Template: p.expression()}
}

func (p *parser) importContext(def bool) bool {
	if p.testAny("name:with", "name:without") && p.look().is("name:context") {
		with := p.advance().text == "with"
		p.advance()
		return with
	}
	return def
}

func (p *parser) includeStmt() Stmt {
	t := p.advance()
	s := &Include{At: p.at(t), Template: p.expression()}
	if p.tok.is("name:ignore") && p.look().is("name:missing") {
		s.IgnoreMissing = true
		p.advance()
		p.advance()
	}
	s.WithContext = p.importContext(true)
	return s
}

func (p *parser) importStmt() Stmt {
	t := p.advance()
	s := &Import{At: p.at(t), Template: p.expression()}
	p.expect("name:as")
	s.Target = p.nameTarget().Name
	s.WithContext = p.importContext(false)
	return s
}

func (p *parser) fromStmt() Stmt {
	t := p.advance()
	s := &FromImport{At: p.at(t), Template: p.expression()}
	p.expect("name:import")
	context := func() bool {
		if (p.tok.text == "with" || p.tok.text == "without") && p.look().is("name:context") {
			s.WithContext = p.advance().text == "with"
			p.advance()
			return true
		}
		return false
	}
	for {
		if len(s.Names) > 0 {
			p.expect("comma")
		}
		if p.tok.kind != "name" {
			p.expect("name")
		}
		if context() {
			return s
		}
		nt := p.tok
		n := p.nameTarget()
		if strings.HasPrefix(n.Name, "_") {
			p.failAt(nt, "names starting with an underline can not be imported")
		}
		as := n.Name
		if p.skipIf("name:as") {
			as = p.nameTarget().Name
		}
		s.Names = append(s.Names, ImportName{n.Name, as})
		if context() || p.tok.kind != "comma" {
			return s
		}
	}
}

func (p *parser) signature() []Param {
	var params []Param
	defaults := false
	p.expect("lparen")
	for p.tok.kind != "rparen" {
		if len(params) > 0 {
			p.expect("comma")
		}
		param := Param{Name: p.nameTarget().Name}
		if p.skipIf("assign") {
			param.Default = p.expression()
			defaults = true
		} else if defaults {
			p.failf("non-default argument follows default argument")
		}
		params = append(params, param)
	}
	p.expect("rparen")
	return params
}

func (p *parser) callStmt() Stmt {
	t := p.advance()
	s := &CallBlock{At: p.at(t)}
	if p.tok.kind == "lparen" {
		s.Params = p.signature()
	}
	call, ok := p.expression().(*Call)
	if !ok {
		p.failAt(t, "expected call")
	}
	s.Call = call
	s.Body = p.statements(true, "name:endcall")
	return s
}

func (p *parser) filterStmt() Stmt {
	t := p.advance()
	s := &FilterBlock{At: p.at(t)}
	s.Filter = p.filterChain(nil, true).(*Filter)
	s.Body = p.statements(true, "name:endfilter")
	return s
}

func (p *parser) macroStmt() Stmt {
	t := p.advance()
	s := &Macro{At: p.at(t), Name: p.nameTarget().Name}
	s.Params = p.signature()
	s.Body = p.statements(true, "name:endmacro")
	return s
}

func (p *parser) printStmt() Stmt {
	t := p.advance()
	s := &Output{At: p.at(t)}
	for p.tok.kind != "block_end" {
		if len(s.Nodes) > 0 {
			p.expect("comma")
		}
		s.Nodes = append(s.Nodes, p.expression())
	}
	return s
}

func (p *parser) nameTarget() *Name {
	t := p.expect("name")
	n := &Name{At: p.at(t), Name: t.text}
	p.storable(n, t)
	return n
}

// assignTarget reads what a set or with statement assigns to.
func (p *parser) assignTarget(namespace bool) Expr {
	if namespace && p.look().kind == "dot" {
		t := p.expect("name")
		p.advance()
		attr := p.expect("name")
		return &NSRef{At: p.at(t), Name: t.text, Attr: attr.text}
	}
	t := p.tok
	return p.assignable(p.tuple(tupleOpts{simple: true}), t)
}

func (p *parser) assignable(e Expr, t token) Expr {
	switch x := e.(type) {
	case *Name:
		p.storable(x, t)
		return e
	case *Tuple:
		for _, i := range x.Items {
			if kind := targetKind(i); kind != "" {
				p.failAt(t, "can't assign to 'tuple'")
			}
			p.assignable(i, t)
		}
		return e
	}
	p.failAt(t, "can't assign to %s", quote(targetKind(e)))
	return nil
}

func (p *parser) storable(n *Name, t token) {
	switch n.Name {
	case "true", "false", "none", "True", "False", "None":
		p.failAt(t, "can't assign to 'name'")
	}
}

// targetKind is Jinja's name of a node that cannot be assigned to, "" for one that can.
func targetKind(e Expr) string {
	switch x := e.(type) {
	case *Name:
		switch x.Name {
		case "true", "false", "none", "True", "False", "None":
			return "name"
		}
		return ""
	case *Tuple:
		for _, i := range x.Items {
			if targetKind(i) != "" {
				return "tuple"
			}
		}
		return ""
	case *StrConst, *IntConst, *FloatConst, *BoolConst, *NoneConst:
		return "const"
	case *List:
		return "list"
	case *Dict:
		return "dict"
	}
	return "expr"
}
