package packages

import (
	"strings"
	"testing"
)

// Each is older than the next, as rpm's own comparison says (rpm --eval '%{lua:print(rpm.vercmp(...))}', rpm 4.18).
func TestRPMVersions(t *testing.T) {
	ordered := strings.Fields("a b 0.9 1.0~rc1 1.0~rc2 1.0 1.0^git1 1.0.1 1.1 1.1a 1.2 1.10 2 10")
	for i, a := range ordered {
		for j, b := range ordered {
			if got := compareRPM(a, b); (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("%s and %s: %d", a, b, got)
			}
		}
	}
	if compareRPM("1.0", "1_0") != 0 || compareRPM("001", "1") != 0 {
		t.Error("separators and leading zeros count")
	}
}

// The tables are dnf 4.14's and dnf 4.18's.
func TestTransaction(t *testing.T) {
	const table = `Last metadata expiration check: 0:00:42 ago on Sat Nov 21 19:44:55 2026.
Dependencies resolved.
================================================================================
 Package           Architecture        Version             Repository      Size
================================================================================
Installing:
 tbar              noarch              2.0-1               t              5.4 k
 a-package-with-a-very-long-name
                   x86_64              2:1.5-3.el9         appstream       12 M
     replacing  old-name.x86_64 1.0-1
Upgrading:
 tfoo              noarch              2.0-1               t              5.4 k
Installing dependencies:
 libx              x86_64              0.1-2               baseos          30 k
Removing unused dependencies:
 gone              noarch              3-1                 @t                 0

Transaction Summary
================================================================================
Install  3 Packages
`
	var got []string
	for _, r := range transactionRows(table) {
		word := "in"
		if r.removes {
			word = "out"
		} else if r.replaces {
			word = "replaces"
		}
		got = append(got, word+" "+r.String())
	}
	want := "in tbar-2.0-1.noarch, in a-package-with-a-very-long-name-2:1.5-3.el9.x86_64, out old-name-1.0-1.x86_64, replaces tfoo-2.0-1.noarch, in libx-0.1-2.x86_64, out gone-3-1.noarch"
	if text := strings.Join(got, ", "); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
	if rows := transactionRows("Dependencies resolved.\nNothing to do.\nComplete!\n"); len(rows) > 0 {
		t.Errorf("nothing to do gives %v", rows)
	}
}
