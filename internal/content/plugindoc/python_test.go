package plugindoc

import (
	"slices"
	"testing"
)

func TestAssignments(t *testing.T) {
	for _, c := range []struct {
		name, src, key, want string
		depth                int
	}{
		{"triple quotes", "DOCUMENTATION = '''\na: 1\n'''\n", "DOCUMENTATION", "\na: 1\n", 0},
		{"raw", "DOCUMENTATION = r\"\"\"a\\nb\"\"\"\n", "DOCUMENTATION", `a\nb`, 0},
		{"escapes", `X = "a\n\x41\u00e9\101\q"`, "X", "a\nAéA\\q", 0},
		{"side by side", "X = ('a'\n  # why\n  \"b\" 'c')\n", "X", "abc", 0},
		{"plus", "X = 'a' + 'b'\n", "X", "ab", 0},
		{"the last wins", "X = 'a'\nX = 'b'\n", "X", "b", 0},
		{"inside another text", "A = '''\nX = 'no'\n'''\nX = 'yes'\n", "X", "yes", 0},
		{"inside a docstring", "'''\nX = 'no'\n'''\n", "X", "", 0},
		{"deeper is not meant", "class A:\n    X = 'no'\n", "X", "", 0},
		{"of a class", "class A:\n    X = r'''yes'''\n", "X", "yes", 4},
		{"not ended", "X = '''abc", "X", "", 0},
		{"a number", "X = 5\n", "X", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := assignments(c.src, c.depth)[c.key]; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func FuzzAssignments(f *testing.F) {
	f.Add("X = ('a' \"\"\"b\n\"\"\" r'\\")
	f.Fuzz(func(_ *testing.T, src string) {
		assignments(src, 0)
		jinjaNames(src, Filter)
	})
}

func TestJinjaNames(t *testing.T) {
	src := `
class FilterModule(object):
    def filters(self):
        return {
            'noop': nochange,
            # 'gone': nochange,
            "b64decode": nochange,   # here to 'collide': x
        }

    def tests(self):
        return {'other': x}
`
	if got, want := jinjaNames(src, Filter), []string{"noop", "b64decode"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := jinjaNames(src, Test), []string{"other"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := jinjaNames("class F:\n    def filters(self):\n        return dict(a=one, b=two)\n", Filter), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// Everything in the tables has a line of its own, and the other way round.
func TestSummaries(t *testing.T) {
	have := map[[2]string]bool{}
	for _, k := range append(slices.Clone(Kinds), Keywd) {
		for _, n := range Builtins(k) {
			have[[2]string{string(k), n}] = true
			if summaries()[[2]string{string(k), n}] == "" {
				t.Errorf("%s %s has no summary", k, n)
			}
		}
	}
	for key := range summaries() {
		if !have[key] {
			t.Errorf("%s %s is in summaries.txt only", key[0], key[1])
		}
	}
}
