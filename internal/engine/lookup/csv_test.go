package lookup

import (
	"fmt"
	"testing"
)

// TestCSV has what Python 3.11's csv.reader gives.
func TestCSV(t *testing.T) {
	for text, want := range map[string]string{
		"a,b\nc\n":                        `[["a" "b"] ["c"]]`,
		"a,\n,b":                          `[["a" ""] ["" "b"]]`,
		"\n\na\r\nb\r":                    `[["a"] ["b"]]`,
		`"x, y",z`:                        `[["x, y" "z"]]`,
		"\"two\nlines\",z\n":              `[["two\nlines" "z"]]`,
		`"""The Rock"" Johnson",Dwayne`:   `[["\"The Rock\" Johnson" "Dwayne"]]`,
		"e,\"crazy\"@x,1\n\"n\",2":        `[["e" "crazy@x" "1"] ["n" "2"]]`,
		`a"b"c,"d" "e"`:                   `[["a\"b\"c" "d \"e\""]]`,
		`"open, until the end` + "\nhere": `[["open, until the end\nhere"]]`,
		`""`:                              `[[""]]`,
		"":                                `[]`,
	} {
		if got := fmt.Sprintf("%q", csvRows(text, ',')); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
