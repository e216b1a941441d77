package action

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/value"
)

var pauseAction = &Action{Name: "ansible.builtin.pause", Local: true, Once: true, Run: runPause}

// runPause waits for a time or for the user. Without a terminal a prompt does not wait.
func runPause(c *Context) (*Outcome, error) {
	for k := range c.Args.All() {
		switch s, _ := value.AsString(k); s {
		case "echo", "minutes", "prompt", "seconds":
		default:
			return nil, raisef("Unsupported parameters for (pause) module: %s. Supported parameters include: echo, minutes, prompt, seconds.", s)
		}
	}
	echo, err := c.Flag("echo", true)
	if err != nil {
		return nil, err
	}
	if c.Has("minutes") && c.Has("seconds") {
		return nil, failf("parameters are mutually exclusive: minutes|seconds")
	}
	wait, unit := time.Duration(-1), "minutes"
	for name, scale := range map[string]time.Duration{"minutes": time.Minute, "seconds": time.Second} {
		if !c.Has(name) {
			continue
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(c.Text(name, "")), 64)
		if err != nil {
			return nil, failf("argument '%s' is of type %s and we were unable to convert to int: %s cannot be converted to an int", name, pyType(value.Str("")), pyType(value.Str("")))
		}
		wait, unit = max(time.Duration(int64(n))*scale, 0), name
		if unit == "seconds" && wait < time.Second {
			wait = time.Second
		}
	}
	if wait >= 0 {
		hidden := ""
		if !echo {
			hidden = " (output is hidden)"
		}
		c.Say(fmt.Sprintf("Pausing for %d seconds%s", int(wait/time.Second), hidden))
	}
	start := time.Now()
	answer := ""
	prompt := c.Text("prompt", "")
	if wait < 0 || prompt != "" {
		text := "[" + title(c) + "]\n"
		if prompt != "" {
			text += prompt + ":"
		} else {
			text += "Press enter to continue, Ctrl+C to interrupt:"
		}
		seconds := 0
		if wait > 0 {
			seconds = int(wait / time.Second)
		}
		reply, interactive, err := c.Services.Prompt(text, echo, seconds)
		if err != nil {
			return nil, err
		}
		answer = reply
		if !interactive {
			c.Warn("Not waiting for response to prompt as stdin is not interactive")
			if wait > 0 {
				sleep(c, wait)
			}
		}
	} else {
		sleep(c, wait)
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	stop := time.Now()
	took := stop.Sub(start).Seconds()
	delta := int64(took)
	var shown string
	if unit == "minutes" && wait >= 0 {
		shown = strconv.FormatFloat(took/60, 'f', 2, 64)
	} else {
		shown = strconv.FormatFloat(took, 'f', 2, 64)
		unit = map[bool]string{true: "seconds", false: "minutes"}[wait >= 0]
		if wait < 0 {
			shown = strconv.FormatFloat(took/60, 'f', 2, 64)
		}
	}
	shown = pyRound(shown)
	const layout = "2006-01-02 15:04:05.000000"
	return outcome("changed", value.False, "rc", value.Int(0), "stderr", value.Str(""), "stdout", value.Str("Paused for "+shown+" "+unit),
		"start", value.Str(start.Format(layout)), "stop", value.Str(stop.Format(layout)), "delta", value.Int(delta),
		"echo", value.Bool(echo), "user_input", value.Str(answer)), nil
}

// pyRound prints a number with two places as Python's round() does: without needless zeros, but with one.
func pyRound(s string) string {
	s = strings.TrimRight(s, "0")
	if strings.HasSuffix(s, ".") {
		s += "0"
	}
	return s
}

func sleep(c *Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.Done():
	}
}

func title(c *Context) string {
	if c.Task.Name != "" {
		return c.Task.Name
	}
	return c.Written
}
