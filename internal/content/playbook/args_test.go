package playbook_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// kv.json holds what ansible-core 2.18 makes of each text, for ordinary and for command-like modules.
func TestParseKV(t *testing.T) {
	data, err := os.ReadFile("testdata/kv.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Input   string
		KV, Raw map[string]string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		for _, raw := range []bool{false, true} {
			want := c.KV
			if raw {
				want = c.Raw
			}
			got := map[string]string{}
			args, free, err := playbook.ParseKV(c.Input, raw, source.Pos{})
			if err != nil {
				got["ERROR"] = err.Error()
			} else {
				for k, v := range args.All() {
					ks, _ := value.AsString(k)
					got[ks], _ = value.AsString(v)
				}
				if free != nil {
					got["_raw_params"], _ = value.AsString(free)
				}
			}
			g, _ := json.Marshal(got)
			w, _ := json.Marshal(want)
			if string(g) != string(w) {
				t.Errorf("%q raw=%v:\n got %s\nwant %s", c.Input, raw, g, w)
			}
		}
	}
}

func FuzzParseKV(f *testing.F) {
	for _, s := range []string{"a=1 b='x y'", "echo {{ x | d('a b') }} c=d", "a=\"b\\\"c\"", "ls \\\n -l", "{% if x %}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, _, _ = playbook.ParseKV(text, false, source.Pos{})
		_, _, _ = playbook.ParseKV(text, true, source.Pos{})
	})
}
