// Package yamldoc reads YAML the way Ansible reads it: YAML 1.1 with PyYAML's scalars, `!vault` and `!unsafe`,
// JSON first, one document per file, the last of duplicate keys wins. Every node and key knows its place.
//
// The loaders of playbooks, inventories and variables call it, and so do from_yaml and the lookups that read YAML.
package yamldoc

import (
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// Kind is the shape of a node.
type Kind uint8

const (
	Scalar Kind = iota
	Sequence
	Mapping
)

// Style is how a scalar was written.
type Style uint8

const (
	Plain Style = iota
	SingleQuoted
	DoubleQuoted
	Literal
	Folded
)

// Node is one value of a document. Aliases are replaced by the node they name, so one Node may hang in several
// places. Nodes are not changed after loading.
type Node struct {
	Kind  Kind
	Style Style
	Pos   source.Pos // first character of the node; for block mappings, of the first key
	Text  string     // scalars: the text after unquoting and folding
	Tag   string     // explicit tag as written, "" when there is none

	Items []*Node // Sequence
	Pairs []Pair  // Mapping, in order, merge keys resolved, duplicates removed

	val  value.Value
	json bool // read by the JSON reader
}

// PyType is the name of the node's Python class as Ansible's messages show it: "ansible.parsing.yaml.objects.AnsibleMapping"
// for a YAML mapping, "dict" for a JSON object, "int" …
func (n *Node) PyType() string {
	name := n.Value().TypeName()
	if n == nil || n.json {
		return name
	}
	switch name {
	case "dict":
		return "ansible.parsing.yaml.objects.AnsibleMapping"
	case "list":
		return "ansible.parsing.yaml.objects.AnsibleSequence"
	case "str":
		return "ansible.parsing.yaml.objects.AnsibleUnicode"
	}
	return name
}

// Pair is one entry of a mapping.
type Pair struct {
	Key, Value *Node
}

// Name is the key as text.
func (p Pair) Name() string { return p.Key.Text }

// Get returns the value of a mapping's key, or nil.
func (n *Node) Get(key string) *Node {
	if p := n.Pair(key); p != nil {
		return p.Value
	}
	return nil
}

// Pair returns the entry of a mapping's key, or nil.
func (n *Node) Pair(key string) *Pair {
	if n == nil || n.Kind != Mapping {
		return nil
	}
	for i := range n.Pairs {
		if n.Pairs[i].Key.Text == key {
			return &n.Pairs[i]
		}
	}
	return nil
}

// IsNull reports whether n is absent or YAML's null.
func (n *Node) IsNull() bool { return n == nil || n.Kind == Scalar && n.val == value.None }

// Value is the node as a value: *value.Template for text with template markers, *value.Encrypted for `!vault`,
// else plain data. Repeated calls give the same value, so aliases stay one object.
func (n *Node) Value() value.Value {
	if n == nil {
		return value.None
	}
	return n.val
}

// Entries is Pairs, and nil for a nil node: for optional mappings.
func (n *Node) Entries() []Pair {
	if n == nil {
		return nil
	}
	return n.Pairs
}

// At is the node's place, the zero Pos for a nil node.
func (n *Node) At() source.Pos {
	if n == nil {
		return source.Pos{}
	}
	return n.Pos
}
