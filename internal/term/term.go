// Package term knows terminals: whether a stream is one, how wide it is, whether and how to colour, and how Ansible
// wraps a long line. Everything that prints goes through it: internal/report and internal/cli.
package term

import (
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Stream is one output of the process.
type Stream struct {
	W     io.Writer
	TTY   bool
	Color bool
	Width int // columns a line may fill: 79 off a terminal, as Ansible does (COLUMNS is not asked)
}

// Stat describes w: whether it is a terminal and how wide. Colour is decided by Policy.
func Stat(w io.Writer) *Stream {
	s := &Stream{W: w, Width: 79}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.TTY = true
		if cols, _, err := term.GetSize(int(f.Fd())); err == nil {
			s.Width = max(79, cols-1)
		}
	}
	return s
}

// IsTerminal reports whether r is a terminal, for prompts.
func IsTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// ReadPassword asks on w and reads a line from the terminal r without echo, which is off before the prompt is there: who answers at
// once must not see the answer either.
func ReadPassword(r io.Reader, w io.Writer, prompt string) (string, error) {
	f, ok := r.(*os.File)
	if !ok {
		return "", io.ErrUnexpectedEOF
	}
	if modes, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err == nil {
		silent := *modes
		silent.Lflag &^= unix.ECHO
		if unix.IoctlSetTermios(int(f.Fd()), unix.TCSETSF, &silent) == nil {
			defer unix.IoctlSetTermios(int(f.Fd()), unix.TCSETS, modes) //nolint:errcheck // the terminal is gone then
		}
	}
	if _, err := io.WriteString(w, prompt); err != nil {
		return "", err
	}
	b, err := term.ReadPassword(int(f.Fd()))
	return string(b), err
}

// NewEditor reads lines from a terminal with history and, on the tab key, completion: complete gives the lines that a line
// may become. It is nil where there is no terminal. Ctrl-D gives io.EOF.
func NewEditor(r io.Reader, w io.Writer, complete func(line string) []string) func(prompt string) (string, error) {
	in, ok := r.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{r, w}, "")
	t.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		if key != '\t' || pos != len(line) {
			return "", 0, false
		}
		found := complete(line)
		if len(found) == 0 {
			return "", 0, false
		}
		short := found[0]
		for _, f := range found[1:] {
			for !strings.HasPrefix(f, short) {
				short = short[:len(short)-1]
			}
		}
		return short, len(short), true
	}
	return func(prompt string) (string, error) {
		// Raw only while a line is typed: modules that run in between see a terminal as it should be.
		state, err := term.MakeRaw(int(in.Fd()))
		if err != nil {
			return "", err
		}
		defer func() { _ = term.Restore(int(in.Fd()), state) }()
		t.SetPrompt(prompt)
		return t.ReadLine()
	}
}

// ColorPolicy decides about colour from what the user asked for, first match wins.
// The order is NO_COLOR, FORCE_COLOR/CLICOLOR_FORCE, Ansible's own switches, TERM=dumb, terminal or not.
func ColorPolicy(s *Stream, getenv func(string) string, noColor, forceColor bool) bool {
	set := func(k string) bool { v := getenv(k); return v != "" && v != "0" }
	switch {
	case getenv("NO_COLOR") != "":
		return false
	case set("FORCE_COLOR"), set("CLICOLOR_FORCE"):
		return true
	case forceColor:
		return true
	case noColor, getenv("TERM") == "dumb":
		return false
	}
	return s.TTY
}

// codes are Ansible's colour names and their SGR parameters.
var codes = map[string]string{
	"black": "0;30", "bright gray": "0;37", "blue": "0;34", "white": "1;37", "green": "0;32", "bright blue": "1;34",
	"cyan": "0;36", "bright green": "1;32", "red": "0;31", "bright cyan": "1;36", "purple": "0;35",
	"bright red": "1;31", "yellow": "0;33", "bright purple": "1;35", "dark gray": "1;30", "bright yellow": "1;33",
	"magenta": "0;35", "bright magenta": "1;35", "normal": "0",
}

// Code returns the SGR parameters of a colour name of ansible.cfg ("bright purple", "color123", "rgb255").
func Code(name string) string {
	if c, ok := codes[name]; ok {
		return c
	}
	if n, ok := strings.CutPrefix(name, "color"); ok {
		if _, err := strconv.Atoi(n); err == nil {
			return "38;5;" + n
		}
	}
	if rgb, ok := strings.CutPrefix(name, "rgb"); ok && len(rgb) == 3 {
		n := 16
		for i, f := range []int{36, 6, 1} {
			if rgb[i] < '0' || rgb[i] > '5' {
				return "0"
			}
			n += f * int(rgb[i]-'0')
		}
		return "38;5;" + strconv.Itoa(n)
	}
	if n, ok := strings.CutPrefix(name, "gray"); ok {
		if g, err := strconv.Atoi(n); err == nil {
			return "38;5;" + strconv.Itoa(232+g)
		}
	}
	return "0"
}

// Paint colours every line of text by itself, as Ansible does (sample fmt_color).
func (s *Stream) Paint(color, text string) string {
	if !s.Color || color == "" || color == "normal" {
		return text
	}
	on, off := "\x1b["+Code(color)+"m", "\x1b[0m"
	return on + strings.ReplaceAll(text, "\n", off+"\n"+on) + off
}

// Cells is the number of terminal columns text takes: East Asian wide characters take two, combining ones none.
func Cells(text string) int {
	n := 0
	for _, r := range text {
		n += runeCells(r)
	}
	return n
}

func runeCells(r rune) int {
	switch {
	case r < 0x20 || r >= 0x7f && r < 0xa0:
		return 0
	case r < 0x300:
		return 1
	case r <= 0x36f, r == 0x200b, r == 0x200d, r >= 0xfe00 && r <= 0xfe0f:
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0x303e, r >= 0x3041 && r <= 0x33ff, r >= 0x3400 && r <= 0x4dbf,
		r >= 0x4e00 && r <= 0x9fff, r >= 0xa000 && r <= 0xa4cf, r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff,
		r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60, r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1f64f,
		r >= 0x1f900 && r <= 0x1f9ff, r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// Wrap breaks text into lines of at most width characters the way Ansible wraps warnings: white space becomes spaces,
// lines break at spaces and after hyphens inside words, longer words are cut. keepSpace keeps the blanks at line
// ends (deprecations do, warnings do not).
func Wrap(text string, width int, keepSpace bool) []string {
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune("\t\n\v\f\r", r) {
			return ' '
		}
		return r
	}, strings.ReplaceAll(text, "\t", "        "))
	chunks := splitChunks(text)
	var lines []string
	for i := 0; i < len(chunks); {
		if !keepSpace && strings.TrimSpace(chunks[i]) == "" && len(lines) > 0 {
			i++
			continue
		}
		var line []string
		n := 0
		for i < len(chunks) {
			l := utf8.RuneCountInString(chunks[i])
			if n+l > width {
				break
			}
			line, n, i = append(line, chunks[i]), n+l, i+1
		}
		if i < len(chunks) && utf8.RuneCountInString(chunks[i]) > width {
			room := max(width-n, 1)
			r := []rune(chunks[i])
			line = append(line, string(r[:room]))
			chunks[i] = string(r[room:])
		}
		if !keepSpace && len(line) > 0 && strings.TrimSpace(line[len(line)-1]) == "" {
			line = line[:len(line)-1]
		}
		if len(line) > 0 {
			lines = append(lines, strings.Join(line, ""))
		}
	}
	return lines
}

// splitChunks cuts text into words, runs of spaces, and parts of words that end with a hyphen.
func splitChunks(text string) []string {
	var out []string
	r := []rune(text)
	letter := func(i int) bool {
		return i >= 0 && i < len(r) && r[i] != ' ' && r[i] != '-' && (r[i] == '_' || r[i] >= 'a' && r[i] <= 'z' || r[i] >= 'A' && r[i] <= 'Z' || r[i] > 127)
	}
	for i := 0; i < len(r); {
		j := i
		if r[i] == ' ' {
			for j < len(r) && r[j] == ' ' {
				j++
			}
			out, i = append(out, string(r[i:j])), j
			continue
		}
		for j < len(r) && r[j] != ' ' {
			j++
			// A hyphen ends a chunk between letters ("well-known"), not in "--flag" or "1-2"; an em-dash of two or more stands alone.
			if r[j-1] == '-' && letter(j-2) && letter(j-3) && letter(j) && letter(j+1) {
				break
			}
		}
		out, i = append(out, string(r[i:j])), j
	}
	return out
}
