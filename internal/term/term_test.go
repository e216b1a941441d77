package term

import (
	"slices"
	"testing"
)

func TestWrap(t *testing.T) {
	// Texts and breaks as ansible-core 2.18 printed them (samples fmt_warnings_stderr, inv_warnings).
	tests := []struct {
		name, in string
		want     []string
	}{
		{"delimiters", "[WARNING]: conditional statements should not include jinja2 templating delimiters such as {{ }} or {% %}. Found: {{ true }}",
			[]string{"[WARNING]: conditional statements should not include jinja2 templating", "delimiters such as {{ }} or {% %}. Found: {{ true }}"}},
		{"short", "[WARNING]: a", []string{"[WARNING]: a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Wrap(tt.in, 79, false); !slices.Equal(got, tt.want) {
				t.Errorf("Wrap(%q) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestCells(t *testing.T) {
	for text, want := range map[string]int{"abc": 3, "日本": 4, "é": 1, "e\u0301": 1} {
		if got := Cells(text); got != want {
			t.Errorf("Cells(%q) = %d, want %d", text, got, want)
		}
	}
}
