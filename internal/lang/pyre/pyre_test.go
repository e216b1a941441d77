package pyre

import (
	"bufio"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/test/recorded"
)

type answer struct {
	P, S    string
	Err     string
	Search  []any
	Match   []int
	Findall []any
	Sub     string
	Sub1    string
	Rep     *string
	Out     string
}

// TestRecorded compares with what CPython 3.11's re answered to the same patterns and subjects.
func TestRecorded(t *testing.T) {
	sc := bufio.NewScanner(recorded.Open(t, "testdata/recorded.jsonl.gz"))
	n := 0
	for sc.Scan() {
		var r answer
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		n++
		check(t, r)
	}
	if n < 900 {
		t.Fatalf("only %d records were read", n)
	}
}

func runes(s string, b int) int { return utf8.RuneCountInString(s[:b]) }

func check(t *testing.T, r answer) {
	re, err := Compile(r.P, 0)
	if r.Rep != nil {
		out, _, err := re.Sub(*r.Rep, r.S, 0)
		if r.Err != "" {
			if err == nil || err.Error() != r.Err {
				t.Errorf("sub(%q, %q): error %v, Python says %q", r.P, *r.Rep, err, r.Err)
			}
		} else if err != nil || out != r.Out {
			t.Errorf("sub(%q, %q) = %q, %v; Python says %q", r.P, *r.Rep, out, err, r.Out)
		}
		return
	}
	if r.Err != "" {
		if err == nil || err.Error() != r.Err {
			t.Errorf("compile(%q): error %v, Python says %q", r.P, err, r.Err)
		}
		return
	}
	if err != nil {
		t.Errorf("compile(%q): %v", r.P, err)
		return
	}
	m, err := re.Search(r.S)
	if err != nil {
		t.Errorf("search(%q, %q): %v", r.P, r.S, err)
	}
	var got []any
	if m != nil {
		groups := []any{}
		for g := 1; g <= re.Groups(); g++ {
			if s, ok := m.Group(g); ok {
				groups = append(groups, s)
			} else {
				groups = append(groups, nil)
			}
		}
		got = []any{float64(runes(r.S, m.Loc[0])), float64(runes(r.S, m.Loc[1])), groups}
	}
	if !reflect.DeepEqual(got, r.Search) {
		t.Errorf("search(%q, %q) = %v, Python says %v", r.P, r.S, got, r.Search)
	}
	m, err = re.MatchStart(r.S)
	if err != nil || (m != nil) != (r.Match != nil) {
		t.Errorf("match(%q, %q) = %v, %v, Python says %v", r.P, r.S, m, err, r.Match)
	}
	all, err := re.FindAll(r.S, -1)
	if err != nil || len(all) != len(r.Findall) {
		t.Errorf("findall(%q, %q) found %d, %v, Python %v", r.P, r.S, len(all), err, r.Findall)
	}
	if out, _, err := re.Sub(`<\g<0>>`, r.S, 0); err != nil || out != r.Sub {
		t.Errorf("sub(%q, %q) = %q, %v, Python says %q", r.P, r.S, out, err, r.Sub)
	}
	if out, _, err := re.Sub(`-`, r.S, 1); err != nil || out != r.Sub1 {
		t.Errorf("sub(%q, %q, 1) = %q, %v, Python says %q", r.P, r.S, out, err, r.Sub1)
	}
}
