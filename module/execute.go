package module

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"runtime/debug"
	"slices"
	"strings"
)

// Options is everything about one execution but the parameters; see the fields of Call.
type Options struct {
	Name         string // the module's name as the task wrote it; empty means Module.Name
	Check        bool
	Diff         bool
	Verbosity    int
	Env          []string
	Python       string
	TmpDir       string
	Payload      *Payload
	Send         func(r io.Reader) error
	Output       func(stream string, chunk []byte)
	Shell        string
	NoInvocation bool // leave invocation out of the result
}

// Execute checks the parameters, runs m and gives its result the shape Ansible's modules give theirs: failed and msg
// on errors, skipped where check mode is not supported, warnings, deprecations, invocation. Secret parameters are
// replaced throughout the result, whose values are nil, bool, int64, json.Number, Float, string, []any, map[string]any and *Ordered. A module
// that panics fails its task, not the process.
func Execute(ctx context.Context, m *Module, raw map[string]any, opts Options) Result {
	name := opts.Name
	if name == "" {
		name = m.Name
	}
	checked := m.Spec.check(name, raw, opts.Env)
	call := &Call{
		Args: checked.Args, Check: opts.Check, Diff: opts.Diff, Verbosity: opts.Verbosity, Env: opts.Env, Python: opts.Python, TmpDir: opts.TmpDir,
		Payload: opts.Payload, Send: opts.Send, Output: opts.Output, Shell: opts.Shell,
		Warnings: checked.Warnings, Deprecations: checked.Deprecations,
		NoLog: checked.NoLog,
	}
	if call.Output == nil {
		call.Output = func(string, []byte) {}
	}
	var res Result
	switch {
	case checked.Err != "":
		res = Result{"failed": true, "msg": checked.Err}
		if checked.Unknown && !strings.HasPrefix(m.Name, "ansible.builtin.") {
			res[NotNativeKey] = true // the collection that is installed may be a later one, with more options
		}
	case opts.Check && !m.Spec.CheckMode:
		res = Result{"skipped": true, "msg": fmt.Sprintf("remote module (%s) does not support check mode", name)}
	default:
		res = run(ctx, m, call)
	}
	if len(call.Warnings) > 0 {
		list, _ := res["warnings"].([]any)
		for _, w := range call.Warnings {
			list = append(list, w)
		}
		res["warnings"] = list
	}
	if len(call.Deprecations) > 0 {
		list, _ := res["deprecations"].([]any)
		for _, d := range call.Deprecations {
			list = append(list, d)
		}
		res["deprecations"] = list
	}
	if _, own := res["invocation"]; !own && !opts.NoInvocation {
		if checked.Err == "" {
			maps.Copy(checked.Given, call.Args) // with what the module has made of them
		}
		res["invocation"] = map[string]any{"module_args": checked.Given}
	}
	secrets := newSecrets(call.NoLog)
	for k, v := range res {
		res[k] = secrets.remove(v)
	}
	return res
}

func run(ctx context.Context, m *Module, call *Call) (res Result) {
	defer func() {
		if p := recover(); p != nil {
			res = Result{"failed": true, "msg": fmt.Sprintf("the module %s crashed: %v", m.Name, p), "exception": string(debug.Stack())}
		}
	}()
	res, err := m.Run(ctx, call)
	if res == nil {
		res = Result{}
	}
	if err == nil {
		return res
	}
	res["failed"] = true
	res["msg"] = err.Error()
	if f, ok := errors.AsType[*Failure](err); ok {
		for k, v := range f.Keys {
			res[k] = v
		}
		res["msg"] = f.Msg
	}
	if _, ok := errors.AsType[*NotNative](err); ok {
		res[NotNativeKey] = true
	}
	return res
}

// appendSecrets adds the texts inside v that must not be shown.
func appendSecrets(list []string, v any) []string {
	switch x := v.(type) {
	case string, int64, float64, int:
		if s := pyStr(x); s != "" {
			list = append(list, s)
		}
	case []any:
		for _, e := range x {
			list = appendSecrets(list, e)
		}
	case map[string]any:
		for _, e := range x {
			list = appendSecrets(list, e)
		}
	}
	return list
}

// noLogValue stands where a secret was the whole value.
const noLogValue = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"

type secrets struct {
	texts []string // longest first, so that a secret inside a secret leaves nothing behind
}

func newSecrets(texts []string) *secrets {
	texts = slices.Clone(texts)
	slices.SortFunc(texts, func(a, b string) int { return len(b) - len(a) })
	return &secrets{slices.Compact(texts)}
}

// remove returns v without the secrets, in the types that Execute promises.
func (s *secrets) remove(v any) any {
	switch x := v.(type) {
	case nil, bool:
		return x
	case string:
		if len(s.texts) == 0 {
			return x
		}
		for _, t := range s.texts {
			if x == t {
				return noLogValue
			}
		}
		for _, t := range s.texts {
			x = strings.ReplaceAll(x, t, "********")
		}
		return x
	case int:
		return s.number(int64(x))
	case int32:
		return s.number(int64(x))
	case uint32:
		return s.number(int64(x))
	case uint64:
		return s.number(int64(x))
	case int64:
		return s.number(x)
	case json.Number: // an integer of more than 64 bits
		return s.number(x)
	case float64:
		return s.number(Float(x))
	case Float:
		return s.number(x)
	case []any:
		return removeAll(s, x)
	case []string:
		return removeAll(s, x)
	case []map[string]any:
		return removeAll(s, x)
	case Result:
		return s.remove(map[string]any(x))
	case Args:
		return s.remove(map[string]any(x))
	case *Ordered:
		out := &Ordered{}
		for _, k := range x.keys {
			out.Set(k, s.remove(x.values[k]))
		}
		return out
	case map[string]string:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = s.remove(e)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = s.remove(e)
		}
		return out
	}
	return fmt.Sprint(v)
}

func removeAll[T any](s *secrets, list []T) []any {
	out := make([]any, len(list))
	for i := range list {
		out[i] = s.remove(list[i])
	}
	return out
}

func (s *secrets) number(v any) any {
	if len(s.texts) == 0 {
		return v
	}
	text := pyStr(v)
	for _, t := range s.texts {
		if strings.Contains(text, t) {
			return noLogValue
		}
	}
	return v
}

// Float is a float in a result. It marshals as Python writes floats, so that 1.0 is not read back as an int.
type Float float64

// MarshalJSON implements json.Marshaler.
func (f Float) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return []byte("null"), nil
	}
	return []byte(pyFloat(float64(f))), nil
}
