package lookup_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/engine/lookup"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/test/corpus"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// names are the variables of a case.
var noPos source.Pos

type names struct{ d *value.Dict }

func (n names) Lookup(name string) (value.Value, bool, bool) {
	v, ok := n.d.GetStr(name)
	return v, false, ok
}

func (n names) TextKind(string) template.TextKind { return template.PlainText }

func (n names) Names() []string {
	var out []string
	for k := range n.d.All() {
		s, _ := value.AsString(k)
		out = append(out, s)
	}
	return out
}

// fixed replaces {FIXTURES} in every text of v.
func fixed(v value.Value, dir string) value.Value {
	switch v := v.(type) {
	case value.Str:
		return value.Str(strings.ReplaceAll(string(v), "{FIXTURES}", dir))
	case *value.List:
		out := value.NewList()
		for _, e := range v.Elems {
			out.Elems = append(out.Elems, fixed(e, dir))
		}
		return out
	case *value.Dict:
		out := value.NewDict()
		for k, e := range v.All() {
			_ = out.Set(k, fixed(e, dir))
		}
		return out
	}
	return v
}

// elsewhere are cases whose answer other packages decide, or that need a password that was not recorded.
var elsewhere = map[string]bool{
	"lookup.basic.0004": true, "lookup.config.0012": true, "lookup.first_found.0015": true, // kinds of errors: lang/template
	"lookup.file.0020": true, // the password of vaulted.txt
}

// The cases were recorded with ansible-core 2.18 (test/corpus tells how).
func TestCorpus(t *testing.T) {
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{
		"TESTVAR": "testval", "TESTLIST": "[1, 2]", "TESTTRUE": "True", "TESTJINJA": "{{ s }}", "TESTNUM": "41", "TESTEMPTY": "",
		"TESTJSON": `{"a": [1, null]}`, "TESTUNI": "é☃", "TZ": "UTC",
	} {
		t.Setenv(k, v)
	}
	cases, err := corpus.Read(filepath.Join(dir, "lookup.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Environ{Lookup: func(string) (string, bool) { return "", false }, Cwd: dir, Home: "/root"}, "")
	if err != nil {
		t.Fatal(err)
	}
	hook := func(tag string, v value.Value) (value.Value, error) { return nil, fmt.Errorf("tag %s", tag) }
	for _, native := range []bool{false, true} {
		for _, c := range cases {
			if elsewhere[c.ID] {
				continue
			}
			t.Run(fmt.Sprint(c.ID, " native=", native), func(t *testing.T) {
				vars, err := corpus.Decode(fixed(c.Vars, dir), true, hook)
				if err != nil {
					t.Fatal("the case needs a value that this test cannot make: ", err)
				}
				text, err := corpus.Decode(fixed(c.Template, dir), true, hook)
				if err != nil {
					t.Fatal(err)
				}
				set := &lookup.Set{
					Config: cfg, Secrets: &vault.Secrets{List: []vault.Secret{{Label: "default", Password: []byte(corpus.Password)}}},
					Hosts: corpus.Matcher(vars.(*value.Dict)),
				}
				engine := template.New(template.Options{Native: native})
				engine.Lookup = set.Lookup
				tpl := engine.New(names{vars.(*value.Dict)})
				tpl.Basedir = dir
				v, err := tpl.Render(template.Content(text, noPos))
				res := corpus.Result{Err: err}
				if err == nil {
					if res.Value, err = corpus.Encode(v); err != nil {
						t.Fatal(err)
					}
				}
				var e *template.Error
				if errors.As(err, &e) {
					res.Kind = e.Kind
				}
				res.Value = unfixed(res.Value, dir)
				if err != nil {
					res.Err = errors.New(strings.ReplaceAll(err.Error(), dir, "{FIXTURES}"))
				}
				ok, level := corpus.Judge(c, res, native)
				want := c.Expect
				if native {
					want = c.ExpectNative
				}
				_, wantError := want.GetStr("error")
				if !ok || wantError && level < 3 {
					tm, _ := value.Repr(c.Template)
					w, _ := value.Repr(want)
					g := fmt.Sprint(res.Kind, ": ", res.Err)
					if res.Err == nil {
						g, _ = value.Repr(res.Value)
					}
					t.Errorf("%s\nwant %s\ngot  %s", tm, w, g)
				}
			})
		}
	}
}

func unfixed(v value.Value, dir string) value.Value {
	switch v := v.(type) {
	case value.Str:
		return value.Str(strings.ReplaceAll(string(v), dir, "{FIXTURES}"))
	case *value.List:
		for i, e := range v.Elems {
			v.Elems[i] = unfixed(e, dir)
		}
	}
	return v
}
