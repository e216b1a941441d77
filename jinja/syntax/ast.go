package syntax

import "math/big"

// Node is anything with a place in the source. Off is the byte offset where it starts.
type Node interface{ Offset() int }

// At is the place of a node; every node embeds it.
type At int

// Offset is the byte offset into the source given to Parse.
func (a At) Offset() int { return int(a) }

// Expr is a node that has a value.
type Expr interface {
	Node
	expr()
}

// Stmt is a node that does something.
type Stmt interface {
	Node
	stmt()
}

// Expressions.
type (
	// Name reads a variable; as an assignment target it stores one.
	Name struct {
		At
		Name string
	}
	// StrConst is a string literal.
	StrConst struct {
		At
		Val string
	}
	// IntConst is an integer literal of any size.
	IntConst struct {
		At
		Val *big.Int
	}
	// FloatConst is a float literal.
	FloatConst struct {
		At
		Val float64
	}
	// BoolConst is true or false.
	BoolConst struct {
		At
		Val bool
	}
	// NoneConst is none.
	NoneConst struct{ At }
	// Data is literal text of the template; it occurs only in Output.
	Data struct {
		At
		Text string
	}
	// Tuple is a, b or (a, b).
	Tuple struct {
		At
		Items []Expr
	}
	// List is [a, b].
	List struct {
		At
		Items []Expr
	}
	// Dict is {k: v}.
	Dict struct {
		At
		Keys, Vals []Expr
	}
	// Cond is Then if Test else Else; Else may be nil.
	Cond struct {
		At
		Test, Then, Else Expr
	}
	// Filter is Node|Name(args). Node is nil for the filter of a block.
	Filter struct {
		At
		Node Expr
		Name string
		Args Args
	}
	// Test is Node is Name(args).
	Test struct {
		At
		Node Expr
		Name string
		Args Args
	}
	// Call is Fn(args).
	Call struct {
		At
		Fn   Expr
		Args Args
	}
	// Getattr is Node.Name.
	Getattr struct {
		At
		Node Expr
		Name string
	}
	// Getitem is Node[Key]; Key may be a *Slice.
	Getitem struct {
		At
		Node, Key Expr
	}
	// Slice is start:stop:step inside brackets; absent parts are nil.
	Slice struct {
		At
		Start, Stop, Step Expr
	}
	// Concat is a ~ b ~ c.
	Concat struct {
		At
		Items []Expr
	}
	// Compare is Left op a op b …, chained as in Python.
	Compare struct {
		At
		Left Expr
		Ops  []Operand
	}
	// Binary is Left Op Right with Op one of + - * / // % **.
	Binary struct {
		At
		Op          string
		Left, Right Expr
	}
	// Unary is -x or +x.
	Unary struct {
		At
		Op   string
		Node Expr
	}
	// Logic is Left and Right, or Left or Right.
	Logic struct {
		At
		Or          bool
		Left, Right Expr
	}
	// Not is not x.
	Not struct {
		At
		Node Expr
	}
	// NSRef is the target ns.attr of a set statement.
	NSRef struct {
		At
		Name, Attr string
	}
)

// Operand is one step of a Compare. Op is one of == != < <= > >= in notin.
type Operand struct {
	Op    string
	Right Expr
}

// Args are the arguments of a call, filter or test.
type Args struct {
	Pos      []Expr
	Kw       []Keyword
	Star     Expr // *expr, or nil
	StarStar Expr // **expr, or nil
}

// Keyword is name=value.
type Keyword struct {
	Name string
	Val  Expr
}

// Statements.
type (
	// Output writes text and values.
	Output struct {
		At
		Nodes []Expr
	}
	// Extends names the parent template.
	Extends struct {
		At
		Template Expr
	}
	// For is a loop. Test and Else may be absent.
	For struct {
		At
		Target    Expr
		Iter      Expr
		Test      Expr
		Body      []Stmt
		Else      []Stmt
		Recursive bool
	}
	// If is a chain of branches; Tests[i] guards Bodies[i].
	If struct {
		At
		Tests  []Expr
		Bodies [][]Stmt
		Else   []Stmt
	}
	// Macro defines a macro.
	Macro struct {
		At
		Name   string
		Params []Param
		Body   []Stmt
	}
	// CallBlock is {% call(params) fn(args) %}.
	CallBlock struct {
		At
		Params []Param
		Call   *Call
		Body   []Stmt
	}
	// FilterBlock is {% filter f|g %}.
	FilterBlock struct {
		At
		Filter *Filter
		Body   []Stmt
	}
	// With is {% with a = 1 %}.
	With struct {
		At
		Targets, Vals []Expr
		Body          []Stmt
	}
	// Autoescape is {% autoescape expr %}.
	Autoescape struct {
		At
		Enabled Expr
		Body    []Stmt
	}
	// Block is a named block.
	Block struct {
		At
		Name             string
		Scoped, Required bool
		Body             []Stmt
	}
	// Include renders another template in place.
	Include struct {
		At
		Template      Expr
		IgnoreMissing bool
		WithContext   bool
	}
	// Import binds another template's exports to a name.
	Import struct {
		At
		Template    Expr
		Target      string
		WithContext bool
	}
	// FromImport binds some exports of another template.
	FromImport struct {
		At
		Template    Expr
		Names       []ImportName
		WithContext bool
	}
	// Do evaluates an expression for its effect.
	Do struct {
		At
		Node Expr
	}
	// Assign is {% set target = value %}.
	Assign struct {
		At
		Target, Val Expr
	}
	// AssignBlock is {% set target %}…{% endset %}; Filter may be nil.
	AssignBlock struct {
		At
		Target Expr
		Filter *Filter
		Body   []Stmt
	}
	// Break leaves a loop.
	Break struct{ At }
	// Continue goes on with the next turn of a loop.
	Continue struct{ At }
)

// Param is one parameter of a macro; Default may be nil.
type Param struct {
	Name    string
	Default Expr
}

// ImportName is one name of a FromImport; As equals Name when it is not renamed.
type ImportName struct{ Name, As string }

// Template is a whole parsed template.
type Template struct {
	Body []Stmt
	// Blocks are all blocks, in order of appearance.
	Blocks []*Block
}

func (*Name) expr()       {}
func (*StrConst) expr()   {}
func (*IntConst) expr()   {}
func (*FloatConst) expr() {}
func (*BoolConst) expr()  {}
func (*NoneConst) expr()  {}
func (*Data) expr()       {}
func (*Tuple) expr()      {}
func (*List) expr()       {}
func (*Dict) expr()       {}
func (*Cond) expr()       {}
func (*Filter) expr()     {}
func (*Test) expr()       {}
func (*Call) expr()       {}
func (*Getattr) expr()    {}
func (*Getitem) expr()    {}
func (*Slice) expr()      {}
func (*Concat) expr()     {}
func (*Compare) expr()    {}
func (*Binary) expr()     {}
func (*Unary) expr()      {}
func (*Logic) expr()      {}
func (*Not) expr()        {}
func (*NSRef) expr()      {}

func (*Output) stmt()      {}
func (*Extends) stmt()     {}
func (*For) stmt()         {}
func (*If) stmt()          {}
func (*Macro) stmt()       {}
func (*CallBlock) stmt()   {}
func (*FilterBlock) stmt() {}
func (*With) stmt()        {}
func (*Autoescape) stmt()  {}
func (*Block) stmt()       {}
func (*Include) stmt()     {}
func (*Import) stmt()      {}
func (*FromImport) stmt()  {}
func (*Do) stmt()          {}
func (*Assign) stmt()      {}
func (*AssignBlock) stmt() {}
func (*Break) stmt()       {}
func (*Continue) stmt()    {}

// Element is the expression of the i-th element of what e gives.
func Element(e Expr, i int) Expr {
	if l, ok := e.(*List); ok && i < len(l.Items) {
		return l.Items[i]
	}
	return &Getitem{At: At(e.Offset()), Node: e, Key: &IntConst{At: At(e.Offset()), Val: big.NewInt(int64(i))}}
}
