package diag

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/troupe-automation/troupe/internal/source"
)

// Classic is msg with Trailer(pos) appended: the message that Ansible prints for content it can point at.
func Classic(msg string, pos source.Pos) string { return msg + Trailer(pos) }

// Trailer is the text that Ansible appends to a message to show where it happened, from the blank line before
// "The error appears to be in" on, with the hints Ansible derives from the look of the line (samples
// flow_parse_errors, var_undefined_errors). It is empty when pos is not valid.
func Trailer(pos source.Pos) string {
	if !pos.IsValid() || pos.File == "" { // the command line is no file
		return ""
	}
	head := func(line, col int) string {
		return fmt.Sprintf("\n\nThe error appears to be in '%s': line %d, column %d, but may\n"+
			"be elsewhere in the file depending on the exact syntax problem.\n", pos.File, line, col)
	}
	const noFile = "\n(could not open file to display line)"
	data, err := os.ReadFile(pos.File)
	if err != nil {
		return head(pos.Line, pos.Col) + noFile
	}
	target, raw, prev := targetLine(strings.Split(string(data), "\n"), pos.Line)
	line, col := pos.Line, pos.Col
	const offending = "\nThe offending line appears to be:\n\n"
	var b strings.Builder
	if eq, ok := shorthandBefore(prev); ok {
		line, col = pos.Line-1, eq+1
		b.WriteString(head(line, col))
		b.WriteString(offending + prev + "\n" + strings.Repeat(" ", eq) + "^ here\n" +
			"\nThere appears to be both 'k=v' shorthand syntax and YAML in this task. Only one syntax may be used.\n")
	} else {
		b.WriteString(head(line, col))
		b.WriteString(offending + prev + "\n" + target + "\n" + strings.Repeat(" ", max(0, col-1)) + "^ here\n")
	}
	b.WriteString(lineHint(raw, target, col))
	return b.String()
}

// targetLine is the line shown for number n, trimmed and as it is, and the one before it. Blank lines are passed over upwards.
func targetLine(lines []string, n int) (target, raw, prev string) {
	if len(lines) > 1 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	i := min(n, len(lines)) - 1
	for i > 0 && strings.TrimSpace(lines[i]) == "" {
		i--
	}
	if i < 0 {
		return "", "", ""
	}
	if i > 0 {
		prev = strings.TrimRight(lines[i-1], " \t\r\n")
	}
	return strings.TrimRight(lines[i], " \t\r\n"), lines[i], prev
}

var shorthand = regexp.MustCompile(`[\p{L}\p{N}_]+\s*=\s*[\p{L}\p{N}_/-]+`)

// shorthandBefore reports whether the line holds k=v arguments, and the column (from 0) of its first equals sign.
func shorthandBefore(line string) (int, bool) {
	if !shorthand.MatchString(line) {
		return 0, false
	}
	return len([]rune(line[:strings.IndexByte(line, '=')])), true
}

// lineHint is the advice for a line that has one of the well-known looks; raw is the line with its end.
func lineHint(raw, line string, col int) string {
	var b strings.Builder
	if strings.Contains(raw, "\t") {
		b.WriteString(hintTab)
	}
	runes := []rune(line)
	switch {
	case strings.Contains(line, "{{") && strings.Contains(line, "}}"):
		b.WriteString(hintQuoteTemplate)
		return b.String()
	case col >= 0 && len(runes) > 1 && len(runes) > col && runes[col] == ':' && strings.Count(line, ":") > 1:
		b.WriteString(hintColon)
		return b.String()
	}
	parts := strings.Split(line, ":")
	if len(parts) < 2 {
		return b.String()
	}
	middle := strings.TrimSpace(parts[1])
	var first, last byte
	if middle != "" {
		first, last = middle[0], middle[len(middle)-1]
	}
	quote := func(c byte) bool { return c == '"' || c == '\'' }
	if quote(first) && last != first {
		b.WriteString(hintStartsQuoted)
	}
	if quote(first) && quote(last) && strings.Count(line, "'") > 2 || strings.Count(line, `"`) > 2 {
		b.WriteString(hintUnbalanced)
	}
	return b.String()
}

// The advice is Ansible's, word for word: people search for it.
const (
	hintTab = `There appears to be a tab character at the start of the line.

YAML does not use tabs for formatting. Tabs should be replaced with spaces.

For example:
    - name: update tooling
      vars:
        version: 1.2.3
#    ^--- there is a tab there.

Should be written as:
    - name: update tooling
      vars:
        version: 1.2.3
# ^--- all spaces here.
`
	hintQuoteTemplate = `We could be wrong, but this one looks like it might be an issue with
missing quotes. Always quote template expression brackets when they
start a value. For instance:

    with_items:
      - {{ foo }}

Should be written as:

    with_items:
      - "{{ foo }}"
`
	hintColon = `This one looks easy to fix. There seems to be an extra unquoted colon in the line
and this is confusing the parser. It was only expecting to find one free
colon. The solution is just add some quotes around the colon, or quote the
entire line after the first colon.

For instance, if the original line was:

    copy: src=file.txt dest=/path/filename:with_colon.txt

It can be written as:

    copy: src=file.txt dest='/path/filename:with_colon.txt'

Or:

    copy: 'src=file.txt dest=/path/filename:with_colon.txt'
`
	hintStartsQuoted = `This one looks easy to fix. It seems that there is a value started
with a quote, and the YAML parser is expecting to see the line ended
with the same kind of quote. For instance:

    when: "ok" in result.stdout

Could be written as:

   when: '"ok" in result.stdout'

Or equivalently:

   when: "'ok' in result.stdout"
`
	hintUnbalanced = `We could be wrong, but this one looks like it might be an issue with
unbalanced quotes. If starting a value with a quote, make sure the
line ends with the same set of quotes. For instance this arbitrary
example:

    foo: "bad" "wolf"

Could be written as:

    foo: '"bad" "wolf"'
`
)
