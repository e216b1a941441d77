// Package pyre is Python's re module: the same syntax, the same matches, the same words in errors.
//
// A pattern is translated twice. Go's regexp, which takes linear time, runs wherever it gives the same answer; patterns
// with look-around or back-references, and the few cases where the two languages differ (empty matches beside others, "$"
// before a last newline, word boundaries in text that is not ASCII), run in regexp2 with a time limit.
//
// One difference is known: where a pattern prefers nothing to something (a??), Python finds the something in a second
// try at the same place, and this package goes on.
//
// Called by internal/lang/filters and by the engine's lookups.
package pyre

import (
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2"

	"github.com/troupe-automation/troupe/value"
)

// Flags are the flags of re.compile.
type Flags uint8

// The flags.
const (
	IgnoreCase Flags = 1 << iota
	Multiline
	DotAll
	Verbose
	ASCII
)

// Timeout bounds one match of a pattern that needs backtracking.
const Timeout = 10 * time.Second

// Regexp is a compiled pattern. It is safe for concurrent use.
type Regexp struct {
	pattern string
	groups  int
	names   map[string]int

	re2     *regexp.Regexp // nil: the pattern needs backtracking
	netText string
	netOpts regexp2.RegexOptions
	netOnce sync.Once
	net     *regexp2.Regexp
	netErr  error

	nullable bool // may match nothing: Go and Python then differ in what they find next to another match
	boundary bool // has \b or \B or classes that differ outside ASCII
	dollar   bool // has $ that also matches before a last newline
}

type cacheKey struct {
	pattern string
	flags   Flags
}

var cache struct {
	sync.Mutex
	m map[cacheKey]*Regexp
}

// Compile compiles a pattern, or takes it from a cache. The error is a *value.Error of class "error" (re.error).
func Compile(pattern string, flags Flags) (*Regexp, error) {
	key := cacheKey{pattern, flags}
	cache.Lock()
	re := cache.m[key]
	cache.Unlock()
	if re != nil {
		return re, nil
	}
	re, err := compile(pattern, flags)
	if err != nil {
		return nil, err
	}
	cache.Lock()
	if cache.m == nil || len(cache.m) > 512 {
		cache.m = map[cacheKey]*Regexp{}
	}
	cache.m[key] = re
	cache.Unlock()
	return re, nil
}

func compile(pattern string, flags Flags) (*Regexp, error) {
	t := &translator{s: pattern, flags: flags, names: map[string]int{}}
	if err := t.run(); err != nil {
		return nil, err
	}
	re := &Regexp{pattern: pattern, groups: t.groups, names: t.names, boundary: t.boundary, dollar: t.dollar}
	if !t.needNet {
		if r, err := regexp.Compile(goFlags(t.flags) + t.go2.String()); err == nil {
			re.re2 = r
			re.nullable = true
			if tree, err := syntax.Parse(r.String(), syntax.Perl); err == nil {
				re.nullable = minLen(tree) == 0
			}
		}
	}
	re.netText = t.net.String()
	re.netOpts = regexp2.None
	if t.flags&IgnoreCase != 0 {
		re.netOpts |= regexp2.IgnoreCase
	}
	if t.flags&Multiline != 0 {
		re.netOpts |= regexp2.Multiline
	}
	if t.flags&DotAll != 0 {
		re.netOpts |= regexp2.Singleline
	}
	if re.re2 == nil {
		if err := re.backtracking(); err != nil {
			return nil, value.Errorf("error", "%s", err.Error())
		}
	}
	return re, nil
}

// minLen is the length of the shortest match, or 1 for anything longer.
func minLen(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1
	case syntax.OpCapture, syntax.OpPlus:
		return minLen(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min == 0 {
			return 0
		}
		return minLen(re.Sub[0])
	case syntax.OpConcat:
		for _, s := range re.Sub {
			if minLen(s) > 0 {
				return 1
			}
		}
		return 0
	case syntax.OpAlternate:
		for _, s := range re.Sub {
			if minLen(s) == 0 {
				return 0
			}
		}
		return 1
	}
	return 0
}

func goFlags(f Flags) string {
	s := ""
	if f&IgnoreCase != 0 {
		s += "i"
	}
	if f&Multiline != 0 {
		s += "m"
	}
	if f&DotAll != 0 {
		s += "s"
	}
	if s == "" {
		return ""
	}
	return "(?" + s + ")"
}

func (re *Regexp) backtracking() error {
	re.netOnce.Do(func() {
		re.net, re.netErr = regexp2.Compile(re.netText, re.netOpts)
		if re.netErr == nil {
			re.net.MatchTimeout = Timeout
		}
	})
	return re.netErr
}

// Groups is the number of groups.
func (re *Regexp) Groups() int { return re.groups }

// GroupIndex is the number of a named group; ok is false when there is none.
func (re *Regexp) GroupIndex(name string) (n int, ok bool) {
	n, ok = re.names[name]
	return n, ok
}

// Match is one match: byte offsets of the whole and of each group, -1 for a group that took no part.
type Match struct {
	Text string
	Loc  []int
}

// Group returns group n; ok is false when it took no part in the match.
func (m *Match) Group(n int) (s string, ok bool) {
	if m.Loc[2*n] < 0 {
		return "", false
	}
	return m.Text[m.Loc[2*n]:m.Loc[2*n+1]], true
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// linear reports whether Go's regexp gives Python's answer on s.
func (re *Regexp) linear(s string) bool {
	return re.re2 != nil && !(re.dollar && strings.HasSuffix(s, "\n")) && !(re.boundary && !ascii(s)) && utf8.ValidString(s)
}

// Search finds the first match, or nil.
func (re *Regexp) Search(s string) (*Match, error) {
	if re.linear(s) {
		if loc := re.re2.FindStringSubmatchIndex(s); loc != nil {
			return &Match{s, loc}, nil
		}
		return nil, nil
	}
	all, err := re.walk(s, 1)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// MatchStart is re.match: a match at the start, or nil.
func (re *Regexp) MatchStart(s string) (*Match, error) {
	// The leftmost match begins at the start exactly when one does.
	m, err := re.Search(s)
	if m == nil || err != nil || m.Loc[0] != 0 {
		return nil, err
	}
	return m, nil
}

// FindAll finds all matches that do not overlap, at most n of them (n < 0: all).
func (re *Regexp) FindAll(s string, n int) ([]*Match, error) {
	if re.linear(s) && !re.nullable {
		locs := re.re2.FindAllStringSubmatchIndex(s, n)
		out := make([]*Match, len(locs))
		for i, l := range locs {
			out[i] = &Match{s, l}
		}
		return out, nil
	}
	return re.walk(s, n)
}

// walk finds matches by backtracking.
func (re *Regexp) walk(s string, n int) ([]*Match, error) {
	if err := re.backtracking(); err != nil {
		return nil, value.Errorf("error", "%s", err.Error())
	}
	runes := []rune(s)
	var offsets []int // byte offset of each rune; nil for ASCII
	if len(runes) != len(s) {
		offsets = make([]int, 0, len(runes)+1)
		for i := range s {
			offsets = append(offsets, i)
		}
		offsets = append(offsets, len(s))
	}
	at := func(i int) int {
		if offsets == nil {
			return i
		}
		return offsets[i]
	}
	var out []*Match
	m, err := re.net.FindRunesMatch(runes)
	for m != nil && err == nil && (n < 0 || len(out) < n) {
		loc := make([]int, 2*(re.groups+1))
		for i := range loc {
			loc[i] = -1
		}
		for i := 0; i <= re.groups; i++ {
			g := m.GroupByNumber(i)
			if g != nil && len(g.Captures) > 0 {
				loc[2*i], loc[2*i+1] = at(g.Index), at(g.Index+g.Length)
			}
		}
		out = append(out, &Match{s, loc})
		m, err = re.net.FindNextMatch(m)
	}
	if err != nil {
		return nil, value.Errorf("RuntimeError", "the regular expression took longer than %s", Timeout)
	}
	return out, nil
}

// Sub is re.subn: replaces at most count matches (0: all) by the expanded template, and counts them.
func (re *Regexp) Sub(repl, s string, count int) (out string, n int, err error) {
	parts, err := re.template(repl)
	if err != nil {
		return "", 0, err
	}
	if count == 0 {
		count = -1
	}
	matches, err := re.FindAll(s, count)
	if err != nil {
		return "", 0, err
	}
	var b strings.Builder
	last := 0
	for _, m := range matches {
		b.WriteString(s[last:m.Loc[0]])
		for _, p := range parts {
			if p.group < 0 {
				b.WriteString(p.text)
			} else if g, ok := m.Group(p.group); ok {
				b.WriteString(g)
			}
		}
		if b.Len() > 256<<20 {
			return "", 0, value.Errorf("MemoryError", "replaced text is too long")
		}
		last = m.Loc[1]
	}
	b.WriteString(s[last:])
	return b.String(), len(matches), nil
}

// Escape is re.escape.
func Escape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
