package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// Duplicates says what to do about a key that a mapping has twice (setting DUPLICATE_YAML_DICT_KEY).
type Duplicates uint8

const (
	DuplicatesWarn Duplicates = iota
	DuplicatesError
	DuplicatesIgnore
)

// Options say how to read a text. The zero Options read content: text with template markers becomes templates.
type Options struct {
	File       string // name for positions; "" for text without a file
	Duplicates Duplicates
	Warn       func(*diag.Diagnostic)                        // may be nil
	Open       func(cipher string) (plain string, err error) // opens `!vault` values; nil without secrets
	Data       bool                                          // the text is data: nothing in it is a template
	Safe       bool                                          // PyYAML's own tags only: no `!vault`, no `!unsafe`
	Hidden     bool                                          // the text came out of a vault: no excerpts of it in messages
}

func (o *Options) opener() func(cipher string) (string, error) {
	if o.Open != nil {
		return o.Open
	}
	return func(string) (string, error) {
		return "", value.Errorf("AnsibleVaultError", "Attempting to decrypt but no vault secrets found")
	}
}

// Load reads content as Ansible does: as JSON when it is JSON, else as YAML. An empty document gives a null node.
// Errors are *diag.Diagnostic with Ansible's text in Classic and ExitParse.
func Load(data []byte, o Options) (*Node, error) {
	n, jsonErr := parseJSON(data, &o)
	if jsonErr == nil {
		return n, nil
	}
	n, err := LoadYAML(data, o)
	if err == nil {
		return n, nil
	}
	var syntax *SyntaxError
	if !errors.As(err, &syntax) {
		return nil, err
	}
	return nil, syntax.diagnostic(jsonErr.Error(), data, &o)
}

// LoadYAML reads one YAML document, without trying JSON. Malformed text gives a *SyntaxError.
func LoadYAML(data []byte, o Options) (*Node, error) {
	docs, err := loadAll(data, &o, true)
	if err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return &Node{Pos: source.Pos{File: o.File, Line: 1, Col: 1}, val: value.None}, nil
	}
	return docs[0], nil
}

// LoadAllYAML reads every document of a stream.
func LoadAllYAML(data []byte, o Options) ([]*Node, error) { return loadAll(data, &o, false) }

func loadAll(data []byte, o *Options, single bool) ([]*Node, error) {
	if i := badByte(data); i >= 0 {
		return nil, readerError(data, i)
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data), yaml.WithUniqueKeys(false))
	if err != nil {
		return nil, err
	}
	var docs []*Node
	var first yaml.Node
	for {
		var root yaml.Node
		err := loader.Load(&root)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, fromLibrary(err, o.File)
		}
		if single && len(docs) == 1 {
			return nil, manyDocuments(data, &first, o.File)
		}
		c := converter{o: o, seen: map[*yaml.Node]*Node{}}
		if err := c.anchors(&root); err != nil {
			return nil, err
		}
		top := &root
		if root.Kind == yaml.DocumentNode {
			if len(root.Content) == 0 {
				continue
			}
			top = root.Content[0]
		}
		n, err := c.convert(top, o.Data)
		if err != nil {
			return nil, err
		}
		docs, first = append(docs, n), *top
	}
}

// manyDocuments is the error for a second document; its place is the second "---".
func manyDocuments(data []byte, first *yaml.Node, file string) error {
	line := 0
	for i, l := range strings.Split(string(data), "\n") {
		if i >= first.Line && (l == "---" || strings.HasPrefix(l, "--- ")) {
			line = i + 1
			break
		}
	}
	return &SyntaxError{
		Context: "expected a single document in the stream", ContextMark: source.Pos{File: file, Line: first.Line, Col: first.Column},
		Problem: "but found another document", Mark: source.Pos{File: file, Line: max(line, 1), Col: 1},
	}
}

type converter struct {
	o    *Options
	seen map[*yaml.Node]*Node // aliased nodes, nil while one is being made
}

// anchors refuses an anchor that is defined twice, as libyaml's composer does.
func (c *converter) anchors(root *yaml.Node) error {
	names := map[string]source.Pos{}
	var walk func(n *yaml.Node) error
	walk = func(n *yaml.Node) error {
		if n.Anchor != "" && n.Kind != yaml.AliasNode {
			if at, ok := names[n.Anchor]; ok {
				return &SyntaxError{Context: "found duplicate anchor; first occurrence", ContextMark: at, Problem: "second occurrence", Mark: c.pos(n)}
			}
			names[n.Anchor] = c.pos(n)
		}
		for _, k := range n.Content {
			if err := walk(k); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(root)
}

func (c *converter) pos(n *yaml.Node) source.Pos {
	return source.Pos{File: c.o.File, Line: n.Line, Col: n.Column}
}

func (c *converter) convert(n *yaml.Node, data bool) (*Node, error) {
	if n.Kind == yaml.AliasNode {
		if done, ok := c.seen[n.Alias]; ok {
			if done == nil {
				return nil, &SyntaxError{Problem: fmt.Sprintf("the alias '%s' contains itself", n.Value), Mark: c.pos(n)}
			}
			return done, nil
		}
		n = n.Alias
	}
	if n.Anchor == "" {
		return c.make(n, data)
	}
	if done, ok := c.seen[n]; ok && done != nil {
		return done, nil
	}
	c.seen[n] = nil
	out, err := c.make(n, data)
	c.seen[n] = out
	return out, err
}

const yamlTag = "tag:yaml.org,2002:"

func (c *converter) make(n *yaml.Node, data bool) (*Node, error) {
	out := &Node{Pos: c.pos(n)}
	if n.Style&yaml.TaggedStyle != 0 {
		out.Tag = n.LongTag()
	}
	if out.Tag == "!unsafe" {
		if c.o.Safe {
			return nil, c.unknownTag(out, out.Tag)
		}
		data = true
	}
	switch n.Kind {
	case yaml.SequenceNode:
		return out, c.sequence(n, out, data)
	case yaml.MappingNode:
		return out, c.mapping(n, out, data)
	}
	return out, c.scalar(n, out, data)
}

func (c *converter) unknownTag(out *Node, tag string) error {
	return &SyntaxError{Problem: fmt.Sprintf("could not determine a constructor for the tag '%s'", tag), Mark: out.Pos}
}

func (c *converter) scalar(n *yaml.Node, out *Node, data bool) error {
	out.Text = n.Value
	switch {
	case n.Style&yaml.SingleQuotedStyle != 0:
		out.Style = SingleQuoted
	case n.Style&yaml.DoubleQuotedStyle != 0:
		out.Style = DoubleQuoted
	case n.Style&yaml.LiteralStyle != 0:
		out.Style = Literal
	case n.Style&yaml.FoldedStyle != 0:
		out.Style = Folded
	}
	invalid := func(what string) error { return &SyntaxError{Problem: what, Mark: out.Pos, raw: true} }
	switch out.Tag {
	case "":
		if out.Style != Plain {
			break
		}
		if n.Value == "=" {
			return c.unknownTag(out, yamlTag+"value")
		}
		v, problem := Plainly(n.Value)
		if problem != "" {
			return invalid(problem)
		}
		if _, isText := v.(value.Str); !isText {
			out.val = v
			return nil
		}
	case "!", yamlTag + "str", "!unsafe":
	case "!vault", "!vault-encrypted":
		if c.o.Safe {
			return c.unknownTag(out, out.Tag)
		}
		out.val = &value.Encrypted{Cipher: n.Value, Pos: out.Pos, Open: c.o.opener()}
		return nil
	case yamlTag + "null":
		out.val = value.None
		return nil
	case yamlTag + "bool":
		v, ok := words[strings.ToLower(n.Value)].(value.Bool)
		if !ok {
			return invalid(fmt.Sprintf("'%s'", strings.ToLower(n.Value)))
		}
		out.val = v
		return nil
	case yamlTag + "int":
		v, ok := parseInt(n.Value)
		if !ok {
			return invalid(fmt.Sprintf("invalid literal for int() with base 10: '%s'", n.Value))
		}
		out.val = v
		return nil
	case yamlTag + "float":
		v, ok := parseFloat(n.Value)
		if !ok {
			return invalid(fmt.Sprintf("could not convert string to float: '%s'", n.Value))
		}
		out.val = v
		return nil
	case yamlTag + "binary":
		v, ok := decodeBinary(n.Value)
		if !ok {
			return &SyntaxError{Problem: "failed to decode base64 data: Incorrect padding", Mark: out.Pos}
		}
		out.val = v
		return nil
	case yamlTag + "timestamp":
		v, problem := parseDate(n.Value)
		if problem != "" {
			return invalid(problem)
		}
		out.val = v
		return nil
	case yamlTag + "seq", yamlTag + "map", yamlTag + "set", yamlTag + "omap", yamlTag + "pairs":
		want := "sequence"
		if out.Tag == yamlTag+"map" || out.Tag == yamlTag+"set" {
			want = "mapping"
		}
		return &SyntaxError{Problem: "expected a " + want + " node, but found scalar", Mark: out.Pos}
	default:
		return c.unknownTag(out, out.Tag)
	}
	if !data && IsTemplate(n.Value) {
		out.val = value.NewTemplate(n.Value, out.Pos)
	} else {
		out.val = value.Str(n.Value)
	}
	return nil
}

func (c *converter) sequence(n *yaml.Node, out *Node, data bool) error {
	out.Kind = Sequence
	switch out.Tag {
	case "", "!", "!unsafe", yamlTag + "seq", yamlTag + "omap", yamlTag + "pairs":
	case yamlTag + "str", yamlTag + "int", yamlTag + "float", yamlTag + "bool", yamlTag + "null", "!vault", "!vault-encrypted":
		return &SyntaxError{Problem: "expected a scalar node, but found sequence", Mark: out.Pos}
	default:
		return c.unknownTag(out, out.Tag)
	}
	list := &value.List{Elems: make([]value.Value, 0, len(n.Content))}
	out.val = list
	out.Items = make([]*Node, 0, len(n.Content))
	for _, k := range n.Content {
		item, err := c.convert(k, data)
		if err != nil {
			return err
		}
		out.Items = append(out.Items, item)
		if (out.Tag == yamlTag+"omap" || out.Tag == yamlTag+"pairs") && item.Kind == Mapping && len(item.Pairs) == 1 {
			list.Elems = append(list.Elems, value.NewTuple(item.Pairs[0].Key.val, item.Pairs[0].Value.val))
			continue
		}
		list.Elems = append(list.Elems, item.val)
	}
	return nil
}

func (c *converter) mapping(n *yaml.Node, out *Node, data bool) error {
	out.Kind = Mapping
	switch out.Tag {
	case "", "!", "!unsafe", yamlTag + "map", yamlTag + "set":
	case yamlTag + "str", yamlTag + "int", yamlTag + "float", yamlTag + "bool", yamlTag + "null", "!vault", "!vault-encrypted":
		return &SyntaxError{Problem: "expected a scalar node, but found mapping", Mark: out.Pos}
	default:
		return c.unknownTag(out, out.Tag)
	}
	dict := value.NewDict()
	out.val = dict
	entries, err := c.flatten(n, 0)
	if err != nil {
		return err
	}
	// All keys come before any value, as in PyYAML: the warnings of the outer mapping are first.
	out.Pairs = make([]Pair, 0, len(entries)/2)
	places := make([]int, len(entries)/2) // entry → index in Pairs
	for i := range places {               // until the values come, the dict holds where in Pairs a key is
		key, err := c.key(entries[2*i], out)
		if err != nil {
			return err
		}
		at, known, err := dict.Get(key.val)
		if err != nil {
			return err
		}
		if !known {
			places[i] = len(out.Pairs)
			out.Pairs = append(out.Pairs, Pair{Key: key})
			if err := dict.Set(key.val, value.Int(places[i])); err != nil {
				return err
			}
			continue
		}
		places[i] = int(at.(value.Int))
		if err := c.duplicate(out, key); err != nil {
			return err
		}
	}
	for i, at := range places {
		val, err := c.convert(entries[2*i+1], data)
		if err != nil {
			return err
		}
		out.Pairs[at].Value = val
	}
	for _, p := range out.Pairs {
		if err := dict.Set(p.Key.val, p.Value.val); err != nil {
			return err
		}
	}
	if out.Tag == yamlTag+"set" {
		out.val = setValue(dict)
	}
	return nil
}

// key converts a key node. Keys are data: Ansible never renders them on its own.
func (c *converter) key(n *yaml.Node, in *Node) (*Node, error) {
	if n.Kind == yaml.ScalarNode && n.Style == 0 && (n.Value == "=" || n.Value == "<<") {
		return &Node{Pos: c.pos(n), Text: n.Value, val: value.Str(n.Value)}, nil
	}
	// A key's own content is read later than the key, so the outermost one that cannot be a key is the one reported.
	unhashable := map[yaml.Kind]string{yaml.MappingNode: "AnsibleMapping", yaml.SequenceNode: "AnsibleSequence"}[behind(n).Kind]
	if tag := behind(n).Tag; tag == "!vault" || tag == "!vault-encrypted" {
		unhashable = "AnsibleVaultEncryptedUnicode"
	}
	if unhashable != "" {
		problem := "found unhashable key"
		if !c.o.Safe {
			problem = fmt.Sprintf("found unacceptable key (unhashable type: '%s')", unhashable)
		}
		return nil, &SyntaxError{
			Context: "while constructing a mapping", ContextMark: in.Pos, Problem: problem, Mark: c.pos(behind(n)),
			unhashable: true,
		}
	}
	return c.convert(n, true)
}

// duplicate acts on a key that its mapping already has.
func (c *converter) duplicate(in, key *Node) error {
	if c.o.Duplicates == DuplicatesIgnore {
		return nil
	}
	text := fmt.Sprintf("While constructing a mapping from %s, line %d, column %d, found a duplicate dict key (%s).",
		c.fileName(), in.Pos.Line, in.Pos.Col, keyText(key))
	if c.o.Duplicates == DuplicatesError {
		return &SyntaxError{Context: "while constructing a mapping", ContextMark: in.Pos, Problem: text, Mark: key.Pos, duplicate: true}
	}
	if c.o.Warn != nil {
		d := &diag.Diagnostic{
			Code: diag.DuplicateKey, Severity: diag.Warning,
			Summary: fmt.Sprintf("the key %q is given twice", keyText(key)),
			Classic: text + " Using last defined value only.",
		}
		c.o.Warn(d.At(key.Pos, utf8.RuneCountInString(key.Text), "this one counts"))
	}
	return nil
}

func (c *converter) fileName() string {
	if c.o.File == "" {
		return "<unicode string>"
	}
	return c.o.File
}

func keyText(key *Node) string {
	switch v := key.val.(type) {
	case value.Bool:
		if v {
			return "True"
		}
		return "False"
	case value.NoneType:
		return "None"
	}
	return key.Text
}

// flatten resolves merge keys: the merged entries come first, so that the mapping's own override them. It returns keys and
// values in turn.
func (c *converter) flatten(n *yaml.Node, depth int) (entries []*yaml.Node, err error) {
	hasMerge := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		if isMerge(n.Content[i]) {
			hasMerge = true
			break
		}
	}
	if !hasMerge {
		return n.Content, nil
	}
	if depth > 100 {
		return nil, &SyntaxError{Problem: "merge keys are nested too deeply", Mark: c.pos(n)}
	}
	fail := func(what string, at *yaml.Node) error {
		found := "scalar"
		if at.Kind == yaml.SequenceNode {
			found = "sequence"
		}
		return &SyntaxError{
			Context: "while constructing a mapping", ContextMark: c.pos(n),
			Problem: fmt.Sprintf("expected a mapping%s for merging, but found %s", what, found), Mark: c.pos(at),
		}
	}
	var own []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !isMerge(n.Content[i]) {
			own = append(own, n.Content[i], n.Content[i+1])
			continue
		}
		from := behind(n.Content[i+1])
		switch from.Kind {
		case yaml.MappingNode:
			sub, err := c.flatten(from, depth+1)
			if err != nil {
				return nil, err
			}
			entries = append(entries, sub...)
		case yaml.SequenceNode:
			var parts [][]*yaml.Node
			for _, k := range from.Content {
				m := behind(k)
				if m.Kind != yaml.MappingNode {
					return nil, fail("", m)
				}
				sub, err := c.flatten(m, depth+1)
				if err != nil {
					return nil, err
				}
				parts = append(parts, sub)
			}
			for j := len(parts) - 1; j >= 0; j-- {
				entries = append(entries, parts[j]...)
			}
		default:
			return nil, fail(" or list of mappings", from)
		}
	}
	return append(entries, own...), nil
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && key.Style&^yaml.TaggedStyle == 0 && (key.Style&yaml.TaggedStyle == 0 || key.Tag == "!!merge")
}

func behind(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// badByte finds the first byte that no YAML stream may hold: broken UTF-8 or a control character. It returns -1 for none.
func badByte(data []byte) int {
	for i := 0; i < len(data); {
		c := data[i]
		if c >= 0x20 && c < 0x7f || c == '\n' || c == '\t' || c == '\r' {
			i++
			continue
		}
		if c < 0x80 {
			return i
		}
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		if r < 0xa0 && r != 0x85 || r == 0xfffe || r == 0xffff {
			return i
		}
		i += n
	}
	return -1
}
