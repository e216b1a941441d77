package oracle

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDebugger types NAME.in at the debugger's prompt. NAME.stdout is what ansible-core 2.18 wrote, with its exit code.
func TestDebugger(t *testing.T) {
	bin := build(t)
	dir, err := filepath.Abs("testdata/debugger")
	if err != nil {
		t.Fatal(err)
	}
	inputs, err := filepath.Glob(filepath.Join(dir, "*.in"))
	if err != nil || len(inputs) == 0 {
		t.Fatalf("no input: %v", err)
	}
	for _, in := range inputs {
		name := strings.TrimSuffix(filepath.Base(in), ".in")
		t.Run(name, func(t *testing.T) {
			typed, err := os.Open(in)
			if err != nil {
				t.Fatal(err)
			}
			defer typed.Close()
			cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "ansible-playbook"), "-i", "h1,h2,", "-l", "h1", "-c", "local", name+".yml")
			cmd.Dir, cmd.Stdin = dir, typed
			cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "ANSIBLE_CONFIG=/dev/null")
			if name == "setting" {
				cmd.Env = append(cmd.Env, "ANSIBLE_ENABLE_TASK_DEBUGGER=1")
			}
			got, err := cmd.Output()
			code := "rc=0\n"
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				code = "rc=" + strings.TrimPrefix(exit.Error(), "exit status ") + "\n"
			} else if err != nil {
				t.Fatal(err)
			}
			got = append(times.ReplaceAll(bytes.ReplaceAll(got, []byte(dir), []byte("DIR")), []byte(`"$1": "TIME"`)), code...)
			want, err := os.ReadFile(filepath.Join(dir, name+".stdout"))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Error(unified(t, string(want), string(got)))
			}
		})
	}
}
