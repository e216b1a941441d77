package yamlout

import (
	"bufio"
	"testing"

	"github.com/troupe-automation/troupe/test/recorded"
	"github.com/troupe-automation/troupe/value"
)

// TestRecorded compares with what PyYAML 6.0 on libyaml 0.2.5 wrote.
func TestRecorded(t *testing.T) {
	sc := bufio.NewScanner(recorded.Open(t, "testdata/recorded.jsonl.gz"))
	sc.Buffer(nil, 1<<20)
	n, bad := 0, 0
	for sc.Scan() {
		v, err := value.ParseJSON(sc.Text())
		if err != nil {
			t.Fatal(err)
		}
		d := v.(*value.Dict)
		lit, _ := d.GetStr("v")
		text, _ := value.AsString(lit)
		want, _ := d.GetStr("r")
		wantText, _ := value.AsString(want)
		kw, _ := d.GetStr("kw")
		data, err := value.LiteralEval(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		n++
		got, err := Dump(data, options(kw.(*value.Dict)))
		if err != nil || got != wantText {
			if bad++; bad <= 20 {
				k, _ := value.Repr(kw)
				t.Errorf("%s %s\n got  %q %v\n want %q", text, k, got, err, wantText)
			}
		}
	}
	if bad > 0 {
		t.Errorf("%d of %d differ", bad, n)
	}
	if n < 2000 {
		t.Fatalf("only %d records were read", n)
	}
}

func options(kw *value.Dict) Options {
	o := Options{Unicode: true}
	for k, v := range kw.All() {
		name, _ := value.AsString(k)
		on, _ := value.Truth(v)
		num, _ := value.Index(v)
		switch name {
		case "indent":
			o.Indent = int(num)
		case "width":
			o.Width = int(num)
		case "default_flow_style":
			o.FlowStyle = Block
			if on {
				o.FlowStyle = Always
			}
		case "default_style":
			o.Style, _ = value.AsString(v)
		case "sort_keys":
			o.Unsorted = !on
		case "explicit_start":
			o.ExplicitStart = on
		case "explicit_end":
			o.ExplicitEnd = on
		}
	}
	return o
}
