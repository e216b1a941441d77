package jinja

import (
	"strconv"

	"github.com/troupe-automation/troupe/value"
)

// output is what a body gives: text that grows, or nodes when the environment has a Concat of its own.
type output struct {
	nodes  []value.Value
	text   []byte
	asText bool
}

// newOutput is the output of a body that gives a value.
func (env *Environment) newOutput() *output { return &output{asText: env.Concat == nil} }

// value is the whole output as one value.
func (o *output) value(env *Environment) (value.Value, error) {
	switch {
	case o.asText:
		return value.Str(o.text), nil
	case env.Concat != nil:
		return env.Concat(o.nodes)
	}
	s, err := Join(o.nodes)
	return value.Str(s), err
}

// body is value for a body under autoescape, whose text is escaped already.
func (o *output) body(env *Environment, escape bool) (value.Value, error) {
	v, err := o.value(env)
	if s, ok := v.(value.Str); ok && escape && env.Concat == nil {
		return value.Markup(s), err
	}
	return v, err
}

func (o *output) reset() {
	clear(o.nodes)
	o.nodes, o.text, o.asText = o.nodes[:0], o.text[:0], false
	if cap(o.text) > 1<<20 {
		o.text = nil
	}
}

// piece is a part of the output: text as it stands, or an expression whose value is printed.
type piece struct {
	text string
	node value.Value // the same text as a node
	eval evalFn
	off  int
}

// print writes the pieces and counts what they gave.
func (f *frame) print(p *Program, pieces []piece) error {
	o := f.out
	if !o.asText {
		return f.printNodes(p, pieces)
	}
	text := o.text // nothing that an expression runs writes to the same output
	room := len(text) + f.ctx.run.limits.OutputBytes - f.ctx.run.bytes
	for i := range pieces {
		x := &pieces[i]
		if x.eval == nil {
			text = append(text, x.text...)
			continue
		}
		v, err := x.eval(f)
		if err != nil {
			return err
		}
		if s, ok := v.(value.Str); ok {
			text = append(text, s...)
		} else if text, err = appendText(text, v); err != nil {
			return p.wrap(err, x.off)
		}
		if len(text) > room {
			return p.wrap(f.ctx.run.tooLong(), x.off)
		}
	}
	n := len(text) - len(o.text)
	o.text = text
	if err := f.grown(n); err != nil {
		return p.wrap(err, pieces[0].off)
	}
	return nil
}

func (f *frame) printNodes(p *Program, pieces []piece) error {
	for i := range pieces {
		x := &pieces[i]
		v := x.node
		if x.eval != nil {
			var err error
			if v, err = x.eval(f); err != nil {
				return err
			}
		}
		if err := f.write(v); err != nil {
			return p.wrap(err, x.off)
		}
	}
	return nil
}

func appendText(text []byte, v value.Value) ([]byte, error) {
	switch v := v.(type) {
	case value.Str:
		return append(text, v...), nil
	case value.Int:
		return strconv.AppendInt(text, int64(v), 10), nil
	}
	s, err := value.ToStr(v)
	return append(text, s...), err
}

// write adds a value to the output.
func (f *frame) write(v value.Value) error {
	o := f.out
	if o.asText {
		n := len(o.text)
		var err error
		if o.text, err = appendText(o.text, v); err != nil {
			return err
		}
		return f.grown(len(o.text) - n)
	}
	s, isText := v.(value.Str)
	if !isText && f.ctx.env.Concat == nil {
		// Plain Jinja turns values into text here, so that an undefined one fails at its own place.
		text, err := value.ToStr(v)
		if err != nil {
			return err
		}
		s = value.Str(text)
		v = s
	}
	o.nodes = append(o.nodes, v)
	return f.grown(len(s))
}

// grown counts n bytes of output.
func (f *frame) grown(n int) error {
	r := f.ctx.run
	r.bytes += n
	if r.bytes > r.limits.OutputBytes {
		return r.tooLong()
	}
	return nil
}

func (r *run) tooLong() error {
	return value.Errorf("MemoryError", "the template gave more than %d bytes", r.limits.OutputBytes)
}

// Join is the plain concatenation of output nodes as text.
func Join(nodes []value.Value) (string, error) {
	switch len(nodes) {
	case 0:
		return "", nil
	case 1:
		return value.ToStr(nodes[0])
	}
	size := 0
	for _, n := range nodes {
		if s, ok := n.(value.Str); ok {
			size += len(s)
		} else {
			size += 8
		}
	}
	b := make([]byte, 0, size)
	for _, n := range nodes {
		if s, ok := n.(value.Str); ok {
			b = append(b, s...)
			continue
		}
		s, err := value.ToStr(n)
		if err != nil {
			return "", err
		}
		b = append(b, s...)
	}
	return string(b), nil
}
