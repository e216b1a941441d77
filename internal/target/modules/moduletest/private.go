package moduletest

import (
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/hostos"
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
	for _, place := range slices.Sorted(maps.Keys(mounts)) {
		folder := mounts[place]
		if _, err := os.Stat(place); err != nil {
			cover(t, place)
		}
		if _, err := os.Stat(dir + "/" + folder); err != nil {
			if err := os.MkdirAll(dir+"/"+folder, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		attach(t, dir+"/"+folder, place, "", syscall.MS_BIND, "")
	}
}

// cover gives the directory above a place that is missing a layer that has it.
func cover(t *testing.T, place string) {
	t.Helper()
	layer, err := os.MkdirTemp("", "layer") // without the name of the test, which may have a comma
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(layer) })
	above := hostos.RealPath(filepath.Dir(place))
	attach(t, "tmpfs", layer, "tmpfs", 0, "")
	for _, d := range []string{"/up/" + filepath.Base(place), "/work"} {
		if err := os.MkdirAll(layer+d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	attach(t, "overlay", above, "overlay", 0, "lowerdir="+above+",upperdir="+layer+"/up,workdir="+layer+"/work")
}

// attach mounts until the test ends.
func attach(t *testing.T, source, place, kind string, flags uintptr, data string) {
	t.Helper()
	if err := syscall.Mount(source, place, kind, flags, data); err != nil {
		t.Fatalf("mount %s: %v", place, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(place, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", place, err)
		}
	})
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
