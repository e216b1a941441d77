// Package source names places in files. Every parser of Troupe (YAML, INI, Jinja, configuration) gives its nodes
// a Pos, and every diagnostic points at one. It is the floor of the house: it imports nothing of ours.
package source

import "strconv"

// Pos is one place in one file. Line and Col count from 1; Col counts code points. The zero Pos means "no place".
type Pos struct {
	File string // path as the user would open it, "" when the text has no file (for example a command-line value)
	Line int
	Col  int
}

// IsValid reports whether p names a line.
func (p Pos) IsValid() bool { return p.Line > 0 }

// String is "file:line:col", without the parts that are unknown.
func (p Pos) String() string {
	s := p.File
	if p.Line > 0 {
		if s != "" {
			s += ":"
		}
		s += strconv.Itoa(p.Line)
		if p.Col > 0 {
			s += ":" + strconv.Itoa(p.Col)
		}
	}
	return s
}

// Span is a stretch of text that starts at Pos and is Len code points long on one line (0: unknown).
type Span struct {
	Pos
	Len int
}
