package yamldoc_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

// TestLocate plants the word HERE in scalars of every style; the place found must be the word's place in the file.
func TestLocate(t *testing.T) {
	for name, doc := range map[string]string{
		"plain":   "a: some {{ HERE }} text\n",
		"single":  "a: 'some {{ HERE }} text'\n",
		"double":  "a: \"some {{ HERE }} text\"\n",
		"literal": "a: |\n  first {{ x }}\n\n    second {{ HERE }}\n",
		"folded":  "a: >\n  first {{ x }}\n  second {{ HERE }}\n",
		"unicode": "a: 'é日 {{ HERE }}'\n",
		"escapes": "a: \"tab\\t {{ HERE }}\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "f.yml")
			if err := os.WriteFile(file, []byte(doc), 0o600); err != nil {
				t.Fatal(err)
			}
			n, err := yamldoc.Load([]byte(doc), yamldoc.Options{File: file})
			if err != nil {
				t.Fatal(err)
			}
			tpl, ok := n.Get("a").Value().(*value.Template)
			if !ok {
				t.Fatalf("value is %T", n.Get("a").Value())
			}
			got := yamldoc.Locate(tpl.Pos, tpl.Text, strings.Index(tpl.Text, "HERE"))
			lines := strings.Split(doc, "\n")
			if got.Col == 0 || !strings.HasPrefix(string([]rune(lines[got.Line-1])[got.Col-1:]), "HERE") {
				t.Errorf("Locate = %v, which is not HERE", got)
			}
		})
	}
}
