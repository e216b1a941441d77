package moduletest

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// privateEnv is set in the environment of a test program that may mount.
const privateEnv = "TROUPE_TEST_PRIVATE"

// Private is the body of a package's TestMain whose recordings have mounts: the test program runs once more in a mount and host name
// namespace of its own, so that folders of a case can stand where the machine's are. Where that is not allowed those cases are skipped.
func Private(m *testing.M) int {
	if os.Getenv(privateEnv) != "" || os.Geteuid() != 0 {
		return m.Run()
	}
	child := exec.Command("/proc/self/exe", os.Args[1:]...)
	child.Env = append(os.Environ(), privateEnv+"=1")
	child.Stdin, child.Stdout, child.Stderr = os.Stdin, os.Stdout, os.Stderr
	child.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS, Pdeathsig: syscall.SIGKILL}
	err := child.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return max(exit.ExitCode(), 1)
	}
	if err != nil { // no namespaces here
		return m.Run()
	}
	return 0
}

// mount puts the case's folders and files in their places until the test ends.
func mount(t *testing.T, dir string, mounts map[string]string) {
	t.Helper()
	if len(mounts) > 0 && os.Getenv(privateEnv) == "" {
		t.Skip("no mount namespaces on this machine")
	}
	for place, folder := range mounts {
		if _, err := os.Stat(dir + "/" + folder); err != nil {
			if err := os.MkdirAll(dir+"/"+folder, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := syscall.Mount(dir+"/"+folder, place, "", syscall.MS_BIND, ""); err != nil {
			t.Fatalf("mount %s: %v", place, err)
		}
		t.Cleanup(func() {
			if err := syscall.Unmount(place, syscall.MNT_DETACH); err != nil {
				t.Errorf("unmount %s: %v", place, err)
			}
		})
	}
}

// prepare runs the script that comes before the first step.
func prepare(t *testing.T, dir, script string) {
	t.Helper()
	if script == "" {
		return
	}
	cmd := exec.Command("/bin/sh", "-e")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(strings.ReplaceAll(script, "@DIR@", dir))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("prepare: %v\n%s", err, out)
	}
}
