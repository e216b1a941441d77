package yamldoc

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// jsonError is a text that is no JSON, in the words of Python's json module.
type jsonError struct {
	msg             string
	line, col, char int
}

func (e *jsonError) Error() string {
	return fmt.Sprintf("%s: line %d column %d (char %d)", e.msg, e.line, e.col, e.char)
}

const maxJSONDepth = 1000

type jsonReader struct {
	text string
	at   int
	o    *Options

	posAt, posLine, posCol int // where pos was asked last: positions are asked in order
}

// parseJSON reads a JSON text as Python's json.loads does, with positions.
func parseJSON(data []byte, o *Options) (*Node, *jsonError) {
	r := &jsonReader{text: string(data), o: o, posLine: 1, posCol: 1}
	r.space()
	if r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '{' || c == '[' || c == '"' || c == '-' || c >= '0' && c <= '9' || strings.IndexByte("tfnNI", c) >= 0:
		default:
			return nil, r.fail("Expecting value", r.at)
		}
	}
	n, err := r.value(0)
	if err != nil {
		return nil, err
	}
	r.space()
	if r.at < len(r.text) {
		return nil, r.fail("Extra data", r.at)
	}
	return n, nil
}

func (r *jsonReader) fail(msg string, at int) *jsonError {
	before := r.text[:at]
	nl := strings.LastIndexByte(before, '\n')
	return &jsonError{msg, strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[nl+1:]) + 1, utf8.RuneCountInString(before)}
}

func (r *jsonReader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

func (r *jsonReader) pos() source.Pos {
	for r.posAt < r.at {
		c, n := utf8.DecodeRuneInString(r.text[r.posAt:])
		r.posAt += n
		if c == '\n' {
			r.posLine, r.posCol = r.posLine+1, 1
		} else {
			r.posCol++
		}
	}
	return source.Pos{File: r.o.File, Line: r.posLine, Col: r.posCol}
}

var jsonWords = []struct {
	word string
	val  value.Value
}{
	{"true", value.True}, {"false", value.False}, {"null", value.None},
	{"NaN", value.Float(math.NaN())}, {"Infinity", value.Float(math.Inf(1))}, {"-Infinity", value.Float(math.Inf(-1))},
}

func (r *jsonReader) value(depth int) (*Node, *jsonError) {
	if r.at >= len(r.text) {
		return nil, r.fail("Expecting value", r.at)
	}
	if depth > maxJSONDepth {
		return nil, r.fail("Too deeply nested", r.at)
	}
	n := &Node{Pos: r.pos(), json: true}
	switch r.text[r.at] {
	case '{':
		return r.object(n, depth)
	case '[':
		return r.array(n, depth)
	case '"':
		s, err := r.str()
		if err != nil {
			return nil, err
		}
		n.Text, n.Style = s, DoubleQuoted
		if !r.o.Data && IsTemplate(s) {
			n.val = value.NewTemplate(s, n.Pos)
		} else {
			n.val = value.Str(s)
		}
		return n, nil
	}
	for _, w := range jsonWords {
		if strings.HasPrefix(r.text[r.at:], w.word) {
			r.at += len(w.word)
			n.Text, n.val = w.word, w.val
			return n, nil
		}
	}
	return r.number(n)
}

func (r *jsonReader) number(n *Node) (*Node, *jsonError) {
	start, i := r.at, r.at
	digits := func() int {
		from := i
		for i < len(r.text) && r.text[i] >= '0' && r.text[i] <= '9' {
			i++
		}
		return i - from
	}
	if i < len(r.text) && r.text[i] == '-' {
		i++
	}
	if i < len(r.text) && r.text[i] == '0' {
		i++
	} else if digits() == 0 {
		return nil, r.fail("Expecting value", start)
	}
	float, end := false, i
	if i < len(r.text) && r.text[i] == '.' {
		i++
		if digits() > 0 {
			float, end = true, i
		}
		i = end
	}
	if i < len(r.text) && (r.text[i] == 'e' || r.text[i] == 'E') {
		i++
		if i < len(r.text) && (r.text[i] == '+' || r.text[i] == '-') {
			i++
		}
		if digits() > 0 {
			float, end = true, i
		}
	}
	n.Text, r.at = r.text[start:end], end
	if float {
		f, _ := strconv.ParseFloat(n.Text, 64)
		n.val = value.Float(f)
		return n, nil
	}
	if small, err := strconv.ParseInt(n.Text, 10, 64); err == nil {
		n.val = value.Int(small)
		return n, nil
	}
	whole, _ := new(big.Int).SetString(n.Text, 10)
	n.val = value.NewBig(whole)
	return n, nil
}

func (r *jsonReader) array(n *Node, depth int) (*Node, *jsonError) {
	n.Kind = Sequence
	list := &value.List{}
	n.val = list
	r.at++
	r.space()
	if r.at < len(r.text) && r.text[r.at] == ']' {
		r.at++
		return n, nil
	}
	for {
		item, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Items, list.Elems = append(n.Items, item), append(list.Elems, item.val)
		r.space()
		switch {
		case r.at < len(r.text) && r.text[r.at] == ']':
			r.at++
			return n, nil
		case r.at < len(r.text) && r.text[r.at] == ',':
			r.at++
		default:
			return nil, r.fail("Expecting ',' delimiter", r.at)
		}
		r.space()
	}
}

func (r *jsonReader) object(n *Node, depth int) (*Node, *jsonError) {
	n.Kind = Mapping
	dict := value.NewDict()
	r.at++
	r.space()
	if r.at < len(r.text) && r.text[r.at] == '}' {
		r.at++
		n.val = dict
		return n, nil
	}
	for {
		if r.at >= len(r.text) || r.text[r.at] != '"' {
			return nil, r.fail("Expecting property name enclosed in double quotes", r.at)
		}
		key := &Node{Pos: r.pos(), Style: DoubleQuoted, json: true}
		s, err := r.str()
		if err != nil {
			return nil, err
		}
		key.Text, key.val = s, value.Str(s)
		r.space()
		if r.at >= len(r.text) || r.text[r.at] != ':' {
			return nil, r.fail("Expecting ':' delimiter", r.at)
		}
		r.at++
		r.space()
		val, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if _, twice := dict.GetStr(s); twice { // the later one, in the place of the first
			*n.Pair(s) = Pair{key, val}
		} else {
			n.Pairs = append(n.Pairs, Pair{key, val})
		}
		dict.SetStr(s, val.val)
		r.space()
		switch {
		case r.at < len(r.text) && r.text[r.at] == '}':
			r.at++
			n.val = dict
			r.special(n, dict)
			return n, nil
		case r.at < len(r.text) && r.text[r.at] == ',':
			r.at++
		default:
			return nil, r.fail("Expecting ',' delimiter", r.at)
		}
		r.space()
	}
}

// special opens the two objects by which Ansible's JSON writes vaulted and unsafe text.
func (r *jsonReader) special(n *Node, dict *value.Dict) {
	if v, ok := dict.GetStr("__ansible_vault"); ok {
		if s, ok := v.(value.Str); ok {
			n.Kind, n.Text, n.Pairs = Scalar, string(s), nil
			n.val = &value.Encrypted{Cipher: string(s), Pos: n.Pos, Open: r.o.opener()}
		}
		return
	}
	if v, ok := dict.GetStr("__ansible_unsafe"); ok {
		switch s := v.(type) {
		case value.Str:
			n.Kind, n.Text, n.Pairs, n.val = Scalar, string(s), nil, s
		case *value.Template:
			n.Kind, n.Text, n.Pairs, n.val = Scalar, s.Text, nil, value.Str(s.Text)
		}
	}
}

// str reads a string literal at r.at.
func (r *jsonReader) str() (string, *jsonError) {
	start := r.at
	r.at++
	if end := strings.IndexAny(r.text[r.at:], "\"\\\n"); end >= 0 && r.text[r.at+end] == '"' && plainASCII(r.text[r.at:r.at+end]) {
		s := r.text[r.at : r.at+end]
		r.at += end + 1
		return s, nil
	}
	var b strings.Builder
	for r.at < len(r.text) {
		c := r.text[r.at]
		switch {
		case c == '"':
			r.at++
			return b.String(), nil
		case c < 0x20:
			return "", r.fail("Invalid control character at", r.at)
		case c != '\\':
			b.WriteByte(c)
			r.at++
			continue
		}
		if r.at+1 >= len(r.text) {
			break
		}
		esc := r.text[r.at+1]
		if i := strings.IndexByte(`"\/bfnrt`, esc); i >= 0 {
			b.WriteByte("\"\\/\b\f\n\r\t"[i])
			r.at += 2
			continue
		}
		if esc != 'u' {
			return "", r.fail("Invalid \\escape", r.at)
		}
		hi, ok := hex4(r.text, r.at+2)
		if !ok {
			return "", r.fail("Invalid \\uXXXX escape", r.at+1)
		}
		r.at += 6
		if utf16.IsSurrogate(hi) && strings.HasPrefix(r.text[r.at:], `\u`) {
			if lo, ok := hex4(r.text, r.at+2); ok {
				if full := utf16.DecodeRune(hi, lo); full != utf8.RuneError {
					hi = full
					r.at += 6
				}
			}
		}
		b.WriteRune(hi)
	}
	return "", r.fail("Unterminated string starting at", start)
}

func plainASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 {
			return false
		}
	}
	return true
}

func hex4(s string, at int) (rune, bool) {
	if at+4 > len(s) {
		return 0, false
	}
	n, err := strconv.ParseUint(s[at:at+4], 16, 16)
	return rune(n), err == nil
}

// LoadJSON reads a JSON text by the rules of Python's json.loads. The error's text is Python's.
func LoadJSON(data []byte, o Options) (*Node, error) {
	n, err := parseJSON(data, &o)
	if err != nil {
		return nil, err
	}
	return n, nil
}
