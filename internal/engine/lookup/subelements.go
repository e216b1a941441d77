package lookup

import (
	"strings"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/value"
)

// subelements gives (record, element) for the elements of a list inside every record; the record comes without that list.
func subelements(c *Call) ([]value.Value, error) {
	wrong := func(msg string) error {
		return errorf("subelements lookup expects a list of two or three items, %s", msg)
	}
	if len(c.Terms) < 2 || len(c.Terms) > 3 {
		return nil, wrong("")
	}
	path, ok := value.AsString(c.Terms[1])
	if !ok {
		return nil, wrong("first a dict or a list, second a string pointing to the subkey")
	}
	var records []value.Value
	switch t := c.Terms[0].(type) {
	case *value.List:
		records = t.Elems
	case *value.Dict:
		if skipped, ok := t.GetStr("skipped"); ok && skipped != value.False {
			return nil, nil
		}
		for _, v := range t.All() {
			if _, ok := v.(*value.Dict); !ok {
				shown, _ := value.ToStr(v)
				return nil, errorf("subelements lookup expects a dictionary, got '%s'", shown)
			}
			records = append(records, v)
		}
	default:
		records = []value.Value{t}
	}
	skipMissing := false
	if len(c.Terms) == 3 {
		flags, ok := c.Terms[2].(*value.Dict)
		if !ok {
			return nil, wrong("the optional third item must be a dict with flags ('skip_missing',)")
		}
		v, _ := flags.GetStr("skip_missing")
		skipMissing = v != nil && config.Truth(v)
	}
	if v, ok := c.given("skip_missing"); ok {
		skipMissing = config.Truth(v)
	}
	keys := strings.Split(path, ".")
	var out []value.Value
	for _, r := range records {
		record, ok := r.(*value.Dict)
		if !ok {
			shown, _ := value.ToStr(r)
			return nil, errorf("subelements lookup expects a dictionary, got '%s'", shown)
		}
		if skipped, ok := record.GetStr("skipped"); ok && skipped != value.False {
			continue
		}
		without, found, err := take(record, keys, skipMissing)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			out = append(out, value.NewTuple(without, e))
		}
	}
	return out, nil
}

// take returns the list at the end of keys and a copy of the record without it.
func take(record *value.Dict, keys []string, skipMissing bool) (*value.Dict, []value.Value, error) {
	shown := func(v value.Value) string { s, _ := value.ToStr(v); return s }
	sub, ok := record.GetStr(keys[0])
	if !ok {
		if skipMissing {
			return record, nil, nil
		}
		return nil, nil, errorf("could not find '%s' key in iterated item '%s'", keys[0], shown(record))
	}
	without := record.Copy()
	if len(keys) > 1 {
		inner, ok := sub.(*value.Dict)
		if !ok {
			if skipMissing {
				return record, nil, nil
			}
			return nil, nil, errorf("the key %s should point to a dictionary, got '%s'", keys[0], shown(sub))
		}
		rest, found, err := take(inner, keys[1:], skipMissing)
		if err != nil {
			return nil, nil, err
		}
		without.SetStr(keys[0], rest)
		return without, found, nil
	}
	elems, ok := sub.(*value.List)
	if !ok {
		return nil, nil, errorf("the key %s should point to a list, got '%s'", keys[0], shown(sub))
	}
	without.DeleteStr(keys[0])
	return without, elems.Elems, nil
}
