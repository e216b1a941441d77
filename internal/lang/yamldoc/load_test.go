package yamldoc_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

// errors.json holds what ansible-core 2.18 says about each input, with the file's path replaced by FILE.
func TestLoadErrors(t *testing.T) {
	data, err := os.ReadFile("testdata/errors.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Name, Input, Error string }
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x.yml")
			if err := os.WriteFile(file, []byte(c.Input), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := yamldoc.Load([]byte(c.Input), yamldoc.Options{File: file})
			d, ok := diag.As(err)
			if !ok {
				t.Fatalf("no diagnostic: %v", err)
			}
			if got := strings.ReplaceAll(d.Classic, file, "FILE"); got != c.Error {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.Error)
			}
			if d.Exit != diag.ExitParse {
				t.Errorf("exit %d", d.Exit)
			}
		})
	}
}

// tree spells a node the way values.json does: [type, [line, col] or null, content].
func tree(n *yamldoc.Node, v value.Value) any {
	pos := []any{float64(n.Pos.Line), float64(n.Pos.Col)}
	switch v := v.(type) {
	case *value.Dict:
		pairs := []any{}
		for _, p := range n.Pairs {
			pairs = append(pairs, []any{tree(p.Key, p.Key.Value()), tree(p.Value, p.Value.Value())})
		}
		return []any{"dict", pos, pairs}
	case *value.List:
		items := []any{}
		for i, k := range n.Items {
			items = append(items, tree(k, v.Elems[i]))
		}
		return []any{"list", pos, items}
	case *value.Tuple:
		return []any{"tuple", nil, []any{tree(n.Pairs[0].Key, v.Elems[0]), tree(n.Pairs[0].Value, v.Elems[1])}}
	case value.Str:
		return []any{"str", pos, string(v)}
	case *value.Template:
		return []any{"str", pos, v.Text}
	case value.Bool:
		return []any{"bool", nil, strings.Title(strconv.FormatBool(bool(v)))}
	case value.NoneType:
		return []any{"NoneType", nil, "None"}
	case value.Int:
		return []any{"int", nil, strconv.FormatInt(int64(v), 10)}
	case *value.BigInt:
		return []any{"int", nil, v.Num.String()}
	case value.Float:
		return []any{"float", nil, strconv.FormatFloat(float64(v), 'g', -1, 64)}
	case value.Bytes:
		return []any{"bytes", nil, "b'" + string(v) + "'"}
	}
	return []any{v.TypeName(), nil, ""}
}

// same compares trees; floats by value, because Python and Go spell them differently, and positions only where Python has them.
func same(got, want any) string {
	g, ok1 := got.([]any)
	w, ok2 := want.([]any)
	if !ok1 || !ok2 || len(g) != len(w) {
		return fmt.Sprintf("got %v, want %v", got, want)
	}
	if len(w) == 3 {
		if kind, ok := w[0].(string); ok {
			if kind == "date" || kind == "datetime" {
				return ""
			}
			if g[0] != kind {
				return fmt.Sprintf("got %v, want %v", got, want)
			}
			if w[1] != nil && fmt.Sprint(g[1]) != fmt.Sprint(w[1]) {
				return fmt.Sprintf("position of %v: got %v, want %v", w[2], g[1], w[1])
			}
			if kind == "float" {
				a, _ := strconv.ParseFloat(strings.TrimPrefix(g[2].(string), "+"), 64)
				b, _ := strconv.ParseFloat(w[2].(string), 64)
				if a != b && !(a != a && b != b) {
					return fmt.Sprintf("got %v, want %v", got, want)
				}
				return ""
			}
			if text, ok := w[2].(string); ok {
				if g[2] != text {
					return fmt.Sprintf("got %q, want %q", g[2], text)
				}
				return ""
			}
			return same(g[2], w[2])
		}
	}
	for i := range w {
		if s := same(g[i], w[i]); s != "" {
			return s
		}
	}
	return ""
}

// values.json holds what ansible-core 2.18 loads from each input: types, values, positions and warnings.
func TestLoadValues(t *testing.T) {
	data, err := os.ReadFile("testdata/values.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Input string
		Tree        any
		Warnings    []string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			var warnings []string
			n, err := yamldoc.Load([]byte(c.Input), yamldoc.Options{File: "FILE", Warn: func(d *diag.Diagnostic) {
				warnings = append(warnings, d.Classic)
			}})
			if err != nil {
				t.Fatal(err)
			}
			if s := same(tree(n, n.Value()), c.Tree); s != "" {
				t.Error(s)
			}
			if fmt.Sprintf("%q", warnings) != fmt.Sprintf("%q", c.Warnings) {
				t.Errorf("warnings: got %q, want %q", warnings, c.Warnings)
			}
		})
	}
}
