package galaxy

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Cache keeps answers of servers for a day, in a file of its user's: where a server's API is, and what is known of a version. Which
// versions there are is asked each time, so that a new one is found at once. A nil Cache keeps nothing.
type Cache struct {
	Dir  string // GALAXY_CACHE_DIR
	Warn func(text string)
	Now  func() time.Time // nil: time.Now

	mu      sync.Mutex
	open    bool
	ignored bool // others may write the file
	answers map[string]map[string]answer
}

type answer struct {
	Expires time.Time       `json:"expires"`
	Body    json.RawMessage `json:"body"`
}

// cacheVersion is that of the file's form.
const cacheVersion = 1

type cacheFile struct {
	Version int                          `json:"version"`
	Answers map[string]map[string]answer `json:"answers"` // by server and path
}

// kept is how long an answer is believed.
const kept = 24 * time.Hour

func (c *Cache) file() string { return filepath.Join(c.Dir, "troupe-api.json") }

// Clear forgets everything.
func (c *Cache) Clear() error {
	err := os.Remove(c.file())
	if os.IsNotExist(err) {
		return nil
	}
	return err
}

func (c *Cache) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// load reads the file once. One that cannot be read is an empty one. The caller holds the lock.
func (c *Cache) load() {
	if c.open {
		return
	}
	c.open, c.answers = true, map[string]map[string]answer{}
	if st, err := os.Stat(c.file()); err == nil && st.Mode().Perm()&0o002 != 0 {
		c.ignored = true
		c.Warn("Galaxy cache has world writable access (" + c.file() + "), ignoring it as a cache source.")
		return
	}
	var f cacheFile
	b, err := os.ReadFile(c.file())
	if err == nil && json.Unmarshal(b, &f) == nil && f.Version == cacheVersion && f.Answers != nil {
		c.answers = f.Answers
	}
}

func (c *Cache) get(address string) (json.RawMessage, bool) {
	if c == nil {
		return nil, false
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.load()
	a, ok := c.answers[u.Host][u.RequestURI()]
	return a.Body, ok && c.now().Before(a.Expires)
}

func (c *Cache) put(address string, body json.RawMessage) error {
	if c == nil {
		return nil
	}
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.load()
	if c.ignored {
		return nil
	}
	if c.answers[u.Host] == nil {
		c.answers[u.Host] = map[string]answer{}
	}
	for server, paths := range c.answers {
		for path, a := range paths {
			if !c.now().Before(a.Expires) {
				delete(c.answers[server], path)
			}
		}
	}
	c.answers[u.Host][u.RequestURI()] = answer{c.now().Add(kept), body}
	b, err := json.Marshal(cacheFile{cacheVersion, c.answers})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(c.Dir, ".troupe-api-*") // readable by its owner alone
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	if _, err = tmp.Write(b); err == nil {
		err = tmp.Close()
	} else {
		tmp.Close()
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), c.file())
}

// ask is call for an answer that may be kept. An answer that cannot be kept is as good.
func (s *Server) ask(ctx context.Context, address string, to any, what string) error {
	body, ok := s.Cache.get(address)
	if !ok {
		if err := s.call(ctx, http.MethodGet, address, "", nil, &body, what); err != nil {
			return err
		}
	}
	if err := json.Unmarshal(body, to); err != nil {
		return fail("Failed to parse Galaxy response from '%s' as JSON:\n%s", address, body)
	}
	if !ok {
		if err := s.Cache.put(address, body); err != nil {
			s.Cache.Warn("the answer of " + s.Name + " cannot be kept: " + err.Error())
		}
	}
	return nil
}
