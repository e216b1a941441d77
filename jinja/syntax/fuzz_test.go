package syntax

import "testing"

// FuzzParse reads any text with unusual delimiters too: every error has a place inside the text.
func FuzzParse(f *testing.F) {
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
