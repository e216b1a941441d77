package value

import (
	"strconv"
	"strings"
	"sync"
)

// Signature is the parameter list of a function that is written in Go but called as if it were Python.
type Signature struct {
	Name   string
	Params []Param
	// Hidden counts leading parameters that the caller fills in itself (the environment): they are no part of Params but
	// are counted in errors.
	Hidden int
}

// Param is one parameter.
type Param struct {
	Name    string
	Default Value // nil: required
	Star    bool  // *args
	DStar   bool  // **kwargs
	KwOnly  bool
	PosOnly bool
}

// ParseSignature reads "do_round(value, precision=0, *, method='common')". Defaults are Python literals.
// A name that begins with "~" is hidden: "do_sort(~environment, value, reverse=False)".
// It panics on text it cannot read, because signatures are written in our own tables.
func ParseSignature(text string) *Signature {
	open := strings.IndexByte(text, '(')
	if open < 0 || !strings.HasSuffix(text, ")") {
		panic("value: bad signature " + strconv.Quote(text))
	}
	s := &Signature{Name: text[:open]}
	kwOnly := false
	for _, p := range splitParams(text[open+1 : len(text)-1]) {
		switch {
		case strings.HasPrefix(p, "~"):
			s.Hidden++
			continue
		case p == "*":
			kwOnly = true
			continue
		case p == "/":
			for i := range s.Params {
				s.Params[i].PosOnly = true
			}
			continue
		case strings.HasPrefix(p, "**"):
			s.Params = append(s.Params, Param{Name: p[2:], DStar: true})
			continue
		case strings.HasPrefix(p, "*"):
			s.Params = append(s.Params, Param{Name: p[1:], Star: true})
			kwOnly = true
			continue
		}
		name, def, has := strings.Cut(p, "=")
		param := Param{Name: name, KwOnly: kwOnly}
		if has {
			v, err := LiteralEval(def)
			if err != nil {
				panic("value: bad default in signature " + strconv.Quote(text))
			}
			param.Default = v
		}
		s.Params = append(s.Params, param)
	}
	return s
}

// signatures are parsed once for each text.
var signatures sync.Map

// SignatureOf is ParseSignature, remembered; nil for an empty text.
func SignatureOf(text string) *Signature {
	if text == "" {
		return nil
	}
	if s, ok := signatures.Load(text); ok {
		return s.(*Signature)
	}
	s, _ := signatures.LoadOrStore(text, ParseSignature(text))
	return s.(*Signature)
}

func splitParams(s string) []string {
	var out []string
	depth, start := 0, 0
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			} else if c == '\\' {
				i++
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == ',' && depth == 0:
			out = append(out, strings.TrimSpace(s[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(s[start:]); last != "" {
		out = append(out, last)
	}
	return out
}

// Bind matches arguments to parameters: one value for each parameter, in order, with a *Tuple for *args and a *Dict for
// **kwargs. A mismatch is the TypeError that CPython 3.11 gives. The result may share args' memory.
func (s *Signature) Bind(args []Value, kw []Kwarg) ([]Value, error) {
	n := len(s.Params)
	if len(kw) == 0 && len(args) == n && n > 0 {
		if last := s.Params[n-1]; !last.Star && !last.DStar && !last.KwOnly && (n < 2 || !s.Params[n-2].Star) {
			return args, nil
		}
	}
	out := make([]Value, n)
	next := 0
	var star *Tuple
	var dstar *Dict
	positional := 0
	for i, p := range s.Params {
		switch {
		case p.Star:
			star = NewTuple()
			if next < len(args) {
				star.Elems = append(star.Elems, args[next:]...)
				next = len(args)
			}
			out[i] = star
		case p.DStar:
			dstar = NewDict()
			out[i] = dstar
		case !p.KwOnly:
			positional++
			if next < len(args) {
				out[i] = args[next]
				next++
			}
		}
	}
	for _, k := range kw {
		found := false
		for i, p := range s.Params {
			if p.Name == k.Name && !p.Star && !p.DStar && !p.PosOnly {
				if out[i] != nil {
					return nil, TypeErrorf("%s() got multiple values for argument '%s'", s.Name, k.Name)
				}
				out[i] = k.Val
				found = true
				break
			}
		}
		if found {
			continue
		}
		if dstar == nil {
			return nil, TypeErrorf("%s() got an unexpected keyword argument '%s'", s.Name, k.Name)
		}
		if _, dup := dstar.GetStr(k.Name); dup {
			return nil, TypeErrorf("%s() got multiple values for keyword argument '%s'", s.Name, k.Name)
		}
		dstar.SetStr(k.Name, k.Val)
	}
	if next < len(args) {
		return nil, s.tooMany(len(args), positional, out)
	}
	var missing, missingKw []string
	for i, p := range s.Params {
		if out[i] != nil {
			continue
		}
		switch {
		case p.Default != nil:
			out[i] = p.Default
		case p.KwOnly:
			missingKw = append(missingKw, p.Name)
		default:
			missing = append(missing, p.Name)
		}
	}
	if len(missing) > 0 {
		return nil, missingError(s.Name, "positional", missing)
	}
	if len(missingKw) > 0 {
		return nil, missingError(s.Name, "keyword-only", missingKw)
	}
	return out, nil
}

func (s *Signature) tooMany(given, positional int, bound []Value) error {
	required, kwOnlyGiven := 0, 0
	for i, p := range s.Params {
		if p.KwOnly && bound[i] != nil {
			kwOnlyGiven++
		}
		if !p.KwOnly && !p.Star && !p.DStar && p.Default == nil {
			required++
		}
	}
	positional += s.Hidden
	required += s.Hidden
	given += s.Hidden
	want := strconv.Itoa(positional)
	plural := positional != 1
	if required != positional {
		want = "from " + strconv.Itoa(required) + " to " + want
		plural = true
	}
	word := " positional argument"
	if plural {
		word += "s"
	}
	verb := " were"
	if given == 1 && kwOnlyGiven == 0 {
		verb = " was"
	}
	extra := ""
	if kwOnlyGiven > 0 {
		extra = " positional argument"
		if given != 1 {
			extra += "s"
		}
		extra += " (and " + strconv.Itoa(kwOnlyGiven) + " keyword-only argument"
		if kwOnlyGiven != 1 {
			extra += "s"
		}
		extra += ")"
	}
	return TypeErrorf("%s() takes %s%s but %d%s%s given", s.Name, want, word, given, extra, verb)
}

func missingError(fn, kind string, names []string) error {
	word := "argument"
	if len(names) > 1 {
		word += "s"
	}
	for i, n := range names {
		names[i] = "'" + n + "'"
	}
	var list string
	switch len(names) {
	case 1:
		list = names[0]
	case 2:
		list = names[0] + " and " + names[1]
	default:
		list = strings.Join(names[:len(names)-1], ", ") + ", and " + names[len(names)-1]
	}
	return TypeErrorf("%s() missing %d required %s %s: %s", fn, len(names), kind, word, list)
}
