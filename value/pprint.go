package value

import (
	"strings"
	"unicode/utf8"
)

// Pformat is pprint.pformat(v) with dicts sorted by key and lines of at most width columns.
func Pformat(v Value, width int) (string, error) {
	p := &prettyPrinter{width: width}
	err := p.format(v, 0, 0, 0)
	return p.b.String(), err
}

type prettyPrinter struct {
	b     strings.Builder
	width int
}

func (p *prettyPrinter) format(v Value, indent, allowance, level int) error {
	if level > maxNesting {
		return Errorf("RecursionError", "maximum recursion depth exceeded")
	}
	v, err := Norm(v)
	if err != nil {
		return err
	}
	flat, err := Repr(sorted(v, 0))
	if err != nil {
		return err
	}
	if utf8.RuneCountInString(flat) <= p.width-indent-allowance {
		p.b.WriteString(flat)
		return nil
	}
	switch x := v.(type) {
	case *Dict:
		if x.Len() == 0 {
			break
		}
		p.b.WriteByte('{')
		keys := sortedKeys(x)
		for i, k := range keys {
			if i > 0 {
				p.b.WriteString(",\n" + strings.Repeat(" ", indent+1))
			}
			rep, err := Repr(k)
			if err != nil {
				return err
			}
			p.b.WriteString(rep + ": ")
			val, _, _ := x.Get(k)
			allow := 1
			if i == len(keys)-1 {
				allow = allowance + 1
			}
			if err := p.format(val, indent+1+utf8.RuneCountInString(rep)+2, allow, level+1); err != nil {
				return err
			}
		}
		p.b.WriteByte('}')
		return nil
	case *List:
		return p.elems(x.Elems, "[", "]", indent, allowance, level)
	case *Tuple:
		end := ")"
		if len(x.Elems) == 1 {
			end = ",)"
		}
		return p.elems(x.Elems, "(", end, indent, allowance, level)
	case *Set:
		return p.elems(sortedElems(x.Elems()), "{", "}", indent, allowance, level)
	case Str:
		return p.text(string(x), indent, allowance, level)
	}
	p.b.WriteString(flat)
	return nil
}

func (p *prettyPrinter) elems(es []Value, open, end string, indent, allowance, level int) error {
	p.b.WriteString(open)
	for i, e := range es {
		if i > 0 {
			p.b.WriteString(",\n" + strings.Repeat(" ", indent+1))
		}
		allow := 1
		if i == len(es)-1 {
			allow = allowance + len(end)
		}
		if err := p.format(e, indent+1, allow, level+1); err != nil {
			return err
		}
	}
	p.b.WriteString(end)
	return nil
}

// text breaks a long str at line ends and blanks into adjacent literals.
func (p *prettyPrinter) text(s string, indent, allowance, level int) error {
	var chunks []string
	lines := SplitLines(s, true)
	if level == 0 {
		indent++
		allowance++
	}
	maxWidth := p.width - indent
	first := maxWidth
	for i, line := range lines {
		rep, _ := Repr(Str(line))
		if i == len(lines)-1 {
			maxWidth = first - allowance
		}
		if utf8.RuneCountInString(rep) <= maxWidth {
			chunks = append(chunks, rep)
			continue
		}
		parts := wordsOf(line)
		limit := first
		cur := ""
		for j, part := range parts {
			cand := cur + part
			if j == len(parts)-1 && i == len(lines)-1 {
				limit -= allowance
			}
			r, _ := Repr(Str(cand))
			if utf8.RuneCountInString(r) > limit {
				if cur != "" {
					r, _ := Repr(Str(cur))
					chunks = append(chunks, r)
				}
				cur = part
			} else {
				cur = cand
			}
		}
		if cur != "" {
			r, _ := Repr(Str(cur))
			chunks = append(chunks, r)
		}
	}
	if len(chunks) == 1 {
		p.b.WriteString(chunks[0])
		return nil
	}
	if level == 0 {
		p.b.WriteByte('(')
	}
	p.b.WriteString(strings.Join(chunks, "\n"+strings.Repeat(" ", indent)))
	if level == 0 {
		p.b.WriteByte(')')
	}
	return nil
}

// wordsOf splits into runs of non-blanks with the blanks after them.
func wordsOf(s string) []string {
	var out []string
	for i := 0; i < len(s); {
		j := i
		for j < len(s) {
			r, n := utf8.DecodeRuneInString(s[j:])
			if pySpace(r) {
				break
			}
			j += n
		}
		for j < len(s) {
			r, n := utf8.DecodeRuneInString(s[j:])
			if !pySpace(r) {
				break
			}
			j += n
		}
		out = append(out, s[i:j])
		i = j
	}
	return out
}

// sortedKeys orders keys as pprint does: by value where they have an order, else by type name.
func sortedKeys(d *Dict) []Value { return sortedElems(d.Keys()) }

func sortedElems(es []Value) []Value {
	out := append([]Value(nil), es...)
	for i := 1; i < len(out); i++ {
		if _, err := Less(out[i], out[i-1]); err != nil {
			safeSort(out)
			return out
		}
	}
	if SortBy(out, nil, false) != nil {
		safeSort(out)
	}
	return out
}

func safeSort(es []Value) {
	_ = SortBy(es, func(v Value) (Value, error) {
		t := v.TypeName()
		s, _ := ToStr(v)
		return NewTuple(Str(t), Str(s)), nil
	}, false)
}

// sorted is v with the dicts and sets in it in pprint's order.
func sorted(v Value, depth int) Value {
	if depth > maxNesting {
		return v
	}
	switch x := v.(type) {
	case *Dict:
		d := NewDict()
		for _, k := range sortedKeys(x) {
			e, _, _ := x.Get(k)
			_ = d.Set(k, sorted(e, depth+1))
		}
		return d
	case *List:
		l := &List{}
		for _, e := range x.Elems {
			l.Elems = append(l.Elems, sorted(e, depth+1))
		}
		return l
	case *Tuple:
		t := &Tuple{Kind: x.Kind}
		for _, e := range x.Elems {
			t.Elems = append(t.Elems, sorted(e, depth+1))
		}
		return t
	case *Set:
		s, err := SetOf(sortedElems(x.Elems())...)
		if err != nil {
			return v
		}
		return s
	}
	return v
}
