package runner

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/event"
)

func TestParseGroups(t *testing.T) {
	const hybrid = `31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:3 - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`
	for _, c := range []struct {
		name, mounts, self string
		want               groupDirs
	}{
		{"one tree", "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n", "0::/system.slice/troupe.service\n",
			groupDirs{old: map[string]string{}, unified: "/sys/fs/cgroup/system.slice/troupe.service"}},
		{"both", hybrid, "4:memory:/a/b\n9:name=systemd:/\n1:cpu,cpuacct:/\n0::/c\n",
			groupDirs{old: map[string]string{"memory": "/sys/fs/cgroup/memory/a/b", "cpu": "/sys/fs/cgroup/cpu,cpuacct", "cpuacct": "/sys/fs/cgroup/cpu,cpuacct"}, unified: "/sys/fs/cgroup/unified/c"}},
		{"a container", "35 31 0:32 /docker/77 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", "4:memory:/docker/77/x\n", groupDirs{old: map[string]string{"memory": "/sys/fs/cgroup/memory/x"}}},
		{"nothing", "24 1 8:1 / / rw - ext4 /dev/sda1 rw\nbroken\n", "", groupDirs{old: map[string]string{}}},
	} {
		if got := parseGroups(c.mounts, c.self); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// limited makes groups with limits, or skips where the machine lets nobody make them.
func limited(t *testing.T, l Limits) *Groups {
	t.Helper()
	g, note := NewGroups(l, "test"+strconv.Itoa(os.Getpid()), slog.New(slog.NewTextHandler(t.Output(), nil)))
	if note != "" {
		t.Skip("no control groups on this machine: " + note)
	}
	t.Cleanup(func() {
		for _, c := range g.places {
			if left, _ := filepath.Glob(filepath.Join(c.dir, g.prefix+"*")); left != nil {
				t.Errorf("groups are left: %v", left)
			}
		}
	})
	return g
}

func sh(t *testing.T, g *Groups, script string) Outcome {
	t.Helper()
	return Run(t.Context(), Spec{Self: []string{"/bin/sh", "-c", script}, Dir: t.TempDir(), Env: []string{"PATH=" + os.Getenv("PATH")}, Groups: g}, func(event.Line) {})
}

func TestMemoryLimit(t *testing.T) {
	g := limited(t, Limits{Memory: 64 << 20})
	if out := sh(t, g, "head -c 10000000 /dev/zero | tail -c 10000000 | wc -c >&2"); out.Code != 0 || out.Starved || !strings.Contains(out.Stderr, "10000000") {
		t.Errorf("a small run: %+v", out)
	}
	if out := sh(t, g, "head -c 310000000 /dev/zero | tail -c 300000000 >/dev/null"); !out.Starved || out.Code == 0 {
		t.Errorf("a large run: %+v", out)
	}
	_, _, err := Output(t.Context(), Spec{Self: []string{"/bin/sh", "-c", "head -c 310000000 /dev/zero | tail -c 300000000 >/dev/null"}, Dir: t.TempDir(), Env: []string{"PATH=" + os.Getenv("PATH")}, Groups: g})
	if err == nil || !strings.Contains(err.Error(), string(ErrStarved)) {
		t.Errorf("a command that prints: %v", err)
	}
}

func TestProcessLimit(t *testing.T) {
	g := limited(t, Limits{Processes: 40})
	out := sh(t, g, "i=0; while [ $i -lt 100 ]; do sleep 60 & i=$((i+1)); done; echo all >&2")
	if strings.Contains(out.Stderr, "all") || out.Stderr == "" {
		t.Errorf("a hundred processes where forty are allowed: %+v", out)
	}
}

// TestLeftovers starts something that leaves its session and its parent: it ends with the run all the same.
func TestLeftovers(t *testing.T) {
	for name, groups := range map[string]func(*testing.T) *Groups{
		"first generation": func(t *testing.T) *Groups { return limited(t, Limits{Weight: 50}) },
		"second generation": func(t *testing.T) *Groups {
			mounts, _ := os.ReadFile("/proc/self/mountinfo")
			self, _ := os.ReadFile("/proc/self/cgroup")
			own := parseGroups(string(mounts), string(self))
			place := controller{dir: own.unified, unified: true}
			g := &Groups{prefix: "troupe-run-test2-" + strconv.Itoa(os.Getpid()) + "-", log: slog.New(slog.DiscardHandler), places: []controller{place}}
			if own.unified == "" {
				t.Skip("no control groups of the second generation are mounted")
			}
			if err := g.try(place); err != nil {
				t.Skipf("no control groups can be made on this machine: %v", err)
			}
			return g
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := groups(t)
			file := filepath.Join(t.TempDir(), "pid")
			if out := sh(t, g, `setsid sh -c 'echo $$ > `+file+`.new; mv `+file+`.new `+file+`; exec sleep 600 3>&-' >/dev/null 2>&1 & until test -e `+file+`; do :; done`); out.Code != 0 {
				t.Fatalf("%+v", out)
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			// The group is gone, so nothing was in it; a dead process that nobody waited for may still have its number.
			if line, err := exec.Command("ps", "-o", "stat=", "-p", strings.TrimSpace(string(b))).Output(); err == nil && !bytes.HasPrefix(bytes.TrimSpace(line), []byte("Z")) {
				t.Errorf("process %s lives on: %s", b, line)
			}
		})
	}
}

// TestSweep finds what a server that was killed has left behind.
func TestSweep(t *testing.T) {
	g := limited(t, Limits{})
	o := g.enter()
	if o == nil {
		t.Fatal("no group was made")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sleep", "600")
	if err := o.start(cmd); err != nil {
		t.Fatal(err)
	}
	limited(t, Limits{})
	if err := cmd.Wait(); err == nil || ctx.Err() != nil {
		t.Errorf("what was left behind ended with %v", err)
	}
	if _, err := os.Stat(o.dirs[0]); err == nil {
		t.Errorf("%s is still there", o.dirs[0])
	}
}
