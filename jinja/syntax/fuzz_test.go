package syntax

import (
	"encoding/json"
	"testing"

	"github.com/troupe-automation/troupe/test/recorded"
)

// templates are the templates that package builtins' tests compare with Jinja2: the corpus of the fuzz targets.
func templates(f *testing.F) []string {
	var out []string
	for dec := json.NewDecoder(recorded.Open(f, "../builtins/testdata/recorded.jsonl.gz")); dec.More(); {
		var c struct{ T string }
		if err := dec.Decode(&c); err != nil {
			f.Fatal(err)
		}
		out = append(out, c.T)
	}
	if len(out) < 4000 {
		f.Fatalf("%d templates", len(out))
	}
	return out
}

// FuzzLex cuts any text into tokens: they come in the order of the text, and it ends.
func FuzzLex(f *testing.F) {
	for _, s := range templates(f) {
		f.Add(s, "", "")
	}
	f.Add("# for x in y:\na\n## c\n# endfor", "#", "##")
	f.Fuzz(func(t *testing.T, src, line, comment string) {
		if len(src) > 4000 {
			return
		}
		cfg := DefaultConfig()
		cfg.LineStatement, cfg.LineComment = line, comment
		src = normalize(src, true)
		l, at := newLexer(&cfg, src), 0
		for range 3*len(src) + 10 {
			tok, err := l.next()
			if err != nil {
				if err.Offset < 0 || err.Offset > len(src) {
					t.Errorf("error at %d of %d bytes: %v", err.Offset, len(src), err)
				}
				return
			}
			if tok.off < at || tok.off > len(src) {
				t.Fatalf("%s at %d of %d bytes, after one at %d", tok.kind, tok.off, len(src), at)
			}
			if at = tok.off; tok.kind == "eof" {
				return
			}
		}
		t.Fatal("the lexer does not end")
	})
}

// FuzzParse reads any text with unusual delimiters too: every error has a place inside the text.
func FuzzParse(f *testing.F) {
	for _, s := range templates(f) {
		f.Add(s, "{{", "}}")
	}
	for _, s := range []string{"{{ a|b(c, *d, **e) is f }}", "{% if a %}{% elif b %}{% else %}{% endif %}", "{%- raw -%} {{ {%- endraw -%}", "{{ 'a\\x41' }}", "{# #}", "{{ {'a': [1, (2,)]} }}\r\n"} {
		f.Add(s, "{{", "}}")
	}
	f.Add("[[ a ]]", "[[", "]]")
	f.Fuzz(func(t *testing.T, src, start, end string) {
		if start == "" || end == "" || len(src) > 4000 {
			return
		}
		cfg := DefaultConfig()
		cfg.VariableStart, cfg.VariableEnd = start, end
		cfg.DoubleBackslashes, cfg.TrimBlocks, cfg.LstripBlocks = true, true, true
		_, err := Parse(&cfg, src)
		if e, ok := err.(*Error); ok && (e.Offset < 0 || e.Offset > len(src)) {
			t.Errorf("error at %d of %d bytes: %v", e.Offset, len(src), e)
		}
	})
}
