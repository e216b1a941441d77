package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/wire"
	"github.com/troupe-automation/troupe/module"
)

// jobWord is the argument that makes the agent run one detached job. The job reads its call from standard input: a
// call frame, then the blobs as one data message each (streams from 1 on, in the order source, libraries), then the
// payload as data frames of stream 0 with an end frame. It answers with a line of text when the job file is there:
// "ok " and the job id, or what went wrong.
const jobWord = "job"

// detach starts a job and returns what an asynchronous task returns at once (BEHAVIOUR §3.10).
func (s *server) detach(ctx context.Context, stream uint32, c *wire.Call) (json.RawMessage, *wire.Failure) {
	fail := func(err error) (json.RawMessage, *wire.Failure) {
		return nil, &wire.Failure{Code: wire.FailInternal, Msg: "start the job: " + err.Error()}
	}
	if len(s.cfg.Self) == 0 {
		return fail(errors.New("this agent cannot start itself"))
	}
	cmd := exec.Command(selfFile(s.cfg.Self[0]), append(s.cfg.Self[1:len(s.cfg.Self):len(s.cfg.Self)], jobWord)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return fail(err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return fail(err)
	}
	defer outR.Close()
	cmd.Stdout = outW
	err = cmd.Start()
	outW.Close()
	if err != nil {
		return fail(err)
	}
	go cmd.Wait() // ends with the job, or is orphaned with it
	stop := context.AfterFunc(ctx, func() { in.Close() })
	defer stop()
	sendErr := s.feedJob(in, stream, c)
	in.Close()
	answer, err := io.ReadAll(io.LimitReader(outR, 64<<10))
	if err == nil {
		err = sendErr
	}
	line := strings.TrimSpace(string(answer))
	jid, ok := strings.CutPrefix(line, "ok ")
	if !ok {
		if line != "" {
			err = errors.New(line)
		} else if err == nil {
			err = errors.New("it ended without an answer")
		}
		return fail(err)
	}
	result, _ := json.Marshal(map[string]any{
		"started": 1, "finished": 0, "failed": 0, "changed": true, "ansible_job_id": jid, "results_file": filepath.Join(jobDir(c.Async), jid),
	})
	return result, nil
}

// selfFile is the program to start; a deleted one is still reachable through /proc.
func selfFile(file string) string {
	if _, err := os.Stat("/proc/self/exe"); err == nil {
		return "/proc/self/exe"
	}
	return file
}

func (s *server) feedJob(in io.Writer, stream uint32, c *wire.Call) error {
	out := wire.NewWriter(in)
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := out.Write(wire.Frame{Kind: wire.KindCall, Data: body}); err != nil {
		return err
	}
	if f := c.Foreign; f != nil {
		for i, hash := range append([]string{f.Source}, f.Library...) {
			data, err := s.blob(stream, hash)
			if err != nil {
				return err
			}
			if err := out.Write(wire.Frame{Kind: wire.KindData, Stream: uint32(i + 1), Data: data}); err != nil {
				return err
			}
		}
	}
	if c.Payload != nil {
		r, err := s.pull(stream, "payload")
		if err != nil {
			return err
		}
		defer r.Close()
		chunk := make([]byte, wire.ChunkSize)
		for {
			n, err := r.Read(chunk)
			if n > 0 {
				if err := out.Write(wire.Frame{Kind: wire.KindData, Data: chunk[:n]}); err != nil {
					return err
				}
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
		}
	}
	return out.Write(wire.Frame{Kind: wire.KindEnd})
}

func jobDir(a *wire.Async) string {
	dir := a.Dir
	if dir == "" {
		dir = "~/.ansible_async"
	}
	return expandHome(dir)
}

// job is a detached call.
type job struct {
	call  *wire.Call
	blobs map[string][]byte
	file  string // job file
	jid   string
	temp  tempDir
	load  string // file with the payload, or ""
}

// runJob is the main function of a job. It returns the exit code.
func runJob(modules *module.Registry) int {
	j := &job{blobs: map[string][]byte{}}
	defer j.temp.remove()
	if err := j.receive(wire.NewReader(os.Stdin)); err != nil {
		fmt.Println("read the job:", err)
		return 1
	}
	if err := j.begin(); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("ok", j.jid)
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err == nil {
		for fd := range 3 {
			syscall.Dup3(int(null.Fd()), fd, 0)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	limited, cancel := context.WithTimeout(ctx, time.Duration(j.call.Async.Seconds)*time.Second)
	defer cancel()
	result := j.run(limited, modules)
	if limited.Err() != nil {
		result, _ = json.Marshal(map[string]any{"failed": true, "msg": "Timeout exceeded", "child_pid": os.Getpid()})
	}
	j.temp.remove() // who sees the result finds nothing else left
	if err := writeWhole(j.file, result); err != nil {
		return 1
	}
	return 0
}

func (j *job) receive(in *wire.Reader) error {
	var names []string
	var load *os.File
	for {
		f, err := in.ReadMessage()
		if err != nil {
			return err
		}
		switch {
		case f.Kind == wire.KindCall && j.call == nil:
			if err := json.Unmarshal(f.Data, &j.call); err != nil {
				return err
			}
			if j.call.Async == nil {
				return errors.New("the call is not asynchronous")
			}
			if c := j.call.Foreign; c != nil {
				names = append([]string{c.Source}, c.Library...)
			}
		case f.Kind == wire.KindData && f.Stream > 0 && int(f.Stream) <= len(names):
			j.blobs[names[f.Stream-1]] = f.Data
		case f.Kind == wire.KindData && f.Stream == 0 && j.call != nil:
			if load == nil {
				dir, err := j.temp.make(j.call.RemoteTmp, "")
				if err != nil {
					return err
				}
				j.load = filepath.Join(dir.path, "payload")
				if load, err = os.OpenFile(j.load, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600); err != nil {
					return err
				}
				defer load.Close()
			}
			if _, err := load.Write(f.Data); err != nil {
				return err
			}
		case f.Kind == wire.KindEnd && j.call != nil:
			return nil
		default:
			return wire.ErrProtocol
		}
	}
}

// begin writes the job file that says that the job runs.
func (j *job) begin() error {
	dir := jobDir(j.call.Async)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("could not create: %s: %w", dir, err)
	}
	id := j.call.Async.JID
	if id == "" {
		id = "j" + strconv.FormatInt(rand.Int64N(1e12), 10)
	}
	j.jid = id + "." + strconv.Itoa(os.Getpid())
	j.file = filepath.Join(dir, j.jid)
	b, _ := json.Marshal(map[string]any{"started": 1, "finished": 0, "ansible_job_id": j.jid})
	return writeWhole(j.file, b)
}

// run runs the module and always returns a JSON object.
func (j *job) run(ctx context.Context, modules *module.Registry) json.RawMessage {
	var result json.RawMessage
	var failure *wire.Failure
	if j.call.Foreign != nil {
		var py pythons
		defer py.close()
		result, failure = py.run(ctx, j.call, &j.temp, func(hash string) ([]byte, error) {
			if b, ok := j.blobs[hash]; ok {
				return b, nil
			}
			return nil, errors.New("a part of the module is missing")
		})
	} else {
		opts := module.Options{}
		if p := j.call.Payload; p != nil {
			opts.Payload = &module.Payload{Size: p.Size, SHA1: p.SHA1, Open: func() (io.ReadCloser, error) {
				if j.load == "" {
					return io.NopCloser(strings.NewReader("")), nil
				}
				return os.Open(j.load)
			}}
		}
		result, failure = runNative(ctx, modules, &j.temp, j.call, opts)
	}
	if failure != nil {
		result, _ = json.Marshal(map[string]any{"failed": 1, "msg": failure.Msg})
	}
	return result
}

// writeWhole replaces a file in one step.
func writeWhole(file string, data []byte) error {
	tmp := file + ".tmp"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}
