package session_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/internal/remote/connection/connectiontest"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/internal/target/modules/all"
)

// agents builds all images as a release has them.
func agents(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, image := range all.Images() {
		name, suffix := "troupe-agent", ""
		if image != "" {
			suffix = "-" + image
			name += suffix
		}
		file := filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-o", file, "../../../cmd/"+name)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		plain, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		zw := gzip.NewWriter(&packed)
		zw.Write(plain)
		zw.Close()
		if err := os.WriteFile(fmt.Sprintf("%s/%s-%s%s.gz", dir, runtime.GOOS, runtime.GOARCH, suffix), packed.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Modules that bring much with them live in images of their own, which come to the host with the first module of each.
func TestImages(t *testing.T) {
	s := connectiontest.StartSSHD(t)
	dir := agents(t)
	t.Run("it comes when it is needed", func(t *testing.T) { furtherImages(t, s, dir) })
	t.Run("there is none for the host", func(t *testing.T) { noImage(t, s, dir) })
}

func furtherImages(t *testing.T, s *connectiontest.SSHD, dir string) {
	user := connectiontest.User(t, "trpimage", "let me in")
	connectiontest.Sudoers(t, user, "Defaults:"+user+" timestamp_timeout=0", user+" ALL=(ALL:ALL) ALL")
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") }))
	defer web.Close()
	var mu sync.Mutex
	var sent []string
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(sent)
	}
	cfg := session.Config{Agents: os.DirFS(dir), Image: all.Image, Log: func(_ int, msg string) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(msg, "sending the agent") {
			sent = append(sent, msg)
		}
	}}
	se, err := session.Open(t.Context(), session.Target{Options: s.With("remote_user", user)}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer se.Close()
	root := &become.Spec{User: "root", Pass: "let me in"}
	args := func(v map[string]any) json.RawMessage {
		b, _ := json.Marshal(v)
		return b
	}
	uri := session.Call{Module: "ansible.builtin.uri", Args: args(map[string]any{"url": web.URL, "return_content": true})}
	asRoot := uri
	asRoot.Become = root

	run(t, se, session.Call{Module: "ansible.builtin.ping"})
	if count() != 1 {
		t.Errorf("a module of the first image: %v", sent)
	}
	for range 2 {
		if r := run(t, se, uri); r["content"] != "hello" {
			t.Errorf("result %v", r)
		}
	}
	for range 2 {
		if r := run(t, se, asRoot); r["content"] != "hello" {
			t.Errorf("as root: %v", r)
		}
	}
	for range 2 {
		if r := run(t, se, session.Call{Module: "community.mysql.mysql_user", Args: args(map[string]any{"name": "x", "login_unix_socket": "/nonesuch/socket"})}); !strings.Contains(fmt.Sprint(r["msg"]), "Can't connect to MySQL server") {
			t.Errorf("result %v", r)
		}
	}
	if cached, _ := filepath.Glob("/home/" + user + "/.cache/troupe/agent-*"); len(cached) != 3 {
		t.Errorf("the host keeps %v", cached)
	}
	t.Run("a wrong become password", func(t *testing.T) {
		wrong := uri
		wrong.Become = &become.Spec{User: "root", Pass: "nope"}
		if _, err := se.Run(t.Context(), wrong); err == nil || err.Error() != "Incorrect sudo password" {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a payload", func(t *testing.T) {
		var tar bytes.Buffer
		zw := gzip.NewWriter(&tar)
		cmd := exec.Command("tar", "-C", s.Dir, "-cf", "-", "known_hosts")
		cmd.Stdout = zw
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		zw.Close()
		dest := "/home/" + user + "/unpacked"
		os.Mkdir(dest, 0o777)
		chown(t, user, dest)
		r := run(t, se, session.Call{Module: "ansible.builtin.unarchive", Args: args(map[string]any{"src": "known.tar.gz", "dest": dest}), Payload: &session.Payload{
			Size: int64(tar.Len()), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(tar.Bytes())), nil },
		}})
		if _, err := os.Stat(dest + "/known_hosts"); err != nil {
			t.Errorf("%v: %v", err, r)
		}
	})
	t.Run("a job", func(t *testing.T) {
		job := uri
		job.Async = &session.Async{Limit: time.Minute}
		file, _ := run(t, se, job)["results_file"].(string)
		eventually(t, "the job ends", func() bool {
			var r map[string]any
			text, _ := os.ReadFile(file)
			return json.Unmarshal(text, &r) == nil && r["content"] == "hello"
		})
	})
	se.Close()
	eventually(t, "nothing of the user runs", func() bool { return exec.Command("pgrep", "-u", user).Run() != nil })
	if count() > 4 {
		t.Errorf("sent %v", sent)
	}
}

func noImage(t *testing.T, s *connectiontest.SSHD, dir string) {
	user := connectiontest.User(t, "trpimage2", "pw")
	platform := fmt.Sprintf("%s-%s", runtime.GOOS, runtime.GOARCH)
	if err := os.Rename(dir+"/"+platform+"-web.gz", dir+"/plan9-"+runtime.GOARCH+"-web.gz"); err != nil {
		t.Fatal(err)
	}
	se, err := session.Open(t.Context(), session.Target{Options: s.With("remote_user", user)}, session.Config{Agents: os.DirFS(dir), Image: all.Image})
	if err != nil {
		t.Fatal(err)
	}
	defer se.Close()
	_, err = se.Run(t.Context(), session.Call{Module: "ansible.builtin.uri", Args: json.RawMessage(`{"url":"http://127.0.0.1:1"}`)})
	if err == nil || !strings.Contains(err.Error(), "this build has no agent for "+platform) {
		t.Errorf("got %v", err)
	}
	run(t, se, session.Call{Module: "ansible.builtin.ping"})
}
