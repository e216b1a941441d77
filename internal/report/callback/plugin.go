package callback

import (
	"io"
	"strings"
)

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
	if d.Log != nil {
		if plain := strings.TrimLeft(text, "\n"); plain != "" {
			io.WriteString(d.Log, d.LogPrefix()+strings.TrimSuffix(plain, "\n")+"\n")
		}
	}
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
