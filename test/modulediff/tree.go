package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// node is one thing in the directory before a module runs.
type node struct {
	name, kind, text string // kind: file, dir, link (to text), hard (to text), fifo
	mode             uint32
}

// old is the time of everything in the start.
var old = time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)

func (n node) create(dir string) error {
	p := filepath.Join(dir, n.name)
	var err error
	switch n.kind {
	case "dir":
		err = os.MkdirAll(p, 0o755)
	case "link":
		return os.Symlink(strings.ReplaceAll(n.text, "@DIR@", dir), p)
	case "hard":
		return os.Link(filepath.Join(dir, n.text), p)
	case "fifo":
		err = syscall.Mkfifo(p, 0o644)
	default:
		err = os.WriteFile(p, []byte(n.text), 0o644)
	}
	if err == nil && n.mode != 0 {
		err = syscall.Chmod(p, n.mode)
	}
	if err == nil {
		err = os.Chtimes(p, old, old)
	}
	return err
}

func startText(list []node) string {
	var b strings.Builder
	for _, n := range list {
		fmt.Fprintf(&b, "%s:%s:%o:%q ", n.name, n.kind, n.mode, n.text)
	}
	return b.String()
}

// renew makes dir, or empties it, also of what chattr made immutable.
func renew(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		p := filepath.Join(dir, e.Name())
		if os.RemoveAll(p) == nil {
			continue
		}
		_ = exec.Command("chattr", "-R", "-ia", dir).Run()
		if err := os.RemoveAll(p); err != nil {
			return err
		}
	}
	return nil
}

var (
	backupName = regexp.MustCompile(`\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~`)
	tempName   = regexp.MustCompile(`(/tmp/|\.ansible_tmp|tmp)[A-Za-z0-9_]{8}\b|/tmp/modulediff\d+/edited\d*`)
	localName  = regexp.MustCompile(`/[^ ']*/\.ansible/tmp/ansible-local-[^/]+/(tmp[^/]+/)?`)
	sentName   = regexp.MustCompile(`/[^ ']*/\.ansible/tmp/ansible-tmp-[^/]+/`)
)

// stable takes out of a text what differs from run to run.
func stable(s string) string { return backupName.ReplaceAllString(s, ".@BACKUP@") }

// snapshot says of everything below dir what it is, its mode, owner, time and text.
func snapshot(dir string) (map[string][]string, error) {
	out := map[string][]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		name, _ := filepath.Rel(dir, p)
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		row := []string{d.Type().String(), strconv.FormatUint(uint64(st.Mode), 8), fmt.Sprintf("%d:%d", st.Uid, st.Gid), strconv.Itoa(int(st.Nlink)), when(float64(info.ModTime().UnixNano()) / 1e9)}
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(p)
			if err != nil {
				return err
			}
			row = []string{"link", to, row[2]}
		case d.Type().IsRegular():
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			row = append(row, stable(string(b)))
		}
		out[stable(name)] = row
		return nil
	})
	return out, err
}

// when is a time as text, "now" for one of this run.
func when(seconds float64) string {
	if d := float64(time.Now().Unix()) - seconds; d < 1000 && d > -1000 {
		return "now"
	}
	return strconv.FormatFloat(seconds, 'f', 3, 64)
}

// volatile are keys of results that no two runs share.
var volatile = map[string]bool{"invocation": true, "exception": true, "deprecations": true, "warnings": true, "traceback": true, "stdout_lines": true, "stderr_lines": true}

// canon brings a result to a form that two runs can share.
func canon(v any, key string) any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			if volatile[k] && key == "" {
				delete(x, k)
			} else {
				x[k] = canon(e, k)
			}
		}
	case []any:
		for i := range x {
			x[i] = canon(x[i], key+"[]")
		}
		if key == "files" || key == "directories" { // in the order of the directory on the disk
			slices.SortFunc(x, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
	case string:
		x = sentName.ReplaceAllString(localName.ReplaceAllString(x, "@LOCAL@/"), "@SENT@/")
		return tempName.ReplaceAllString(stable(x), "@TMP@")
	case float64:
		switch key {
		case "mtime", "atime":
			return when(x)
		case "block_available", "block_used", "inode_available", "inode_used", "size_available": // other programs write, too
			return "@ROOM@"
		}
	}
	return v
}
