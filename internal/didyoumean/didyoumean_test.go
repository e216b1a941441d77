package didyoumean

import "testing"

func TestNearest(t *testing.T) {
	keywords := []string{"when", "name", "tags", "become", "become_user", "register", "notify", "loop", "state"}
	for _, c := range []struct{ name, want string }{
		{"wen", "when"},
		{"sate", "state"},
		{"regsiter", "register"},
		{"Notify", "notify"},
		{"becom_user", "become_user"},
		{"xyz", ""},
		{"", ""},
		{"ab", ""},
	} {
		if got := Nearest(c.name, keywords); got != c.want {
			t.Errorf("Nearest(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}
