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

func (f *frame) write(v value.Value) error {
	if o := f.out; o.asText {
		switch v := v.(type) {
		case value.Str:
			o.text = append(o.text, v...)
			return f.grown(len(v))
		case value.Int:
			n := len(o.text)
			o.text = strconv.AppendInt(o.text, int64(v), 10)
			return f.grown(len(o.text) - n)
		}
		s, err := value.ToStr(v)
		if err != nil {
			return err
		}
		o.text = append(o.text, s...)
		return f.grown(len(s))
	}
	f.out.nodes = append(f.out.nodes, v)
	s, _ := v.(value.Str)
	return f.grown(len(s))
}

// grown counts n bytes of output.
func (f *frame) grown(n int) error {
	r := f.ctx.run
	r.bytes += n
	if r.bytes > r.limits.OutputBytes {
		return value.Errorf("MemoryError", "the template gave more than %d bytes", r.limits.OutputBytes)
	}
	return nil
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
