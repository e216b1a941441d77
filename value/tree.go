package value

// MapLeaves copies lists and dicts, down to what is neither, which leaf replaces. A nil leaf leaves it: a deep copy.
func MapLeaves(v Value, leaf func(Value) Value) Value {
	switch v := v.(type) {
	case *List:
		out := make([]Value, len(v.Elems))
		for i, e := range v.Elems {
			out[i] = MapLeaves(e, leaf)
		}
		return NewList(out...)
	case *Dict:
		out := NewDict()
		if v == nil {
			return out
		}
		for k, e := range v.All() {
			_ = out.Set(k, MapLeaves(e, leaf)) // the key was hashable before
		}
		return out
	}
	if leaf == nil {
		return v
	}
	return leaf(v)
}
