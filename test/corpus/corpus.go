package corpus

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// Case is one recorded case.
type Case struct {
	ID, Area, Mode string
	Template       value.Value
	Vars           *value.Dict
	Options        *value.Dict
	Unordered      bool
	Expect         *value.Dict
	ExpectNative   *value.Dict
}

// Result is the engine's answer to a case.
type Result struct {
	Value value.Value // encoded; nil after an error
	Err   error
	Kind  string
}

// Read reads cases from JSON lines, gzip-compressed when the name ends in .gz.
func Read(path string) ([]Case, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, err
		}
		r = z
	}
	var cases []Case
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 64<<20)
	for sc.Scan() {
		v, err := value.ParseJSON(sc.Text())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		d := v.(*value.Dict)
		text := func(k string) string {
			x, _ := d.GetStr(k)
			s, _ := value.AsString(orNone(x))
			return s
		}
		dict := func(k string) *value.Dict {
			if x, ok := d.GetStr(k); ok {
				if m, ok := x.(*value.Dict); ok {
					return m
				}
			}
			return value.NewDict()
		}
		c := Case{ID: text("id"), Area: text("area"), Mode: text("mode"), Vars: dict("vars"), Options: dict("options"),
			Unordered: text("cmp") == "unordered", Expect: dict("expect"), ExpectNative: dict("expect_native")}
		c.Template, _ = d.GetStr("template")
		cases = append(cases, c)
	}
	return cases, sc.Err()
}

func orNone(v value.Value) value.Value {
	if v == nil {
		return value.None
	}
	return v
}

// Files lists the case files in dir.
func Files(dir string) ([]string, error) {
	m, err := filepath.Glob(filepath.Join(dir, "*.jsonl*"))
	sort.Strings(m)
	return m, err
}

// Runner runs cases.
type Runner struct {
	Native   bool
	Fixtures string // directory of the files that cases read
	Setup    Setup  // may be nil

	shared *template.Engine
}

// Run renders one case.
func (r *Runner) Run(c Case) (res Result) {
	defer func() {
		if p := recover(); p != nil {
			res = Result{Err: fmt.Errorf("panic: %v", p), Kind: "panic"}
		}
	}()
	v, err := r.run(c)
	if err == nil {
		v, err = Encode(v)
	}
	if err != nil {
		if strings.Contains(err.Error(), r.Fixtures) {
			return Result{Err: errors.New(strings.ReplaceAll(err.Error(), r.Fixtures, "{FIXTURES}")), Kind: kind(err)}
		}
		return Result{Err: err, Kind: kind(err)}
	}
	return Result{Value: replaceText(v, r.Fixtures, "{FIXTURES}")}
}

func substitute(v value.Value, fixtures string) value.Value {
	return replaceText(v, "{FIXTURES}", fixtures)
}

// replaceText replaces a text everywhere inside v.
func replaceText(v value.Value, old, with string) value.Value {
	switch x := v.(type) {
	case value.Str:
		return value.Str(strings.ReplaceAll(string(x), old, with))
	case *value.List:
		l := &value.List{}
		for _, e := range x.Elems {
			l.Elems = append(l.Elems, replaceText(e, old, with))
		}
		return l
	case *value.Dict:
		d := value.NewDict()
		for k, e := range x.All() {
			_ = d.Set(k, replaceText(e, old, with))
		}
		return d
	}
	return v
}

// Judge reports whether a result is what was recorded. level is 1 for an equal value or any error, 2 for an error of the
// right kind, 3 when its message holds the recorded text.
func Judge(c Case, res Result, native bool) (ok bool, level int) {
	e := c.Expect
	if native {
		e = c.ExpectNative
	}
	if bad, _ := e.GetStr("error"); bad == value.Value(value.True) {
		if res.Err == nil || res.Kind == "panic" {
			return false, 0
		}
		k, _ := e.GetStr("error_kind")
		m, _ := e.GetStr("error_msg_substring")
		if k != value.Value(value.Str(res.Kind)) {
			return true, 1
		}
		if s, _ := value.AsString(orNone(m)); !strings.Contains(res.Err.Error(), s) {
			return true, 2
		}
		return true, 3
	}
	want, _ := e.GetStr("value")
	return res.Err == nil && Same(want, res.Value, c.Unordered), 1
}
