package syntax

import (
	"math/big"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is one word of the language. kind is Jinja's name for the token ("name", "string", "block_begin", "add" …).
type token struct {
	kind string
	text string   // decoded text of names, strings, data
	num  *big.Int // integer
	flt  float64  // float
	off  int      // byte offset into the normalised source
	line int
}

// is reports whether the token fits an expression such as "name:endif" or "rparen".
func (t token) is(expr string) bool {
	kind, text, has := strings.Cut(expr, ":")
	if has {
		return t.kind == kind && t.text == text
	}
	return t.kind == expr
}

func (t token) describe() string {
	if t.kind == "name" {
		return t.text
	}
	return describeKind(t.kind)
}

func describeExpr(expr string) string {
	if kind, text, has := strings.Cut(expr, ":"); has && kind == "name" {
		return text
	} else if has {
		expr = kind
	}
	return describeKind(expr)
}

var kindNames = map[string]string{
	"block_begin":    "begin of statement block",
	"block_end":      "end of statement block",
	"variable_begin": "begin of print statement",
	"variable_end":   "end of print statement",
	"data":           "template data / text",
	"eof":            "end of template",
}

func describeKind(kind string) string {
	if op, ok := operatorText[kind]; ok {
		return op
	}
	if n, ok := kindNames[kind]; ok {
		return n
	}
	return kind
}

var operatorKind = map[string]string{
	"+": "add", "-": "sub", "/": "div", "//": "floordiv", "*": "mul", "%": "mod", "**": "pow", "~": "tilde",
	"[": "lbracket", "]": "rbracket", "(": "lparen", ")": "rparen", "{": "lbrace", "}": "rbrace",
	"==": "eq", "!=": "ne", ">": "gt", ">=": "gteq", "<": "lt", "<=": "lteq", "=": "assign",
	".": "dot", ":": "colon", "|": "pipe", ",": "comma", ";": "semicolon",
}

var operatorText = func() map[string]string {
	m := map[string]string{}
	for text, kind := range operatorKind {
		m[kind] = text
	}
	return m
}()

type lexState uint8

const (
	inRoot lexState = iota
	inBlock
	inVariable
	inLine // a line statement
)

type opener struct {
	name  string // "comment", "block", "variable": also the order of alternatives of equal length, backwards
	start string
}

// lexer cuts a template into tokens, one at a time, so that an error of the parser comes before a lexical error further on.
type lexer struct {
	cfg          *Config
	src          string
	pos, line    int
	state        lexState
	balance      []byte
	lineStarting bool
	openers      []opener
	queue        []token
	rootMatch    bool
}

// normalize unifies newlines and drops the last one unless it is to be kept.
func normalize(src string, keepTrailing bool) string {
	if strings.IndexByte(src, '\r') >= 0 {
		src = strings.ReplaceAll(src, "\r\n", "\n")
		src = strings.ReplaceAll(src, "\r", "\n")
	}
	if !keepTrailing {
		src = strings.TrimSuffix(src, "\n")
	}
	return src
}

func newLexer(cfg *Config, src string) *lexer {
	l := &lexer{cfg: cfg, src: src, line: 1, lineStarting: true}
	l.openers = []opener{{"comment", cfg.CommentStart}, {"block", cfg.BlockStart}, {"variable", cfg.VariableStart}}
	if cfg.LineStatement != "" {
		l.openers = append(l.openers, opener{"linestatement", cfg.LineStatement})
	}
	if cfg.LineComment != "" {
		l.openers = append(l.openers, opener{"linecomment", cfg.LineComment})
	}
	sort.Slice(l.openers, func(i, j int) bool {
		a, b := l.openers[i], l.openers[j]
		if len(a.start) != len(b.start) {
			return len(a.start) > len(b.start)
		}
		return a.name > b.name
	})
	return l
}

func (l *lexer) fail(format string, args ...any) *Error {
	return errorf(l.pos, l.line, format, args...)
}

// next returns the next token; kind "eof" at the end.
func (l *lexer) next() (token, *Error) {
	for {
		if len(l.queue) > 0 {
			t := l.queue[0]
			l.queue = l.queue[1:]
			return t, nil
		}
		if l.pos >= len(l.src) && (l.state != inLine || len(l.balance) > 0) {
			return token{kind: "eof", off: len(l.src), line: l.line}, nil
		}
		var err *Error
		if l.state == inRoot {
			err = l.root()
		} else {
			err = l.tag()
		}
		if err != nil {
			return token{}, err
		}
	}
}

func (l *lexer) push(kind, text string, off int) {
	l.queue = append(l.queue, token{kind: kind, text: text, off: off, line: l.line})
}

func (l *lexer) advance(to int) {
	l.line += strings.Count(l.src[l.pos:to], "\n")
	l.lineStarting = to > l.pos && l.src[to-1] == '\n'
	l.pos = to
}

func skipSpace(s string, i int) int {
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !pySpace(r) {
			break
		}
		i += n
	}
	return i
}

// pySpace is what \s and str.strip take for blank.
func pySpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

// signAt returns the whitespace sign at i: '-', '+' or 0.
func (l *lexer) signAt(i int) byte {
	if i < len(l.src) && (l.src[i] == '-' || l.src[i] == '+') {
		return l.src[i]
	}
	return 0
}

// rawBegin matches {% raw %} at i and returns the sign and the end, or end -1.
func (l *lexer) rawBegin(i int) (sign byte, end int) {
	if !strings.HasPrefix(l.src[i:], l.cfg.BlockStart) {
		return 0, -1
	}
	j := i + len(l.cfg.BlockStart)
	if sign = l.signAt(j); sign != 0 {
		j++
	}
	j = skipSpace(l.src, j)
	if !strings.HasPrefix(l.src[j:], "raw") {
		return 0, -1
	}
	j = skipSpace(l.src, j+3)
	if strings.HasPrefix(l.src[j:], "-"+l.cfg.BlockEnd) {
		return sign, skipSpace(l.src, j+1+len(l.cfg.BlockEnd))
	}
	if strings.HasPrefix(l.src[j:], l.cfg.BlockEnd) {
		return sign, j + len(l.cfg.BlockEnd)
	}
	return 0, -1
}

// blockEnd matches the end of a block tag or comment at i: "+%}", "-%}\s*" or "%}\n?". It returns -1 when there is none.
func (l *lexer) blockEnd(i int, end string) int {
	s := l.src[i:]
	switch {
	case strings.HasPrefix(s, "+"+end):
		return i + 1 + len(end)
	case strings.HasPrefix(s, "-"+end):
		return skipSpace(l.src, i+1+len(end))
	case strings.HasPrefix(s, end):
		i += len(end)
		if l.cfg.TrimBlocks && i < len(l.src) && l.src[i] == '\n' {
			i++
		}
		return i
	}
	return -1
}

// root reads template data up to and with the next opening delimiter.
func (l *lexer) root() *Error {
	start := l.pos
	at, which := -1, ""
	for i := start; i < len(l.src); i++ {
		c := l.src[i]
		for _, o := range l.openers {
			if o.name[0] == 'l' {
				if l.lineOpener(o, i) {
					at, which = i, o.name
					break
				}
			} else if c == o.start[0] && strings.HasPrefix(l.src[i:], o.start) {
				at, which = i, o.name
				break
			}
		}
		if at >= 0 {
			break
		}
	}
	if at < 0 {
		l.data(l.src[start:], start)
		l.advance(len(l.src))
		return nil
	}
	sign, end := l.rawBegin(at)
	if end >= 0 {
		which = "raw"
	} else {
		for _, o := range l.openers {
			if o.name == which {
				if o.name[0] == 'l' {
					end = lineBlanks(l.src, at)
				} else {
					end = at
				}
				end += len(o.start)
			}
		}
		if sign = l.signAt(end); sign != 0 {
			end++
		}
	}
	l.data(l.lstrip(l.src[start:at], sign, which != "block" && which != "comment" && which != "raw"), start)
	l.advance(at)
	switch which {
	case "raw":
		l.advance(end)
		return l.raw()
	case "comment":
		l.advance(end)
		return l.comment()
	case "linecomment":
		if nl := strings.IndexByte(l.src[end:], '\n'); nl >= 0 {
			end += nl
		} else {
			end = len(l.src)
		}
	case "linestatement":
		l.push("block_begin", "", at)
		l.state = inLine
	case "block":
		l.push("block_begin", "", at)
		l.state = inBlock
	default:
		l.push("variable_begin", "", at)
		l.state = inVariable
	}
	l.advance(end)
	return nil
}

// lineBlanks is the end of the blanks of a line from i on.
func lineBlanks(s string, i int) int {
	for i < len(s) && s[i] != '\n' && s[i] != '\r' {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !pySpace(r) {
			break
		}
		i += n
	}
	return i
}

// lineOpener reports whether a line statement or line comment begins at i, blanks before its mark included.
func (l *lexer) lineOpener(o opener, i int) bool {
	begins := i == 0 || l.src[i-1] == '\n'
	if o.name == "linecomment" && !begins {
		r, _ := utf8.DecodeLastRuneInString(l.src[:i])
		begins = !pySpace(r)
	}
	return begins && strings.HasPrefix(l.src[lineBlanks(l.src, i):], o.start)
}

// lstrip cuts the blanks before a tag as its sign and lstrip_blocks say.
func (l *lexer) lstrip(text string, sign byte, variable bool) string {
	if sign == '-' {
		return strings.TrimRightFunc(text, pySpace)
	}
	if sign != '+' && l.cfg.LstripBlocks && !variable {
		at := strings.LastIndexByte(text, '\n') + 1
		if (at > 0 || l.lineStarting) && at < len(text) && strings.TrimLeftFunc(text[at:], pySpace) == "" {
			return text[:at]
		}
	}
	return text
}

func (l *lexer) data(text string, off int) {
	if text == "" {
		return
	}
	if l.cfg.NewlineSequence != "\n" && l.cfg.NewlineSequence != "" {
		text = strings.ReplaceAll(text, "\n", l.cfg.NewlineSequence)
	}
	l.push("data", text, off)
}

func (l *lexer) comment() *Error {
	if l.pos >= len(l.src) {
		return nil
	}
	for i := l.pos; i < len(l.src); i++ {
		if c := l.src[i]; c != '+' && c != '-' && c != l.cfg.CommentEnd[0] {
			continue
		}
		if end := l.blockEnd(i, l.cfg.CommentEnd); end >= 0 {
			l.advance(end)
			return nil
		}
	}
	return l.fail("Missing end of comment tag")
}

func (l *lexer) raw() *Error {
	if l.pos >= len(l.src) {
		return nil
	}
	start := l.pos
	for i := start; ; i++ {
		j := strings.Index(l.src[i:], l.cfg.BlockStart)
		if j < 0 {
			return l.fail("Missing end of raw directive")
		}
		i += j
		k := i + len(l.cfg.BlockStart)
		sign := l.signAt(k)
		if sign != 0 {
			k++
		}
		k = skipSpace(l.src, k)
		if !strings.HasPrefix(l.src[k:], "endraw") {
			continue
		}
		end := l.blockEnd(skipSpace(l.src, k+6), l.cfg.BlockEnd)
		if end < 0 {
			continue
		}
		l.data(l.lstrip(l.src[start:i], sign, false), start)
		l.advance(end)
		return nil
	}
}

// tag reads one token inside {% %} or {{ }}.
func (l *lexer) tag() *Error {
	src, i := l.src, l.pos
	if len(l.balance) == 0 {
		if l.state == inLine {
			// \s*(\n|$): as many blanks as end with a newline or the text.
			end := skipSpace(src, i)
			if nl := strings.LastIndexByte(src[i:end], '\n'); end < len(src) && nl >= 0 {
				end = i + nl + 1
			} else if end < len(src) {
				end = -1
			}
			if end >= 0 {
				l.push("block_end", "", i)
				l.state = inRoot
				l.advance(end)
				return nil
			}
		} else if l.state == inBlock {
			if end := l.blockEnd(i, l.cfg.BlockEnd); end >= 0 {
				l.push("block_end", "", i)
				l.state = inRoot
				l.advance(end)
				return nil
			}
		} else {
			end := -1
			if strings.HasPrefix(src[i:], "-"+l.cfg.VariableEnd) {
				end = skipSpace(src, i+1+len(l.cfg.VariableEnd))
			} else if strings.HasPrefix(src[i:], l.cfg.VariableEnd) {
				end = i + len(l.cfg.VariableEnd)
			}
			if end >= 0 {
				l.push("variable_end", "", i)
				l.state = inRoot
				l.advance(end)
				return nil
			}
		}
	}
	if j := skipSpace(src, i); j > i {
		l.advance(j)
		return nil
	}
	if end := matchFloat(src, i); end > 0 {
		f, _ := strconv.ParseFloat(strings.ReplaceAll(src[i:end], "_", ""), 64)
		l.push("float", src[i:end], i)
		l.queue[len(l.queue)-1].flt = f
		l.advance(end)
		return nil
	}
	if end := matchInteger(src, i); end > 0 {
		n, ok := new(big.Int).SetString(strings.ReplaceAll(src[i:end], "_", ""), 0)
		if !ok {
			return l.fail("invalid literal for int() with base 0: %s", quote(src[i:end]))
		}
		l.push("integer", src[i:end], i)
		l.queue[len(l.queue)-1].num = n
		l.advance(end)
		return nil
	}
	if end := matchWord(src, i); end > i {
		word := src[i:end]
		if !isIdentifier(word) {
			return l.fail("Invalid character in identifier")
		}
		l.push("name", word, i)
		l.advance(end)
		return nil
	}
	if c := src[i]; c == '\'' || c == '"' {
		if end := matchString(src, i); end > 0 {
			body := src[i+1 : end-1]
			if l.cfg.NewlineSequence != "\n" && l.cfg.NewlineSequence != "" {
				body = strings.ReplaceAll(body, "\n", l.cfg.NewlineSequence)
			}
			text, msg := unescape(body)
			if msg != "" {
				return l.fail("%s", msg)
			}
			l.push("string", text, i)
			l.advance(end)
			return nil
		}
	}
	for n := 2; n >= 1; n-- {
		if i+n > len(src) {
			continue
		}
		kind, ok := operatorKind[src[i:i+n]]
		if !ok {
			continue
		}
		switch c := src[i]; {
		case n > 1:
		case c == '(':
			l.balance = append(l.balance, ')')
		case c == '[':
			l.balance = append(l.balance, ']')
		case c == '{':
			l.balance = append(l.balance, '}')
		case c == ')' || c == ']' || c == '}':
			if len(l.balance) == 0 {
				return l.fail("unexpected '%c'", c)
			}
			want := l.balance[len(l.balance)-1]
			l.balance = l.balance[:len(l.balance)-1]
			if want != c {
				return l.fail("unexpected '%c', expected '%c'", c, want)
			}
		}
		l.push(kind, src[i:i+n], i)
		l.advance(i + n)
		return nil
	}
	r, n := utf8.DecodeRuneInString(src[i:])
	shown := quote(string(r))
	if r == utf8.RuneError && n == 1 { // a byte that is no text, as Python holds it
		shown = "'\\udc" + strconv.FormatUint(uint64(src[i]), 16) + "'"
	}
	return l.fail("unexpected char %s at %d", shown, utf8.RuneCountInString(src[:i]))
}

func digits(s string, i int, in func(c byte) bool) int {
	// in(_?in)*
	if i >= len(s) || !in(s[i]) {
		return i
	}
	i++
	for i < len(s) {
		if in(s[i]) {
			i++
		} else if s[i] == '_' && i+1 < len(s) && in(s[i+1]) {
			i += 2
		} else {
			break
		}
	}
	return i
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func matchFloat(s string, i int) int {
	if i > 0 && s[i-1] == '.' {
		return -1
	}
	j := digits(s, i, isDigit)
	if j == i {
		return -1
	}
	k := j
	if k < len(s) && s[k] == '.' {
		if f := digits(s, k+1, isDigit); f > k+1 {
			k = f
		}
	}
	if k < len(s) && (s[k] == 'e' || s[k] == 'E') {
		e := k + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if x := digits(s, e, isDigit); x > e {
			return x
		}
	}
	if k > j {
		return k
	}
	return -1
}

func matchInteger(s string, i int) int {
	if i >= len(s) || !isDigit(s[i]) {
		return -1
	}
	if s[i] == '0' && i+1 < len(s) {
		var in func(c byte) bool
		switch s[i+1] | 0x20 {
		case 'b':
			in = func(c byte) bool { return c == '0' || c == '1' }
		case 'o':
			in = func(c byte) bool { return c >= '0' && c <= '7' }
		case 'x':
			in = func(c byte) bool { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
		}
		if in != nil {
			j := i + 2
			if j < len(s) && s[j] == '_' {
				j++
			}
			if k := digits(s, j, in); k > j {
				return k
			}
		}
	}
	if s[i] == '0' {
		return digits(s, i, func(c byte) bool { return c == '0' })
	}
	return digits(s, i, isDigit)
}

func wordRune(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.In(r, unicode.Mn, unicode.Mc, unicode.Pc) || r == 0xb7 || r == 0x2118 || r == 0x212e
}

func matchWord(s string, i int) int {
	for i < len(s) {
		c := s[i]
		if c < utf8.RuneSelf {
			if c == '_' || isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' {
				i++
				continue
			}
			break
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if !wordRune(r) {
			break
		}
		i += n
	}
	return i
}

func isIdentifier(s string) bool {
	for i, r := range s {
		switch {
		case r == '_' || unicode.IsLetter(r) || unicode.Is(unicode.Nl, r):
		case i > 0 && (unicode.In(r, unicode.Nd, unicode.Mn, unicode.Mc, unicode.Pc) || r == 0xb7):
		default:
			return false
		}
	}
	return s != ""
}

func matchString(s string, i int) int {
	q := s[i]
	for j := i + 1; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case q:
			return j + 1
		}
	}
	return -1
}

// quote is repr() of a short text.
func quote(s string) string {
	q := "'"
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = `"`
	}
	r := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, "\t", `\t`)
	s = r.Replace(s)
	if q == "'" {
		s = strings.ReplaceAll(s, "'", `\'`)
	}
	return q + s + q
}
