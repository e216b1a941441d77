// Package yamlout writes values as YAML, byte for byte as PyYAML with libyaml does for Ansible's to_yaml and to_nice_yaml.
//
// Called by internal/lang/filters and by commands that print YAML.
package yamlout

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// emitter is libyaml's emitter without its event queue: the tree is at hand, so nothing needs to be looked ahead for.
type emitter struct {
	b          strings.Builder
	o          Options
	bestIndent int
	bestWidth  int
	column     int
	whitespace bool // the last character was a blank
	indention  bool // only blanks and indicators so far in this line
	openEnded  bool
	flow       int
	indent     int
	indents    []int
	mapping    bool // the node is a value or key of a mapping
	simpleKey  bool
}

func (e *emitter) put(s string) {
	e.b.WriteString(s)
	e.column += utf8.RuneCountInString(s)
}

func (e *emitter) putBreak() {
	e.b.WriteString(e.o.LineBreak)
	e.column = 0
}

func (e *emitter) push(flow, indentless bool) {
	e.indents = append(e.indents, e.indent)
	switch {
	case e.indent < 0:
		e.indent = 0
		if flow {
			e.indent = e.bestIndent
		}
	case !indentless:
		e.indent += e.bestIndent
	}
}

func (e *emitter) pop() {
	e.indent = e.indents[len(e.indents)-1]
	e.indents = e.indents[:len(e.indents)-1]
}

func (e *emitter) writeIndent() {
	indent := max(e.indent, 0)
	if !e.indention || e.column > indent || e.column == indent && !e.whitespace {
		e.putBreak()
	}
	if e.column < indent {
		e.put(strings.Repeat(" ", indent-e.column))
	}
	e.whitespace, e.indention = true, true
}

func (e *emitter) indicator(s string, needSpace, isSpace, isIndention bool) {
	if needSpace && !e.whitespace {
		e.put(" ")
	}
	e.put(s)
	e.whitespace = isSpace
	e.indention = e.indention && isIndention
}

// node writes one node. mapping says that it is part of a mapping, simple that it is a simple key.
func (e *emitter) node(n *node, mapping, simple bool) {
	e.mapping, e.simpleKey = mapping, simple
	if n.alias {
		e.anchor("*", n.target.anchor)
		if simple {
			// An alias before a colon is set off, or the colon would belong to its name.
			e.put(" ")
		}
		return
	}
	if n.anchor != "" {
		e.anchor("&", n.anchor)
	}
	switch n.kind {
	case scalar:
		e.scalar(n)
	case sequence:
		e.tag(n.tag)
		if e.flow > 0 || n.flow || len(n.items) == 0 {
			e.flowSequence(n)
		} else {
			e.blockSequence(n)
		}
	default:
		e.tag(n.tag)
		if e.flow > 0 || n.flow || len(n.items) == 0 {
			e.flowMapping(n)
		} else {
			e.blockMapping(n)
		}
	}
}

func (e *emitter) anchor(mark, name string) {
	e.indicator(mark, true, false, false)
	e.put(name)
	e.whitespace, e.indention = false, false
}

func (e *emitter) tag(t string) {
	if t == "" {
		return
	}
	e.indicator(t, true, false, false)
}

func (e *emitter) flowSequence(n *node) {
	e.indicator("[", true, true, false)
	e.push(true, false)
	e.flow++
	for i, item := range n.items {
		if i > 0 {
			e.indicator(",", false, false, false)
		}
		if e.column > e.bestWidth {
			e.writeIndent()
		}
		e.node(item, false, false)
	}
	e.flow--
	e.pop()
	e.indicator("]", false, false, false)
}

func (e *emitter) flowMapping(n *node) {
	e.indicator("{", true, true, false)
	e.push(true, false)
	e.flow++
	for i := 0; i < len(n.items); i += 2 {
		if i > 0 {
			e.indicator(",", false, false, false)
		}
		if e.column > e.bestWidth {
			e.writeIndent()
		}
		if n.items[i].simple() {
			e.node(n.items[i], true, true)
			e.indicator(":", false, false, false)
		} else {
			e.indicator("?", true, false, false)
			e.node(n.items[i], true, false)
			if e.column > e.bestWidth {
				e.writeIndent()
			}
			e.indicator(":", true, false, false)
		}
		e.node(n.items[i+1], true, false)
	}
	e.flow--
	e.pop()
	e.indicator("}", false, false, false)
}

func (e *emitter) blockSequence(n *node) {
	e.push(false, e.mapping && !e.indention)
	for _, item := range n.items {
		e.writeIndent()
		e.indicator("-", true, false, true)
		e.node(item, false, false)
	}
	e.pop()
}

func (e *emitter) blockMapping(n *node) {
	e.push(false, false)
	for i := 0; i < len(n.items); i += 2 {
		e.writeIndent()
		if n.items[i].simple() {
			e.node(n.items[i], true, true)
			e.indicator(":", false, false, false)
		} else {
			e.indicator("?", true, false, true)
			e.node(n.items[i], true, false)
			e.writeIndent()
			e.indicator(":", true, false, true)
		}
		e.node(n.items[i+1], true, false)
	}
	e.pop()
}

// analysis says in which styles a scalar can be written.
type analysis struct {
	multiline, flowPlain, blockPlain, single, block bool
}

func isBreak(r rune) bool {
	return r == '\r' || r == '\n' || r == 0x85 || r == 0x2028 || r == 0x2029
}

func blankz(rs []rune, i int) bool {
	return i >= len(rs) || rs[i] == ' ' || rs[i] == '\t' || rs[i] == 0 || isBreak(rs[i])
}

func printable(r rune) bool {
	return r == '\n' || r >= 0x20 && r <= 0x7e || r >= 0xa0 && r < 0xd800 || r >= 0xe000 && r < 0xfffe && r != 0xfeff
}

func analyze(s string, unicode bool) analysis {
	rs := []rune(s)
	if len(rs) == 0 {
		return analysis{blockPlain: true, single: true}
	}
	var blockInd, flowInd, breaks, special bool
	var leadSpace, leadBreak, trailSpace, trailBreak, breakSpace, spaceBreak bool
	var prevSpace, prevBreak bool
	if strings.HasPrefix(s, "---") || strings.HasPrefix(s, "...") {
		blockInd, flowInd = true, true
	}
	preceded := true
	for i, r := range rs {
		followed := blankz(rs, i+1)
		if i == 0 {
			switch {
			case strings.ContainsRune("#,[]{}&*!|>'\"%@`", r):
				flowInd, blockInd = true, true
			case r == '?' || r == ':':
				flowInd = true
				blockInd = blockInd || followed
			case r == '-' && followed:
				flowInd, blockInd = true, true
			}
		} else {
			switch {
			case strings.ContainsRune(",?[]{}", r):
				flowInd = true
			case r == ':':
				flowInd = true
				blockInd = blockInd || followed
			case r == '#' && preceded:
				flowInd, blockInd = true, true
			}
		}
		if !printable(r) || r >= utf8.RuneSelf && !unicode {
			special = true
		}
		if isBreak(r) {
			breaks = true
		}
		last := i == len(rs)-1
		switch {
		case r == ' ':
			leadSpace = leadSpace || i == 0
			trailSpace = trailSpace || last
			breakSpace = breakSpace || prevBreak
			prevSpace, prevBreak = true, false
		case isBreak(r):
			leadBreak = leadBreak || i == 0
			trailBreak = trailBreak || last
			spaceBreak = spaceBreak || prevSpace
			prevSpace, prevBreak = false, true
		default:
			prevSpace, prevBreak = false, false
		}
		preceded = blankz(rs, i)
	}
	a := analysis{multiline: breaks, flowPlain: true, blockPlain: true, single: true, block: true}
	if leadSpace || leadBreak || trailSpace || trailBreak {
		a.flowPlain, a.blockPlain = false, false
	}
	if trailSpace {
		a.block = false
	}
	if breakSpace {
		a.flowPlain, a.blockPlain, a.single = false, false, false
	}
	if spaceBreak || special {
		a = analysis{multiline: breaks}
	}
	if breaks {
		a.flowPlain, a.blockPlain = false, false
	}
	a.flowPlain = a.flowPlain && !flowInd
	a.blockPlain = a.blockPlain && !blockInd
	return a
}

// scalar writes a scalar in the style that fits.
func (e *emitter) scalar(n *node) {
	a := analyze(n.text, e.o.Unicode)
	style, tag := n.style, n.tag
	if style == 0 {
		style = plain
	}
	if e.simpleKey && a.multiline {
		style = double
	}
	if style == plain {
		switch {
		case e.flow > 0 && !a.flowPlain, e.flow == 0 && !a.blockPlain,
			n.text == "" && (e.flow > 0 || e.simpleKey), tag == "" && !n.plainImplicit:
			style = single
		}
	}
	if style == single && !a.single {
		style = double
	}
	if (style == literal || style == folded) && (!a.block || e.flow > 0 || e.simpleKey) {
		style = double
	}
	if tag == "" && !n.quotedImplicit && style != plain {
		tag = "!"
	}
	e.tag(tag)
	e.push(true, false)
	breaks := !e.simpleKey
	switch style {
	case plain:
		e.plain(n.text, breaks)
	case single:
		e.single(n.text, breaks)
	case double:
		e.double(n.text, breaks)
	case literal:
		e.literal(n.text)
	default:
		e.folded(n.text)
	}
	e.pop()
}

func (e *emitter) plain(s string, breaks bool) {
	if !e.whitespace && (s != "" || e.flow > 0) {
		e.put(" ")
	}
	rs := []rune(s)
	spaces := false
	for i, r := range rs {
		if r == ' ' {
			if breaks && !spaces && e.column > e.bestWidth && !(i+1 < len(rs) && rs[i+1] == ' ') {
				e.writeIndent()
			} else {
				e.put(" ")
			}
			spaces = true
			continue
		}
		e.put(string(r))
		e.indention, spaces = false, false
	}
	e.whitespace, e.indention = false, false
}

func (e *emitter) lineBreak(r rune) {
	if r == '\n' {
		e.putBreak()
		return
	}
	e.b.WriteRune(r)
	e.column = 0
}

func (e *emitter) single(s string, allow bool) {
	e.indicator("'", true, false, false)
	rs := []rune(s)
	spaces, breaks := false, false
	for i, r := range rs {
		switch {
		case r == ' ':
			if allow && !spaces && e.column > e.bestWidth && i > 0 && i < len(rs)-1 && rs[i+1] != ' ' {
				e.writeIndent()
			} else {
				e.put(" ")
			}
			spaces = true
		case isBreak(r):
			if !breaks && r == '\n' {
				e.putBreak()
			}
			e.lineBreak(r)
			e.indention, breaks = true, true
		default:
			if breaks {
				e.writeIndent()
			}
			if r == '\'' {
				e.put("'")
			}
			e.put(string(r))
			e.indention, spaces, breaks = false, false, false
		}
	}
	if breaks {
		e.writeIndent()
	}
	e.indicator("'", false, false, false)
	e.whitespace, e.indention = false, false
}

var shortEscapes = map[rune]string{0: `\0`, 7: `\a`, 8: `\b`, 9: `\t`, 10: `\n`, 11: `\v`, 12: `\f`, 13: `\r`, 0x1b: `\e`,
	'"': `\"`, '\\': `\\`, 0x85: `\N`, 0xa0: `\_`, 0x2028: `\L`, 0x2029: `\P`}

func (e *emitter) double(s string, allow bool) {
	e.indicator(`"`, true, false, false)
	rs := []rune(s)
	spaces := false
	for i, r := range rs {
		switch {
		case !printable(r) || !e.o.Unicode && r >= utf8.RuneSelf || r == 0xfeff || isBreak(r) || r == '"' || r == '\\':
			esc, ok := shortEscapes[r]
			switch {
			case ok:
			case r <= 0xff:
				esc = fmt.Sprintf(`\x%02X`, r)
			case r <= 0xffff:
				esc = fmt.Sprintf(`\u%04X`, r)
			default:
				esc = fmt.Sprintf(`\U%08X`, r)
			}
			e.put(esc)
			spaces = false
		case r == ' ':
			if allow && !spaces && e.column > e.bestWidth && i > 0 && i < len(rs)-1 {
				e.writeIndent()
				if rs[i+1] == ' ' {
					e.put(`\`)
				}
			} else {
				e.put(" ")
			}
			spaces = true
		default:
			e.put(string(r))
			spaces = false
		}
	}
	e.indicator(`"`, false, false, false)
	e.whitespace, e.indention = false, false
}

// hints writes what follows | and >: the indent when it cannot be seen, and how the end is to be read.
func (e *emitter) hints(rs []rune) {
	if rs[0] == ' ' || isBreak(rs[0]) {
		e.indicator(fmt.Sprint(e.bestIndent), false, false, false)
	}
	e.openEnded = false
	n := len(rs)
	switch {
	case !isBreak(rs[n-1]):
		e.indicator("-", false, false, false)
	case n == 1 || isBreak(rs[n-2]):
		e.indicator("+", false, false, false)
		e.openEnded = true
	}
}

func (e *emitter) literal(s string) {
	rs := []rune(s)
	e.indicator("|", true, false, false)
	if len(rs) == 0 {
		e.indicator("-", false, false, false)
	} else {
		e.hints(rs)
	}
	e.putBreak()
	e.indention, e.whitespace = true, true
	breaks := true
	for _, r := range rs {
		if isBreak(r) {
			e.lineBreak(r)
			e.indention, breaks = true, true
			continue
		}
		if breaks {
			e.writeIndent()
		}
		e.put(string(r))
		e.indention, breaks = false, false
	}
}

func (e *emitter) folded(s string) {
	rs := []rune(s)
	e.indicator(">", true, false, false)
	if len(rs) == 0 {
		e.indicator("-", false, false, false)
	} else {
		e.hints(rs)
	}
	e.putBreak()
	e.indention, e.whitespace = true, true
	breaks, leading := true, true
	for i, r := range rs {
		if isBreak(r) {
			if !breaks && !leading && r == '\n' {
				k := i
				for k < len(rs) && isBreak(rs[k]) {
					k++
				}
				if !blankz(rs, k) {
					e.putBreak()
				}
			}
			e.lineBreak(r)
			e.indention, breaks = true, true
			continue
		}
		if breaks {
			e.writeIndent()
			leading = r == ' ' || r == '\t'
		}
		if !breaks && r == ' ' && !(i+1 < len(rs) && rs[i+1] == ' ') && e.column > e.bestWidth {
			e.writeIndent()
		} else {
			e.put(string(r))
		}
		e.indention, breaks = false, false
	}
}
