package galaxy

import "testing"

// The order is the example of semver.org, section 11.
func TestCompare(t *testing.T) {
	order := []string{"1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "2.0.0", "2.1.0", "2.1.1", "10.0.0"}
	for i, a := range order {
		for j, b := range order {
			va, ok := ParseVersion(a)
			if !ok {
				t.Fatalf("%s is no version", a)
			}
			vb, _ := ParseVersion(b)
			if got, want := va.Compare(vb), sign(i-j); got != want {
				t.Errorf("%s against %s: %d, want %d", a, b, got, want)
			}
		}
	}
	for _, bad := range []string{"1.0", "v1.0.0", "01.0.0", "1.0.0-", "", "*", "1.0.0.0"} {
		if _, ok := ParseVersion(bad); ok {
			t.Errorf("%q counts as a version", bad)
		}
	}
}

func TestAllows(t *testing.T) {
	for _, c := range []struct {
		name, r, version string
		want             bool
	}{
		{"anything", "*", "1.2.3", true},
		{"exact", "1.2.3", "1.2.3", true},
		{"exact, other", "1.2.3", "1.2.4", false},
		{"two equal signs", "==1.2.3", "1.2.3", true},
		{"at least", ">=1.2.0", "1.2.0", true},
		{"more than", ">1.2.0", "1.2.0", false},
		{"range, inside", ">=1.0.0,<2.0.0", "1.9.9", true},
		{"range, above", ">=1.0.0,<2.0.0", "2.0.0", false},
		{"range with a hole", ">=1.0.0,!=1.5.0", "1.5.0", false},
		{"blanks", " >= 1.0.0 , < 2.0.0 ", "1.5.0", true},
		{"short version", ">=2.5", "2.5.0", true},
		{"pre-release is older", ">=1.0.0", "1.0.0-rc.1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, problem := Range(c.r).Allows(c.version)
			if got != c.want || problem != "" {
				t.Errorf("%q allows %s: %v %q, want %v", c.r, c.version, got, problem, c.want)
			}
		})
	}
	if _, problem := Range("2.x").Allows("1.0.0"); problem != "2.x" {
		t.Errorf("2.x is not reported: %q", problem)
	}
}
