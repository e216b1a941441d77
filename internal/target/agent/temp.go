package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// tempDir is the agent's private directory, made with the first call, that holds one directory per call.
type tempDir struct {
	mu   sync.Mutex
	path string
	next atomic.Int64
}

type callDir struct{ path string }

func (d callDir) remove() { os.RemoveAll(d.path) }

// make returns a new directory below remoteTmp ("" is ~/.ansible/tmp) or, where that cannot be used, below a system directory.
// A name is that of the directory; without one it lies in the agent's own.
func (t *tempDir) make(remoteTmp, name string) (callDir, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.path != "" && name == "" {
		d, err := t.sub()
		if err == nil {
			return d, nil
		}
	}
	if remoteTmp == "" {
		remoteTmp = "~/.ansible/tmp"
	}
	var first error
	for _, base := range []string{expandHome(remoteTmp), "/var/tmp", "/tmp", "/dev/shm"} {
		err := os.MkdirAll(base, 0o700)
		if err == nil && name != "" {
			d := callDir{filepath.Join(base, filepath.Base(name))}
			if err = os.Mkdir(d.path, 0o700); err == nil {
				return d, nil
			}
		} else if err == nil {
			if t.path, err = os.MkdirTemp(base, "ansible-tmp-"); err == nil {
				return t.sub()
			}
		}
		if first == nil {
			first = err
		}
	}
	return callDir{}, fmt.Errorf("make a temporary directory: %w", first)
}

func (t *tempDir) sub() (callDir, error) {
	p := filepath.Join(t.path, strconv.FormatInt(t.next.Add(1), 10))
	return callDir{p}, os.Mkdir(p, 0o700)
}

func (t *tempDir) remove() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.path != "" {
		os.RemoveAll(t.path)
	}
}

// expandHome replaces a leading ~ by the user's home.
func expandHome(p string) string {
	if p == "~" || strings.HasPrefix(p, "~/") {
		if home := os.Getenv("HOME"); home != "" {
			return home + p[1:]
		}
		return "/" + strings.TrimPrefix(p[1:], "/")
	}
	return os.ExpandEnv(p)
}
