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
	"time"
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

func start(ctx context.Context, argv, env []string) (Outcome, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 100 * time.Millisecond
	err := cmd.Run()
	if ctx.Err() != nil {
		return Outcome{}, ctx.Err()
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		return Outcome{}, err
	}
	rc := cmd.ProcessState.ExitCode()
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		rc = -int(ws.Signal())
	}
	return Outcome{rc, stdout.Bytes(), stderr.Bytes()}, nil
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
