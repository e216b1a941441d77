package jinja_test

import (
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/value"
)

// BenchmarkExpression renders a small compiled expression: the commonest thing a run does.
func BenchmarkExpression(b *testing.B) {
	env := builtins.New()
	env.Undefined = value.Chained
	p, err := env.CompileExpression("", `a.b[c] | default(d)`)
	if err != nil {
		b.Fatal(err)
	}
	vars := jinja.Vars{"a": value.DictOf("b", value.DictOf("k", value.Str("v"))), "c": value.Str("k"), "d": value.Str("x")}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Value(vars); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTemplate renders a compiled template of about a hundred lines.
func BenchmarkTemplate(b *testing.B) {
	env := builtins.New()
	src := strings.Repeat("listen {{ port }};\n{% if tls %}ssl on;\n{% endif %}{% for h in hosts %}server {{ h.name }}:{{ h.port + 1 }}{{ ' backup' if not loop.first else '' }};\n{% endfor %}\n", 20)
	p, err := env.Compile("", src)
	if err != nil {
		b.Fatal(err)
	}
	hosts := value.NewList()
	for _, n := range []string{"web1", "web2", "web3"} {
		hosts.Elems = append(hosts.Elems, value.DictOf("name", value.Str(n), "port", value.Int(80)))
	}
	vars := jinja.Vars{"port": value.Int(443), "tls": value.True, "hosts": hosts}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Render(vars); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCompile compiles the text of a typical task argument.
func BenchmarkCompile(b *testing.B) {
	env := builtins.New()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := env.Compile("", `{{ a.b[c] | default(d) }}/{{ name }}.conf`); err != nil {
			b.Fatal(err)
		}
	}
}
