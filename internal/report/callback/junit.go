package callback

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/value"
)

// junit writes a JUnit report of each playbook: a test case for each task on each host.
type junit struct {
	*Display
	opt   Options
	now   func() time.Time
	dir   string
	book  string
	play  string
	began map[string]time.Time
	cases []testCase
}

type testCase struct {
	XMLName xml.Name `xml:"testcase"`
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *failure `xml:"failure"`
	Error   *failure `xml:"error"`
	Skipped *string  `xml:"skipped"`
	Out     string   `xml:"system-out,omitempty"`

	took float64
}

type failure struct {
	Message string `xml:"message,attr,omitempty"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

type testSuite struct {
	XMLName  xml.Name   `xml:"testsuite"`
	Disabled int        `xml:"disabled,attr"`
	Errors   int        `xml:"errors,attr"`
	Failures int        `xml:"failures,attr"`
	Name     string     `xml:"name,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Tests    int        `xml:"tests,attr"`
	Time     string     `xml:"time,attr"`
	Cases    []testCase `xml:"testcase"`
}

type testSuites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Disabled int      `xml:"disabled,attr"`
	Errors   int      `xml:"errors,attr"`
	Failures int      `xml:"failures,attr"`
	Tests    int      `xml:"tests,attr"`
	Time     string   `xml:"time,attr"`
	Suite    testSuite
}

func newJUnit(d *Display, opt Options) Callback {
	dir := opt.env("JUNIT_OUTPUT_DIR", "~/.ansible.log")
	if rest, ok := strings.CutPrefix(dir, "~/"); ok {
		dir = filepath.Join(opt.env("HOME", "/"), rest)
	}
	return &junit{Display: d, opt: opt, now: opt.clock(), dir: dir, began: map[string]time.Time{}}
}

// Emit implements event.Sink.
func (j *junit) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.PlaybookStart:
		j.book = strings.TrimSuffix(filepath.Base(e.File), filepath.Ext(e.File))
		j.cases = nil
	case *event.PlayStart:
		j.play = e.Name
	case *event.TaskStart:
		if _, known := j.began[e.Task.ID]; !known {
			j.began[e.Task.ID] = j.now()
		}
	case *event.Result:
		j.result(e)
	case *event.Included:
		j.add(e.Task, "include", nil, func(c *testCase) {
			c.Out = fmt.Sprintf("%s (args={} vars={}): [%s]", e.Name, strings.Join(e.Hosts, ", "))
		})
	case *event.Stats:
		if err := j.write(); err != nil {
			j.Warning("junit: " + err.Error())
		}
	}
}

func (j *junit) add(t *event.Task, host string, r *value.Dict, fill func(*testCase)) {
	if t.Action == "ansible.builtin.meta" {
		return
	}
	name := fmt.Sprintf("[%s] %s: %s", host, j.play, t.Name)
	if t.Args != nil && !t.NoLog && !j.opt.on("JUNIT_HIDE_TASK_ARGUMENTS", false) {
		var parts []string
		for k, v := range t.Args.All() {
			parts = append(parts, str(k)+"="+str(v))
		}
		name = strings.TrimRight(name+" "+strings.Join(parts, ", "), " ")
	}
	if prefix := j.opt.env("JUNIT_TEST_CASE_PREFIX", ""); !strings.HasPrefix(t.Name, prefix) {
		return
	}
	class := place(t.Pos.File, t.Pos.Line)
	if base := j.opt.env("JUNIT_TASK_RELATIVE_PATH", ""); base != "" {
		if rel, err := filepath.Rel(base, class); err == nil {
			class = rel
		}
	}
	if j.opt.on("JUNIT_TASK_CLASS", false) {
		class = t.Pos.File
		class = strings.TrimSuffix(class, filepath.Ext(class))
	}
	c := testCase{Class: class, Name: name, took: j.now().Sub(j.began[t.ID]).Seconds()}
	c.Time = strconv.FormatFloat(c.took, 'f', -1, 64)
	fill(&c)
	j.cases = append(j.cases, c)
}

func (j *junit) result(e *event.Result) {
	if e.Task.Action == "ansible.builtin.gather_facts" && !j.opt.on("JUNIT_INCLUDE_SETUP_TASKS_IN_REPORT", true) {
		return
	}
	status := e.Status
	if status == event.Failed && e.Ignored && !j.opt.on("JUNIT_FAIL_ON_IGNORE", false) {
		status = event.OK
	}
	if status == event.Changed && j.opt.on("JUNIT_FAIL_ON_CHANGE", false) {
		status = event.Failed
	}
	j.add(e.Task, e.Host.Name, e.Result, func(c *testCase) {
		switch status {
		case event.Failed, event.Unreachable:
			f := &failure{Type: "failure", Message: "rc=" + text(e.Result, "rc"), Text: j.dump(e)}
			if msg := text(e.Result, "msg"); msg != "" {
				f.Message = msg
			}
			if ex := text(e.Result, "exception"); ex != "" {
				lines := strings.Split(strings.TrimSpace(ex), "\n")
				f.Message, f.Text = lines[len(lines)-1], ex
			}
			c.Failure = f
		case event.Skipped:
			reason := text(e.Result, "skip_reason")
			if reason == "" {
				reason = "skipped"
			}
			c.Skipped = &reason
		default:
			c.Out = j.dump(e)
		}
	})
}

// dump is a result as text: lines without indentation, but for results that are always shown in full.
func (j *junit) dump(e *event.Result) string {
	v := visible(e.Result, 0, false)
	v.DeleteStr("skip_reason")
	body := toJSON(v, 4)
	if e.Verbose {
		return body
	}
	lines := strings.Split(body, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimLeft(l, " ")
	}
	return strings.Join(lines, "\n")
}

func (j *junit) write() error {
	s := testSuite{Name: j.book, Tests: len(j.cases), Cases: j.cases}
	total := 0.0
	for _, c := range j.cases {
		total += c.took
		switch {
		case c.Failure != nil:
			s.Failures++
		case c.Skipped != nil:
			s.Skipped++
		}
	}
	s.Time = strconv.FormatFloat(total, 'f', -1, 64)
	body, err := xml.MarshalIndent(testSuites{Failures: s.Failures, Tests: s.Tests, Time: s.Time, Suite: s}, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(j.dir, 0o755); err != nil {
		return err
	}
	stamp := strconv.FormatFloat(float64(j.now().UnixMicro())/1e6, 'f', -1, 64)
	return os.WriteFile(filepath.Join(j.dir, j.book+"-"+stamp+".xml"), append([]byte("<?xml version=\"1.0\" ?>\n"), append(body, '\n')...), 0o644)
}
