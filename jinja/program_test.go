package jinja_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/value"
)

// TestErrorPlace checks that errors point at the expression that failed, in the text as it was given.
func TestErrorPlace(t *testing.T) {
	env := builtins.New()
	env.Undefined = value.Chained
	env.Syntax.DoubleBackslashes = true
	for name, c := range map[string]struct {
		src, at string
		line    int
	}{
		"unknown filter":       {"a\n{{ x | nofilter }}", "nofilter", 2},
		"type error":           {"{{ 1 + 'a' }}", "1 + 'a'", 1},
		"after windows lines":  {"a\r\nb\r\n{{ 1 / 0 }}", "1 / 0", 3},
		"after doubled escape": {`{{ 'a\b\c' }}{{ 1 // 0 }}`, "1 // 0", 1},
		"undefined in loop":    {"{% for i in nope %}{% endfor %}", "nope", 1},
		"syntax":               {"{{ a b }}", "b }}", 1},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := env.Compile("t", c.src)
			if err == nil {
				_, err = p.Render(jinja.Vars{"x": value.Int(1), "a": value.Int(1), "b": value.Int(2)})
			}
			var e *jinja.Error
			if !errors.As(err, &e) {
				t.Fatalf("error %v has no place", err)
			}
			if !strings.HasPrefix(c.src[e.Offset:], c.at) || e.Line != c.line {
				t.Errorf("%v: at %q line %d, want %q line %d", e, c.src[e.Offset:], e.Line, c.at, c.line)
			}
		})
	}
}

// TestLoopKept checks that a loop variable that is kept outlives its loop, beside loops whose variable is not. The texts
// are Jinja2's.
func TestLoopKept(t *testing.T) {
	for src, want := range map[string]string{
		"{% set ns = namespace(l=none) %}{% for i in [1,2] %}{% set ns.l = loop %}{% endfor %}{% for j in [5,6,7] %}{{ loop.index }}{{ ns.l.index }} {% endfor %}": "12 22 32 ",
		"{% for i in [[1,2],[3]] %}{% for j in i %}{{ loop.previtem is defined }}{{ loop.last }}{% endfor %}{{ loop.nextitem }}{% endfor %}":                       "FalseFalseTrueTrue[3]FalseTrue",
	} {
		p, err := builtins.New().Compile("", src)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second render works with what the first left
			if got, err := p.Render(nil); err != nil || got != want {
				t.Errorf("%s\ngives %q, %v\nwant  %q", src, got, err, want)
			}
		}
	}
}

type counting struct {
	jinja.Vars
	asked map[string]int
}

func (c *counting) Resolve(name string) (value.Value, bool, error) {
	c.asked[name]++
	return c.Vars.Resolve(name)
}

// TestResolveOnce checks that a name is asked for once in a frame, and only when it is used.
func TestResolveOnce(t *testing.T) {
	env := builtins.New()
	p, err := env.Compile("", "{{ a }}{{ a }}{% for i in [1,2] %}{{ a }}{% endfor %}{% if false %}{{ b }}{% endif %}")
	if err != nil {
		t.Fatal(err)
	}
	vars := &counting{jinja.Vars{"a": value.Int(1), "b": value.Int(2)}, map[string]int{}}
	if out, err := p.Render(vars); err != nil || out != "1111" {
		t.Fatalf("%q, %v", out, err)
	}
	if vars.asked["a"] != 1 || vars.asked["b"] != 0 {
		t.Errorf("asked %v, want a once and b never", vars.asked)
	}
}

// TestConcurrent renders one program from many goroutines.
func TestConcurrent(t *testing.T) {
	env := builtins.New()
	p, err := env.Compile("", "{% macro m(x) %}<{{ x }}>{% endmacro %}{% for i in l %}{{ m(i) }}{{ i | string | upper }}{% endfor %}")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				out, err := p.Render(jinja.Vars{"l": value.NewList(value.Str("a"), value.Int(2))})
				if err != nil || out != "<a>A<2>2" {
					t.Errorf("%q, %v", out, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestFlags checks what a program tells about itself.
func TestFlags(t *testing.T) {
	env := builtins.New()
	for src, want := range map[string][2]bool{
		"{{ a.append(1) }}":     {true, false},
		"{{ a['update']({}) }}": {true, false},
		"{{ a | random }}":      {false, true},
		"{{ a | upper }}":       {false, false},
	} {
		p, err := env.Compile("", src)
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]bool{p.Mutates(), p.Volatile()}; got != want {
			t.Errorf("%s: mutates and volatile are %v, want %v", src, got, want)
		}
	}
}

// TestLimits checks that a render ends with an error instead of exhausting the machine.
func TestLimits(t *testing.T) {
	env := builtins.New()
	env.Limits = jinja.Limits{Depth: 50, OutputBytes: 10_000, Steps: 1000}
	for _, src := range []string{
		"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
		"{% for i in range(100000) %}{% endfor %}",
		"{% for i in range(500) %}{{ 'x' * 100 }}{% endfor %}",
		"{{ range(10 ** 18) | list }}",
		"{{ 'a' * 10 ** 12 }}",
		"{{ [1] * 10 ** 12 }}",
		"{{ 9 ** (9 ** 9) }}",
		"{{ '%999999999d' % 1 }}",
		"{{ '{:>999999999}'.format(1) }}",
		"{{ 'x'.center(10 ** 12) }}",
	} {
		p, err := env.Compile("", src)
		if err == nil {
			_, err = p.Render(jinja.Vars{})
		}
		if err == nil {
			t.Errorf("%s: no error", src)
		}
	}
}

// TestLimitInOneStatement checks that the text of neighbouring {{ }} is counted as it grows, not when all of it is there.
func TestLimitInOneStatement(t *testing.T) {
	env := builtins.New()
	env.Limits.OutputBytes = 10_000
	p, err := env.Compile("", strings.Repeat("{{ big() }}", 100))
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	big := &value.Func{Name: "big", Fn: func([]value.Value, []value.Kwarg) (value.Value, error) {
		calls++
		return value.Str(strings.Repeat("x", 6000)), nil
	}}
	if _, err := p.Render(jinja.Vars{"big": big}); err == nil || calls != 2 {
		t.Errorf("%v after %d of the 2 calls that fill the limit", err, calls)
	}
}

// TestAsJinja holds what make fuzz-diff found; the texts are what Jinja2 3.1.2 gives.
func TestAsJinja(t *testing.T) {
	env := builtins.New()
	env.Syntax.LoopControls = true
	env.Syntax.LineStatement, env.Syntax.LineComment = "%%", "##"
	vars := jinja.Vars{"l": value.NewList(value.Int(1), value.Int(2))}
	for name, c := range map[string]struct{ src, want string }{
		"else after continue":           {"{% for i in l %}{{ i }}{% continue %}{% else %}x{% endfor %}", "12x"},
		"else after break":              {"{% for i in l %}{{ i }}{% break %}{% else %}x{% endfor %}", "1x"},
		"no else after a whole round":   {"{% for i in l %}{{ i }}{% if i == 2 %}{% break %}{% endif %}{% else %}x{% endfor %}", "12"},
		"unknown filter in dead branch": {"{% if false %}{{ 1|nope }}{% endif %}ok", "ok"},
		"set block under autoescape":    {"{% autoescape true %}{% set x %}<b>{% endset %}{{ x }}{{ '<i>' }}{% endautoescape %}", "<b>&lt;i&gt;"},
		"macro under autoescape":        {"{% autoescape true %}{% macro m() %}<b>{% endmacro %}{{ m() }}{% endautoescape %}", "<b>"},
		"format of undefined":           {"{{ 'x' % nope }}", "x"},
		"markup in partition":           {"{{ ('a'|e).partition('b') }}", "(Markup('a'), Markup(''), Markup(''))"},
		"negative constant to a power":  {"{{ (-2) ** l[1] }} {{ (-2) ** 2 }} {{ -2 ** l[1] }}", "-4 4 -4"},
		"line statements":               {"%% for i in l\n{{ i }} ## c\n%% endfor\nend", "1\n2\nend"},
		"line statement in brackets":    {"%% set x = [1,\n  2]\n{{ x }}", "[1, 2]"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := env.Compile("", c.src)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := p.Render(vars); err != nil || got != c.want {
				t.Errorf("%q %v, want %q", got, err, c.want)
			}
		})
	}
}
