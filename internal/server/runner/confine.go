package runner

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const capSysAdmin = unix.CAP_SYS_ADMIN

// Close makes this process, which is in namespaces of its own, see only what a run may see, become the run's user, and become the run. args
// are the confinement, the directory to be in, and the arguments of the program. It only returns with an error.
func Close(args []string) error {
	if len(args) < 2 {
		return errors.New("nothing to become")
	}
	runtime.LockOSThread() // credentials of threads
	var spec confinement
	if err := json.Unmarshal([]byte(args[0]), &spec); err != nil {
		return err
	}
	if os.Getpid() != 1 {
		return errors.New("this is not a namespace of its own")
	}
	if err := spec.hide(); err != nil {
		return err
	}
	if err := spec.become(); err != nil {
		return err
	}
	if args[1] != "" {
		if err := unix.Chdir(args[1]); err != nil {
			return fmt.Errorf("%s: %w", args[1], err)
		}
	}
	return unix.Exec(spec.Program, append([]string{spec.Program}, args[2:]...), os.Environ())
}

// hide lets the server's files and all processes but the run's disappear.
func (s *confinement) hide() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("own mounts: %w", err)
	}
	// What stays is held open while its surroundings are covered.
	held := make([]int, len(s.Seen))
	for i, p := range s.Seen {
		fd, err := unix.Open(p.Out, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Out, err)
		}
		held[i] = fd
	}
	for _, c := range []struct{ path, mode string }{{s.Hidden, "mode=0700"}, {inside, "mode=1777"}} {
		if err := unix.Mount("tmpfs", c.path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, c.mode); err != nil {
			return fmt.Errorf("covering %s: %w", c.path, err)
		}
	}
	unix.Umask(0o022)
	for i, p := range s.Seen {
		var err error
		if p.In == s.Program {
			if err = os.MkdirAll(filepath.Dir(p.In), 0o755); err == nil { //nolint:gosec // the run's user must come through
				err = os.WriteFile(p.In, nil, 0o600)
			}
		} else {
			err = os.Mkdir(p.In, 0o755) //nolint:gosec // as above
		}
		if err == nil {
			err = unix.Mount("/proc/self/fd/"+strconv.Itoa(held[i]), p.In, "", unix.MS_BIND, "")
		}
		if err != nil {
			return fmt.Errorf("showing %s: %w", p.Out, err)
		}
		if err := unix.Close(held[i]); err != nil {
			return err
		}
	}
	for path, line := range map[string]string{"/etc/passwd": s.Passwd, "/etc/group": s.Group} {
		if line == "" {
			continue
		}
		if err := s.know(path, line); err != nil {
			return err
		}
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("own processes: %w", err)
	}
	return nil
}

// know adds the run's user to what this namespace sees of a file: programs ask who they are.
func (s *confinement) know(path, line string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil //nolint:nilerr // a system without the file does without the user
	}
	if len(b) > 0 && !strings.HasSuffix(string(b), "\n") {
		b = append(b, '\n')
	}
	mine := filepath.Join(filepath.Dir(s.Program), filepath.Base(path))
	if err := os.WriteFile(mine, append(b, line...), 0o644); err != nil { //nolint:gosec // as the file it stands for
		return err
	}
	return unix.Mount(mine, path, "", unix.MS_BIND, "")
}

// become takes the run's user and gives up what this process may do beyond it.
func (s *confinement) become() error {
	if s.Change {
		if err := unix.Setgroups(s.Groups); err != nil {
			return fmt.Errorf("groups: %w", err)
		}
		if err := unix.Setresgid(s.GID, s.GID, s.GID); err != nil {
			return fmt.Errorf("group %d: %w", s.GID, err)
		}
		if err := unix.Setresuid(s.UID, s.UID, s.UID); err != nil {
			return fmt.Errorf("user %d: %w", s.UID, err)
		}
	} else {
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
			return err
		}
		head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&head, &none[0]); err != nil {
			return fmt.Errorf("giving up capabilities: %w", err)
		}
	}
	if s.Own || !s.Change {
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			return err
		}
	}
	// Another user is another process to the kernel: it forgets that this one was to end with the server.
	return unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
}
