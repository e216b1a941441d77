package pyhost

import (
	"context"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/value"
)

// becomeTimeout bounds how long a become plugin may think.
const becomeTimeout = 30 * time.Second

// Become makes a become plugin's way to another user: its options are those of keywords and of the variables of t.
func (h *Host) Become(p *Plugin, t *template.Templar, keywords *value.Dict) (*become.Spec, error) {
	ask := func(shell string) (*value.Dict, error) {
		ctx, cancel := context.WithTimeout(context.Background(), becomeTimeout)
		defer cancel()
		v, err := h.Call(ctx, TaskSide, "become", value.DictOf("plugin", p.value(), "cmd", value.Str(shell), "keywords", keywords), &Scope{Templar: t}, false)
		if err != nil {
			return nil, raised(err)
		}
		d, _ := v.(*value.Dict)
		return d, nil
	}
	d, err := ask("")
	if err != nil {
		return nil, err
	}
	text := func(d *value.Dict, key string) string { v, _ := d.GetStr(key); return plain(v) }
	return &become.Spec{
		Method: p.Name, User: text(d, "user"), Pass: text(d, "pass"), Variant: text(d, "variant"),
		Build: func(shell string) (become.Command, error) {
			d, err := ask(shell)
			if err != nil {
				return become.Command{}, err
			}
			c := become.Command{Method: p.Name, Argv: []string{"/bin/sh", "-c", text(d, "cmd")}}
			for key, into := range map[string]*[]string{"prompts": &c.Prompts, "wrong": &c.Wrong, "missing": &c.Missing} {
				v, _ := d.GetStr(key)
				if l, ok := v.(*value.List); ok {
					for _, e := range l.Elems {
						*into = append(*into, strings.ToLower(plain(e)))
					}
				}
			}
			tty, _ := d.GetStr("tty")
			c.PTY = tty == value.True
			return c, nil
		},
	}, nil
}
