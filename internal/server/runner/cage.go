package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Confine is the first word of this program's command line when it is to close the cage behind it and become a run.
const Confine = "confine"

// Isolation says how far runs are kept apart from the server.
type Isolation string

// The kinds of isolation.
const (
	Auto  Isolation = ""     // the most that the system allows
	None  Isolation = "none" // runs are the server's own user: for people who trust each other that far
	Users Isolation = "user" // every run has a user of its own, and namespaces: what root can give
	Space Isolation = "namespaces"
)

// The range of users that belong to nobody: systemd takes them for services that need a user for a while.
const (
	firstUser = 61184
	users     = 65519 - firstUser + 1
)

// Cage keeps runs apart from the server and from each other: with users of their own where the server is root, and with namespaces of mounts and
// processes, in which the server's files and processes are not there.
type Cage struct {
	kind   Isolation
	hidden string // the server's data directory
	self   []string
	as     *user.User // the user of all runs, when one is given

	mu   sync.Mutex
	next int
	used map[int]bool
}

// Setting is what an administrator may choose.
type Setting struct {
	Isolation Isolation
	RunAs     string // user of all runs; "" for one of its own for each
	Hidden    string // the server's data directory
	// Self is the command line that makes a process call Close, /proc/self/exe confine where it is empty.
	Self []string
}

// NewCage finds out what the system allows. Where it allows less than was asked for, there is an error; note says what nobody asked for.
func NewCage(ctx context.Context, s Setting) (c *Cage, note string, err error) {
	c = &Cage{kind: s.Isolation, hidden: s.Hidden, self: s.Self, used: map[int]bool{}}
	if len(c.self) == 0 {
		c.self = []string{"/proc/self/exe", Confine}
	}
	root := os.Geteuid() == 0
	if s.RunAs != "" {
		if !root {
			return nil, "", errors.New("only root can let runs be another user: start the server as root, or leave out --run-as")
		}
		if c.as, err = user.Lookup(s.RunAs); err != nil {
			return nil, "", fmt.Errorf("--run-as: %w", err)
		}
		if c.as.Uid == "0" {
			return nil, "", errors.New("--run-as root keeps nothing apart: name another user")
		}
	}
	switch s.Isolation {
	case None:
		if s.RunAs != "" {
			return nil, "", errors.New("--run-as needs isolation")
		}
		return c, "", nil
	case Auto:
		c.kind = Space
		if root {
			c.kind = Users
		}
	case Users:
		if !root {
			return nil, "", errors.New("only root can give runs a user of their own")
		}
	case Space:
	default:
		return nil, "", fmt.Errorf("there is no isolation %q: none, user or namespaces", s.Isolation)
	}
	trial, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := c.try(trial); err != nil {
		if s.Isolation != Auto || s.RunAs != "" {
			return nil, "", fmt.Errorf("runs cannot be isolated here: %w", err)
		}
		c.kind = None
		return c, fmt.Sprintf("runs are not isolated from the server, because the system does not allow it (%v): who may write a playbook can read what this user can read, the key file too", err), nil
	}
	return c, "", nil
}

// Kind is the isolation that runs have.
func (c *Cage) Kind() Isolation { return c.kind }

// try runs a command in the cage that looks whether it sees the data directory.
func (c *Cage) try(ctx context.Context) error {
	dir, err := os.MkdirTemp(c.hidden, "trial-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(c.hidden, ".trial"), nil, 0o600); err != nil {
		return err
	}
	defer os.Remove(filepath.Join(c.hidden, ".trial"))
	in, err := c.enter("/bin/sh", dir)
	if err != nil {
		return err
	}
	defer in.leave()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", `test ! -e "$0/.trial" && test -d "$1" && test -w "$1" && test "$$" -le 2`, c.hidden, insideRun)
	cmd.WaitDelay = time.Second
	if err := in.wrap(cmd); err != nil {
		return err
	}
	var out tail
	out.max = 1000
	cmd.Stderr = &out
	if err := startLocked(cmd.Start); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(out.String()))
	}
	return nil
}

// inmate is one run in the cage.
type inmate struct {
	c        *Cage
	spec     confinement
	reserved bool
}

// confinement is what the process does to itself before it becomes the run.
type confinement struct {
	UID, GID int
	Change   bool   // become that user: the process is root
	Groups   []int  `json:",omitempty"`
	Hidden   string // a directory that is not to be seen
	// Seen are directories and one file, the program, that a run finds at other places, where nothing above them can keep its user out.
	Seen    []place
	Program string
	Passwd  string `json:",omitempty"` // lines that make the user known
	Group   string `json:",omitempty"`
	Own     bool   // the user is nobody else's: it can gain nothing
}

// place is something outside, and where a run finds it.
type place struct{ Out, In string }

// Where runs find what is theirs: a memory of their own covers what else is there.
const (
	inside        = "/dev/shm"
	insideRun     = inside + "/run"
	insideProgram = inside + "/program/"
)

// inner is a text in which paths outside are those that the run finds.
func (in *inmate) inner(text string) string {
	for _, p := range in.spec.Seen {
		text = strings.ReplaceAll(text, p.Out, p.In)
	}
	return text
}

// enter prepares a run: dirs, and all in them, become its user's.
func (c *Cage) enter(program string, dirs ...string) (*inmate, error) {
	in := &inmate{c: c}
	if c.kind == None {
		return in, nil
	}
	program, err := exec.LookPath(program)
	if err != nil {
		return nil, err
	}
	if program, err = filepath.EvalSymlinks(program); err != nil {
		return nil, err
	}
	in.spec = confinement{UID: os.Getuid(), GID: os.Getgid(), Change: c.kind == Users, Hidden: c.hidden, Program: insideProgram + filepath.Base(program)}
	for i, dir := range dirs {
		p := place{dir, insideRun}
		if i > 0 {
			p.In += strconv.Itoa(i)
		}
		in.spec.Seen = append(in.spec.Seen, p)
	}
	in.spec.Seen = append(in.spec.Seen, place{program, in.spec.Program})
	if c.kind != Users {
		return in, nil
	}
	if c.as != nil {
		if in.spec.UID, err = strconv.Atoi(c.as.Uid); err != nil {
			return nil, err
		}
		if in.spec.GID, err = strconv.Atoi(c.as.Gid); err != nil {
			return nil, err
		}
		groups, err := c.as.GroupIds()
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			id, err := strconv.Atoi(g)
			if err != nil {
				return nil, err
			}
			in.spec.Groups = append(in.spec.Groups, id)
		}
	} else {
		id, err := c.reserve()
		if err != nil {
			return nil, err
		}
		in.reserved = true
		in.spec.UID, in.spec.GID, in.spec.Own = id, id, true
		in.spec.Passwd, in.spec.Group = fmt.Sprintf("troupe-run:x:%d:%d:a run:%s:/bin/sh\n", id, id, insideRun), fmt.Sprintf("troupe-run:x:%d:\n", id)
	}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(path, in.spec.UID, in.spec.GID)
		})
		if err != nil {
			in.leave()
			return nil, err
		}
	}
	return in, nil
}

func (c *Cage) reserve() (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range users {
		id := firstUser + c.next
		c.next = (c.next + 1) % users
		if !c.used[id] {
			c.used[id] = true
			return id, nil
		}
	}
	return 0, errors.New("there are more runs than users for them")
}

// leave gives the run's user back.
func (in *inmate) leave() {
	if !in.reserved {
		return
	}
	in.c.mu.Lock()
	defer in.c.mu.Unlock()
	delete(in.c.used, in.spec.UID)
	in.reserved = false
}

// wrap makes a command of the server one of the run: it starts as the server's own program, which closes the cage and becomes the command.
func (in *inmate) wrap(cmd *exec.Cmd) error {
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.SysProcAttr = attr
	if in.c.kind == None {
		return nil
	}
	spec, err := json.Marshal(in.spec)
	if err != nil {
		return err
	}
	args := append(append([]string{in.c.self[0]}, in.c.self[1:]...), string(spec), in.inner(cmd.Dir))
	for _, a := range cmd.Args[1:] {
		args = append(args, in.inner(a))
	}
	for i := range cmd.Env {
		cmd.Env[i] = in.inner(cmd.Env[i])
	}
	cmd.Args = args
	cmd.Path = in.c.self[0]
	cmd.Err = nil
	cmd.Dir = "/"
	attr.Cloneflags = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC
	if in.c.kind == Space {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: in.spec.UID, HostID: in.spec.UID, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: in.spec.GID, HostID: in.spec.GID, Size: 1}}
		attr.AmbientCaps = []uintptr{capSysAdmin}
	}
	return nil
}
