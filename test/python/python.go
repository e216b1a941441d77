// Package python is a Python process that answers questions, a line of JSON each: the other side of tools that compare ours with
// Python's. Called by test/fuzzdiff and test/modulediff.
package python

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Process is the running program.
type Process struct {
	in  io.WriteCloser
	out *bufio.Reader
	cmd *exec.Cmd
}

// Start runs a program. Its first line says which versions it has; one with the word "missing" in it is an error.
func Start(interpreter, program string, env ...string) (p *Process, version string, err error) {
	cmd := exec.Command(interpreter, "-c", program)
	cmd.Stderr, cmd.Env = os.Stderr, append(os.Environ(), env...)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	p = &Process{in: in, out: bufio.NewReader(out), cmd: cmd}
	version, err = p.out.ReadString('\n')
	version = strings.TrimSpace(version)
	if err == nil && strings.Contains(version, "missing") {
		err = errors.New(version)
	}
	if err != nil {
		_ = p.Close()
	}
	return p, version, err
}

// Ask sends a question and reads the answer.
func (p *Process) Ask(question, answer any) error {
	b, err := json.Marshal(question)
	if err != nil {
		return err
	}
	if _, err := p.in.Write(append(b, '\n')); err != nil {
		return err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return err
	}
	return json.Unmarshal(line, answer)
}

// Close ends the process, which ends with its input.
func (p *Process) Close() error {
	p.in.Close()
	return p.cmd.Wait()
}
