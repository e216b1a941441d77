package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/pyexec"
	"github.com/troupe-automation/troupe/internal/wire"
)

// pythons are the warm workers of an agent and the interpreter it found.
type pythons struct {
	pool  pyexec.Pool
	mu    sync.Mutex
	found string // discovered interpreter
}

func (p *pythons) close() { p.pool.Close() }

func (s *server) foreign(ctx context.Context, stream uint32, c *wire.Call) (json.RawMessage, *wire.Failure) {
	return s.py.run(ctx, c, &s.temp, func(hash string) ([]byte, error) { return s.blob(stream, hash) })
}

func (p *pythons) run(ctx context.Context, c *wire.Call, temp *tempDir, blob func(hash string) ([]byte, error)) (json.RawMessage, *wire.Failure) {
	internal := func(err error) *wire.Failure {
		return &wire.Failure{Code: wire.FailInternal, Msg: fmt.Sprintf("module %s: %v", c.Foreign.Name, err)}
	}
	source, err := blob(c.Foreign.Source)
	if err != nil {
		return nil, internal(err)
	}
	dir, err := temp.make(c.RemoteTmp, c.Tmp)
	if err != nil {
		return nil, internal(err)
	}
	if !c.Foreign.KeepFiles || c.Foreign.Style == wire.StylePython {
		defer dir.remove()
	}
	args, err := c.ModuleArgs(dir.path)
	if err != nil {
		return nil, internal(err)
	}
	var out pyexec.Outcome
	discovered := ""
	if c.Foreign.Style == wire.StylePython {
		out, discovered, err = p.python(ctx, c, source, args, blob)
	} else {
		out, err = program(ctx, c, source, args, dir.path)
	}
	if ctx.Err() != nil {
		return nil, &wire.Failure{Code: wire.FailCancelled, Msg: "cancelled"}
	}
	var missing *exec.Error
	switch {
	case errors.Is(err, pyexec.ErrInterpreter):
		return interpreterFailed(c, err), nil
	case errors.As(err, &missing), errors.Is(err, os.ErrNotExist):
		return interpreterFailed(c, err), nil
	case errors.Is(err, pyexec.ErrOutput):
		return tooMuch(err, out), nil
	case err != nil:
		return nil, internal(err)
	}
	if c.Async != nil {
		return parseJob(c, out), nil
	}
	return parseOutput(out, discovered), nil
}

// parseJob is the result of a module that ran as a job. Failures to print JSON have keys of their own there.
func parseJob(c *wire.Call, out pyexec.Outcome) json.RawMessage {
	raw := parseOutput(out, "")
	var result map[string]json.RawMessage
	if json.Unmarshal(raw, &result) != nil {
		return raw
	}
	put := func(key string, v any) { result[key], _ = json.Marshal(v) }
	_, broken := result["module_stdout"]
	switch {
	case broken:
		var msg string
		json.Unmarshal(result["msg"], &msg)
		clear(result)
		put("failed", 1)
		put("cmd", c.Foreign.Name)
		put("data", string(out.Stdout))
		put("stderr", string(out.Stderr))
		put("msg", msg)
	case len(out.Stderr) > 0:
		if _, own := result["stderr"]; !own {
			put("stderr", string(out.Stderr))
		}
	default:
		return raw
	}
	raw, _ = json.Marshal(result)
	return raw
}

// python runs a module in the warm worker. discovered is the interpreter when nobody named one and this call found it: like
// Ansible, only the first result tells.
func (p *pythons) python(ctx context.Context, c *wire.Call, source []byte, args map[string]json.RawMessage, blob func(string) ([]byte, error)) (out pyexec.Outcome, discovered string, err error) {
	run := p.pool.Run
	if file := c.Foreign.File; file != "" {
		run = func(ctx context.Context, t pyexec.Task) (pyexec.Outcome, error) {
			out, err := pyexec.RunFile(ctx, t.Interpreter, file, t.Env)
			if errors.Is(err, os.ErrNotExist) {
				err = fmt.Errorf("%w: %w", pyexec.ErrInterpreter, err)
			}
			return out, err
		}
	}
	body, err := json.Marshal(map[string]any{"ANSIBLE_MODULE_ARGS": args})
	if err != nil {
		return out, "", err
	}
	t := pyexec.Task{Name: c.Foreign.Name, Full: c.Foreign.Full, Hash: c.Foreign.Source, Source: source, Args: body, Env: environ(c.Env), NoFile: c.Foreign.NoFile}
	for i, hash := range c.Foreign.Library {
		data, err := blob(hash)
		if err != nil {
			return out, "", err
		}
		if i == 0 {
			t.Base = pyexec.Library{Hash: hash, Data: data}
		} else {
			t.Extra = append(t.Extra, pyexec.Library{Hash: hash, Data: data})
		}
	}
	if t.Interpreter = c.Foreign.Interpreter; len(t.Interpreter) > 0 && !strings.HasPrefix(t.Interpreter[0], "auto") {
		t.Interpreter = slices.Clone(t.Interpreter)
		t.Interpreter[0] = expandHome(t.Interpreter[0])
		out, err = run(ctx, t)
		return out, "", err
	}
	p.mu.Lock()
	found := p.found
	p.mu.Unlock()
	if found != "" {
		t.Interpreter = []string{found}
		out, err = run(ctx, t)
		return out, "", err
	}
	candidates := hostos.Interpreters(c.Foreign.Probe)
	err = fmt.Errorf("%w: no python3 was found on the host", pyexec.ErrInterpreter)
	for _, file := range candidates {
		t.Interpreter = []string{file}
		if c.Foreign.File != "" && exec.CommandContext(ctx, file, "-c", "import sys; sys.exit(sys.version_info < (3, 6))").Run() != nil {
			continue // a worker would have told by itself
		}
		out, err = run(ctx, t)
		if errors.Is(err, pyexec.ErrInterpreter) && ctx.Err() == nil {
			continue // it only points elsewhere, or is too old: the next may work
		}
		p.mu.Lock()
		first := p.found == ""
		p.found = file
		p.mu.Unlock()
		if !first {
			file = ""
		}
		return out, file, err
	}
	return out, "", err
}

// program runs a module that is a file of its own.
func program(ctx context.Context, c *wire.Call, source []byte, args map[string]json.RawMessage, dir string) (pyexec.Outcome, error) {
	p := pyexec.Program{Name: c.Foreign.Name, Source: source, Interpreter: c.Foreign.Interpreter, Env: environ(c.Env), Dir: dir}
	text, err := json.Marshal(args)
	if err != nil {
		return pyexec.Outcome{}, err
	}
	switch c.Foreign.Style {
	case wire.StyleReplaced:
		p.Source = bytes.ReplaceAll(source, []byte("<<INCLUDE_ANSIBLE_MODULE_JSON_ARGS>>"), text)
	case wire.StyleOld:
		p.Args = oldStyle(args)
	default:
		p.Args = text
	}
	if len(p.Interpreter) > 0 && strings.HasPrefix(p.Interpreter[0], "auto") {
		p.Interpreter = nil
		if found := hostos.Interpreters(c.Foreign.Probe); len(found) > 0 {
			p.Interpreter = found[:1]
		}
	}
	return pyexec.RunProgram(ctx, p)
}

// oldStyle writes parameters as k=v words, values as Python's str shows them, quoted as shlex.quote does.
func oldStyle(args map[string]json.RawMessage) []byte {
	var b bytes.Buffer
	names := make([]string, 0, len(args))
	for k := range args {
		names = append(names, k)
	}
	slices.SortFunc(names, func(a, b string) int {
		if x, y := strings.HasPrefix(a, "_ansible_"), strings.HasPrefix(b, "_ansible_"); x != y {
			if x {
				return 1
			}
			return -1
		}
		return strings.Compare(a, b)
	})
	for _, k := range names {
		b.WriteString(k + "=" + shellQuote(pythonText(args[k], true)) + " ")
	}
	return b.Bytes()
}

// pythonText is str() of a JSON value in Python; inside containers strings are shown by repr().
func pythonText(raw json.RawMessage, top bool) string {
	var list []json.RawMessage
	var text string
	switch {
	case len(raw) == 0, string(raw) == "null":
		return "None"
	case string(raw) == "true":
		return "True"
	case string(raw) == "false":
		return "False"
	case raw[0] == '"' && json.Unmarshal(raw, &text) == nil:
		if top {
			return text
		}
		if strings.Contains(text, "'") && !strings.Contains(text, `"`) {
			return `"` + strings.ReplaceAll(text, `\`, `\\`) + `"`
		}
		return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(text) + "'"
	case raw[0] == '[' && json.Unmarshal(raw, &list) == nil:
		parts := make([]string, len(list))
		for i, e := range list {
			parts[i] = pythonText(e, false)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case raw[0] == '{':
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.Token()
		var parts []string
		for dec.More() {
			key, err := dec.Token()
			var v json.RawMessage
			if err != nil || dec.Decode(&v) != nil {
				break
			}
			k, _ := json.Marshal(key)
			parts = append(parts, pythonText(k, false)+": "+pythonText(v, false))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return string(raw)
}

func shellQuote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%_-+=:,./", r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'"'"'`) + "'"
}

// parseOutput finds the result in what a module printed: from the first line that starts with { or [ to the last that
// ends with its counterpart. What follows it is a warning; without it the result is a failure that shows all.
func parseOutput(out pyexec.Outcome, discovered string) json.RawMessage {
	text := out.Stdout
	why := ""
	var result map[string]json.RawMessage
	start := firstBrace(text)
	if start < 0 {
		why = "No start of json char found"
	} else if end := bytes.LastIndexByte(text, '}'); end < start {
		why = "No end of json char found"
	} else if body, junk := cutJunk(text[start:]); body == nil {
		why = "No end of json char found"
	} else if err := json.Unmarshal(lenient(body), &result); err != nil {
		why = "the output is not valid JSON: " + err.Error()
	} else if junk != "" {
		var warnings []string
		json.Unmarshal(result["warnings"], &warnings)
		result["warnings"], _ = json.Marshal(append(warnings, "Module invocation had junk after the JSON data: "+junk))
	} else if discovered == "" {
		return lenient(body)
	}
	if why != "" {
		failure := map[string]any{
			"failed": true, "changed": false, "module_stdout": string(out.Stdout), "module_stderr": string(out.Stderr), "rc": out.RC,
			"msg": "MODULE FAILURE: " + why + "\nSee stdout/stderr for the exact error",
		}
		if strings.HasPrefix(string(out.Stderr), "Traceback") {
			failure["exception"] = string(out.Stderr)
		} else if strings.HasPrefix(string(out.Stdout), "Traceback") {
			failure["exception"] = string(out.Stdout)
		}
		b, _ := json.Marshal(failure)
		result = nil
		json.Unmarshal(b, &result)
	}
	if discovered != "" {
		facts := map[string]json.RawMessage{}
		json.Unmarshal(result["ansible_facts"], &facts)
		facts["discovered_interpreter_python"] = json.RawMessage(strconv.Quote(discovered))
		result["ansible_facts"], _ = json.Marshal(facts)
	}
	b, _ := json.Marshal(result)
	return b
}

// firstBrace is where the first line that starts with { begins, -1 without one.
func firstBrace(text []byte) int {
	for at := 0; at < len(text); {
		rest := text[at:]
		trimmed := bytes.TrimLeft(rest, " \t\r\n")
		if len(trimmed) > 0 && trimmed[0] == '{' {
			return len(text) - len(trimmed)
		}
		i := bytes.IndexByte(trimmed, '\n')
		if i < 0 {
			return -1
		}
		at = len(text) - len(trimmed) + i + 1
	}
	return -1
}

// cutJunk splits at the last line that ends with }.
func cutJunk(text []byte) (body []byte, junk string) {
	lines := bytes.Split(text, []byte("\n"))
	for i := len(lines) - 1; i >= 0; i-- {
		if bytes.HasSuffix(bytes.TrimRight(lines[i], " \t\r"), []byte("}")) {
			return bytes.Join(lines[:i+1], []byte("\n")), strings.TrimSpace(string(bytes.Join(lines[i+1:], []byte("\n"))))
		}
	}
	return nil, ""
}

// lenient makes the numbers that Python writes and JSON lacks into what they look like as text.
func lenient(body []byte) []byte {
	if json.Valid(body) {
		return body
	}
	var out []byte
	inString := false
	for i := 0; i < len(body); i++ {
		c := body[i]
		switch {
		case inString && c == '\\' && i+1 < len(body):
			out = append(out, c, body[i+1])
			i++
			continue
		case c == '"':
			inString = !inString
		case !inString:
			if word := pythonNumber(body[i:]); word != "" {
				out = append(out, '"')
				out = append(append(out, word...), '"')
				i += len(word) - 1
				continue
			}
		}
		out = append(out, c)
	}
	return out
}

func pythonNumber(b []byte) string {
	for _, w := range []string{"NaN", "Infinity", "-Infinity"} {
		if bytes.HasPrefix(b, []byte(w)) {
			return w
		}
	}
	return ""
}

// tooMuch is the result of a module that was ended because of what it wrote, with the beginning of that.
func tooMuch(err error, out pyexec.Outcome) json.RawMessage {
	b, _ := json.Marshal(map[string]any{
		"failed": true, "changed": false, "rc": out.RC, "module_stdout": string(out.Stdout), "module_stderr": string(out.Stderr), "msg": "MODULE FAILURE: " + err.Error(),
	})
	return b
}

// interpreterFailed is the result of a module whose interpreter does not run.
func interpreterFailed(c *wire.Call, err error) json.RawMessage {
	name := filepath.Base(c.Foreign.Name)
	b, _ := json.Marshal(map[string]any{
		"failed": true, "changed": false, "rc": 127, "module_stdout": "", "module_stderr": name + ": " + err.Error(),
		"msg": "The module failed to execute correctly, you probably need to set the interpreter.\nSee stdout/stderr for the exact error",
	})
	return b
}
