package pyexec

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/troupe-automation/troupe/internal/target/hostos"
)

// Program is a module that runs as a process of its own.
type Program struct {
	Name        string
	Source      []byte
	Interpreter []string // command and arguments; nil when the file executes itself
	Args        []byte   // content of the arguments file, or nil for none
	Env         []string // "K=V" additions
	Dir         string   // a private directory for the files
}

// RunProgram writes a program into its directory and runs it. When ctx ends, its process group is killed.
func RunProgram(ctx context.Context, p Program) (Outcome, error) {
	file := filepath.Join(p.Dir, filepath.Base(p.Name))
	if err := hostos.WriteProgram(file, p.Source); err != nil {
		return Outcome{}, err
	}
	argv := append(append([]string{}, p.Interpreter...), file)
	if p.Args != nil {
		args := filepath.Join(p.Dir, "args")
		if err := os.WriteFile(args, p.Args, 0o600); err != nil {
			return Outcome{}, err
		}
		argv = append(argv, args)
	}
	out, err := start(ctx, argv, p.Env)
	// A directory mounted noexec refuses the file itself, but not its interpreter.
	if errors.Is(err, syscall.EACCES) && len(p.Interpreter) == 0 {
		if shebang := Shebang(p.Source); shebang != nil {
			return start(ctx, append(shebang, argv...), p.Env)
		}
	}
	return out, err
}

// RunFile runs a program that lies on this machine already.
func RunFile(ctx context.Context, interpreter []string, file string, env []string) (Outcome, error) {
	return start(ctx, append(interpreter[:len(interpreter):len(interpreter)], file), env)
}

func start(ctx context.Context, argv, env []string) (Outcome, error) {
	out, err := newCapture()
	if err != nil {
		return Outcome{}, err
	}
	defer out.close()
	errs, err := newCapture()
	if err != nil {
		return Outcome{}, err
	}
	defer errs.close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = out.w, errs.w
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	out.w.Close()
	errs.w.Close()
	if err != nil {
		return Outcome{}, err
	}
	ended := make(chan struct{})
	go func() { // ends with the process, which is killed below at the latest
		_ = cmd.Wait() // the state tells
		close(ended)
	}()
	kill := func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	}
	select {
	case <-ended: // what it left running is its own affair
	case <-ctx.Done():
		kill()
	case <-out.flood:
		kill()
	case <-errs.flood:
		kill()
	}
	if ctx.Err() != nil {
		return Outcome{}, ctx.Err()
	}
	rc := cmd.ProcessState.ExitCode()
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		rc = -int(ws.Signal())
	}
	return finished(rc, out, errs)
}

// Shebang returns the interpreter of a script's first line and its argument, nil when there is none.
func Shebang(source []byte) []string {
	line, ok := bytes.CutPrefix(source, []byte("#!"))
	if !ok {
		return nil
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	name, arg, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
	if name == "" {
		return nil
	}
	if arg = strings.TrimSpace(arg); arg != "" {
		return []string{name, arg}
	}
	return []string{name}
}
