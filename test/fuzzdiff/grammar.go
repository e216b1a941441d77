package main

import (
	"math/rand/v2"
	"strings"
)

// grammar makes random templates that are mostly valid.
type grammar struct{ r *rand.Rand }

func (g *grammar) pick(list ...string) string { return list[g.r.IntN(len(list))] }

func (g *grammar) one(n int) bool { return g.r.IntN(n) == 0 }

var literals = []string{
	"0", "1", "-1", "2", "3", "7", "10", "255", "1.5", "0.1", "-2.5", "1e3", "1e20", "12345678901234567890", "true", "false", "none",
	"''", "'a'", "'abc'", `"b c"`, "'Äö'", "'1'", "'12'", "'1.5'", "'<b>&'", "'a,b,c'", "'hello world'", "'%s'", "'%d'", "'%5.2f'", "'{}'", "'{0:>5}'",
	"[]", "[1, 2, 3]", "['b', 'a', 'C']", "[3, 1, 2]", "[[1, 2], [3]]", "(1, 2)", "(1,)", "{}", "{'a': 1}", "{'b': 2, 'a': 1}", "[1, 'a', none]",
}

var names = []string{"i", "n", "f", "s", "e", "t", "l", "ls", "d", "u", "nothing", "deep", "missing", "uni", "big"}

var binary = []string{"+", "-", "*", "/", "//", "%", "~", "==", "!=", "<", "<=", ">", ">=", "in", "not in", "and", "or", "**"}

var filters = []string{
	"abs", "attr('a')", "batch(2)|list", "batch(2, 'x')|list", "capitalize", "center(9)", "count", "default('x')", "default('x', true)", "dictsort",
	"dictsort(false, 'value')", "escape", "e", "filesizeformat", "filesizeformat(true)", "first", "float", "float(1.5)", "forceescape", "format(1)", "format('a', 'b')", "groupby('a')|list",
	"indent", "indent(2, true)", "indent(width='> ')", "int", "int(7)", "int(0, 16)", "items|list", "join", "join(',')", "join('-', 'a')", "last", "length", "list", "lower", "map('upper')|list", "map(attribute='a')|list",
	"map('int')|list", "map('default', 'q')|list", "max", "min", "pprint", "reject('odd')|list", "rejectattr('a')|list", "replace('a', 'X')", "replace('a', 'X', 1)", "reverse", "reverse|list",
	"round", "round(1)", "round(0, 'floor')", "round(-1, 'ceil')", "safe", "select('number')|list", "select|list", "selectattr('a')|list", "selectattr('a', 'gt', 1)|list", "slice(2)|list", "slice(2, 'x')|list", "sort",
	"sort(true)", "sort(case_sensitive=true)", "string", "striptags", "sum", "sum(start=1)", "title", "tojson", "tojson(2)", "trim", "trim('a')", "truncate(5)", "truncate(5, true, '..', 0)", "unique|list", "upper", "urlencode", "urlize",
	"wordcount", "wordwrap(4)", "xmlattr", "d('z')",
}

var tests = []string{
	"boolean", "callable", "defined", "divisibleby(2)", "divisibleby 3", "eq(1)", "equalto 1", "escaped", "even", "false", "filter", "float", "ge 1", "gt 1", "in [1, 'a']", "integer", "iterable", "le 2", "lower",
	"lt 2", "mapping", "ne 1", "none", "number", "odd", "sameas true", "sequence", "string", "test", "true", "undefined", "upper",
}

var methods = []string{
	"upper()", "lower()", "strip()", "split()", "split('b')", "split(',', 1)", "rsplit('b', 1)", "replace('b', '-')", "startswith('a')", "endswith('c')", "find('b')", "index('b')", "count('a')", "join(['x', 'y'])",
	"title()", "capitalize()", "swapcase()", "zfill(5)", "center(7, '*')", "ljust(6)", "rjust(6, '.')", "isdigit()", "isalpha()", "isupper()", "partition('b')", "rpartition('b')", "splitlines()", "encode()", "expandtabs()",
	"format(1)", "format('x', a=2)", "format_map({'a': 1})", "casefold()", "isidentifier()", "removeprefix('a')", "removesuffix('c')", "translate({97: 'Z'})",
	"items()|list", "keys()|list", "values()|list", "get('a')", "get('zz', 5)", "copy()", "pop()", "append(1)", "index(1)", "count(1)", "extend([9])", "insert(0, 5)", "update({'q': 1})", "setdefault('a', 3)",
	"bit_length()", "is_integer()", "real", "a", "b", "x", "__class__.__name__", "union([1])",
}

func (g *grammar) expr(depth int) string {
	if depth <= 0 {
		if g.one(2) {
			return g.pick(literals...)
		}
		return g.pick(names...)
	}
	sub := func() string { return g.expr(depth - 1 - g.r.IntN(2)) }
	wrap := func() string {
		s := sub()
		if g.one(4) || strings.ContainsAny(s, " |") && !g.one(6) {
			return "(" + s + ")"
		}
		return s
	}
	switch g.r.IntN(16) {
	case 0, 1, 2:
		return wrap() + " " + g.pick(binary...) + " " + wrap()
	case 3, 4, 5, 6:
		return wrap() + g.pick("|", " | ") + g.pick(filters...)
	case 7:
		return wrap() + g.pick(" is ", " is not ") + g.pick(tests...)
	case 8, 9:
		return wrap() + "." + g.pick(methods...)
	case 10:
		return wrap() + "[" + g.pick(sub(), "0", "-1", "'a'", "1:", ":2", "::-1", "1:3", "::2") + "]"
	case 11:
		if g.one(3) {
			return wrap() + " if " + wrap()
		}
		return wrap() + " if " + wrap() + " else " + wrap()
	case 12:
		return g.pick("not ", "-", "+") + wrap()
	case 13:
		form := g.pick("[$1, $2]", "($1, $2)", "{'k': $1, 'j': $2}", "{$1: $2}", "dict(a=$1, b=$2)", "range(3, $1)|list ~ $2", "'%s-%r' % ($1, $2)", "'{}:{!r}'.format($1, $2)")
		return strings.NewReplacer("$1", sub(), "$2", sub()).Replace(form)
	case 14:
		return g.pick(names...)
	}
	return g.pick(literals...)
}

func (g *grammar) text() string {
	return g.pick("", " ", "\n", "a", "x\n", "  \n", "\n\n", "b ", "<i>", "# ", "\t", "é")
}

func (g *grammar) tag(body string) string {
	return g.pick("{% ", "{% ", "{% ", "{%- ", "{%+ ", "{%") + body + g.pick(" %}", " %}", " %}", " -%}", " +%}", "%}")
}

func (g *grammar) body(depth int) string {
	var b strings.Builder
	for range 1 + g.r.IntN(3) {
		b.WriteString(g.text())
		b.WriteString(g.stmt(depth))
	}
	b.WriteString(g.text())
	return b.String()
}

func (g *grammar) print(depth int) string {
	return g.pick("{{ ", "{{ ", "{{- ", "{{") + g.expr(depth) + g.pick(" }}", " }}", " -}}", " }}")
}

func (g *grammar) stmt(depth int) string {
	if depth <= 0 {
		return g.print(1)
	}
	in := func() string { return g.body(depth - 1) }
	switch g.r.IntN(15) {
	case 0, 1:
		loop := g.pick("{{ loop.index }}", "{{ loop.first }}", "{{ loop.last }}{{ loop.revindex0 }}", "{{ loop.length }}", "{{ loop.previtem }}", "{{ loop.nextitem }}", "{{ loop.cycle('a', 'b') }}", "{{ loop.changed(v) }}", "{{ v }}", "{{ v }},")
		head := "for v in " + g.expr(1)
		if g.one(5) {
			head += " if v"
		}
		if g.one(6) {
			head = "for k, v in " + g.pick("d.items()", "d|dictsort", "[(1, 2), (3, 4)]", g.expr(1))
		}
		s := g.tag(head) + loop + in()
		if g.one(4) {
			s += g.tag(g.pick("break", "continue"))
		}
		if g.one(4) {
			s += g.tag("else") + in()
		}
		return s + g.tag("endfor")
	case 2, 3:
		s := g.tag("if "+g.expr(1)) + in()
		if g.one(3) {
			s += g.tag("elif "+g.expr(1)) + in()
		}
		if g.one(2) {
			s += g.tag("else") + in()
		}
		return s + g.tag("endif")
	case 4:
		return g.tag("set "+g.pick("x", "i", "s", "y")+" = "+g.expr(2)) + in()
	case 5:
		return g.tag("set "+g.pick("x", "y")+g.pick("", " | upper", " | trim")) + in() + g.tag("endset") + "{{ x }}"
	case 6:
		return g.tag("macro m(p, q="+g.expr(0)+")") + "{{ p }}{{ q }}{{ varargs }}{{ kwargs }}" + in() + g.tag("endmacro") + "{{ m(" + g.pick("", "1", "1, 2", "1, 2, 3", "q=1", "1, z=2", "p=2") + ") }}"
	case 7:
		return g.tag("macro c()") + "[{{ caller(" + g.pick("", "1") + ") }}]" + g.tag("endmacro") + g.tag("call"+g.pick("", "(z)", "(z=4)")+" c()") + in() + g.tag("endcall")
	case 8:
		return g.tag("filter "+g.pick("upper", "trim", "replace('a', 'b')", "indent(2)", "length", "e")) + in() + g.tag("endfilter")
	case 9:
		return g.tag("with x = "+g.expr(1)) + "{{ x }}" + in() + g.tag("endwith")
	case 10:
		return g.tag("raw") + g.pick("{{ x }}", "{% if %}", "{# #}", " a ") + g.tag("endraw")
	case 11:
		return g.pick("{# c #}", "{#- c -#}", "{# c -#}", "{#- {{ x }} #}", "{#+ c +#}")
	case 12:
		return g.tag("set ns = namespace(a="+g.expr(0)+")") + g.tag("for v in ls") + g.tag("set ns.a = "+g.expr(1)) + g.tag("endfor") + "{{ ns.a }}"
	case 13:
		if g.one(3) {
			return g.tag("autoescape true") + in() + g.tag("endautoescape")
		}
		return g.tag("do "+g.pick("l.append(4)", "d.update({'z': 1})", "ls.sort()", "l.pop()")) + "{{ l }}{{ d }}{{ ls }}"
	}
	return g.print(2)
}
