package inventory

import (
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
)

func TestHostMustBeText(t *testing.T) {
	for text, want := range map[string]string{
		"all:\n  hosts:\n    1234: {}\n":   "Host pattern 1234 must be a string. Enclose integers/floats in quotation marks.",
		"all:\n  hosts:\n    1.5: {}\n":    "Host pattern 1.5 must be a string. Enclose integers/floats in quotation marks.",
		"all:\n  hosts:\n    '1234': {}\n": "",
	} {
		root, err := yamldoc.Load([]byte(text), yamldoc.Options{File: "hosts.yml"})
		if err != nil {
			t.Fatal(err)
		}
		err = New().parseYAML(root)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
