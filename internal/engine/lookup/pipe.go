package lookup

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/value"
)

// shellGrace is how long a command that was told to stop may take before it is killed.
const shellGrace = 2 * time.Second

// shell runs a command line on the controller, in the playbook's directory, and returns its standard output.
func (c *Call) shell(term value.Value) (string, error) {
	line, err := text(term)
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(c.Context.Context(), "/bin/sh", "-c", line)
	cmd.WaitDelay = shellGrace
	cmd.Dir = c.Basedir()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return "", errorf("lookup_plugin.%s(%s) returned %d", c.Name, line, exit.ExitCode())
	case err != nil:
		return "", errorf("lookup_plugin.%s(%s) could not be run: %s", c.Name, line, err)
	}
	return strings.ToValidUTF8(out.String(), "\ufffd"), nil
}

// pipe gives the output of command lines.
func pipe(c *Call) ([]value.Value, error) {
	var out []value.Value
	for _, t := range c.Terms {
		s, err := c.shell(t)
		if err != nil {
			return nil, err
		}
		out = append(out, value.Str(strings.TrimRight(s, " \t\n\r\v\f")))
	}
	return out, nil
}
