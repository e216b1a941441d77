// Command benchjinja times package jinja and Python's Jinja2 on the same templates, in one run, and prints a table. What it
// counts is processor time, which a busy machine changes little.
//
//	go run ./test/benchjinja
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/value"
)

//go:embed timing.py
var timing string

// bench is one template and how it is run.
type bench struct {
	Name     string          `json:"-"`
	Kind     string          `json:"kind"` // "render", "compile and render", "expression"
	Template string          `json:"template"`
	Vars     json.RawMessage `json:"vars"`
}

// page has a hundred lines, of the kind that configuration files are made of.
var page = strings.Repeat(`listen {{ port }};
{% if tls %}ssl_certificate {{ certs }}/{{ name | lower }}.pem;
{% endif %}{% for h in hosts %}server {{ h.name }}:{{ h.port + 1 }}{{ ' backup' if not loop.first else '' }};
{% endfor %}access_log {{ logs | default('/var/log') }}/{{ name }}.log;
`, 20)

const vars = `{"port": 443, "tls": true, "certs": "/etc/ssl", "name": "Web", "hosts": [{"name": "web1", "port": 80}, {"name": "web2", "port": 81}, {"name": "web3", "port": 82}],
"a": {"b": {"k": "v"}}, "c": "k", "d": "x", "n": 41}`

func items(n int) json.RawMessage {
	var b strings.Builder
	b.WriteString(`{"items": [`)
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `{"name": "host%d", "port": %d}`, i, i)
	}
	b.WriteString("]}")
	return json.RawMessage(b.String())
}

const loop = "{% for i in items %}{{ loop.index }} {{ i.name }}:{{ i.port }}\n{% endfor %}"

var benches = []bench{
	{"a compiled template of 100 lines", "render", page, json.RawMessage(vars)},
	{"the same compiled and rendered", "compile and render", page, json.RawMessage(vars)},
	{"`{{ a.b[c] \\| default(d) }}` compiled and rendered", "compile and render", "{{ a.b[c] | default(d) }}", json.RawMessage(vars)},
	{"the cached expression `a.b[c] \\| default(d)`", "expression", "a.b[c] | default(d)", json.RawMessage(vars)},
	{"the cached expression `n + 1 > 40 and tls`", "expression", "n + 1 > 40 and tls", json.RawMessage(vars)},
	{"a loop of 1,000 items", "render", loop, items(1000)},
	{"a loop of 10,000 items", "render", loop, items(10000)},
}

// measure is the processor time of one call, the best of five measurements, and its allocations.
func measure(c bench) (time.Duration, int64, error) {
	parsed, err := value.ParseJSON(string(c.Vars))
	if err != nil {
		return 0, 0, err
	}
	vars := jinja.Vars{}
	for k, v := range parsed.(*value.Dict).All() {
		name, _ := value.AsString(k)
		vars[name] = v
	}
	env := builtins.New()
	var run func() error
	switch c.Kind {
	case "expression":
		p, err := env.CompileExpression("", c.Template)
		if err != nil {
			return 0, 0, err
		}
		run = func() error { _, err := p.Value(vars); return err }
	case "render":
		p, err := env.Compile("", c.Template)
		if err != nil {
			return 0, 0, err
		}
		run = func() error { _, err := p.Render(vars); return err }
	default:
		run = func() error {
			p, err := env.Compile("", c.Template)
			if err == nil {
				_, err = p.Render(vars)
			}
			return err
		}
	}
	if err := run(); err != nil {
		return 0, 0, err
	}
	n := 1
	for took := time.Duration(0); took < 200*time.Millisecond; n *= 2 {
		if took, err = repeat(run, n); err != nil {
			return 0, 0, err
		}
	}
	best := time.Duration(1 << 62)
	for range 5 {
		took, err := repeat(run, n)
		if err != nil {
			return 0, 0, err
		}
		best = min(best, took/time.Duration(n))
	}
	return best, int64(testing.AllocsPerRun(100, func() { _ = run() })), nil
}

// repeat is the processor time of n runs, the collector's included.
func repeat(run func() error, n int) (time.Duration, error) {
	before := processorTime()
	for range n {
		if err := run(); err != nil {
			return 0, err
		}
	}
	return processorTime() - before, nil
}

func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for wrong arguments only
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func python(interpreter string) (version string, ns []float64, err error) {
	in, err := json.Marshal(benches)
	if err != nil {
		return "", nil, err
	}
	cmd := exec.Command(interpreter, "-c", timing)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", nil, err
	}
	var answer struct {
		Version string    `json:"version"`
		NS      []float64 `json:"ns"`
	}
	err = json.Unmarshal(out, &answer)
	return answer.Version, answer.NS, err
}

func short(d time.Duration) string {
	switch {
	case d < 10*time.Microsecond:
		return fmt.Sprintf("%.2f µs", float64(d)/1e3)
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f µs", float64(d)/1e3)
	}
	return fmt.Sprintf("%.1f ms", float64(d)/1e6)
}

func main() {
	interpreter := flag.String("python", "python3", "Python with jinja2")
	only := flag.String("only", "", "the templates whose name contains this text")
	flag.Parse()
	benches = slices.DeleteFunc(benches, func(b bench) bool { return !strings.Contains(b.Name, *only) })
	version, ns, err := python(*interpreter)
	if err != nil {
		fmt.Printf("skipped: %s with jinja2 is needed: %v\n", *interpreter, err)
		return
	}
	fmt.Printf("| | package jinja | allocations | Jinja2 %s | times faster |\n|---|---|---|---|---|\n", version)
	for i, c := range benches {
		d, allocs, err := measure(c)
		if err != nil {
			fmt.Fprintln(os.Stderr, c.Name, err)
			os.Exit(1)
		}
		fmt.Printf("| %s | %s | %d | %s | %.0f |\n", c.Name, short(d), allocs, short(time.Duration(ns[i])), ns[i]/float64(d))
	}
}
