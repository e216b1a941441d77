package yamldoc

import (
	"strings"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/source"
)

// Locate finds the place in the file of a byte offset inside a scalar's text. pos is where the scalar starts. It reads the
// file anew and compares what stands there with the text: when they do not agree (escapes, folds it cannot follow, a file
// that changed), Col is 0, because a wrong place is worse than none.
func Locate(pos source.Pos, text string, offset int) source.Pos {
	none := source.Pos{File: pos.File, Line: pos.Line}
	if offset < 0 || offset > len(text) || pos.Col <= 0 {
		return none
	}
	lines, _ := diag.Excerpt(pos, 0, strings.Count(text, "\n")*2+strings.Count(text, " ")+2)
	if len(lines) == 0 {
		return none
	}
	first := []rune(lines[0])
	if pos.Col-1 >= len(first) {
		return none
	}
	head := string(first[pos.Col-1:])
	if head[0] == '|' || head[0] == '>' {
		return locateBlock(pos, lines[1:], text, offset, head[0] == '>')
	}
	skip := 0
	if head[0] == '"' || head[0] == '\'' {
		skip = 1
	}
	// A flow scalar on one line: what is in front of the offset must stand there as it is.
	end := min(offset+8, len(text))
	if i := strings.IndexByte(text[offset:end], '\n'); i >= 0 {
		end = offset + i
	}
	if strings.HasPrefix(head[skip:], text[:end]) && !strings.Contains(text[:offset], "\n") {
		return source.Pos{File: pos.File, Line: pos.Line, Col: pos.Col + skip + utf8.RuneCountInString(text[:offset])}
	}
	// Shorthand arguments and scalars with escapes: the text around the offset must be unique on the line.
	around := text[offset:end]
	if around != "" && strings.Count(head, around) == 1 {
		return source.Pos{File: pos.File, Line: pos.Line, Col: pos.Col + utf8.RuneCountInString(head[:strings.Index(head, around)])}
	}
	return none
}

// locateBlock follows a literal or folded scalar, whose text starts on the line behind its header.
func locateBlock(pos source.Pos, lines []string, text string, offset int, folded bool) source.Pos {
	none := source.Pos{File: pos.File, Line: pos.Line}
	indent := -1
	at := 0 // offset in text of the line at hand
	for i, line := range lines {
		trimmed := strings.TrimLeft(line, " ")
		if indent < 0 {
			if trimmed == "" {
				at++
				continue
			}
			indent = len(line) - len(trimmed)
		}
		body := ""
		if len(line) > indent {
			body = line[indent:]
		}
		if at+len(body) > len(text) || text[at:at+len(body)] != body {
			return none
		}
		if offset <= at+len(body) {
			return source.Pos{File: pos.File, Line: pos.Line + 1 + i, Col: indent + utf8.RuneCountInString(body[:offset-at]) + 1}
		}
		at += len(body)
		if !folded || at < len(text) && (text[at] == '\n' || text[at] == ' ') {
			at++
		}
	}
	return none
}
