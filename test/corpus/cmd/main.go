// Command cmd runs recorded template cases and writes one result line for each, or with -score a table of what passes.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/engine/lookup"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/test/corpus"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

func main() {
	cases := flag.String("cases", "", "case files, separated by commas")
	native := flag.Bool("native", false, "as with jinja2_native")
	fixtures := flag.String("fixtures", "", "directory of fixture files")
	score := flag.Bool("score", false, "print a score for each area instead of results")
	fails := flag.Bool("fails", false, "print the cases that fail")
	texts := flag.Bool("texts", false, "print the errors whose text differs")
	only := flag.String("area", "", "only areas with this prefix")
	flag.Parse()
	files := strings.Split(*cases, ",")
	for i, f := range files {
		if abs, err := filepath.Abs(f); err == nil {
			files[i] = abs
		}
	}
	if *fixtures != "" {
		// Some cases name files relative to the fixtures.
		dir, err := filepath.Abs(*fixtures)
		if err == nil {
			err = os.Chdir(dir)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		*fixtures = dir
	}
	cfg, err := config.Load(config.Environ{Lookup: func(string) (string, bool) { return "", false }, Cwd: *fixtures, Home: "/root"}, "")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lookups := &lookup.Set{Config: cfg, Secrets: &vault.Secrets{List: []vault.Secret{{Label: "default", Password: []byte(corpus.Password)}}}}
	r := &corpus.Runner{Native: *native, Fixtures: *fixtures, Setup: func(e *template.Engine) { e.Lookup = lookups.Lookup }}
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	type tally struct{ ok, text, errors, all int }
	areas := map[string]*tally{}
	for _, f := range files {
		list, err := corpus.Read(f)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for _, c := range list {
			if !strings.HasPrefix(c.Area, *only) {
				continue
			}
			lookups.Hosts = corpus.Matcher(c.Vars)
			res := r.Run(c)
			ok, level := corpus.Judge(c, res, *native)
			if *score || *fails || *texts {
				t := areas[c.Area]
				if t == nil {
					t = &tally{}
					areas[c.Area] = t
				}
				t.all++
				if ok {
					t.ok++
				}
				exp := c.Expect
				if *native {
					exp = c.ExpectNative
				}
				if bad, _ := exp.GetStr("error"); bad == value.Value(value.True) {
					t.errors++
					if level == 3 {
						t.text++
					} else if *texts {
						tm, _ := value.Repr(c.Template)
						fmt.Fprintf(w, "%s %s\n   want %s\n   got  %s: %v\n", c.ID, tm, show(exp), res.Kind, res.Err)
					}
				}
				if !ok && *fails {
					tm, _ := value.Repr(c.Template)
					got := fmt.Sprint(res.Kind, ": ", res.Err)
					if res.Err == nil {
						got = show(res.Value)
					}
					fmt.Fprintf(w, "%s %s\n   vars %s\n   want %s\n   got  %s\n", c.ID, tm, show(c.Vars), show(exp), got)
				}
				continue
			}
			out := value.DictOf("id", value.Str(c.ID))
			if res.Err != nil {
				out.SetStr("error", value.True)
				out.SetStr("error_kind", value.Str(res.Kind))
				out.SetStr("error_msg", value.Str(res.Err.Error()))
			} else {
				out.SetStr("value", res.Value)
			}
			fmt.Fprintln(w, show(out))
		}
	}
	if *score {
		var names []string
		sum := tally{}
		for n, t := range areas {
			names = append(names, n)
			sum.ok += t.ok
			sum.all += t.all
			sum.text += t.text
			sum.errors += t.errors
		}
		sort.Strings(names)
		for _, n := range names {
			t := areas[n]
			fmt.Fprintf(w, "%-28s %5d/%-5d texts %d/%d\n", n, t.ok, t.all, t.text, t.errors)
		}
		fmt.Fprintf(w, "%-28s %5d/%-5d texts %d/%d\n", "total", sum.ok, sum.all, sum.text, sum.errors)
	}
}

func show(v value.Value) string {
	s, err := value.JSON(v, value.JSONOptions{})
	if err != nil {
		return err.Error()
	}
	return s
}
