package hosts

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/value"
)

// table is a table that waits to be written, with its name.
type table struct {
	name string
	dict *value.Dict
}

// tomlText writes a document as Python's toml library lays it out: tables of one depth before the next deeper ones.
func tomlText(doc *value.Dict) (string, error) {
	var b strings.Builder
	own, level, err := pairs(doc, "")
	if err != nil {
		return "", err
	}
	b.WriteString(own)
	for len(level) > 0 {
		var next []table
		for _, t := range level {
			own, below, err := pairs(t.dict, t.name+".")
			if err != nil {
				return "", err
			}
			if own != "" || len(below) == 0 {
				if s := b.String(); s != "" && !strings.HasSuffix(s, "\n\n") {
					b.WriteString("\n")
				}
				b.WriteString("[" + t.name + "]\n" + own)
			}
			next = append(next, below...)
		}
		level = next
	}
	return b.String(), nil
}

// pairs are a table's own lines, and the tables in it.
func pairs(d *value.Dict, prefix string) (own string, below []table, err error) {
	var b strings.Builder
	for k, v := range d.All() {
		name, err := value.ToStr(k)
		if err != nil {
			return "", nil, err
		}
		key := tomlKey(name)
		if sub, ok := v.(*value.Dict); ok {
			below = append(below, table{prefix + key, sub})
			continue
		}
		if v == value.None {
			continue
		}
		text, err := tomlValue(v)
		if err != nil {
			return "", nil, err
		}
		b.WriteString(key + " = " + text + "\n")
	}
	return b.String(), below, nil
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

func tomlKey(name string) string {
	if bareKey.MatchString(name) {
		return name
	}
	return strconv.Quote(name)
}

func tomlValue(v value.Value) (string, error) {
	switch t := v.(type) {
	case value.Bool:
		return fmt.Sprint(bool(t)), nil
	case *value.List:
		var b strings.Builder
		b.WriteString("[")
		for _, e := range t.Elems {
			s, err := tomlValue(e)
			if err != nil {
				return "", err
			}
			b.WriteString(" " + s + ",")
		}
		return b.String() + "]", nil
	case *value.Dict:
		var parts []string
		for k, e := range t.All() {
			name, err := value.ToStr(k)
			if err != nil {
				return "", err
			}
			s, err := tomlValue(e)
			if err != nil {
				return "", err
			}
			parts = append(parts, tomlKey(name)+" = "+s)
		}
		return "{ " + strings.Join(parts, ", ") + " }", nil
	case value.Int, value.Float:
		return value.ToStr(t)
	}
	if _, number := v.(interface{ Sign() int }); number {
		return value.ToStr(v)
	}
	plain, err := jsonDefault(v)
	if s, ok := value.AsString(v); ok {
		plain, err = value.Str(s), nil
	}
	if err != nil {
		return "", err
	}
	s, err := value.ToStr(plain)
	if err != nil {
		return "", err
	}
	return value.JSON(value.Str(s), value.JSONOptions{})
}
