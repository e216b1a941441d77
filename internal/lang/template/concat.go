package template

import (
	"strings"

	"github.com/troupe-automation/troupe/value"
)

// unroll turns iterators, ranges and views into lists, as Ansible does with what {{ }} prints.
func unroll(v value.Value) (value.Value, error) {
	switch v := v.(type) {
	case value.Str, value.Int, value.Bool, value.Float, *value.List, *value.Dict, *value.Tuple:
		return v, nil
	case value.Lazy:
		f, err := v.Force()
		if err != nil {
			return nil, err
		}
		return unroll(f)
	}
	switch v.(type) {
	case *value.Iter, *value.View, *value.Range:
		elems, err := value.Collect(v)
		if err != nil {
			return nil, err
		}
		return value.NewList(elems...), nil
	}
	return v, nil
}

// failUndefined raises the first Undefined inside a container.
func failUndefined(v value.Value) error {
	switch v := v.(type) {
	case *value.Undefined:
		if v.Kind != value.Lenient {
			return v.Err()
		}
	case *value.List:
		return failFirst(v.Elems)
	case *value.Tuple:
		return failFirst(v.Elems)
	case *value.Dict:
		for _, e := range v.All() {
			if err := failUndefined(e); err != nil {
				return err
			}
		}
	}
	return nil
}

func failFirst(elems []value.Value) error {
	for _, e := range elems {
		if err := failUndefined(e); err != nil {
			return err
		}
	}
	return nil
}

// finalize is applied to what each {{ }} gives (template-semantics §2.5).
func finalize(v value.Value) (value.Value, error) {
	v, err := finalizeNative(v)
	if v == value.None {
		return value.Str(""), err
	}
	return v, err
}

func finalizeNative(v value.Value) (value.Value, error) {
	v, err := unroll(v)
	if err != nil {
		return nil, err
	}
	if err := failUndefined(v); err != nil {
		return nil, err
	}
	return v, nil
}

// jsonNames are JSON's spellings, which count as literals too.
var jsonNames = map[string]value.Value{"true": value.True, "false": value.False, "null": value.None}

// concatText joins output nodes by the rules of jinja2_native=false: text that looks like a list, a dict or a bool
// becomes one (template-semantics §2.6).
func concatText(nodes []value.Value) (value.Value, error) {
	if len(nodes) == 0 {
		return value.Str(""), nil
	}
	var text string
	if len(nodes) == 1 {
		if n, ok := nodes[0].(value.NativeText); ok {
			return n, nil
		}
		s, err := nodeText(nodes[0])
		if err != nil {
			return nil, err
		}
		text = s
	} else {
		s, err := join(nodes)
		if err != nil {
			return nil, err
		}
		text = s
	}
	if strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[") || text == "True" || text == "False" {
		if v, err := value.LiteralEvalNames(text, jsonNames); err == nil {
			return v, nil
		}
	}
	return value.Str(text), nil
}

// concatNative joins output nodes by the rules of jinja2_native=true (template-semantics §2.7).
func concatNative(nodes []value.Value) (value.Value, error) {
	if len(nodes) == 0 {
		return value.None, nil
	}
	var text string
	if len(nodes) == 1 {
		switch n := nodes[0].(type) {
		case value.NativeText:
			return n, nil
		case *value.Encrypted:
			return openVault(n)
		case value.Str:
			text = string(n)
		case value.Markup:
			text = string(n)
		default:
			return n, nil
		}
	} else {
		s, err := join(nodes)
		if err != nil {
			return nil, err
		}
		text = s
	}
	if strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t") {
		return value.Str(text), nil // Python's parser stumbles over the indent
	}
	v, err := value.LiteralEval(text)
	if err != nil {
		return value.Str(text), nil //nolint:nilerr // text that is no literal stays text
	}
	if s, ok := v.(value.Str); ok {
		return value.Str(text[:1]) + s + value.Str(text[:1]), nil
	}
	return v, nil
}

// concatPlain joins output nodes to text and nothing else.
func concatPlain(nodes []value.Value) (value.Value, error) {
	s, err := join(nodes)
	return value.Str(s), err
}

func join(nodes []value.Value) (string, error) {
	var b strings.Builder
	for _, n := range nodes {
		s, err := nodeText(n)
		if err != nil {
			return "", err
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// nodeText is a node as text; bytes are decoded rather than printed.
func nodeText(n value.Value) (string, error) {
	if b, ok := n.(value.Bytes); ok {
		return string(b), nil
	}
	return value.ToStr(n)
}
