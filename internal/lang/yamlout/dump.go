package yamlout

import (
	"encoding/base64"
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/value"
)

// Options are the keyword arguments of yaml.dump.
type Options struct {
	Indent        int    // 2 to 9; everything else means 2
	Width         int    // 0: 80; negative: no limit
	FlowStyle     Flow   // default_flow_style
	Style         string // default_style: "", "'", "\"", "|" or ">"
	Literal       bool   // text of several lines in literal style
	Unsorted      bool   // sort_keys=False
	Unicode       bool   // allow_unicode
	ExplicitStart bool
	ExplicitEnd   bool
	LineBreak     string // "\n" when empty
}

// Flow is default_flow_style.
type Flow uint8

// The flow styles. Inner puts collections of plain scalars on one line.
const (
	Inner Flow = iota
	Block
	Always
)

type kind uint8

const (
	scalar kind = iota
	sequence
	mapping
)

type style uint8

const (
	plain style = iota + 1
	single
	double
	literal
	folded
)

type node struct {
	kind           kind
	text           string
	style          style // 0: any
	tag            string
	plainImplicit  bool
	quotedImplicit bool
	flow           bool
	items          []*node // keys and values in turn for mappings
	anchor         string
	alias          bool
	target         *node
}

// simple reports whether the node can stand before a colon without a question mark.
func (n *node) simple() bool {
	length := len(n.anchor)
	switch {
	case n.alias:
		length = len(n.target.anchor)
	case n.kind == scalar:
		if strings.ContainsAny(n.text, "\r\n\u0085\u2028\u2029") {
			return false
		}
		length += len(n.tag) + len(n.text)
	case len(n.items) > 0:
		return false
	}
	return length <= 128
}

// Dump writes v as one document. Undefined values raise; values that YAML does not know give a RepresenterError.
func Dump(v value.Value, o Options) (string, error) {
	if o.LineBreak == "" {
		o.LineBreak = "\n"
	}
	r := &representer{o: o, seen: map[value.Value]*node{}}
	root, err := r.node(v, 0)
	if err != nil {
		return "", err
	}
	count := 0
	root.name(&count)
	e := &emitter{o: o, bestIndent: o.Indent, bestWidth: o.Width, indent: -1, whitespace: true, indention: true}
	if e.bestIndent < 2 || e.bestIndent > 9 {
		e.bestIndent = 2
	}
	if e.bestWidth >= 0 && e.bestWidth <= e.bestIndent*2 {
		e.bestWidth = 80
	}
	if e.bestWidth < 0 {
		e.bestWidth = math.MaxInt
	}
	if o.ExplicitStart {
		e.indicator("---", true, false, false)
	}
	e.node(root, false, false)
	e.writeIndent()
	if o.ExplicitEnd || e.openEnded {
		e.indicator("...", true, false, false)
		e.writeIndent()
	}
	return e.b.String(), nil
}

// representer turns values into nodes. Objects that occur twice are written once and referred to.
type representer struct {
	o    Options
	seen map[value.Value]*node
}

func (r *representer) shared(v value.Value) (*node, bool) {
	n, ok := r.seen[v]
	if !ok {
		return nil, false
	}
	n.anchor = "named later"
	return &node{alias: true, target: n}, true
}

var styles = map[string]style{"'": single, `"`: double, "|": literal, ">": folded}

func (r *representer) scalar(text, tag string, st style) *node {
	n := &node{kind: scalar, text: text, style: st}
	if st == 0 {
		n.style = styles[r.o.Style]
		if r.o.Literal && tag == "str" && strings.ContainsAny(text, "\n\r\u0085\u2028\u2029") {
			n.style = literal
		}
	}
	n.plainImplicit = resolve(text) == tag
	n.quotedImplicit = tag == "str"
	if !n.plainImplicit && !n.quotedImplicit {
		n.tag = tag
		if !strings.HasPrefix(tag, "!") {
			n.tag = "!!" + tag
		}
	}
	return n
}

// cannot is PyYAML's RepresenterError.
func cannot(v value.Value) error {
	s, err := value.Repr(v)
	if err != nil {
		return err
	}
	return value.Errorf("RepresenterError", "('cannot represent an object', %s)", s)
}

func (r *representer) node(v value.Value, depth int) (*node, error) {
	if depth > 300 {
		return nil, value.Errorf("RecursionError", "maximum recursion depth exceeded")
	}
	switch x := v.(type) {
	case *value.Undefined:
		return nil, x.Err()
	case *value.Encrypted:
		cipher := x.Cipher
		return &node{kind: scalar, text: cipher, style: literal, tag: "!vault"}, nil
	case value.Lazy:
		f, err := x.Force()
		if err != nil {
			return nil, err
		}
		return r.node(f, depth+1)
	case value.NoneType:
		return r.scalar("null", "null", 0), nil
	case value.Bool:
		if x {
			return r.scalar("true", "bool", 0), nil
		}
		return r.scalar("false", "bool", 0), nil
	case value.Int, *value.BigInt:
		s, err := value.ToStr(v)
		return r.scalar(s, "int", 0), err
	case value.Float:
		return r.scalar(float(float64(x)), "float", 0), nil
	case value.Bytes:
		enc := base64.StdEncoding.EncodeToString([]byte(x))
		var b strings.Builder
		for len(enc) > 76 {
			b.WriteString(enc[:76] + "\n")
			enc = enc[76:]
		}
		if enc != "" {
			b.WriteString(enc + "\n")
		}
		n := r.scalar(b.String(), "binary", literal)
		return n, nil
	}
	if s, ok := value.AsString(v); ok {
		return r.scalar(s, "str", 0), nil
	}
	switch v.(type) {
	case *value.List, *value.Tuple, *value.Dict, *value.Set, *value.Datetime, *value.Date, value.Mapping:
		if t, ok := v.(*value.Tuple); ok && len(t.Elems) == 0 {
			break
		}
		if n, ok := r.shared(v); ok {
			return n, nil
		}
	}
	n := &node{}
	r.seen[v] = n
	switch x := v.(type) {
	case *value.Datetime:
		*n = *r.scalar(x.Isoformat(" "), "timestamp", 0)
	case *value.Date:
		s, _ := x.Str()
		*n = *r.scalar(s, "timestamp", 0)
	case *value.List:
		return n, r.sequence(n, x.Elems, depth)
	case *value.Tuple:
		return n, r.sequence(n, x.Elems, depth)
	case *value.Set:
		d := value.NewDict()
		for _, e := range x.Elems() {
			_ = d.Set(e, value.None)
		}
		n.tag = "!!set"
		return n, r.mapping(n, d, depth)
	case *value.Dict:
		return n, r.mapping(n, x, depth)
	case value.Mapping:
		d, err := value.ToDict(v)
		if err != nil {
			return nil, err
		}
		return n, r.mapping(n, d, depth)
	default:
		return nil, cannot(v)
	}
	return n, nil
}

func (r *representer) flow(n *node, plainOnly bool) {
	switch r.o.FlowStyle {
	case Inner:
		n.flow = plainOnly
	case Always:
		n.flow = true
	}
}

func isPlain(n *node) bool {
	return !n.alias && n.kind == scalar && n.style == 0 || n.alias && n.target.kind == scalar
}

func (r *representer) sequence(n *node, elems []value.Value, depth int) error {
	n.kind = sequence
	best := true
	for _, e := range elems {
		c, err := r.node(e, depth+1)
		if err != nil {
			return err
		}
		best = best && isPlain(c)
		n.items = append(n.items, c)
	}
	r.flow(n, best)
	return nil
}

func (r *representer) mapping(n *node, d *value.Dict, depth int) error {
	n.kind = mapping
	keys := d.Keys()
	if !r.o.Unsorted {
		sorted := append([]value.Value(nil), keys...)
		if value.SortBy(sorted, nil, false) == nil {
			keys = sorted
		}
	}
	best := true
	for _, k := range keys {
		v, _, _ := d.Get(k)
		kn, err := r.node(k, depth+1)
		if err != nil {
			return err
		}
		vn, err := r.node(v, depth+1)
		if err != nil {
			return err
		}
		best = best && isPlain(kn) && isPlain(vn)
		n.items = append(n.items, kn, vn)
	}
	r.flow(n, best)
	return nil
}

// name gives the anchors their names, in the order in which they are written.
func (n *node) name(count *int) {
	if n.alias {
		return
	}
	if n.anchor != "" {
		*count++
		n.anchor = fmt.Sprintf("id%03d", *count)
	}
	for _, c := range n.items {
		c.name(count)
	}
}

func float(f float64) string {
	switch {
	case math.IsNaN(f):
		return ".nan"
	case math.IsInf(f, 1):
		return ".inf"
	case math.IsInf(f, -1):
		return "-.inf"
	}
	s := value.FloatRepr(f)
	if !strings.Contains(s, ".") {
		s = strings.Replace(s, "e", ".0e", 1)
	}
	return s
}

var resolvers = []struct {
	tag   string
	first string
	re    *regexp.Regexp
}{
	{"bool", "yYnNtTfFoO", regexp.MustCompile(`^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$`)},
	{"float", "-+0123456789.", regexp.MustCompile(`^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)},
	{"int", "-+0123456789", regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`)},
	{"merge", "<", regexp.MustCompile(`^(?:<<)$`)},
	{"null", "~nN", regexp.MustCompile(`^(?:~|null|Null|NULL|)$`)},
	{"timestamp", "0123456789", regexp.MustCompile(`^(?:[0-9]{4}-[0-9][0-9]-[0-9][0-9]|[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?(?:[Tt]|[ \t]+)[0-9][0-9]?:[0-9][0-9]:[0-9][0-9](?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9][0-9])?))?)$`)},
	{"value", "=", regexp.MustCompile(`^(?:=)$`)},
	{"yaml", "!&*", regexp.MustCompile(`^(?:!|&|\*)$`)},
}

// resolve is the type that YAML 1.1 gives plain text.
func resolve(s string) string {
	if s == "" {
		return "null"
	}
	r, _ := utf8.DecodeRuneInString(s)
	if r >= utf8.RuneSelf {
		return "str"
	}
	for _, x := range resolvers {
		if strings.IndexByte(x.first, s[0]) >= 0 && x.re.MatchString(s) {
			return x.tag
		}
	}
	return "str"
}
