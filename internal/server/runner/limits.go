package runner

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Limits are what one run may take of the machine; 0 for as much as it likes.
type Limits struct {
	Memory    int64 // bytes, swap among them
	Processes int64
	Weight    int64 // its share of the processors beside others that want them, 1 to 10000; 100 is what everyone has
}

// Processes that a run may have when nobody says: enough for a thousand hosts, not enough for a fork bomb to hurt.
const defaultProcesses = 8192

// Groups makes a control group for each run, below the one that the server itself is in: a run never gets more than the server may have.
// Both generations of control groups are known, also mixed.
type Groups struct {
	prefix  string
	log     *slog.Logger
	places  []controller
	oneSaid sync.Once

	mu   sync.Mutex
	next int
	left []string // directories that could not be removed yet
}

// controller is a directory in which groups are made, and the limits that are set there.
type controller struct {
	dir     string
	files   []limit
	unified bool
}

// limit is a file of a control group and what is written to it.
type limit struct {
	name, value string
	optional    bool // systems without swap have no file for it
}

// NewGroups finds out which limits can be set here. Where some cannot, note says so; the runs go on without them. owner is a name that no other
// server on this machine has: what a dead server of that name left behind is removed.
func NewGroups(limits Limits, owner string, log *slog.Logger) (g *Groups, note string) {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err == nil {
		var self []byte
		if self, err = os.ReadFile("/proc/self/cgroup"); err == nil {
			return newGroups(limits, owner, log, parseGroups(string(mounts), string(self)))
		}
	}
	return nil, fmt.Sprintf("runs have no limits of memory and processes: %v", err)
}

func newGroups(limits Limits, owner string, log *slog.Logger, own groupDirs) (*Groups, string) {
	if limits.Processes == 0 {
		limits.Processes = defaultProcesses
	}
	g := &Groups{prefix: "troupe-run-" + owner + "-", log: log}
	var notes []string
	unified := controller{dir: own.unified, unified: true}
	for _, c := range []struct {
		name  string
		value int64
		old   []limit
		new   []limit
	}{
		{"memory", limits.Memory, []limit{{"memory.limit_in_bytes", "%d", false}, {"memory.memsw.limit_in_bytes", "%d", true}}, []limit{{"memory.max", "%d", false}, {"memory.swap.max", "0", true}, {"memory.oom.group", "1", true}}},
		{"pids", limits.Processes, []limit{{"pids.max", "%d", false}}, []limit{{"pids.max", "%d", false}}},
		{"cpu", limits.Weight, []limit{{"cpu.shares", "%d", false}}, []limit{{"cpu.weight", "%d", false}}},
	} {
		if c.value == 0 {
			continue
		}
		if dir := own.old[c.name]; dir != "" {
			if c.name == "cpu" {
				c.value = max(2, c.value*1024/100)
			}
			place := controller{dir: dir, files: filled(c.old, c.value)}
			if err := g.try(place); err != nil {
				notes = append(notes, fmt.Sprintf("%s (%v)", c.name, err))
				continue
			}
			g.places = append(g.places, place)
			continue
		}
		var err error
		if unified.dir == "" {
			err = errors.New("no control groups are mounted")
		} else {
			unified.dir, err = enable(unified.dir, c.name)
		}
		if err == nil {
			more := controller{dir: unified.dir, unified: true, files: filled(c.new, c.value)}
			if err = g.try(more); err == nil {
				unified.files = append(unified.files, more.files...)
			}
		}
		if err != nil {
			notes = append(notes, fmt.Sprintf("%s (%v)", c.name, err))
		}
	}
	if unified.files != nil {
		g.places = append(g.places, unified)
	}
	g.sweep()
	if notes != nil {
		return g, "runs have no limits of " + strings.Join(notes, ", ")
	}
	return g, ""
}

func filled(files []limit, value int64) []limit {
	out := slices.Clone(files)
	for i := range out {
		if out[i].value == "%d" {
			out[i].value = strconv.FormatInt(value, 10)
		}
	}
	return out
}

// groupDirs are the directories of the groups that this process is in: of each controller of the first generation, and of the second.
type groupDirs struct {
	old     map[string]string
	unified string
}

func parseGroups(mounts, self string) groupDirs {
	out := groupDirs{old: map[string]string{}}
	paths := map[string]string{}
	for line := range strings.Lines(self) {
		if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); len(parts) == 3 {
			for name := range strings.SplitSeq(parts[1], ",") {
				paths[name] = parts[2]
			}
		}
	}
	in := func(root, at, name string) string {
		path, known := paths[name]
		if !known {
			return ""
		}
		if root != "/" { // a container sees its own part of the tree, and may still be told the whole path
			path = strings.TrimPrefix(path, root)
		}
		return filepath.Join(at, path)
	}
	for line := range strings.Lines(mounts) {
		before, after, found := strings.Cut(line, " - ")
		what, how := strings.Fields(before), strings.Fields(after)
		if !found || len(what) < 5 || len(how) < 3 {
			continue
		}
		switch how[0] {
		case "cgroup2":
			out.unified = in(what[3], what[4], "")
		case "cgroup":
			for name := range strings.SplitSeq(how[2], ",") {
				if dir := in(what[3], what[4], name); dir != "" && !strings.HasPrefix(name, "name=") {
					out.old[name] = dir
				}
			}
		}
	}
	return out
}

// serverGroup is the group that the server itself moves to where groups of the second generation are: one that has groups below it, with limits,
// may have no processes.
const serverGroup = "troupe-server"

// enable makes a controller of the second generation hold for groups below dir, and returns the directory in which to make them.
func enable(dir, name string) (string, error) {
	if filepath.Base(dir) == serverGroup {
		dir = filepath.Dir(dir)
	}
	have, err := os.ReadFile(filepath.Join(dir, "cgroup.controllers"))
	if err != nil {
		return dir, err
	}
	if !slices.Contains(strings.Fields(string(have)), name) {
		return dir, errors.New("the system has no such controller for this service: start it with Delegate=yes")
	}
	control := filepath.Join(dir, "cgroup.subtree_control")
	on := func() error { return os.WriteFile(control, []byte("+"+name), 0o600) }
	if err = on(); !errors.Is(err, syscall.EBUSY) {
		return dir, err
	}
	own := filepath.Join(dir, serverGroup)
	if err := os.Mkdir(own, 0o755); err != nil && !errors.Is(err, fs.ErrExist) { //nolint:gosec // others may see it
		return dir, err
	}
	if err := os.WriteFile(filepath.Join(own, "cgroup.procs"), []byte("0"), 0o600); err != nil {
		return dir, err
	}
	if err := on(); err != nil { // others are in the group as well: it is not the server's own
		return dir, errors.Join(err, os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte("0"), 0o600), os.Remove(own))
	}
	return dir, nil
}

// try makes and removes a group.
func (g *Groups) try(c controller) error {
	dir := filepath.Join(c.dir, g.prefix+"trial")
	err := c.make(dir)
	return errors.Join(err, remove(dir))
}

func (c *controller) make(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) { //nolint:gosec // as above
		return err
	}
	for _, f := range c.files {
		if err := os.WriteFile(filepath.Join(dir, f.name), []byte(f.value), 0o600); err != nil && (!f.optional || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
	}
	return nil
}

// sweep removes what an earlier server of this name left.
func (g *Groups) sweep() {
	for _, c := range g.places {
		dirs, _ := filepath.Glob(filepath.Join(c.dir, g.prefix+"*"))
		for _, dir := range dirs {
			kill(dir)
			if err := remove(dir); err != nil {
				g.left = append(g.left, dir)
			}
		}
	}
}

// group is the control group of one run; a nil one has no limits.
type group struct {
	g    *Groups
	dirs []string
	into *os.File // the directory of the second generation
	back []string // where the thread that starts children belongs, in the order of dirs; "" for the second generation
}

// enter makes a group for a run. Where that cannot be done the run goes on without, which is said once.
func (g *Groups) enter() *group {
	if g == nil || len(g.places) == 0 {
		return nil
	}
	g.mu.Lock()
	g.next++
	name := g.prefix + strconv.Itoa(g.next)
	g.left = slices.DeleteFunc(g.left, func(dir string) bool { return os.Remove(dir) == nil })
	g.mu.Unlock()
	out := &group{g: g}
	for _, c := range g.places {
		dir := filepath.Join(c.dir, name)
		err := c.make(dir)
		out.dirs = append(out.dirs, dir)
		if err == nil && c.unified {
			out.into, err = os.Open(dir)
			out.back = append(out.back, "")
		} else {
			out.back = append(out.back, c.dir)
		}
		if err != nil {
			g.oneSaid.Do(func() { g.log.Warn("a run has no limits of memory and processes", "error", err) })
			out.leave()
			return nil
		}
	}
	return out
}

// start starts the command in the group, it and all that it will start.
func (o *group) start(cmd *exec.Cmd) error {
	if o == nil {
		return startLocked(cmd.Start)
	}
	if o.into != nil {
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(o.into.Fd()) //nolint:gosec // descriptors are small
	}
	return startLocked(func() error {
		// A child is where the thread is that starts it.
		for i, dir := range o.dirs {
			if o.back[i] == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(dir, "tasks"), []byte("0"), 0o600); err != nil {
				return fmt.Errorf("the group of the run: %w", err)
			}
			defer func() {
				if err := os.WriteFile(filepath.Join(o.back[i], "tasks"), []byte("0"), 0o600); err != nil {
					o.g.log.Error("leaving the group of a run", "error", err)
				}
			}()
		}
		return cmd.Start()
	})
}

// kill ends everything that is in the group.
func (o *group) kill() {
	if o == nil {
		return
	}
	for _, dir := range o.dirs {
		kill(dir)
	}
}

func kill(dir string) {
	if os.WriteFile(filepath.Join(dir, "cgroup.kill"), []byte("1"), 0o600) == nil {
		return
	}
	for _, pid := range members(dir) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may be gone
	}
}

func members(dir string) []int {
	var out []int
	b, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs"))
	for line := range strings.Lines(string(b)) {
		if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && pid > 1 && pid != os.Getpid() {
			out = append(out, pid)
		}
	}
	return out
}

// starved tells whether the system killed something in the group because it needed more memory than it may have.
func (o *group) starved() bool {
	if o == nil {
		return false
	}
	for _, dir := range o.dirs {
		for _, name := range []string{"memory.events", "memory.oom_control"} {
			b, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				continue
			}
			for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
				if n, found := strings.CutPrefix(lines.Text(), "oom_kill "); found && n != "0" {
					return true
				}
			}
		}
	}
	return false
}

// leave ends what is still in the group and removes it.
func (o *group) leave() {
	if o == nil {
		return
	}
	if o.into != nil {
		o.into.Close()
	}
	for _, dir := range o.dirs {
		kill(dir)
		if err := remove(dir); err != nil {
			o.g.mu.Lock()
			o.g.left = append(o.g.left, dir)
			o.g.mu.Unlock()
		}
	}
}

// patience is how long processes that were killed may take to be gone.
const patience = 2 * time.Second

// remove takes a group away once the last of its processes is gone.
func remove(dir string) error {
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		err := os.Remove(dir)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, syscall.EBUSY) || time.Now().After(end) {
			return err
		}
		kill(dir)
	}
}
