// Command fuzzdiff renders random templates with package jinja and with Python's Jinja2, and prints where they differ. One
// Python process serves the whole run.
//
//	go run ./test/fuzzdiff -time 10m
//
// Differences that are meant, or cannot be observed in any real template, are in known.go with their reasons.
package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/test/python"
	"github.com/troupe-automation/troupe/value"
)

//go:embed oracle.py
var oracle string

// data is what templates see, as JSON.
const data = `{"i": 7, "n": -3, "f": 2.5, "s": "abc", "e": "", "t": true, "l": [1, 2, 3], "ls": ["b", "a", "C"], "d": {"a": 1, "b": {"x": 5}},
"u": [{"a": 2, "b": "x"}, {"a": 1, "b": "Y"}], "nothing": null, "deep": {"a": {"b": [{"x": "y"}]}}, "uni": "Äöü ß", "big": 123456789012345678901234567890}`

// options are the settings that an environment is made with.
type options struct {
	TrimBlocks          bool `json:"trim_blocks"`
	LstripBlocks        bool `json:"lstrip_blocks"`
	KeepTrailingNewline bool `json:"keep_trailing_newline"`
}

type request struct {
	Template string          `json:"template"`
	Vars     json.RawMessage `json:"vars"`
	Options  options         `json:"options"`
}

// answer is the text of a template, or the class and message of its error.
type answer struct {
	Text    *string `json:"text"`
	Class   string  `json:"class"`
	Message string  `json:"message"`
	Skip    bool    `json:"skip"` // took too long, or too much memory
}

func (a answer) String() string {
	if a.Text != nil {
		return fmt.Sprintf("%q", *a.Text)
	}
	return a.Class + ": " + a.Message
}

// render renders with package jinja.
func render(r request) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a = answer{Class: "panic", Message: fmt.Sprint(p)}
		}
	}()
	env := builtins.New()
	env.Syntax.TrimBlocks, env.Syntax.LstripBlocks, env.Syntax.KeepTrailingNewline = r.Options.TrimBlocks, r.Options.LstripBlocks, r.Options.KeepTrailingNewline
	env.Syntax.Do, env.Syntax.LoopControls = true, true
	env.Limits = jinja.Limits{Depth: 100, OutputBytes: 8 << 20, Steps: 1_000_000}
	parsed, err := value.ParseJSON(data)
	if err != nil {
		panic(err)
	}
	vars := jinja.Vars{}
	for k, v := range parsed.(*value.Dict).All() {
		name, _ := value.AsString(k)
		vars[name] = v
	}
	p, err := env.Compile("", r.Template)
	var text string
	if err == nil {
		text, err = p.Render(vars)
	}
	if err == nil {
		return answer{Text: &text}
	}
	a = answer{Class: value.ErrorClass(err), Message: err.Error()}
	var unknown *jinja.UnknownError
	var syn *syntax.Error
	switch {
	case errors.As(err, &unknown) && unknown.Late:
		a.Class = "TemplateRuntimeError"
	case errors.As(err, &unknown):
		a.Class = "TemplateAssertionError"
	case errors.As(err, &syn):
		a.Class = "TemplateSyntaxError"
	}
	return a
}

// differ reports whether two answers differ in a way that is not known.
func differ(r request, want, got answer) bool {
	if got.Class == "MemoryError" || got.Class == "RecursionError" {
		return false
	}
	if (want.Text == nil) != (got.Text == nil) {
		return !isKnown(r, want, got)
	}
	if want.Text != nil {
		return *want.Text != *got.Text && !isKnown(r, want, got)
	}
	// A syntax error's message goes on with its place.
	message, _, _ := strings.Cut(want.Message, "\n")
	same := func(a, b string) bool {
		return a == b || strings.HasSuffix(a, "Error") && strings.HasPrefix(a, "Template") && strings.HasPrefix(b, "Template")
	}
	return (!same(want.Class, got.Class) || message != got.Message) && !isKnown(r, want, got)
}

func main() {
	limit := flag.Duration("time", time.Minute, "how long to run")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "where the random templates start")
	interpreter := flag.String("python", "python3", "Python with jinja2")
	most := flag.Int("most", 40, "stop after so many differences")
	flag.Parse()
	p, version, err := python.Start(*interpreter, oracle)
	if err != nil {
		fmt.Printf("skipped: %s with jinja2 is needed: %v\n", *interpreter, err)
		return
	}
	fmt.Printf("Jinja2 and Python %s, seed %d\n", version, *seed)
	r := rand.New(rand.NewPCG(*seed, 1))
	g := &grammar{r}
	n, found := 0, 0
	shapes := map[string]bool{}
	for deadline := time.Now().Add(*limit); time.Now().Before(deadline) && found < *most; n++ {
		req := request{Vars: json.RawMessage(data), Options: options{g.one(2), g.one(3), g.one(3)}}
		if g.one(3) {
			req.Template = g.body(2)
		} else {
			req.Template = "{{ " + g.expr(1+r.IntN(3)) + " }}"
		}
		var want answer
		if err := p.Ask(req, &want); err != nil {
			fmt.Println("python:", err)
			os.Exit(1)
		}
		if want.Skip {
			continue // a list that grows while it is walked, or the like
		}
		got := render(req)
		if !differ(req, want, got) {
			continue
		}
		if shape := want.Class + got.Class + shorten(want.Message) + shorten(got.Message); want.Text == nil && shapes[shape] {
			continue
		} else {
			shapes[shape] = true
		}
		found++
		fmt.Printf("%q %+v\n  Jinja2 %s\n  here   %s\n", req.Template, req.Options, want, got)
	}
	_ = p.Close() // all answers are there
	fmt.Printf("%d templates, %d differences\n", n, found)
	if found > 0 {
		os.Exit(1)
	}
}

// shorten makes messages of one kind alike.
func shorten(s string) string {
	if len(s) > 24 {
		return s[:24]
	}
	return s
}
