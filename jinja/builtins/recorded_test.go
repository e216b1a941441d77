package builtins_test

import (
	"bufio"
	"compress/gzip"
	"errors"
	"os"
	"testing"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/jinja/syntax"
	"github.com/troupe-automation/troupe/value"
)

// TestRecorded compares renders with what Jinja2 3.1.2 on CPython 3.11 made of the same templates (StrictUndefined,
// trim_blocks, do and loopcontrols). Differences that are known are counted; the number may only fall.
func TestRecorded(t *testing.T) {
	const known = 0
	f, err := os.Open("testdata/recorded.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	env := builtins.New()
	env.Undefined = value.Strict
	env.Syntax.TrimBlocks = true
	env.Syntax.Do, env.Syntax.LoopControls = true, true
	sc := bufio.NewScanner(z)
	sc.Buffer(nil, 1<<20)
	all, bad := 0, 0
	for sc.Scan() {
		v, err := value.ParseJSON(sc.Text())
		if err != nil {
			t.Fatal(err)
		}
		d := v.(*value.Dict)
		tv, _ := d.GetStr("t")
		src, _ := value.AsString(tv)
		want, _ := d.GetStr("r")
		e, _ := d.GetStr("e")
		all++
		got, gotErr := render(env, src)
		if l, ok := e.(*value.List); ok {
			class, _ := value.AsString(l.Elems[0])
			msg, _ := value.AsString(l.Elems[1])
			if class == "TemplateAssertionError" {
				class = "TemplateSyntaxError" // one class here
			}
			if gotErr == nil || classOf(gotErr) != class || gotErr.Error() != msg {
				bad++
				t.Logf("%s\n want %s: %s\n got  %q %s: %v", src, class, msg, got, classOf(gotErr), gotErr)
			}
			continue
		}
		if text, _ := value.AsString(want); gotErr != nil || got != text {
			bad++
			t.Logf("%s\n want %q\n got  %q %v", src, text, got, gotErr)
		}
	}
	if all < 3000 {
		t.Fatalf("only %d cases were read", all)
	}
	if bad > known {
		t.Errorf("%d of %d templates differ from Jinja2, %d are known", bad, all, known)
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
