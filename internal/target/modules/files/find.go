package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/regex"
	"github.com/troupe-automation/troupe/module"
)

var find = &module.Module{
	Name: "ansible.builtin.find",
	Doc:  "Lists the files below directories that fit the criteria.",
	Spec: module.Spec{
		Options: []module.Option{ // in Ansible's order, in which invocation shows them
			{Name: "paths", Type: module.TypeList, Elements: module.TypePath, Required: true, Aliases: []string{"name", "path"}},
			{Name: "patterns", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}, Aliases: []string{"pattern"}},
			{Name: "excludes", Type: module.TypeList, Elements: module.TypeStr, Aliases: []string{"exclude"}},
			{Name: "contains"},
			{Name: "read_whole_file", Type: module.TypeBool, Default: false},
			{Name: "file_type", Default: "file", Choices: []any{"any", "directory", "file", "link"}},
			{Name: "age"},
			{Name: "age_stamp", Default: "mtime", Choices: []any{"atime", "ctime", "mtime"}},
			{Name: "size"},
			{Name: "recurse", Type: module.TypeBool, Default: false},
			{Name: "hidden", Type: module.TypeBool, Default: false},
			{Name: "follow", Type: module.TypeBool, Default: false},
			{Name: "get_checksum", Type: module.TypeBool, Default: false},
			{Name: "use_regex", Type: module.TypeBool, Default: false},
			{Name: "depth", Type: module.TypeInt},
			{Name: "mode", Type: module.TypeRaw},
			{Name: "exact_mode", Type: module.TypeBool, Default: true},
			{Name: "encoding"},
			{Name: "limit", Type: module.TypeInt},
		},
		CheckMode: true,
	},
	Returns: []string{
		"files", "changed", "msg", "matched", "examined", "skipped_paths", "path", "mode", "isdir", "ischr", "isblk", "isreg", "isfifo", "islnk",
		"issock", "uid", "gid", "size", "inode", "dev", "nlink", "atime", "mtime", "ctime", "gr_name", "pw_name", "wusr", "rusr",
		"xusr", "wgrp", "rgrp", "xgrp", "woth", "roth", "xoth", "isuid", "isgid", "checksum",
	},
	Run: runFind,
}

// finder is one run of find.
type finder struct {
	*module.Call
	patterns, excludes []func(string) bool
	contains           *regex.Regex
	age, size          *float64
	now                time.Time
	kind               string
	found              []map[string]any
	examined           int
	ctx                context.Context
	stopped            bool   // a file of root cannot be searched: nothing more of root is
	root               string // the path of option paths that is being searched
	skipped            map[string]any
}

func runFind(ctx context.Context, c *module.Call) (module.Result, error) {
	f := &finder{Call: c, ctx: ctx, now: time.Now(), kind: c.Str("file_type"), found: []map[string]any{}, skipped: map[string]any{}}
	if c.Has("contains") && !hostos.CanDecode(c.Str("encoding")) {
		return nil, &module.NotNative{Reason: "find reads UTF-8 itself, and needs the program iconv for " + c.Str("encoding")}
	}
	var err error
	if len(c.Strings("patterns")) == 0 {
		c.Args["patterns"] = []any{"*"}
		if c.Bool("use_regex") {
			c.Args["patterns"] = []any{".*"}
		}
	}
	if f.patterns, err = nameTests(c.Strings("patterns"), c.Bool("use_regex")); err != nil {
		return nil, err
	}
	if f.excludes, err = nameTests(c.Strings("excludes"), c.Bool("use_regex")); err != nil {
		return nil, err
	}
	if c.Has("contains") {
		if f.contains, err = regex.Compile(c.Str("contains"), 0); err != nil {
			return nil, module.Fail(err.Error(), nil)
		}
	}
	if c.Has("age") {
		if f.age, err = quantity(c.Str("age"), "smhdw", []float64{1, 60, 3600, 86400, 604800}, "failed to process age"); err != nil {
			return nil, module.Fail(err.Error(), module.Result{"age": c.Str("age")})
		}
	}
	if c.Has("size") {
		if f.size, err = quantity(c.Str("size"), "bkmgt", []float64{1, 1 << 10, 1 << 20, 1 << 30, 1 << 40}, "failed to process size"); err != nil {
			return nil, module.Fail(err.Error(), module.Result{"size": c.Str("size")})
		}
	}
	limit := int64(math.MaxInt64)
	if c.Has("limit") {
		limit = c.Int("limit")
	}
	for _, p := range c.Strings("paths") {
		p = module.ExpandPath(p)
		info, err := os.Stat(p)
		if err != nil || !info.IsDir() {
			why := fmt.Sprintf("'%s' is not a directory", p)
			f.skipped[p] = why
			c.Warn(fmt.Sprintf("Skipped '%s' path due to this access issue: %s\n", p, why))
			continue
		}
		f.root, f.stopped = p, false
		f.walk(p, 1, limit, map[[2]uint64]bool{})
	}
	msg := "All paths examined"
	if len(f.skipped) > 0 {
		msg = "Not all paths examined, check warnings for details"
	}
	if int64(len(f.found)) >= limit {
		msg = "Limit of matches reached"
	}
	return module.Result{"files": f.found, "changed": false, "msg": msg, "matched": len(f.found), "examined": f.examined, "skipped_paths": f.skipped}, nil
}

// quantity reads "10k" or "-2d".
func quantity(s, units string, factors []float64, msg string) (*float64, error) {
	text := strings.ToLower(s)
	factor := 1.0
	if text != "" {
		if i := strings.IndexByte(units, text[len(text)-1]); i >= 0 {
			factor, text = factors[i], text[:len(text)-1]
		}
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%s", msg)
	}
	v := float64(n) * factor
	return &v, nil
}

func nameTests(patterns []string, isRegex bool) ([]func(string) bool, error) {
	var out []func(string) bool
	for _, p := range patterns {
		if isRegex {
			re, err := regex.Compile(p, 0)
			if err != nil {
				return nil, module.Fail(err.Error(), nil)
			}
			out = append(out, re.MatchStart)
			continue
		}
		re, err := regex.Glob(p)
		if err != nil {
			return nil, module.Fail(err.Error(), nil)
		}
		out = append(out, re.MatchStart)
	}
	return out, nil
}

// walk examines a directory's entries, then goes into its directories.
func (f *finder) walk(dir string, depth, limit int64, seen map[[2]uint64]bool) {
	if f.Bool("follow") { // links can make circles
		info, err := os.Stat(dir)
		if err != nil {
			return
		}
		st := info.Sys().(*syscall.Stat_t)
		key := [2]uint64{uint64(st.Dev), st.Ino}
		if seen[key] {
			return
		}
		seen[key] = true
	}
	list, err := readDir(dir)
	if err != nil {
		f.skipped[dir] = hostos.Errno(err)
		f.Warn(fmt.Sprintf("Skipped '%s' path due to this access issue: %s\n", dir, hostos.Errno(err)))
		return
	}
	f.examined += len(list)
	if f.Has("depth") && depth > f.Int("depth") {
		return
	}
	var dirs []string
	for _, e := range list {
		if f.stopped || int64(len(f.found)) >= limit {
			return
		}
		p := filepath.Join(dir, e.Name())
		if strings.HasSuffix(dir, "/") {
			p = dir + e.Name()
		}
		if e.dir && (e.Type()&fs.ModeSymlink == 0 || f.Bool("follow")) {
			dirs = append(dirs, p)
		}
		if strings.HasPrefix(e.Name(), ".") && !f.Bool("hidden") {
			continue
		}
		f.examine(p, e.Name())
	}
	if !f.Bool("recurse") {
		return
	}
	for _, d := range dirs {
		if f.stopped || int64(len(f.found)) >= limit {
			return
		}
		f.walk(d, depth+1, limit, seen)
	}
}

// dirEntry is what stands in a directory; links to directories are directories, too.
type dirEntry struct {
	fs.DirEntry
	dir bool
}

// readDir lists a directory as Ansible goes through it: in the order of the disk, directories last.
func readDir(dir string) ([]dirEntry, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.ReadDir(-1)
	list := make([]dirEntry, len(entries))
	for i, e := range entries {
		list[i] = dirEntry{e, e.IsDir() || e.Type()&fs.ModeSymlink != 0 && isDir(filepath.Join(dir, e.Name()))}
	}
	slices.SortStableFunc(list, func(a, b dirEntry) int {
		switch {
		case a.dir == b.dir:
			return 0
		case b.dir:
			return -1
		}
		return 1
	})
	return list, err
}

func (f *finder) examine(path, name string) {
	info, err := os.Lstat(path)
	if err != nil {
		f.Warn(fmt.Sprintf("Skipped entry '%s' due to this access issue: %s\n", path, hostos.Errno(err)))
		return
	}
	if !f.named(name) || !f.aged(info) || !f.moded(info) {
		return
	}
	r := findFacts(path, info)
	regular := info.Mode().IsRegular()
	switch f.kind {
	case "any":
		if regular && f.Bool("get_checksum") {
			f.checksum(r, path)
		}
	case "directory":
		if !info.IsDir() {
			return
		}
	case "link":
		if info.Mode()&fs.ModeSymlink == 0 {
			return
		}
	default:
		if !regular || !f.sized(info) || !f.holds(path) {
			return
		}
		if f.Bool("get_checksum") {
			f.checksum(r, path)
		}
	}
	f.found = append(f.found, r)
}

func (f *finder) checksum(r map[string]any, path string) {
	algorithm := f.Str("checksum_algorithm")
	if algorithm == "" {
		algorithm = "sha1"
	}
	if sum, err := hostos.Checksum(path, algorithm); err == nil {
		r["checksum"] = sum
	}
}

// findFacts are the facts about one file.
func findFacts(path string, info fs.FileInfo) map[string]any {
	r := statFacts(path, info)
	for _, k := range []string{"blocks", "block_size", "device_type"} {
		delete(r, k)
	}
	for _, k := range []string{"pw_name", "gr_name"} {
		if r[k] == nil {
			r[k] = ""
		}
	}
	r["path"] = path
	return r
}

func (f *finder) named(name string) bool {
	ok := false
	for _, p := range f.patterns {
		if p(name) {
			ok = true
			break
		}
	}
	if !ok {
		return false
	}
	for _, p := range f.excludes {
		if p(name) {
			return false
		}
	}
	return true
}

func (f *finder) aged(info fs.FileInfo) bool {
	if f.age == nil {
		return true
	}
	st := info.Sys().(*syscall.Stat_t)
	at := time.Unix(st.Mtim.Unix())
	switch f.Str("age_stamp") {
	case "atime":
		at = time.Unix(st.Atim.Unix())
	case "ctime":
		at = time.Unix(st.Ctim.Unix())
	}
	old := f.now.Sub(at).Seconds()
	if *f.age >= 0 {
		return old >= math.Abs(*f.age)
	}
	return old <= math.Abs(*f.age)
}

func (f *finder) sized(info fs.FileInfo) bool {
	if f.size == nil {
		return true
	}
	if *f.size >= 0 {
		return float64(info.Size()) >= math.Abs(*f.size)
	}
	return float64(info.Size()) <= math.Abs(*f.size)
}

func (f *finder) moded(info fs.FileInfo) bool {
	if !f.Has("mode") {
		return true
	}
	have := hostos.Perm(info)
	want, err := hostos.ParseMode(f.Args["mode"], have, info.IsDir())
	if err != nil {
		return false
	}
	if s, ok := f.Args["mode"].(string); ok && strings.Trim(s, "01234567") != "" {
		want, err = hostos.ParseMode(s, 0, info.IsDir())
		if err != nil {
			return false
		}
	}
	if f.Bool("exact_mode") {
		return have == want
	}
	return have&want != 0
}

func (f *finder) holds(path string) bool {
	if f.contains == nil {
		return true
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	if data, err = hostos.Decode(f.ctx, data, f.Str("encoding")); err != nil {
		why := err.Error()
		if errors.Is(err, hostos.ErrEncoding) {
			current := cmp.Or(f.Str("encoding"), "None (default determined by the Python built-in function \"open\")")
			why = fmt.Sprintf("Failed to read the file %s due to an encoding error. current encoding: %s", path, current)
		}
		f.skipped[f.root], f.stopped = why, true
		f.Warn(fmt.Sprintf("Skipped '%s' path due to this access issue: %s\n", f.root, why))
		return false
	}
	if f.Bool("read_whole_file") {
		return f.contains.MatchString(string(data))
	}
	for line := range strings.Lines(string(data)) {
		if f.contains.MatchStart(line) {
			return true
		}
	}
	return false
}
