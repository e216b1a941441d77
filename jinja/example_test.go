package jinja_test

import (
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/value"
)

// A template is compiled once; many goroutines may render the program.
func Example() {
	env := builtins.New()
	p, err := env.Compile("motd", "{% for h in hosts %}{{ loop.index }}. {{ h | upper }}\n{% endfor %}")
	if err != nil {
		panic(err)
	}
	text, err := p.Render(jinja.Vars{"hosts": value.NewList(value.Str("web1"), value.Str("web2"))})
	fmt.Print(text, err)
	// Output:
	// 1. WEB1
	// 2. WEB2
	// <nil>
}

// An expression gives a value, not text.
func ExampleEnvironment_CompileExpression() {
	p, err := builtins.New().CompileExpression("", "ports | map('int') | sum * 2")
	if err != nil {
		panic(err)
	}
	v, err := p.Value(jinja.Vars{"ports": value.NewList(value.Str("80"), value.Int(443))})
	fmt.Println(v, v.TypeName(), err)
	// Output: 1046 int <nil>
}

// A filter is a row with the signature that Python's would have: arguments are bound to it, and errors name it.
func ExampleEnvironment_AddFilters() {
	env := builtins.New()
	env.AddFilters(jinja.Filter{Name: "shout", Signature: "shout(text, times=1)", Run: func(c *jinja.Call) (value.Value, error) {
		s, err := value.ToStr(c.Args[0])
		if err != nil {
			return nil, err
		}
		n, err := value.Index(c.Args[1])
		return value.Str(s + strings.Repeat("!", int(n))), err
	}})
	p, err := env.Compile("", "{{ 'hello' | shout(times=3) }}")
	if err != nil {
		panic(err)
	}
	fmt.Println(p.Render(nil))
	_, err = env.Compile("", "{{ 'hello' | whisper }}")
	fmt.Println(err)
	// Output:
	// hello!!! <nil>
	// No filter named 'whisper'.
}

// An error knows its place in the source.
func ExampleError() {
	p, err := builtins.New().Compile("page", "a\nb {{ 1 + 'x' }}")
	if err == nil {
		_, err = p.Render(nil)
	}
	e := err.(*jinja.Error)
	fmt.Printf("line %d: %v\n", e.Line, e)
	// Output: line 2: unsupported operand type(s) for +: 'int' and 'str'
}
