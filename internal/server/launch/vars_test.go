package launch_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/server/launch"
)

func TestParseVars(t *testing.T) {
	for text, want := range map[string]string{
		"": "{}", "  \n": "{}", "---": "{}", "null": "{}", "{}": "{}", `{"a": 9007199254740993, "b": 1.5, "c": [1, {"d": 2}]}`: `{"a":9007199254740993,"b":1.5,"c":[1,{"d":2}]}`,
		"a: 9007199254740993\nb: [x, y]\n": `{"a":9007199254740993,"b":["x","y"]}`, "a: {b: true}": `{"a":{"b":true}}`,
	} {
		got, err := launch.ParseVars(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if b, err := json.Marshal(got); string(b) != want || err != nil {
			t.Errorf("%q: %s %v, want %s", text, b, err, want)
		}
	}
	for text, want := range map[string]string{"[1]": "`list` is not a dictionary", "7": "`int` is not a dictionary", "- a": "`list` is not a dictionary", "text": "`str` is not a dictionary", "{": "Expecting value: line 1 column 2 (char 1)", "a: [": "or YAML (error: "} {
		if got, err := launch.ParseVars(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v %v, want %s", text, got, err, want)
		}
	}
}
