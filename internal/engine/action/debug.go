package action

import (
	"errors"
	"fmt"

	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/module"
	"github.com/troupe-automation/troupe/value"
)

var debugAction = &Action{
	Name: "ansible.builtin.debug", Verbose: true, Local: true, Raw: []string{"var"}, Run: runDebug,
	Spec: &module.Spec{CheckMode: true, Options: []module.Option{
		{Name: "msg", Type: module.TypeRaw, Default: "Hello world!"},
		{Name: "var", Type: module.TypeRaw},
		{Name: "verbosity", Type: module.TypeInt, Default: int64(0)},
	}, Rules: module.Rules{MutuallyExclusive: [][]string{{"msg", "var"}}}},
}

// runDebug shows a message or a variable. A variable that is not defined is shown as such instead of failing.
func runDebug(c *Context) (*Outcome, error) {
	if v, ok := c.Args.GetStr("verbosity"); ok {
		n, ok := v.(value.Int)
		if s, isText := value.AsString(v); isText {
			var k int64
			if _, err := fmt.Sscan(s, &k); err == nil {
				n, ok = value.Int(k), true
			}
		}
		if ok && int(n) > c.Verbosity {
			return skippedFor("Verbosity threshold not met."), nil
		}
	}
	if c.Has("var") {
		return debugVar(c)
	}
	if v, ok := c.Args.GetStr("msg"); ok {
		return outcome("msg", v), nil
	}
	return outcome("msg", value.Str("Hello world!")), nil
}

func debugVar(c *Context) (*Outcome, error) {
	written, _ := c.Args.GetStr("var")
	c.Templar.ResetTaint()
	v, err := c.Templar.Render(written)
	if err != nil {
		return nil, err
	}
	data := c.Templar.Tainted() // an expression that a host has said is shown, not evaluated
	if _, isText := value.AsString(v); !isText {
		r, err := c.Templar.Render(v)
		if err != nil {
			return nil, err
		}
		return outcome(fmt.Sprintf("<class '%s'>", v.TypeName()), r), nil
	}
	name, err := value.ToStr(v)
	if err != nil {
		return nil, err
	}
	if data {
		return outcome(name, value.Str("{{"+name+"}}")), nil
	}
	r, err := c.Templar.RenderText("{{"+name+"}}", c.Task.Pos)
	if err == nil {
		return outcome(name, r), nil
	}
	var te *template.Error
	if errors.As(err, &te) && te.Kind == "undefined" {
		text := "VARIABLE IS NOT DEFINED!"
		if c.Verbosity > 0 {
			text += ": " + te.Msg
		}
		return outcome(name, value.Str(text)), nil
	}
	return nil, err
}

func skippedFor(reason string) *Outcome {
	return outcome("skipped_reason", value.Str(reason), "skipped", value.True)
}
