package troupe_test

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// knownGaps is the number of lines under "Known gaps" in docs/compat.md. It may only fall.
const knownGaps = 15

// TestCompat holds docs/compat.md to what the tests know: no new gaps, and every scenario that fails is named.
func TestCompat(t *testing.T) {
	page, err := os.ReadFile("docs/compat.md")
	if err != nil {
		t.Fatal(err)
	}
	_, gaps, found := strings.Cut(string(page), "\n## Known gaps\n")
	if !found {
		t.Fatal(`docs/compat.md has no "Known gaps"`)
	}
	gaps, _, _ = strings.Cut(gaps, "\n## ")
	n := 0
	for line := range strings.Lines(gaps) {
		if strings.HasPrefix(line, "- ") {
			n++
		}
	}
	switch {
	case n > knownGaps:
		t.Errorf("%d known gaps in docs/compat.md, there were %d: close one, do not add one", n, knownGaps)
	case n < knownGaps:
		t.Errorf("%d known gaps in docs/compat.md: lower knownGaps from %d", n, knownGaps)
	}

	f, err := os.Open("test/oracle/todo.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	todo := map[string]bool{}
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		name, _, _ := strings.Cut(sc.Text(), "\t")
		todo[name] = true
		if !strings.Contains(gaps, "`"+name+"`") {
			t.Errorf("docs/compat.md does not name the scenario %s of test/oracle/todo.txt", name)
		}
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}

	// The other way round: a scenario that passes is no gap.
	for rest := gaps; ; {
		_, after, ok := strings.Cut(rest, "scenarios `")
		if !ok {
			break
		}
		list, _, _ := strings.Cut(after, ")")
		for name := range strings.SplitSeq(list, ",") {
			if name = strings.Trim(name, " `\n"); !todo[name] {
				t.Errorf("docs/compat.md names the scenario %s, which is not in test/oracle/todo.txt", name)
			}
		}
		rest = after
	}
}
