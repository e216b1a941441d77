package runner

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Inside is the first word of this program's command line when it is the first process of a container and is to become a run.
const Inside = "inside"

// Engine makes containers for runs that ask for an image.
type Engine struct {
	path   string
	docker bool
	prefix string // of the names of containers
	limits Limits
	self   string // this program
}

// Image is what a run's container is made of.
type Image struct {
	Name string
	Pull string // always, missing or never
	// Host, Username and Password are for the registry; Plain lets its certificate be any.
	Host, Username, Password string
	Plain                    bool
	// Container names the run's container; it is one that no other run of this server has.
	Container string
}

// CheckImage refuses names that an engine would take for something else.
func CheckImage(name string) error {
	if name == "" || strings.HasPrefix(name, "-") || strings.ContainsAny(name, " \t\r\n\x00") {
		return fmt.Errorf("%q is no image", name)
	}
	return nil
}

// engineAnswers is how long an engine may take to tell of its containers, or to remove one.
const engineAnswers = 15 * time.Second

// FindEngine looks for podman or docker, or for the one that is named; "none" is for none. There is no engine, and no error, where none was asked for
// and none works: note says why. Containers that a dead server of the same owner left behind are removed.
func FindEngine(ctx context.Context, name, owner string, limits Limits) (e *Engine, note string, err error) {
	names := []string{name}
	switch name {
	case "none":
		return nil, "", nil
	case "":
		names = []string{"podman", "docker"}
	}
	var notes []string
	for _, n := range names {
		path, err := exec.LookPath(n)
		if err != nil {
			notes = append(notes, err.Error())
			continue
		}
		if limits.Processes == 0 {
			limits.Processes = defaultProcesses
		}
		e := &Engine{path: path, docker: strings.Contains(filepath.Base(path), "docker"), prefix: "troupe-" + owner + "-", limits: limits}
		if e.self, err = os.Executable(); err != nil {
			return nil, "", err
		}
		if err := e.sweep(ctx); err != nil {
			notes = append(notes, err.Error())
			continue
		}
		return e, "", nil
	}
	note = strings.Join(notes, "; ")
	if name != "" {
		return nil, "", fmt.Errorf("the container engine cannot be used: %s", note)
	}
	return nil, note, nil
}

// sweep removes containers of a server that was killed; an engine that does not answer is none.
func (e *Engine) sweep(ctx context.Context) error {
	out, err := e.ask(ctx, "ps", "--all", "--quiet", "--filter", "name=^"+e.prefix)
	if err != nil {
		return err
	}
	for id := range strings.FieldsSeq(out) {
		if _, err := e.ask(ctx, "rm", "--force", id); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) ask(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, engineAnswers)
	defer cancel()
	cmd := exec.CommandContext(ctx, e.path, args...)
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(e.path), args[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

// remove ends a container, however far it has come.
func (e *Engine) remove(name string) {
	_, _ = e.ask(context.Background(), "rm", "--force", e.prefix+name) // one that has ended is gone
}

// entry is what the first process of a container does before it becomes the run.
type entry struct {
	Env    []string
	Dir    string
	Args   []string
	Events string `json:",omitempty"` // where the run's events go: descriptor 3
}

// wrap makes the command of a run that of its container. mate has the run's directories and its user; registry is a directory that the run does not see.
func (e *Engine) wrap(cmd *exec.Cmd, image *Image, mate *inmate, dirs []string, private, registry, events string) error {
	if err := CheckImage(image.Name); err != nil {
		return err
	}
	program, err := exec.LookPath(cmd.Args[0])
	if err != nil {
		return err
	}
	spec, err := json.Marshal(entry{Env: cmd.Env, Dir: cmd.Dir, Args: append([]string{program}, cmd.Args[1:]...), Events: events})
	if err != nil {
		return err
	}
	file := filepath.Join(private, "entry.json")
	if err := os.WriteFile(file, spec, 0o600); err != nil {
		return err
	}
	user := strconv.Itoa(os.Getuid()) + ":" + strconv.Itoa(os.Getgid())
	own := mate.c.kind == Users && mate.spec.UID != 0
	switch {
	case own:
		if err := os.Lchown(file, mate.spec.UID, mate.spec.GID); err != nil {
			return err
		}
		user = strconv.Itoa(mate.spec.UID) + ":" + strconv.Itoa(mate.spec.GID)
	case os.Getuid() != 0 && !e.docker:
		user = "0:0" // of the user's own namespace, where that is the user
	}
	args := []string{"run", "--rm", "--name", e.prefix + image.Container, "--network", "host", "--user", user, "--workdir", "/", "--security-opt", "label=disable", "--pids-limit", strconv.FormatInt(e.limits.Processes, 10)}
	if own && mate.spec.Own {
		args = append(args, "--security-opt", "no-new-privileges")
	}
	if e.limits.Memory > 0 {
		args = append(args, "--memory", strconv.FormatInt(e.limits.Memory, 10), "--memory-swap", strconv.FormatInt(e.limits.Memory, 10))
	}
	if e.limits.Weight > 0 {
		args = append(args, "--cpu-shares", strconv.FormatInt(max(2, e.limits.Weight*1024/100), 10))
	}
	if image.Pull != "" {
		args = append(args, "--pull", image.Pull)
	}
	cmd.Env = os.Environ() // the engine's: it knows its storage by it
	if image.Username != "" || image.Password != "" {
		login, err := json.Marshal(map[string]any{"auths": map[string]any{image.Host: map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(image.Username + ":" + image.Password))}}})
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(registry, "config.json"), login, 0o600); err != nil {
			return err
		}
		if e.docker {
			cmd.Env = append(cmd.Env, "DOCKER_CONFIG="+registry)
		} else {
			args = append(args, "--authfile", filepath.Join(registry, "config.json"))
		}
	}
	if !e.docker {
		args = append(args, "--quiet")
		if image.Plain {
			args = append(args, "--tls-verify=false")
		}
	}
	for i, path := range append(append([]string{}, dirs...), program, e.self) {
		mount := path + ":" + path
		if i >= len(dirs) {
			mount += ":ro"
		}
		if strings.Contains(path, ":") {
			return fmt.Errorf("%s cannot be shown to a container", path)
		}
		args = append(args, "--volume", mount)
	}
	args = append(args, "--entrypoint", e.self, image.Name, Inside, file)
	cmd.Path, cmd.Args, cmd.Dir, cmd.Err = e.path, append([]string{e.path}, args...), "/", nil
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return nil
}

// pipe is a named pipe that a container's process can open, and its two ends; the writing one is held so that there is no end of file before the run's.
func pipe(path string) (read, write *os.File, err error) {
	if err := unix.Mkfifo(path, 0o600); err != nil {
		return nil, nil, err
	}
	if read, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0); err != nil {
		return nil, nil, err
	}
	if write, err = os.OpenFile(path, os.O_WRONLY, 0); err != nil {
		return nil, nil, errors.Join(err, read.Close())
	}
	return read, write, nil
}

// Enter makes the first process of a container the run. It only returns with an error.
func Enter(args []string) error {
	if len(args) != 1 {
		return errors.New("nothing to become")
	}
	b, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var e entry
	if err := json.Unmarshal(b, &e); err != nil {
		return err
	}
	if len(e.Args) == 0 {
		return errors.New("nothing to become")
	}
	if e.Events != "" {
		fd, err := unix.Open(e.Events, unix.O_WRONLY, 0)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Events, err)
		}
		if fd == 3 {
			_, err = unix.FcntlInt(3, unix.F_SETFD, 0)
		} else if err = unix.Dup3(fd, 3, 0); err == nil {
			err = unix.Close(fd)
		}
		if err != nil {
			return err
		}
	}
	env := e.Env
	for i, v := range env { // programs are where the image has them
		if strings.HasPrefix(v, "PATH=") {
			env[i] = "PATH=" + os.Getenv("PATH")
		}
	}
	if err := os.Chdir(e.Dir); err != nil {
		return err
	}
	return unix.Exec(e.Args[0], e.Args, env)
}
