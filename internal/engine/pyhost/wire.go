package pyhost

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// maxFrame bounds one message; a plugin that answers with more fails.
const maxFrame = 256 << 20

// tag begins the only key of an object that stands for something JSON lacks (base/troupe_host/wire.py has the list).
const tag = "\x01"

// objects are values that stay here while a call runs; Python knows them by number.
type objects struct{ list []value.Value }

func (o *objects) keep(v value.Value) int {
	o.list = append(o.list, v)
	return len(o.list)
}

func (o *objects) get(n int64) value.Value {
	if n < 1 || int(n) > len(o.list) {
		return nil
	}
	return o.list[n-1]
}

func readFrame(r io.Reader) (*value.Dict, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return nil, fmt.Errorf("a message of %d bytes", n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	v, err := value.ParseJSON(string(body))
	if err != nil {
		return nil, err
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return nil, errors.New("a message that is no object")
	}
	return d, nil
}

func frame(body []byte) []byte {
	out := make([]byte, 4, 4+len(body))
	binary.BigEndian.PutUint32(out, uint32(len(body)))
	return append(out, body...)
}

func encodeCall(id int64, op string, args *value.Dict, s *Scope) ([]byte, error) {
	e := encoder{scope: s}
	fmt.Fprintf(&e.b, `{"id":%d,"op":%q,`, id, op)
	if s.Lane != 0 {
		fmt.Fprintf(&e.b, `"lane":%d,`, s.Lane)
	}
	e.b.WriteString(`"a":`)
	if err := e.value(args, 0); err != nil {
		return nil, err
	}
	e.b.WriteByte('}')
	return frame(e.b.Bytes()), nil
}

func encodeAnswer(n int64, v value.Value, failed error, s *Scope) ([]byte, error) {
	e := encoder{scope: s}
	fmt.Fprintf(&e.b, `{"re":%d,`, n)
	if failed != nil {
		e.b.WriteString(`"err":{"class":`)
		e.text(classOf(failed))
		e.b.WriteString(`,"msg":`)
		e.text(failed.Error())
		e.b.WriteByte('}')
	} else {
		e.b.WriteString(`"v":`)
		if err := e.value(v, 0); err != nil {
			return nil, err
		}
	}
	e.b.WriteByte('}')
	return frame(e.b.Bytes()), nil
}

// classOf is the Python class that an error of ours is raised as.
func classOf(err error) string {
	var t *template.Error
	var v *value.Error
	var p *Error
	switch {
	case errors.As(err, &t):
		return t.Class
	case errors.As(err, &v):
		return v.Class
	case errors.As(err, &p):
		return p.Class
	}
	return "AnsibleError"
}

type encoder struct {
	b     bytes.Buffer
	scope *Scope
}

func (e *encoder) text(s string) {
	b, err := json.Marshal(s)
	if err != nil {
		b = []byte(`""`)
	}
	e.b.Write(b)
}

func (e *encoder) tagged(kind, text string) {
	e.b.WriteString(`{"\u0001` + kind + `":`)
	e.text(text)
	e.b.WriteByte('}')
}

func (e *encoder) elems(list []value.Value, depth int) error {
	e.b.WriteByte('[')
	for i, v := range list {
		if i > 0 {
			e.b.WriteByte(',')
		}
		if err := e.value(v, depth+1); err != nil {
			return err
		}
	}
	e.b.WriteByte(']')
	return nil
}

func (e *encoder) value(v value.Value, depth int) error {
	if depth > 500 {
		return value.ValueErrorf("Circular reference detected")
	}
	switch v := v.(type) {
	case nil, value.NoneType:
		e.b.WriteString("null")
	case value.Bool:
		e.b.WriteString(strconv.FormatBool(bool(v)))
	case value.Int:
		e.b.WriteString(strconv.FormatInt(int64(v), 10))
	case *value.BigInt:
		e.b.WriteString(v.Num.String())
	case value.Float:
		e.float(float64(v))
	case value.Str:
		if template.IsTemplate(string(v)) {
			e.tagged("f", string(v)) // data: Python must not take it for a template
			return nil
		}
		e.text(string(v))
	case *value.Template:
		e.text(v.Text)
	case value.Bytes:
		e.tagged("b", base64.StdEncoding.EncodeToString([]byte(v)))
	case *value.Encrypted:
		if v.Open == nil {
			return value.Errorf("AnsibleVaultError", "Attempting to decrypt but no vault secrets found")
		}
		plain, err := v.Open(v.Cipher)
		if err != nil {
			return err
		}
		e.text(plain)
	case *value.List:
		return e.elems(v.Elems, depth)
	case *value.Tuple:
		e.b.WriteString(`{"\u0001t":`)
		if err := e.elems(v.Elems, depth); err != nil {
			return err
		}
		e.b.WriteByte('}')
	case *value.Set:
		e.b.WriteString(`{"\u0001s":`)
		if err := e.elems(v.Elems(), depth); err != nil {
			return err
		}
		e.b.WriteByte('}')
	case *value.Dict:
		return e.dict(v, depth)
	case *value.Datetime:
		e.tagged("dt", v.Isoformat("T"))
	case *value.Date:
		e.tagged("dd", v.T.Format("2006-01-02"))
	case *value.Undefined:
		e.b.WriteString(`{"\u0001u":{"hint":`)
		e.text(v.Message())
		e.b.WriteString(`,"name":`)
		name, _ := value.AsString(v.Name)
		e.text(name)
		e.b.WriteString(`}}`)
	case *Object:
		fmt.Fprintf(&e.b, `{"\u0001p":{"id":%d}}`, v.id)
	case value.Lazy:
		f, err := v.Force()
		if err != nil {
			return err
		}
		return e.value(f, depth+1)
	default:
		return e.other(v, depth)
	}
	return nil
}

// other writes values that have no type of their own here: texts of filters, iterators, objects that stay.
func (e *encoder) other(v value.Value, depth int) error {
	if s, ok := value.AsString(v); ok {
		return e.value(value.Str(s), depth)
	}
	if it, ok := v.(*value.Iter); ok {
		elems, err := value.Drain(it.It)
		if err != nil {
			return err
		}
		return e.elems(elems, depth)
	}
	_, mapping := v.(value.Mapping)
	shown, err := value.ToStr(v)
	if mapping || err != nil {
		shown = "<" + v.TypeName() + ">"
	}
	fmt.Fprintf(&e.b, `{"\u0001o":{"id":%d,"mapping":%v,"type":`, e.scope.objects.keep(v), mapping)
	e.text(v.TypeName())
	e.b.WriteString(`,"str":`)
	e.text(shown)
	e.b.WriteString(`}}`)
	return nil
}

func (e *encoder) float(f float64) {
	switch {
	case math.IsNaN(f):
		e.b.WriteString("NaN")
	case math.IsInf(f, 1):
		e.b.WriteString("Infinity")
	case math.IsInf(f, -1):
		e.b.WriteString("-Infinity")
	default:
		s := strconv.FormatFloat(f, 'g', -1, 64)
		if !bytes.ContainsAny([]byte(s), ".e") {
			s += ".0"
		}
		e.b.WriteString(s)
	}
}

func (e *encoder) dict(d *value.Dict, depth int) error {
	if d == nil {
		e.b.WriteString("{}")
		return nil
	}
	plainKeys := true
	for k := range d.All() {
		s, ok := value.AsString(k)
		if !ok || len(s) > 0 && s[0] == tag[0] {
			plainKeys = false
		}
	}
	first := true
	comma := func() {
		if !first {
			e.b.WriteByte(',')
		}
		first = false
	}
	if plainKeys {
		e.b.WriteByte('{')
		for k, v := range d.All() {
			comma()
			s, _ := value.AsString(k)
			e.text(s)
			e.b.WriteByte(':')
			if err := e.value(v, depth+1); err != nil {
				return err
			}
		}
		e.b.WriteByte('}')
		return nil
	}
	e.b.WriteString(`{"\u0001d":[`)
	for k, v := range d.All() {
		comma()
		if err := e.elems([]value.Value{k, v}, depth); err != nil {
			return err
		}
	}
	e.b.WriteString("]}")
	return nil
}

// overlay is a set of variables that lies over those of the task: what Python sends for task_vars.
type overlay struct{ vars *value.Dict }

func (*overlay) TypeName() string { return "dict" }

// decode turns what Python sent into values. With content, texts that hold template marks are templates.
func (s *Scope) decode(p *proc, v value.Value, content bool) (value.Value, error) {
	switch v := v.(type) {
	case value.Str:
		if content && template.IsTemplate(string(v)) {
			return template.Content(v, noPos), nil
		}
	case *value.List:
		for i, e := range v.Elems {
			d, err := s.decode(p, e, content)
			if err != nil {
				return nil, err
			}
			v.Elems[i] = d
		}
	case *value.Dict:
		if v.Len() == 1 {
			for k, e := range v.All() {
				if name, ok := value.AsString(k); ok && len(name) > 1 && name[:1] == tag {
					return s.special(p, name[1:], e, content)
				}
			}
		}
		for k, e := range v.All() {
			switch e.(type) {
			case value.Str, *value.List, *value.Dict:
				d, err := s.decode(p, e, content)
				if err != nil {
					return nil, err
				}
				_ = v.Set(k, d) // the key was hashable before
			}
		}
	}
	return v, nil
}

func (s *Scope) special(p *proc, kind string, v value.Value, content bool) (value.Value, error) {
	switch kind {
	case "b":
		b, err := base64.StdEncoding.DecodeString(plain(v))
		return value.Bytes(b), err
	case "f":
		return value.Str(plain(v)), nil
	case "dt":
		for _, layout := range []string{"2006-01-02T15:04:05.999999", "2006-01-02T15:04:05.999999Z07:00"} {
			if t, err := time.Parse(layout, plain(v)); err == nil {
				if layout[len(layout)-1] == '0' {
					return value.NewZonedDatetime(t), nil
				}
				return value.NewDatetime(t), nil
			}
		}
		return value.Str(plain(v)), nil
	case "dd":
		if t, err := time.Parse("2006-01-02", plain(v)); err == nil {
			return &value.Date{T: t}, nil
		}
		return value.Str(plain(v)), nil
	case "o", "p", "u":
		d, ok := v.(*value.Dict)
		if !ok {
			return value.None, nil
		}
		text := func(name string) string { e, _ := d.GetStr(name); return plain(e) }
		switch kind {
		case "o":
			if o := s.objects.get(number(d, "id")); o != nil {
				return o, nil
			}
			return nil, value.Errorf("AnsibleError", "a value was used after its task was over")
		case "p":
			return &Object{proc: p, id: number(d, "id"), class: text("type"), str: text("str"), repr: text("repr")}, nil
		}
		return &value.Undefined{Kind: template.Undefined, Hint: text("hint"), Name: value.Str(text("name"))}, nil
	}
	v, err := s.decode(p, v, content)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "t":
		if l, ok := v.(*value.List); ok {
			return value.NewTuple(l.Elems...), nil
		}
	case "s":
		set := &value.Set{}
		if l, ok := v.(*value.List); ok {
			for _, e := range l.Elems {
				if err := set.Add(e); err != nil {
					return nil, err
				}
			}
		}
		return set, nil
	case "d":
		out := value.NewDict()
		if l, ok := v.(*value.List); ok {
			for _, e := range l.Elems {
				if kv, ok := e.(*value.List); ok && len(kv.Elems) == 2 {
					if err := out.Set(kv.Elems[0], kv.Elems[1]); err != nil {
						return nil, err
					}
				}
			}
		}
		return out, nil
	case "scope":
		d, _ := v.(*value.Dict)
		return &overlay{d}, nil
	}
	return v, nil
}

func plain(v value.Value) string {
	s, _ := value.AsString(v)
	return s
}

func number(d *value.Dict, name string) int64 {
	v, _ := d.GetStr(name)
	n, _ := v.(value.Int)
	return int64(n)
}

// exception is what Python says of an exception.
func exception(v value.Value) error {
	d, ok := v.(*value.Dict)
	if !ok {
		return errors.New("a plugin failed without a reason")
	}
	text := func(name string) string { e, _ := d.GetStr(name); return plain(e) }
	e := &Error{Class: text("class"), Module: text("module"), Msg: text("msg"), Traceback: text("tb"), File: text("file"), Line: int(number(d, "line"))}
	if l, ok := d.GetStr("mro"); ok {
		if l, ok := l.(*value.List); ok {
			for _, b := range l.Elems {
				e.Bases = append(e.Bases, plain(b))
			}
		}
	}
	if r, ok := d.GetStr("result"); ok {
		if r, err := (&Scope{}).decode(nil, r, false); err == nil {
			e.Result, _ = r.(*value.Dict)
		}
	}
	return e
}
