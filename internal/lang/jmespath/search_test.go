package jmespath

import (
	"os"
	"testing"

	"github.com/troupe-automation/troupe/value"
)

// TestRecorded compares with what the Python library jmespath 1.0.1 answered.
func TestRecorded(t *testing.T) {
	b, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	v, err := value.ParseJSON(string(b))
	if err != nil {
		t.Fatal(err)
	}
	doc, _ := v.(*value.Dict).GetStr("doc")
	cases, _ := v.(*value.Dict).GetStr("cases")
	for _, c := range cases.(*value.List).Elems {
		get := func(k string) (string, bool) {
			x, _ := c.(*value.Dict).GetStr(k)
			return value.AsString(x)
		}
		expr, _ := get("e")
		t.Run(expr, func(t *testing.T) {
			got := ""
			e, err := Compile(expr)
			if err == nil {
				var r value.Value
				if r, err = e.Search(doc); err == nil {
					got, err = value.JSON(r, value.JSONOptions{ASCII: true})
				}
			}
			if want, ok := get("r"); ok {
				if err != nil || got != want {
					t.Errorf("= %s, %v; want %s", got, err, want)
				}
			} else if want, _ := get("err"); err == nil {
				t.Errorf("= %s; want the error %q", got, want)
			} else if err.Error() != want {
				t.Errorf("error %q; the library says %q", err, want)
			}
		})
	}
}
