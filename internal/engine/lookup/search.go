package lookup

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/troupe-automation/troupe/internal/lang/filters"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

// candidates lists where a relative name may be: for every directory of the search path, most specific first, in its sub
// directory and beside; a role's tasks directory stands for the role (BEHAVIOUR §3.5).
func (c *Call) candidates(sub, name string) []string {
	name = filters.ExpandUser(name)
	if filepath.IsAbs(name) {
		return []string{filepath.Clean(name)}
	}
	var out []string
	seen := map[string]bool{}
	add := func(parts ...string) {
		if p := filepath.Join(parts...); !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	for _, dir := range append(append([]string(nil), c.SearchPath()...), c.Basedir()) {
		if filepath.Base(dir) == "tasks" {
			up := filepath.Dir(dir)
			add(up, sub, name)
			add(up, name)
		}
		add(dir, sub, name)
		add(dir, name)
	}
	return out
}

// find returns the first candidate that exists, "" when none does.
func (c *Call) find(sub, name string) string {
	for _, p := range c.candidates(sub, name) {
		if _, err := os.Stat(p); err == nil {
			return p
		}
	}
	return ""
}

// read returns a file's text, decrypted when it is a vault.
func (c *Call) read(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if vault.IsEncrypted(data) {
		return c.Secrets().Decrypt(data, path)
	}
	return data, nil
}

// decoded is the text of a file in the encoding that the lookup was given.
func (c *Call) decoded(data []byte, options map[string]value.Value) (string, error) {
	encoding, err := c.textOption("encoding", options)
	if err != nil || encoding == "" {
		return string(data), err
	}
	return value.Decode(data, encoding)
}

// pyOSError words an error of the operating system as Python does.
func pyOSError(err error, path string) string {
	var no syscall.Errno
	if errors.As(err, &no) {
		text := no.Error()
		return "[Errno " + itoa(int(no)) + "] " + strings.ToUpper(text[:1]) + text[1:] + ": b'" + path + "'"
	}
	return err.Error()
}
