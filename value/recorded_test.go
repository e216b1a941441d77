package value_test

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/value"
)

// TestRecorded compares literals, JSON, floats and powers with what CPython 3.11 answered.
func TestRecorded(t *testing.T) {
	f, err := os.Open("testdata/recorded.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	n := 0
	for sc.Scan() {
		v, err := value.ParseJSON(sc.Text())
		if err != nil {
			t.Fatal(err)
		}
		d := v.(*value.Dict)
		get := func(k string) string {
			x, _ := d.GetStr(k)
			s, _ := value.AsString(x)
			return s
		}
		n++
		fails, _ := d.GetStr("e")
		got, gotErr := answer(t, get("k"), get("s"), d)
		switch {
		case fails == value.None:
			if gotErr != nil || got != get("r") {
				t.Errorf("%s %q = %q, %v; Python says %q", get("k"), get("s"), got, gotErr, get("r"))
			}
		case gotErr == nil:
			t.Errorf("%s %q = %q; Python fails", get("k"), get("s"), got)
		default:
			if want := get("e"); want != "" && gotErr.Error() != want {
				t.Errorf("%s %q: error %q; Python says %q", get("k"), get("s"), gotErr, want)
			}
		}
	}
	if n < 100 {
		t.Fatalf("only %d records were read", n)
	}
}

func answer(t *testing.T, kind, s string, d *value.Dict) (string, error) {
	switch kind {
	case "lit":
		v, err := value.LiteralEval(s)
		if err != nil {
			return "", err
		}
		return value.Repr(v)
	case "json":
		v, err := value.ParseJSON(s)
		if err != nil {
			return "", err
		}
		o := value.JSONOptions{ASCII: true}
		kw, _ := d.GetStr("kw")
		for k := range kw.(*value.Dict).All() {
			switch name, _ := value.AsString(k); name {
			case "indent":
				o.Pretty, o.Indent = true, "  "
			case "sort_keys":
				o.SortKeys = true
			case "ensure_ascii":
				o.ASCII = false
			case "separators":
				o.ItemSep, o.KeySep = ",", ":"
			}
		}
		return value.JSON(v, o)
	case "float":
		f, err := strconv.ParseFloat(s, 64)
		return value.FloatRepr(f), err
	case "pow":
		a, b, _ := strings.Cut(s, " ")
		x, _ := strconv.ParseFloat(a, 64)
		y, _ := strconv.ParseFloat(b, 64)
		return value.FloatRepr(value.PowFloat(x, y)), nil
	}
	t.Fatalf("unknown kind %q", kind)
	return "", nil
}
