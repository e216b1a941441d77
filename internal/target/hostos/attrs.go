package hostos

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/troupe-automation/troupe/module"
)

// Attrs is the wanted state of a file's metadata: the options that module.Spec.FileArgs adds. What is nil or "" is left alone,
// but for an owner or group of "", which no system has.
type Attrs struct {
	Mode         any // int64 or string, as ParseMode reads it
	Owner, Group *string
	SELinux      [4]string // user, role, type, level
	Attributes   string    // chattr(1) flags
	Unsafe       bool      // unsafe_writes
}

// AttrsOf reads the options of a call.
func AttrsOf(c *module.Call) Attrs {
	return Attrs{
		Mode: c.Args["mode"], Owner: given(c, "owner"), Group: given(c, "group"),
		SELinux:    [4]string{c.Str("seuser"), c.Str("serole"), c.Str("setype"), c.Str("selevel")},
		Attributes: c.Str("attributes"), Unsafe: c.Bool("unsafe_writes"),
	}
}

func given(c *module.Call, option string) *string {
	if s, ok := c.Args[option].(string); ok {
		return &s
	}
	return nil
}

// Diff collects before and after states of one file for a result's diff.
type Diff struct{ Before, After map[string]any }

func (d *Diff) set(key string, before, after any) {
	if d == nil {
		return
	}
	if d.Before == nil {
		d.Before, d.After = map[string]any{}, map[string]any{}
	}
	d.Before[key], d.After[key] = before, after
}

// Apply brings path to the wanted state and reports whether something changed or, with check, would change. d may be nil.
func (a Attrs) Apply(ctx context.Context, path string, check bool, d *Diff) (bool, error) {
	changed := false
	for _, step := range []func(context.Context, string, bool, *Diff) (bool, error){a.applySELinux, a.applyOwner, a.applyGroup, a.applyMode, a.applyFlags} {
		c, err := step(ctx, path, check, d)
		if err != nil {
			return changed, err
		}
		changed = changed || c
	}
	return changed, nil
}

func failPath(path, msg string, details string) error {
	keys := module.Result{"path": path}
	if details != "" {
		keys["details"] = details
	}
	AddPathInfo(keys)
	return module.Fail(msg, keys)
}

func (a Attrs) applyOwner(_ context.Context, path string, check bool, d *Diff) (bool, error) {
	if a.Owner == nil {
		return false, nil
	}
	if check && !leadsSomewhere(path) {
		return true, nil // it may be there when the play is in earnest
	}
	st, err := lstat(path)
	if err != nil {
		return check, nilIf(check, err) // in check mode the file may not be there yet
	}
	uid, err := strconv.Atoi(*a.Owner)
	if err != nil {
		u, ok := LookupUser(*a.Owner)
		if !ok {
			return false, failPath(path, "chown failed: failed to look up user "+*a.Owner, "")
		}
		uid = u.UID
	}
	if int(st.Uid) == uid {
		return false, nil
	}
	d.set("owner", int(st.Uid), uid)
	if check {
		return true, nil
	}
	if err := os.Lchown(path, uid, -1); err != nil {
		return false, failPath(path, "chown failed", Errno(err))
	}
	return true, nil
}

func (a Attrs) applyGroup(_ context.Context, path string, check bool, d *Diff) (bool, error) {
	if a.Group == nil {
		return false, nil
	}
	if check && !leadsSomewhere(path) {
		return true, nil // it may be there when the play is in earnest
	}
	st, err := lstat(path)
	if err != nil {
		return check, nilIf(check, err)
	}
	gid, err := strconv.Atoi(*a.Group)
	if err != nil {
		g, ok := LookupGroup(*a.Group)
		if !ok {
			return false, failPath(path, "chgrp failed: failed to look up group "+*a.Group, "")
		}
		gid = g.GID
	}
	if int(st.Gid) == gid {
		return false, nil
	}
	d.set("group", int(st.Gid), gid)
	if check {
		return true, nil
	}
	if err := os.Lchown(path, -1, gid); err != nil {
		return false, failPath(path, "chgrp failed", "")
	}
	return true, nil
}

func (a Attrs) applyMode(_ context.Context, path string, check bool, d *Diff) (bool, error) {
	if a.Mode == nil || a.Mode == "" {
		return false, nil
	}
	info, err := os.Lstat(path)
	if err != nil {
		return check, nilIf(check, err)
	}
	current := Perm(info)
	mode, err := ParseMode(a.Mode, current, info.IsDir())
	if err != nil {
		if err.Error() == errInvalidMode {
			return false, failPath(path, errInvalidMode, module.Repr(a.Mode))
		}
		return false, failPath(path, "mode must be in octal or symbolic form", err.Error())
	}
	if current == mode {
		return false, nil
	}
	d.set("mode", PathMode(current), PathMode(mode))
	if check {
		return true, nil
	}
	if info.Mode()&os.ModeSymlink != 0 {
		return false, nil // Linux has no modes of links, which check mode does not think of
	}
	if err := syscall.Chmod(path, mode); err != nil {
		return false, failPath(path, "chmod failed", Errno(&os.PathError{Op: "chmod", Path: path, Err: err}))
	}
	return true, nil
}

func (a Attrs) applyFlags(ctx context.Context, path string, check bool, d *Diff) (bool, error) {
	if a.Attributes == "" {
		return false, nil
	}
	if _, err := lstat(path); err != nil && check {
		return true, nil
	}
	op, flags := "=", a.Attributes
	if strings.HasPrefix(flags, "+") || strings.HasPrefix(flags, "-") {
		op, flags = flags[:1], flags[1:]
	}
	current, known := fileFlags(ctx, path, "-d")
	bin := FindBin("chattr")
	if flags == "" || bin == "" || current.Flags == flags && op != "-" {
		return false, nil
	}
	var before any // null where the file system has no flags
	if known {
		before = current.Flags
	}
	d.set("attributes", before, op+flags)
	if check {
		return true, nil
	}
	out, err := Run(ctx, Cmd{Args: []string{bin, op + flags, path}})
	if err != nil {
		return false, err
	}
	if out.RC != 0 || out.Stderr != "" {
		return false, failPath(path, "chattr failed", "Error while setting attributes: "+out.Stdout+out.Stderr)
	}
	return true, nil
}

// Flags are what lsattr(1) says of a file.
type Flags struct {
	Version string
	Flags   string // letters
}

// FileFlags asks lsattr. ok is false when there is none or the filesystem has no flags.
func FileFlags(ctx context.Context, path string) (f Flags, ok bool) {
	return fileFlags(ctx, path, "-vd")
}

// fileFlags without v in options works on filesystems that keep no version of files.
func fileFlags(ctx context.Context, path, options string) (f Flags, ok bool) {
	bin := FindBin("lsattr")
	if bin == "" {
		return f, false
	}
	out, err := Run(ctx, Cmd{Args: []string{bin, options, path}})
	if err != nil || out.RC != 0 {
		return f, false
	}
	w := strings.Fields(out.Stdout)
	if len(w) < 2 {
		return f, false
	}
	if options == "-d" {
		w = append([]string{""}, w...)
	}
	return Flags{Version: w[0], Flags: strings.ReplaceAll(w[1], "-", "")}, true
}

// FlagNames spells lsattr's letters out.
func FlagNames(flags string) []string {
	names := map[rune]string{
		'A': "noatime", 'a': "append", 'C': "nocow", 'c': "compressed", 'd': "nodump", 'D': "dirsync", 'e': "extents",
		'E': "encrypted", 'h': "blocksize", 'I': "indexed", 'i': "immutable", 'j': "journalled", 'N': "inline", 's': "zero",
		'S': "synchronous", 't': "notail", 'T': "blockroot", 'u': "undelete", 'X': "compressedraw", 'Z': "compresseddirty",
	}
	out := []string{}
	for _, r := range flags {
		if n, ok := names[r]; ok {
			out = append(out, n)
		}
	}
	return out
}

// leadsSomewhere says whether there is something at a path, or at the end of its links.
func leadsSomewhere(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func nilIf(cond bool, err error) error {
	if cond {
		return nil
	}
	return err
}

func lstat(path string) (*syscall.Stat_t, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	return info.Sys().(*syscall.Stat_t), nil
}

// AddPathInfo adds to a result with path or dest what every such result says about the file: uid, gid, owner, group, mode, state, size,
// and secontext where there is SELinux.
func AddPathInfo(r module.Result) {
	path, ok := r["path"].(string)
	if !ok {
		if path, ok = r["dest"].(string); !ok {
			return
		}
	}
	if _, err := os.Stat(path); err != nil { // also of a dangling link nothing is said
		return
	}
	info, err := os.Lstat(path)
	if err != nil {
		return
	}
	st := info.Sys().(*syscall.Stat_t)
	r["uid"], r["gid"] = int64(st.Uid), int64(st.Gid)
	r["owner"], r["group"] = UserName(int(st.Uid)), GroupName(int(st.Gid))
	r["mode"] = PathMode(Perm(info))
	r["state"] = StateOf(info)
	if c, ok := Label(path); ok && SELinuxEnabled() {
		r["secontext"] = c
	}
	r["size"] = info.Size()
}

// StateOf names the kind of a file: link, directory, hard or file.
func StateOf(info os.FileInfo) string {
	switch {
	case info.Mode()&os.ModeSymlink != 0:
		return "link"
	case info.IsDir():
		return "directory"
	case info.Sys().(*syscall.Stat_t).Nlink > 1:
		return "hard"
	}
	return "file"
}

// Errno words an error as Python's OSError does: "[Errno 2] No such file or directory: b'/x'".
func Errno(err error) string {
	var path, from string
	e := err
	for {
		if p, ok := e.(*os.PathError); ok {
			path = p.Path
		}
		if l, ok := e.(*os.LinkError); ok {
			path, from = l.New, l.Old
		}
		if n, ok := e.(syscall.Errno); ok {
			s := "[Errno " + strconv.Itoa(int(n)) + "] " + ErrText(n)
			if from != "" {
				s += ": b" + module.Quote(from) + " -> b" + module.Quote(path)
			} else if path != "" {
				s += ": b" + module.Quote(path)
			}
			return s
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			return err.Error()
		}
		e = u.Unwrap()
	}
}

// Strerror is the text of the system's error in err, without what it happened to.
func Strerror(err error) string {
	var n syscall.Errno
	if errors.As(err, &n) {
		return ErrText(n)
	}
	return err.Error()
}

// ErrText is strerror(3)'s capitalised text.
func ErrText(n syscall.Errno) string {
	s := n.Error()
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
