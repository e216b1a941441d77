package session_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/internal/remote/connection/connectiontest"
	"github.com/troupe-automation/troupe/internal/remote/pymodule"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/internal/wire"
)

func TestPayload(t *testing.T) {
	s := open(t, local)
	data := bytes.Repeat([]byte("troupe\n"), 1<<20)
	sum := sha256.Sum256(data)
	opened := 0
	c := session.Call{Module: "test.payload", Payload: &session.Payload{Size: int64(len(data)), Open: func() (io.ReadCloser, error) {
		opened++
		return io.NopCloser(bytes.NewReader(data)), nil
	}}}
	for _, b := range []*become.Spec{nil, {User: "root"}} {
		if b != nil && os.Getuid() != 0 {
			continue
		}
		c.Become = b
		if r := run(t, s, c); r["sha256"] != hex.EncodeToString(sum[:]) || r["size"] != float64(len(data)) {
			t.Errorf("the module got %v bytes, %v", r["size"], r["sha256"])
		}
	}
	c.Payload = &session.Payload{Open: func() (io.ReadCloser, error) { return nil, errors.New("no such file on the controller") }}
	if r := run(t, s, c); r["failed"] != true || r["msg"] != "no such file on the controller" {
		t.Errorf("result %v", r)
	}
	// A payload that nobody opens does not travel.
	c = probe("x", nil)
	c.Payload = &session.Payload{Open: func() (io.ReadCloser, error) { t.Error("opened"); return nil, io.EOF }}
	run(t, s, c)
}

func TestReceive(t *testing.T) {
	s := open(t, local)
	var got bytes.Buffer
	args := json.RawMessage(`{"size": 3000001}`)
	run(t, s, session.Call{Module: "test.send", Args: args, Receive: &got})
	if got.Len() != 3000001 {
		t.Errorf("received %d bytes", got.Len())
	}
	r := run(t, s, session.Call{Module: "test.send", Args: args, Receive: full{}})
	if r["failed"] != true || r["msg"] != "the disk is full" {
		t.Errorf("result %v", r)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestOutput(t *testing.T) {
	var got []string
	s := open(t, local)
	run(t, s, session.Call{Module: "test.output", Output: func(stream string, chunk []byte) { got = append(got, stream+" "+string(chunk)) }})
	if fmt.Sprint(got) != "[stdout one\n stderr two\n]" {
		t.Errorf("got %q", got)
	}
}

func TestOddCalls(t *testing.T) {
	s := open(t, local)
	if r := run(t, s, session.Call{Module: "test.panic"}); r["failed"] != true {
		t.Errorf("panic: %v", r)
	}
	if r := run(t, s, session.Call{Module: "test.big"}); len(r["text"].(string)) != 5<<20 {
		t.Error("a large result was cut")
	}
	var te *session.TaskError
	if _, err := s.Run(t.Context(), session.Call{Module: "no.such.module"}); !errors.As(err, &te) || te.Code != wire.FailNoModule {
		t.Errorf("unknown module: %v", err)
	}
	if _, err := session.Open(t.Context(), session.Target{Connection: "telepathy"}, config(t)); err == nil || err.Error() != "the connection plugin 'telepathy' was not found" {
		t.Errorf("unknown connection: %v", err)
	}
}

func TestManyAtOnce(t *testing.T) {
	pool := session.NewPool(config(t))
	defer pool.Close()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			s, err := pool.Get(t.Context(), session.Target{Connection: "local", Options: map[string]string{"host": fmt.Sprint(i)}})
			if err != nil {
				t.Error(err)
				return
			}
			raw, err := s.Run(t.Context(), probe(fmt.Sprint("n", i), nil))
			if want := fmt.Sprintf(`"said":"n%d"`, i); err != nil || !strings.Contains(string(raw), want) {
				t.Errorf("call %d: %s, %v", i, raw, err)
			}
		})
	}
	wg.Wait()
}

// hang starts a call that does not end by itself, and returns the process it runs and its temporary directory.
func hang(t *testing.T, ctx context.Context, s *session.Session, b *become.Spec) (pid int, tmp string, done <-chan error) {
	t.Helper()
	dir := t.TempDir()
	os.Chmod(filepath.Dir(dir), 0o755)
	os.Chmod(dir, 0o777)
	file := filepath.Join(dir, "pid")
	args, _ := json.Marshal(map[string]string{"pidfile": file})
	said := make(chan string, 1)
	ended := make(chan error, 1)
	go func() {
		_, err := s.Run(ctx, session.Call{Module: "test.hang", Args: args, Become: b, Output: func(_ string, chunk []byte) { said <- string(chunk) }})
		ended <- err
	}()
	select {
	case tmp = <-said:
	case err := <-ended:
		t.Fatalf("the call ended: %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("the call does not start")
	}
	eventually(t, "the command starts", func() bool {
		text, _ := os.ReadFile(file)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return pid > 0
	})
	return pid, tmp, ended
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) { // another process decides when
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func gone(pid int) bool { return syscall.Kill(pid, 0) != nil }

func missing(path string) bool {
	_, err := os.Lstat(path)
	return os.IsNotExist(err)
}

func TestCancel(t *testing.T) {
	s := connectiontest.StartSSHD(t)
	user := connectiontest.User(t, "trpcancel", "pw")
	connectiontest.Sudoers(t, user, user+" ALL=(ALL:ALL) NOPASSWD: ALL")
	se := open(t, session.Target{Options: s.With("remote_user", user)})
	for _, b := range []*become.Spec{nil, {User: "root"}} {
		ctx, cancel := context.WithCancel(t.Context())
		pid, tmp, done := hang(t, ctx, se, b)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("become %v: got %v", b, err)
		}
		eventually(t, "the process ends", func() bool { return gone(pid) })
		eventually(t, "its files go", func() bool { return missing(tmp) })
		run(t, se, probe("still alive", b))
	}
}

func TestConnectionDies(t *testing.T) {
	for _, b := range []*become.Spec{nil, {User: "root"}} {
		t.Run(fmt.Sprintf("become %v", b != nil), func(t *testing.T) {
			s := connectiontest.StartSSHD(t)
			user := connectiontest.User(t, "trpdies", "pw")
			connectiontest.Sudoers(t, user, user+" ALL=(ALL:ALL) NOPASSWD: ALL")
			se := open(t, session.Target{Options: s.With("remote_user", user)})
			hello, err := se.Hello(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pid, tmp, done := hang(t, t.Context(), se, b)
			// The server process of this connection is the parent of the agent.
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", hello.PID))
			if err != nil {
				t.Fatal(err)
			}
			parent, _ := strconv.Atoi(strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))[1])
			syscall.Kill(parent, syscall.SIGKILL)
			var u *session.UnreachableError
			if err := <-done; !errors.As(err, &u) {
				t.Errorf("got %v", err)
			}
			if !se.Lost() {
				t.Error("the session does not know that it is lost")
			}
			eventually(t, "the process ends", func() bool { return gone(pid) })
			eventually(t, "the agent ends", func() bool { return gone(hello.PID) })
			eventually(t, "its files go", func() bool { return missing(tmp) && missing(filepath.Dir(tmp)) })
		})
	}
}

func TestAsync(t *testing.T) {
	s := connectiontest.StartSSHD(t)
	user := connectiontest.User(t, "trpasync", "pw")
	target := session.Target{Options: s.With("remote_user", user)}
	job := func(t *testing.T, c session.Call) (file string) {
		se, err := session.Open(t.Context(), target, config(t))
		if err != nil {
			t.Fatal(err)
		}
		defer se.Close()
		r := run(t, se, c)
		file, _ = r["results_file"].(string)
		if id, _ := r["ansible_job_id"].(string); r["started"] != 1.0 || r["finished"] != 0.0 || file != "/home/"+user+"/.ansible_async/"+id {
			t.Fatalf("result %v", r)
		}
		return file
	}
	result := func(t *testing.T, file string) (r map[string]any) {
		eventually(t, "the job ends", func() bool {
			text, _ := os.ReadFile(file)
			r = nil
			return json.Unmarshal(text, &r) == nil && r["started"] == nil
		})
		return r
	}
	t.Run("survives the connection", func(t *testing.T) {
		data := bytes.Repeat([]byte("x"), 300000)
		file := job(t, session.Call{Module: "test.payload", Async: &session.Async{Limit: time.Minute}, Payload: &session.Payload{
			Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
		}})
		if r := result(t, file); r["size"] != 300000.0 {
			t.Errorf("result %v", r)
		}
	})
	t.Run("python that raises", func(t *testing.T) {
		m := pymodule.Pack("mod", "", []byte("from ansible.module_utils.basic import AnsibleModule\nraise Exception('boom')\n"), nil)
		m.Interpreter = python(t)
		r := result(t, job(t, session.Call{Python: m, Async: &session.Async{Limit: time.Minute}}))
		if text, _ := r["stderr"].(string); r["failed"] != 1.0 || r["data"] != "" || r["cmd"] != "mod" || !strings.Contains(text, "Exception: boom") {
			t.Errorf("result %v", r)
		}
	})
	t.Run("time limit", func(t *testing.T) {
		pidfile := "/home/" + user + "/pid"
		args, _ := json.Marshal(map[string]string{"pidfile": pidfile})
		file := job(t, session.Call{Module: "test.hang", Args: args, Async: &session.Async{Limit: time.Second}})
		r := result(t, file)
		if r["failed"] != true || r["msg"] != "Timeout exceeded" || r["child_pid"] == nil {
			t.Errorf("result %v", r)
		}
		text, _ := os.ReadFile(pidfile)
		pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
		eventually(t, "the process ends", func() bool { return gone(pid) })
	})
	left, _ := filepath.Glob("/home/" + user + "/.ansible/tmp/*")
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func BenchmarkPayload(b *testing.B) {
	s, err := session.Open(b.Context(), local, session.Config{Self: self(), PreferSelf: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	data := make([]byte, 64<<20)
	for name, spec := range map[string]*become.Spec{"login": nil, "become": {User: "root"}} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := s.Run(b.Context(), session.Call{Module: "test.payload", Become: spec, Payload: &session.Payload{Open: func() (io.ReadCloser, error) {
					return io.NopCloser(bytes.NewReader(data)), nil
				}}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
