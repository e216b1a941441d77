package diag_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/source"
)

// trailers.json holds what ansible-core 2.18 appends to a message about a place in each text.
func TestTrailer(t *testing.T) {
	data, err := os.ReadFile("testdata/trailers.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Input     string
		Line, Col int
		Want      string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "p.yml")
	for _, c := range cases {
		if err := os.WriteFile(file, []byte(c.Input), 0o600); err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(diag.Trailer(source.Pos{File: file, Line: c.Line, Col: c.Col}), file, "FILE")
		if got != c.Want {
			t.Errorf("%q %d:%d:\n got %q\nwant %q", c.Input, c.Line, c.Col, got, c.Want)
		}
	}
	if got := diag.Trailer(source.Pos{File: "/no/such/file", Line: 1, Col: 1}); !strings.HasSuffix(got, "\n\n(could not open file to display line)") {
		t.Errorf("missing file: %q", got)
	}
}

func TestEveryCodeHasAPage(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, v := range spec.Values {
			lit, ok := v.(*ast.BasicLit)
			if !ok {
				continue
			}
			code := strings.Trim(lit.Value, `"`)
			if other, twice := seen[code]; twice {
				t.Errorf("%s is both %s and %s", code, other, spec.Names[i].Name)
			}
			seen[code] = spec.Names[i].Name
			p, ok := diag.PageOf(diag.Code(code))
			if !ok || p.Title == "" || p.Cause == "" || p.Example == "" || p.Fix == "" {
				t.Errorf("%s (%s) has no complete page", code, spec.Names[i].Name)
			}
		}
		return true
	})
	if len(seen) < 50 || len(diag.Codes()) != len(seen) {
		t.Errorf("%d codes, %d pages", len(seen), len(diag.Codes()))
	}
}

func TestErrors(t *testing.T) {
	a := (&diag.Diagnostic{Code: diag.Undefined, Summary: "`x` is not defined", Exit: diag.ExitFailed}).At(source.Pos{File: "a.yml", Line: 3, Col: 5}, 1, "")
	b := &diag.Diagnostic{Summary: "second"}
	list := diag.List{a, b}
	if got := a.Error(); got != "a.yml:3:5: error[TRP-E0412]: `x` is not defined" {
		t.Error(got)
	}
	wrapped := fmt.Errorf("while loading: %w", list)
	if d, ok := diag.As(wrapped); !ok || d != a {
		t.Error("the first of a wrapped list is not found")
	}
	if n := len(diag.All(wrapped)); n != 2 {
		t.Errorf("All gives %d", n)
	}
	if diag.ExitOf(wrapped) != diag.ExitFailed || diag.ExitOf(errors.New("x")) != diag.ExitError || diag.ExitOf(nil) != 0 {
		t.Error("exit status")
	}
	if diag.List(nil).Err() != nil {
		t.Error("an empty list is an error")
	}
}

func TestExcerpt(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(file, []byte("one\r\ntwo\nthree\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, first := diag.Excerpt(source.Pos{File: file, Line: 2}, 5, 5)
	if first != 1 || strings.Join(lines, ",") != "one,two,three" {
		t.Errorf("%d %q", first, lines)
	}
	if lines, _ := diag.Excerpt(source.Pos{File: file, Line: 9}, 1, 1); lines != nil {
		t.Errorf("a line that is not there: %q", lines)
	}
	secret := filepath.Join(t.TempDir(), "v")
	if err := os.WriteFile(secret, []byte("$ANSIBLE_VAULT;1.1;AES256\n31\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if lines, _ := diag.Excerpt(source.Pos{File: secret, Line: 1}, 1, 1); lines != nil {
		t.Errorf("an encrypted file is shown: %q", lines)
	}
}
