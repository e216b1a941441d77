// Package callback holds the views of a run: each callback reads the run's events and writes what its name promises,
// byte for byte as Ansible's callback of that name does off a terminal.
//
// Called by internal/cli, which picks the stdout callback and the enabled ones by name from All.
package callback

import (
	"io"
	"strings"
	"sync"
	"time"

	"github.com/troupe-automation/troupe/internal/term"
)

// Display writes lines to the two streams of a command, the way Ansible does: banners, colours, warnings once each.
// Out and Err may be written by several goroutines.
type Display struct {
	Out, Err  *term.Stream
	Verbosity int
	Colors    map[string]string // ANSIBLE_COLOR_* by kind: "ok", "changed", "error" …
	Log       io.Writer         // log_path, or nil
	// LogVerbosity is the level up to which the log has what -v says, when it is more than Verbosity.
	LogVerbosity int
	LogPrefix    func(level string) string // "2024-01-01 10:00:00,000 p=1 u=root n=ansible INFO| "

	NoWarnings, NoDeprecations bool
	VerboseToErr               bool // VERBOSE_TO_STDERR: what -v says goes to stderr

	mu   sync.Mutex
	seen map[string]bool
}

// defaultColors are the colours of ansible-core 2.18 by what they mark.
var defaultColors = map[string]string{
	"ok": "green", "changed": "yellow", "error": "red", "unreachable": "bright red", "skip": "cyan", "included": "cyan",
	"warn": "bright purple", "deprecate": "purple", "verbose": "blue", "debug": "dark gray", "highlight": "white",
	"diff_add": "green", "diff_remove": "red", "diff_lines": "cyan", "console_prompt": "white",
}

// Color returns the colour name for a kind of text.
func (d *Display) Color(kind string) string {
	if c, ok := d.Colors[kind]; ok && c != "" {
		return c
	}
	return defaultColors[kind]
}

// Print writes text and a newline to stdout in the colour of kind ("" for none).
func (d *Display) Print(text, kind string) { d.write(d.Out, text, kind, logInfo) }

// PrintErr writes text and a newline to stderr.
func (d *Display) PrintErr(text, kind string) { d.write(d.Err, text, kind, logInfo) }

// The levels of lines in the log.
const (
	logInfo    = "INFO"
	logWarning = "WARNING"
	logError   = "ERROR"
)

func (d *Display) write(s *term.Stream, text, kind, level string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	painted := text
	if kind != "" {
		painted = s.Paint(d.Color(kind), text)
	}
	if !strings.HasSuffix(painted, "\n") {
		painted += "\n"
	}
	io.WriteString(s.W, painted)
	d.log(level, text)
}

// log writes text to the log. d.mu is held.
func (d *Display) log(level, text string) {
	if d.Log == nil {
		return
	}
	if plain := strings.TrimLeft(text, "\n"); plain != "" {
		io.WriteString(d.Log, d.LogPrefix(level)+strings.TrimSuffix(plain, "\n")+"\n")
	}
}

// Banner writes an empty line and text filled with stars to the width of the terminal.
func (d *Display) Banner(text, kind string) {
	text = strings.TrimSpace(text)
	stars := max(3, d.Out.Width-term.Cells(text))
	d.Print("\n"+text+" "+strings.Repeat("*", stars), kind)
}

// V writes text when the verbosity is at least level, with Ansible's host prefix when host is set.
func (d *Display) V(level int, host, text string) {
	if d.Verbosity < level && (d.Log == nil || d.LogVerbosity < level) {
		return
	}
	if host != "" {
		text = "<" + host + "> " + text
	}
	if d.Verbosity < level {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.log(logInfo, text)
		return
	}
	d.Print2(text, "verbose", d.VerboseToErr)
}

// once reports whether key is seen for the first time.
func (d *Display) once(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen == nil {
		d.seen = map[string]bool{}
	}
	if d.seen[key] {
		return false
	}
	d.seen[key] = true
	return true
}

// Warning writes a wrapped warning to stderr, each text once in a process.
func (d *Display) Warning(text string) {
	if d.NoWarnings || !d.once(text) {
		return
	}
	d.write(d.Err, strings.Join(term.Wrap("[WARNING]: "+text, d.Err.Width, false), "\n"), "warn", logWarning)
}

// Deprecated writes a deprecation to stderr, each text once in a process.
func (d *Display) Deprecated(text string) {
	if d.NoDeprecations || !d.once("D"+text) {
		return
	}
	text = strings.TrimSpace(text) + " Deprecation warnings can be disabled by setting deprecation_warnings=False in ansible.cfg."
	d.PrintErr(strings.Join(term.Wrap("[DEPRECATION WARNING]: "+text, d.Err.Width, true), "\n"), "deprecate")
}

// Error writes "ERROR! " and the text to stderr, unwrapped.
func (d *Display) Error(text string) {
	if d.once("E" + text) {
		d.write(d.Err, "ERROR! "+text, "error", logError)
	}
}

// LogTime is the time stamp of a line in log_path.
func LogTime(t time.Time) string {
	return strings.Replace(t.Format("2006-01-02 15:04:05.000"), ".", ",", 1)
}
