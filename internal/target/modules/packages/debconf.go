package packages

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var debconf = &module.Module{
	Name: "ansible.builtin.debconf",
	Doc:  "Reads and answers the questions of Debian packages.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "name", Required: true, Aliases: []string{"pkg"}},
			{Name: "question", Aliases: []string{"selection", "setting"}},
			{Name: "unseen", Type: module.TypeBool, Default: false},
			{Name: "value", Type: module.TypeRaw, Aliases: []string{"answer"}},
			{Name: "vtype", Choices: []any{"boolean", "error", "multiselect", "note", "password", "seen", "select", "string", "text", "title"}},
		},
		Rules:     module.Rules{RequiredTogether: [][]string{{"question", "vtype", "value"}}},
		CheckMode: true,
	},
	Run: runDebconf,
}

func runDebconf(ctx context.Context, c *module.Call) (module.Result, error) {
	run := hostos.RunnerOf(ctx, c)
	answers, err := debconfAnswers(run, c.Str("name"))
	if err != nil {
		return nil, err
	}
	question := c.Str("question")
	if question == "" {
		return module.Result{"changed": false, "current": answers, "msg": ""}, nil
	}
	if list, ok := c.Args["value"].([]any); ok {
		for i, e := range list {
			if _, text := e.(string); !text {
				return nil, module.Fail(fmt.Sprintf("Invalid value provided for 'multiselect': sequence item %d: expected str instance, %s found", i, pythonType(e)), nil)
			}
		}
	}
	vtype, value := c.Str("vtype"), debconfValue(c)
	have, known := answers[question].(string)
	if vtype == "password" && known {
		if have, err = debconfPassword(run, c.Str("name"), question); err != nil {
			return nil, err
		}
	}
	if known && sameAnswer(c, have, value) {
		return module.Result{"changed": false, "current": answers, "msg": ""}, nil
	}
	msg := ""
	if !c.Check {
		if msg, err = debconfSet(run, c, question, vtype, value); err != nil {
			return nil, err
		}
	}
	current := map[string]any{question: value}
	previous := map[string]any{}
	if known {
		previous[question] = answers[question]
	} else {
		previous = answers
		previous[question] = ""
	}
	diff := map[string]any{}
	if c.Diff {
		after := maps.Clone(previous)
		after[question] = value
		diff = map[string]any{"before": previous, "after": after}
	}
	return module.Result{"changed": true, "current": current, "previous": previous, "msg": msg, "diff": diff}, nil
}

// pythonType is how Python calls the type of a value.
func pythonType(v any) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64:
		return "int"
	case float64:
		return "float"
	case []any:
		return "list"
	}
	return "dict"
}

// debconfValue is the answer as debconf keeps it.
func debconfValue(c *module.Call) string {
	switch v := c.Args["value"].(type) {
	case []any:
		list := make([]string, len(v))
		for i, e := range v {
			list[i] = module.Text(e)
		}
		return strings.Join(list, ", ")
	case string:
		if c.Str("vtype") == "boolean" {
			return strings.ToLower(v)
		}
		return v
	case bool:
		return strings.ToLower(module.Text(v))
	default:
		return module.Text(v)
	}
}

// sameAnswer compares; the order counts not for a list of choices that was given as a list.
func sameAnswer(c *module.Call, have, want string) bool {
	if _, list := c.Args["value"].([]any); list && c.Str("vtype") == "multiselect" {
		a, b := strings.Split(have, ", "), strings.Split(want, ", ")
		slices.Sort(a)
		slices.Sort(b)
		return slices.Equal(a, b)
	}
	return have == want
}

// debconfAnswers are a package's questions and answers; passwords are left out by debconf.
func debconfAnswers(run hostos.Runner, name string) (map[string]any, error) {
	bin, err := run.Need("debconf-show")
	if err != nil {
		return nil, err
	}
	out, err := run.Run(bin, name)
	if err != nil {
		return nil, err
	}
	if out.RC != 0 {
		return nil, module.Fail(out.Stderr, nil)
	}
	answers := map[string]any{}
	for line := range strings.Lines(out.Stdout) {
		if question, answer, ok := strings.Cut(line, ":"); ok {
			answers[strings.TrimSpace(strings.Trim(question, "*"))] = strings.TrimSpace(answer)
		}
	}
	for q, a := range answers { // "* name" means that the user has seen the question
		if after, marked := strings.CutPrefix(q, "* "); marked {
			delete(answers, q)
			answers[strings.TrimSpace(after)] = a
		}
	}
	return answers, nil
}

func debconfPassword(run hostos.Runner, name, question string) (string, error) {
	bin, err := run.Need("debconf-communicate")
	if err != nil {
		return "", err
	}
	out, err := run.With(hostos.Cmd{Args: []string{bin, name}, Stdin: strings.NewReader("get " + question + "\n")})
	if err != nil {
		return "", err
	}
	code, answer, _ := strings.Cut(strings.TrimRight(out.Stdout, "\n"), " ")
	if out.RC != 0 || code != "0" {
		return "", nil // no answer is kept
	}
	return answer, nil
}

func debconfSet(run hostos.Runner, c *module.Call, question, vtype, value string) (string, error) {
	bin, err := run.Need("debconf-set-selections")
	if err != nil {
		return "", err
	}
	cmd := []string{bin}
	if c.Bool("unseen") {
		cmd = append(cmd, "-u")
	}
	out, err := run.With(hostos.Cmd{Args: cmd, Stdin: strings.NewReader(strings.Join([]string{c.Str("name"), question, vtype, value}, " ") + "\n")})
	if err != nil {
		return "", err
	}
	if out.RC != 0 {
		return "", module.Fail(out.Stderr, nil)
	}
	return out.Stdout, nil
}
