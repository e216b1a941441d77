// Package corpus runs recorded template cases through the engine and scores the answers. A case is a template with
// variables and what ansible-core 2.18 made of it; testdata holds the cases, one gzip-compressed file of JSON lines for each
// area.
//
// Called by its own test, which guards the number of cases that pass, and by test/corpus/cmd, which writes result files for
// outside judges.
package corpus

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/value"
)

// Decode reads a value in the corpus's typed JSON encoding, already parsed as JSON. Text that holds a template marker
// becomes a *value.Template when content is true; hook handles the tags that need the engine ($hostvars, $self, $vault).
func Decode(v value.Value, content bool, hook func(tag string, v value.Value) (value.Value, error)) (value.Value, error) {
	switch x := v.(type) {
	case value.Str:
		if content && IsTemplate(string(x)) {
			return value.NewTemplate(string(x), source0), nil
		}
		return x, nil
	case *value.List:
		out := &value.List{Elems: make([]value.Value, len(x.Elems))}
		for i, e := range x.Elems {
			d, err := Decode(e, content, hook)
			if err != nil {
				return nil, err
			}
			out.Elems[i] = d
		}
		return out, nil
	case *value.Dict:
		if x.Len() == 1 {
			for k, e := range x.All() {
				tag, _ := value.AsString(k)
				if strings.HasPrefix(tag, "$") {
					return decodeTag(tag, e, content, hook)
				}
			}
		}
		out := value.NewDict()
		for k, e := range x.All() {
			d, err := Decode(e, content, hook)
			if err != nil {
				return nil, err
			}
			if err := out.Set(k, d); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

func decodeTag(tag string, e value.Value, content bool, hook func(string, value.Value) (value.Value, error)) (value.Value, error) {
	elems := func() ([]value.Value, error) {
		d, err := Decode(e, content, hook)
		if err != nil {
			return nil, err
		}
		return d.(*value.List).Elems, nil
	}
	text, _ := value.AsString(e)
	switch tag {
	case "$unsafe":
		return Decode(e, false, hook)
	case "$tuple":
		es, err := elems()
		return value.NewTuple(es...), err
	case "$set":
		es, err := elems()
		if err != nil {
			return nil, err
		}
		return value.SetOf(es...)
	case "$dict":
		es, err := elems()
		if err != nil {
			return nil, err
		}
		d := value.NewDict()
		for _, p := range es {
			kv := p.(*value.List).Elems
			if err := d.Set(kv[0], kv[1]); err != nil {
				return nil, err
			}
		}
		return d, nil
	case "$float":
		f, err := strconv.ParseFloat(text, 64)
		return value.Float(f), err
	case "$bytes":
		b, err := base64.StdEncoding.DecodeString(text)
		return value.Bytes(b), err
	case "$datetime":
		for _, layout := range []string{"2006-01-02T15:04:05.999999", "2006-01-02T15:04:05.999999-07:00", "2006-01-02 15:04:05.999999"} {
			if t, err := time.Parse(layout, text); err == nil {
				if strings.Contains(layout, "-07:00") {
					return value.NewZonedDatetime(t), nil
				}
				return value.NewDatetime(t), nil
			}
		}
		return nil, fmt.Errorf("bad datetime %q", text)
	case "$date":
		t, err := time.Parse("2006-01-02", text)
		return value.NewDate(t), err
	}
	if hook != nil {
		return hook(tag, e)
	}
	return nil, fmt.Errorf("unknown tag %s", tag)
}

// Encode writes a value in the corpus's encoding, as a JSON-like Value.
func Encode(v value.Value) (value.Value, error) {
	tag := func(name string, x value.Value) value.Value { return value.DictOf("$"+name, x) }
	list := func(es []value.Value) (value.Value, error) {
		out := &value.List{Elems: make([]value.Value, len(es))}
		for i, e := range es {
			x, err := Encode(e)
			if err != nil {
				return nil, err
			}
			out.Elems[i] = x
		}
		return out, nil
	}
	switch x := v.(type) {
	case value.NoneType, value.Bool, value.Int, *value.BigInt:
		return v, nil
	case value.Float:
		return tag("float", value.Str(value.FloatRepr(float64(x)))), nil
	case value.Complex:
		s, _ := value.Repr(x)
		return tag("complex", value.Str(s)), nil
	case value.Bytes:
		return tag("bytes", value.Str(base64.StdEncoding.EncodeToString([]byte(x)))), nil
	case *value.List:
		return list(x.Elems)
	case *value.Tuple:
		l, err := list(x.Elems)
		return tag("tuple", l), err
	case *value.Set:
		l, err := list(x.Elems())
		return tag("set", l), err
	case *value.Undefined:
		return tag("undefined", value.Str(x.Message())), nil
	case *value.Datetime:
		return tag("datetime", value.Str(x.Isoformat("T"))), nil
	case *value.Date:
		s, _ := x.Str()
		return tag("date", value.Str(s)), nil
	case *value.Time:
		s, _ := x.Str()
		return tag("time", value.Str(s)), nil
	case *value.Timedelta:
		return tag("timedelta", value.Float(x.D.Seconds())), nil
	case *value.Dict:
		plain := true
		for k := range x.All() {
			s, ok := value.AsString(k)
			if !ok || strings.HasPrefix(s, "$") {
				plain = false
			}
		}
		if plain {
			out := value.NewDict()
			for k, e := range x.All() {
				enc, err := Encode(e)
				if err != nil {
					return nil, err
				}
				s, _ := value.AsString(k)
				out.SetStr(s, enc)
			}
			return out, nil
		}
		var pairs []value.Value
		for k, e := range x.All() {
			pairs = append(pairs, value.NewList(k, e))
		}
		l, err := list(pairs)
		return tag("dict", l), err
	}
	if s, ok := value.AsString(v); ok {
		return value.Str(s), nil
	}
	s, err := value.Repr(v)
	if err != nil {
		return nil, err
	}
	return tag("object", value.Str(v.TypeName()+" "+s)), nil
}

// Same is the corpus's equality between encoded values. unordered compares lists and text as bags.
func Same(a, b value.Value, unordered bool) bool {
	ta, xa := tagOf(a)
	tb, xb := tagOf(b)
	if ta != "" || tb != "" {
		if ta != tb {
			return false
		}
		switch ta {
		case "$undefined":
			return true
		case "$float", "$timedelta":
			return sameFloat(xa, xb)
		case "$set", "$dict":
			return bag(xa, xb, unordered)
		case "$tuple":
			return Same(xa, xb, unordered)
		}
		eq, err := value.Equal(xa, xb)
		return err == nil && eq
	}
	switch x := a.(type) {
	case *value.List:
		y, ok := b.(*value.List)
		if !ok || len(x.Elems) != len(y.Elems) {
			return false
		}
		if unordered {
			return bag(x, y, unordered)
		}
		for i := range x.Elems {
			if !Same(x.Elems[i], y.Elems[i], unordered) {
				return false
			}
		}
		return true
	case *value.Dict:
		y, ok := b.(*value.Dict)
		if !ok || x.Len() != y.Len() {
			return false
		}
		for k, v := range x.All() {
			w, ok, _ := y.Get(k)
			if !ok || !Same(v, w, unordered) {
				return false
			}
		}
		return true
	case value.Str:
		y, ok := b.(value.Str)
		return ok && (x == y || unordered && sortedText(string(x)) == sortedText(string(y)))
	case *value.BigInt:
		y, ok := b.(*value.BigInt)
		return ok && x.Num.Cmp(y.Num) == 0
	}
	return a == b
}

func sortedText(s string) string {
	n := map[rune]int{}
	for _, r := range s {
		n[r]++
	}
	return fmt.Sprint(n)
}

func tagOf(v value.Value) (string, value.Value) {
	d, ok := v.(*value.Dict)
	if !ok || d.Len() != 1 {
		return "", nil
	}
	for k, x := range d.All() {
		s, _ := value.AsString(k)
		switch s {
		case "$float", "$tuple", "$set", "$dict", "$datetime", "$date", "$time", "$timedelta", "$bytes", "$complex", "$decimal", "$undefined":
			return s, x
		}
	}
	return "", nil
}

func number(v value.Value) float64 {
	if s, ok := value.AsString(v); ok {
		f, _ := strconv.ParseFloat(s, 64)
		return f
	}
	if n, ok := value.ToBigInt(v); ok {
		f, _ := new(big.Float).SetInt(n).Float64()
		return f
	}
	f, _ := value.ToFloat(v)
	return f
}

func sameFloat(a, b value.Value) bool {
	x, y := number(a), number(b)
	if x != x || y != y {
		return x != x && y != y
	}
	if x == y {
		return value.FloatRepr(x) == value.FloatRepr(y)
	}
	d, m := x-y, max(x, -x, y, -y)
	return max(d, -d) <= 1e-12*m
}

func bag(a, b value.Value, unordered bool) bool {
	x, ok1 := a.(*value.List)
	y, ok2 := b.(*value.List)
	if !ok1 || !ok2 || len(x.Elems) != len(y.Elems) {
		return false
	}
	rest := append([]value.Value(nil), y.Elems...)
next:
	for _, e := range x.Elems {
		for i, f := range rest {
			if Same(e, f, unordered) {
				rest = append(rest[:i], rest[i+1:]...)
				continue next
			}
		}
		return false
	}
	return true
}
