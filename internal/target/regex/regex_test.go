package regex

import "testing"

// The expectations are from Python's re.
func TestSub(t *testing.T) {
	for _, c := range []struct {
		pattern, template, in, want string
		n                           int
		bad                         bool
	}{
		{`a(b)`, `\1\g<1>`, "ab ab", "bb bb", 2, false},
		{`(?P<x>o)`, `<\g<x>>`, "foo", "f<o><o>", 2, false},
		{`foo(?=bar)`, `x`, "foobar foobaz", "xbar foobaz", 1, false},
		{`(.)\1`, `[\1]`, "aabbc", "[a][b]c", 2, false},
		{`^x$`, `y`, "x\nx\n", "y\ny\n", 2, false},
		{`é+`, `e`, "ééa", "ea", 1, false},
		{`(?<=é)a`, `A`, "éa", "éA", 1, false},
		{`a`, `\n\t`, "a", "\n\t", 1, false},
		{`a`, `\1`, "b", "b", 0, true},
		{`a`, `\D`, "b", "b", 0, true},
		{`x*`, `-`, "abc", "-a-b-c-", 4, false},
	} {
		re, err := Compile(c.pattern, Multiline)
		if err != nil {
			t.Fatal(err)
		}
		got, n, err := re.Sub(c.template, c.in)
		if (err != nil) != c.bad || got != c.want || n != c.n {
			t.Errorf("%s: got %q %d %v, want %q %d", c.pattern, got, n, err, c.want, c.n)
		}
	}
}

func TestEndOfLine(t *testing.T) {
	re, err := Compile(`path=(.*)$`, 0)
	if err != nil {
		t.Fatal(err)
	}
	m, err := re.Find("path=/a\n", 0)
	if err != nil || m == nil || m.Group("path=/a\n", 1) != "/a" {
		t.Errorf("got %v %v", m, err)
	}
}
