package yamldoc_test

import (
	"testing"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
)

// No input may panic or hang, and every error has a message.
func FuzzLoad(f *testing.F) {
	for _, s := range []string{
		"a: 1\n", "- [a, {b: c}]\n", "a: &x [1]\nb: *x\n", "{\"a\": [1, \"\\u00e9\"]}", "a: !vault |\n  x\n", "a: |\n  b\n c\n",
		"? a\n: b\n", "a: {{ x }}\n", "<<: {a: 1}\nb: 2\n", "a: &a [*a]\n", "--- a\n--- b\n", "%YAML 1.1\n---\n", "a: 12:30:45\nb: 2001-01-01\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := yamldoc.Load(data, yamldoc.Options{File: "/no/such/file"})
		if err == nil {
			_ = n.Value()
			return
		}
		if d, ok := diag.As(err); ok && d.Summary == "" {
			t.Errorf("an error without a message: %+v", d)
		}
	})
}
