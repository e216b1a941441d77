// Package oracle holds Troupe's command lines against recordings of Ansible's: the samples are whole scenarios (playbooks,
// inventories, roles, plugins), each with one line of shell and with what ansible-core 2.18 wrote and returned for it.
//
// testdata/samples.tar.gz has a directory per scenario: `cmd`, `expected.stdout`, `expected.rc`, `expected.stderr` (for the
// reader; it is not compared), and the input files. todo.txt names the scenarios that do not pass yet.
package oracle

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/test/recorded"
)

const (
	// The recorded outputs contain these two paths.
	scenarios = "/tmp/as"
	home      = "/tmp/as-home"

	limit = 30 * time.Second // of one scenario; the slowest takes three
)

// names are the links under which the program stands in for Ansible's. All of them shadow an installed Ansible, so that a
// command that Troupe lacks fails, and is not run by somebody else.
var names = []string{
	"ansible", "ansible-config", "ansible-console", "ansible-doc", "ansible-galaxy", "ansible-inventory", "ansible-playbook",
	"ansible-pull", "ansible-vault",
}

// recordings are not part of a scenario's directory while it runs.
var recordings = map[string]bool{"cmd": true, "expected.stdout": true, "expected.stderr": true, "expected.rc": true, "second.stdout": true}

type file struct {
	name string // relative to the scenario's directory
	mode fs.FileMode
	data []byte
	link string
}

// TestSamples runs every scenario as it was recorded and compares standard output and exit code byte for byte. One that is in
// todo.txt has to fail: when it passes, its line goes, so that the list only gets shorter.
func TestSamples(t *testing.T) {
	for _, tool := range []string{"bash", "python3", "git", "diff"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the scenarios need %s", tool)
		}
	}
	todo := readTodo(t)
	samples := readSamples(t, "testdata/samples.tar.gz")
	for name := range todo {
		if samples[name] == nil {
			t.Errorf("todo.txt: there is no scenario %s", name)
		}
	}
	bin := build(t)
	lock(t)
	env := []string{
		"PATH=" + bin + ":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=" + home, "LANG=C.UTF-8", "LC_ALL=C.UTF-8", "ANSIBLE_NOCOLOR=1",
		"ANSIBLE_FORKS=1", "ANSIBLE_DEVEL_WARNING=0", "ANSIBLE_COLLECTIONS_PATH=./collections", "ANSIBLE_HOST_KEY_CHECKING=0",
		"ANSIBLE_COLLECTIONS_SCAN_SYS_PATH=0", "USER=root", "LOGNAME=root",
	}
	order := make([]string, 0, len(samples))
	for name := range samples {
		order = append(order, name)
	}
	sort.Strings(order)
	passed := 0
	for _, name := range order {
		t.Run(name, func(t *testing.T) {
			diff := play(t, name, samples[name], env)
			reason, expected := todo[name]
			switch {
			case diff == "" && expected:
				passed++
				t.Errorf("passes now: take it out of todo.txt, and out of docs/compat.md")
			case diff == "":
				passed++
			case expected:
				t.Logf("known to fail (%s)", reason)
				if testing.Verbose() {
					t.Log(diff)
				}
			default:
				t.Error(diff)
			}
		})
	}
	t.Logf("%d of %d scenarios pass", passed, len(samples))
}

// play runs a scenario and returns what differs, "" for nothing.
func play(t *testing.T, name string, files []file, env []string) string {
	dir := filepath.Join(scenarios, name)
	clear := func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	}
	clear()
	t.Cleanup(clear)
	unpack(t, dir, files)

	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-o", "pipefail", "-c", content(t, files, "cmd"))
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // a child that outlives the shell may hold the pipes
	err := cmd.Run()
	if ctx.Err() != nil {
		return fmt.Sprintf("not done after %v", limit)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	rc, err := strconv.Atoi(strings.TrimSpace(content(t, files, "expected.rc")))
	if err != nil {
		t.Fatal(err)
	}
	var diff strings.Builder
	if got := cmd.ProcessState.ExitCode(); got != rc {
		fmt.Fprintf(&diff, "exit code %d, recorded %d\n", got, rc)
	}
	if want := content(t, files, "expected.stdout"); stdout.String() != want {
		diff.WriteString(unified(t, want, stdout.String()))
	}
	if diff.Len() > 0 && stderr.Len() > 0 {
		fmt.Fprintf(&diff, "standard error:\n%s", head(stderr.String()))
	}
	return diff.String()
}

func content(t *testing.T, files []file, name string) string {
	t.Helper()
	for _, f := range files {
		if f.name == name {
			return string(f.data)
		}
	}
	t.Fatalf("the scenario has no %s", name)
	return ""
}

func unpack(t *testing.T, dir string, files []file) {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.MkdirAll(dir, 0o755))
	for _, f := range files {
		if recordings[f.name] {
			continue
		}
		to := filepath.Join(dir, f.name)
		switch {
		case f.mode.IsDir():
			check(os.MkdirAll(to, 0o755))
		case f.link != "":
			check(os.Symlink(f.link, to))
		default:
			check(os.WriteFile(to, f.data, f.mode))
			check(os.Chmod(to, f.mode)) // whatever the umask
		}
	}
}

// unified shows how two texts differ, cut to a length that can be read.
func unified(t *testing.T, want, got string) string {
	dir := t.TempDir()
	for name, text := range map[string]string{"recorded": want, "got": got} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("diff", "-a", "-U2", "recorded", "got")
	cmd.Dir = dir
	out, _ := cmd.Output() // it exits with 1: they differ
	return head(string(out))
}

func head(s string) string {
	const most = 6000
	if len(s) > most {
		return s[:most] + "\n[...]\n"
	}
	return s
}

// build makes the program, with a link for each of Ansible's, and returns the directory.
func build(t testing.TB) string {
	t.Helper()
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "troupe"), "../../cmd/troupe").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range names {
		if err := os.Symlink("troupe", filepath.Join(bin, name)); err != nil {
			t.Fatal(err)
		}
	}
	return bin
}

// lock waits until no other run of this test has the two directories, which cannot be anywhere else.
func lock(t *testing.T) {
	t.Helper()
	for _, dir := range []string{scenarios, home} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.Open(scenarios)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
}

// readSamples returns the files of each scenario, directories before what is in them.
func readSamples(t *testing.T, archive string) map[string][]file {
	t.Helper()
	samples := map[string][]file{}
	for tr := tar.NewReader(recorded.Open(t, archive)); ; {
		h, err := tr.Next()
		if err == io.EOF {
			return samples
		}
		if err != nil {
			t.Fatal(err)
		}
		name, rest, _ := strings.Cut(path.Clean(h.Name), "/")
		if rest == "" {
			continue
		}
		data, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		samples[name] = append(samples[name], file{rest, h.FileInfo().Mode(), data, h.Linkname})
	}
}

// readTodo reads todo.txt: a line for each scenario that does not pass, name, tab, reason.
func readTodo(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("todo.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	todo := map[string]string{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		name, reason, ok := strings.Cut(sc.Text(), "\t")
		if !ok || reason == "" || todo[name] != "" {
			t.Fatalf("todo.txt: a line is name, tab, reason, and a name stands there once: %q", sc.Text())
		}
		todo[name] = reason
	}
	return todo
}
