package callback

import (
	"fmt"
	"io"
	"strings"

	"github.com/troupe-automation/troupe/event"
)

// words shows what a run says beside results: messages, warnings, lines of -v.
func (d *Display) words(e event.Event) {
	switch e := e.(type) {
	case *event.PlaybookStart:
		d.V(2, "", fmt.Sprintf("%d plays in %s", e.Plays, e.File))
	case *event.Notified:
		d.V(2, "", fmt.Sprintf("Notification for handler %s has been saved.", e.Handler))
	case *event.Message:
		d.Print(e.Text, "")
	case *event.Warning:
		switch e.Kind {
		case "deprecation":
			d.Deprecated(e.Text)
		case "error":
			d.Error(e.Text)
		case "notice":
			d.PrintErr(e.Text, "")
		default:
			d.Warning(e.Text)
		}
	case *event.Log:
		d.V(e.Verbosity, e.Host, e.Text)
	}
}

// NewWords is the callback beside a plugin that writes standard output: it shows everything else.
func NewWords(d *Display) Callback { return wordsOnly{d} }

type wordsOnly struct{ *Display }

// Emit implements event.Sink.
func (w wordsOnly) Emit(e event.Event) { w.words(e) }

// Show writes what a Python plugin displays, in a colour by its name ("" for none), with a newline unless it has one or
// wants none.
func (d *Display) Show(text, color string, toErr, newline bool) {
	s := d.Out
	if toErr {
		s = d.Err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	painted := text
	if color != "" {
		painted = s.Paint(color, text)
	}
	if newline && !strings.HasSuffix(painted, "\n") {
		painted += "\n"
	}
	io.WriteString(s.W, painted)
	d.log(logInfo, text)
}

// Raw writes what a plugin printed past Display.
func (d *Display) Raw(text string, toErr bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if toErr {
		io.WriteString(d.Err.W, text)
	} else {
		io.WriteString(d.Out.W, text)
	}
}
