package builtins_test

import (
	"testing"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/value"
)

// FuzzRender compiles and renders any text: it must end, without a panic, within its limits.
func FuzzRender(f *testing.F) {
	for _, s := range []string{
		"{{ a }}", "{% for x in l %}{{ loop.index }}{% endfor %}", "{% macro m(a, b=1) %}{{ a }}{% endmacro %}{{ m(1) }}",
		"{{ l|map('upper')|list }}", "{% set x = [1] %}{{ x.append(2) }}", "{{ '%d' % 3 }}", "{{ 2 ** 99 }}", "{{ ((((1)))) }}",
		"{% raw %}{{ x }}{% endraw %}", "{#- c -#}", "{{ a['b'][1:2] }}", "{% block b %}{{ super() }}{% endblock %}{{ self.b() }}",
		"{{ 'a' * 99999999999 }}", "{{ range(10**18)|list }}", "{{ '{:>99999999999}'.format(1) }}",
	} {
		f.Add(s)
	}
	for _, c := range recordings(f) {
		f.Add(c.T)
	}
	env := builtins.New()
	env.Undefined = value.Chained
	env.Syntax.TrimBlocks, env.Syntax.LstripBlocks = true, true
	env.Syntax.Do, env.Syntax.LoopControls = true, true
	env.Syntax.DoubleBackslashes = true
	env.Limits = jinja.Limits{Depth: 50, OutputBytes: 1 << 20, Steps: 10_000}
	vars := jinja.Vars{"a": value.Str("x"), "l": value.NewList(value.Int(1), value.Str("b")), "d": value.DictOf("k", value.Int(1))}
	f.Fuzz(func(t *testing.T, src string) {
		if len(src) > 4000 {
			return
		}
		p, err := env.Compile("fuzz", src)
		if err != nil {
			return
		}
		_, _ = p.Render(vars)
	})
}
