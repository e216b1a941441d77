package builtins_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/test/recorded"
	"github.com/troupe-automation/troupe/value"
)

// recording is a template and what Jinja2 3.1.2 on CPython 3.11 made of it: text, or the class and message of an error
// (StrictUndefined, trim_blocks, do and loopcontrols).
type recording struct {
	T string
	R string
	E []string
}

func recordings(t testing.TB) []recording {
	var out []recording
	for dec := json.NewDecoder(recorded.Open(t, "testdata/recorded.jsonl.gz")); dec.More(); {
		var r recording
		if err := dec.Decode(&r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	if len(out) < 4000 {
		t.Fatalf("only %d cases were read", len(out))
	}
	return out
}

// TestRecorded compares renders with the recording. Differences that are known are counted; the number may only fall.
func TestRecorded(t *testing.T) {
	const known = 0
	env := builtins.New()
	env.Undefined = value.Strict
	env.Syntax.TrimBlocks = true
	env.Syntax.Do, env.Syntax.LoopControls = true, true
	all := recordings(t)
	bad := 0
	for _, c := range all {
		got, gotErr := render(env, c.T)
		if len(c.E) == 2 {
			class, msg := c.E[0], c.E[1]
			if class == "TemplateAssertionError" {
				class = "TemplateSyntaxError" // one class here
			}
			if gotErr == nil || classOf(gotErr) != class || gotErr.Error() != msg {
				bad++
				t.Logf("%s\n want %s: %s\n got  %q %s: %v", c.T, class, msg, got, classOf(gotErr), gotErr)
			}
			continue
		}
		if gotErr != nil || got != c.R {
			bad++
			t.Logf("%s\n want %q\n got  %q %v", c.T, c.R, got, gotErr)
		}
	}
	if bad > known {
		t.Errorf("%d of %d templates differ from Jinja2, %d are known", bad, len(all), known)
	}
}

func render(env *jinja.Environment, src string) (string, error) {
	p, err := env.Compile("", src)
	if err != nil {
		return "", err
	}
	return p.Render(jinja.Vars{})
}

func classOf(err error) string {
	var se *syntax.Error
	var ue *jinja.UnknownError
	switch {
	case errors.As(err, &ue) && ue.Late:
		return "TemplateRuntimeError"
	case errors.As(err, &ue):
		return "TemplateSyntaxError"
	case errors.As(err, &se):
		return "TemplateSyntaxError"
	}
	return value.ErrorClass(err)
}
