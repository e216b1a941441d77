package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var file = &module.Module{
	Name: "ansible.builtin.file",
	Doc:  "Makes a file, directory, link or nothing of a path, with the wanted mode and owner.",
	Spec: module.Spec{
		Options: []module.Option{ // in Ansible's order, in which invocation shows them
			{Name: "state", Choices: []any{"absent", "directory", "file", "hard", "link", "touch"}},
			{Name: "path", Type: module.TypePath, Required: true, Aliases: []string{"dest", "name"}},
			{Name: "_original_basename"},
			{Name: "recurse", Type: module.TypeBool, Default: false},
			{Name: "force", Type: module.TypeBool, Default: false},
			{Name: "follow", Type: module.TypeBool, Default: true},
			{Name: "_diff_peek", Type: module.TypeBool},
			{Name: "src", Type: module.TypePath},
			{Name: "modification_time"},
			{Name: "modification_time_format", Default: "%Y%m%d%H%M.%S"},
			{Name: "access_time"},
			{Name: "access_time_format", Default: "%Y%m%d%H%M.%S"},
		},
		FileArgs:  true,
		CheckMode: true,
	},
	Returns: []string{"path", "dest", "src", "changed", "diff", "before", "after"},
	Run:     runFile,
}

// fileCall is one run of the file module.
type fileCall struct {
	*module.Call
	ctx          context.Context
	path, src    string
	prev         string // state before
	follow       bool
	force        bool
	attrs        hostos.Attrs
	mtime, atime stamp
	diff         hostos.Diff
}

// stamp is a wanted time: keep it, set it to now, or to a given one.
type stamp struct {
	keep, now bool
	at        time.Time
}

func runFile(ctx context.Context, c *module.Call) (module.Result, error) {
	f := &fileCall{Call: c, ctx: ctx, path: c.Str("path"), src: c.Str("src"), follow: c.Bool("follow"), force: c.Bool("force"), attrs: hostos.AttrsOf(c)}
	state := c.Str("state")
	if info, err := os.Stat(f.path); state != "link" && state != "absent" && err == nil && info.IsDir() {
		base := c.Str("_original_basename")
		if base == "" && f.src != "" {
			base = filepath.Base(f.src)
		}
		if base != "" {
			f.path = filepath.Join(f.path, base)
		}
	}
	f.prev = stateAt(f.path)
	if state == "" {
		switch {
		case f.prev != "absent":
			state = f.prev
		case c.Bool("recurse"):
			state = "directory"
		default:
			state = "file"
		}
	}
	if c.Bool("recurse") && state != "directory" {
		return nil, module.Fail("recurse option requires state to be 'directory'", f.about(module.Result{"path": f.path}))
	}
	if f.src != "" && state != "link" && state != "hard" {
		return nil, module.Fail("src option requires state to be 'link' or 'hard'", f.about(module.Result{"path": f.path}))
	}
	var err error
	if state != "absent" {
		if f.mtime, err = parseStamp(c, "modification_time", state); err != nil {
			return nil, err
		}
		if f.atime, err = parseStamp(c, "access_time", state); err != nil {
			return nil, err
		}
	}
	if c.Check {
		f.warnUnknown()
	}
	var r module.Result
	switch state {
	case "file":
		r, err = f.attributes()
	case "directory":
		r, err = f.directory()
	case "link":
		r, err = f.link()
	case "hard":
		r, err = f.hard()
	case "touch":
		r, err = f.touch()
	case "absent":
		r, err = f.absent()
	}
	if err != nil {
		return nil, err
	}
	hostos.AddPathInfo(r)
	return r, nil
}

// warnUnknown says in check mode that the wanted owner or group does not exist yet, which an earlier task may be about to change.
func (f *fileCall) warnUnknown() {
	if f.attrs.Owner != nil {
		o := *f.attrs.Owner
		uid, err := strconv.Atoi(o)
		if _, ok := hostos.LookupUser(o); err != nil && !ok {
			f.Warn(fmt.Sprintf("failed to look up user %s. Create user up to this point in real play", o))
		} else if _, ok := hostos.LookupUID(uid); err == nil && !ok {
			f.Warn(fmt.Sprintf("failed to look up user with uid %s. Create user up to this point in real play", o))
		}
	}
	if f.attrs.Group != nil {
		g := *f.attrs.Group
		gid, err := strconv.Atoi(g)
		if _, ok := hostos.LookupGroup(g); err != nil && !ok {
			f.Warn(fmt.Sprintf("failed to look up group %s. Create group up to this point in real play", g))
		} else if _, ok := hostos.LookupGID(gid); err == nil && !ok {
			f.Warn(fmt.Sprintf("failed to look up group with gid %s. Create group up to this point in real play", g))
		}
	}
}

// about adds what results say of a path.
func (f *fileCall) about(r module.Result) module.Result {
	hostos.AddPathInfo(r)
	return r
}

func (f *fileCall) fail(format string, args ...any) error {
	return module.Fail(fmt.Sprintf(format, args...), f.about(module.Result{"path": f.path}))
}

// stateAt names what is at a path: absent, link, directory, hard or file.
func stateAt(path string) string {
	info, err := os.Lstat(path)
	if err != nil {
		return "absent"
	}
	return hostos.StateOf(info)
}

func parseStamp(c *module.Call, option, state string) (stamp, error) {
	text := c.Str(option)
	if text == "" {
		text = "preserve"
		if state == "touch" {
			text = "now"
		}
	}
	switch text {
	case "preserve":
		return stamp{keep: true}, nil
	case "now":
		return stamp{now: true, at: time.Now()}, nil
	}
	format := c.Str(option + "_format")
	at, err := time.ParseInLocation(goLayout(format), text, time.Local)
	if err != nil {
		why := "time data " + module.Quote(text) + " does not match format " + module.Quote(format)
		if p := (*time.ParseError)(nil); errors.As(err, &p) && strings.HasPrefix(p.Message, ": extra text: ") {
			if rest, err := strconv.Unquote(strings.TrimPrefix(p.Message, ": extra text: ")); err == nil {
				why = "unconverted data remains: " + rest
			}
		}
		return stamp{}, module.Fail(fmt.Sprintf("Error while obtaining timestamp for time %s using format %s: %s", text, format, why), nil)
	}
	return stamp{at: at}, nil
}

// goLayout translates a strptime format.
func goLayout(format string) string {
	return strings.NewReplacer("%Y", "2006", "%m", "01", "%d", "02", "%H", "15", "%M", "04", "%S", "5", "%y", "06", "%b", "Jan", "%B",
		"January", "%p", "PM", "%I", "03", "%Z", "MST", "%z", "-0700", "%j", "002", "%%", "%").Replace(format)
}

// startDiff notes a change of state.
func (f *fileCall) startDiff(state string) {
	f.diff.Before = map[string]any{"path": f.path}
	f.diff.After = map[string]any{"path": f.path}
	if f.prev != state {
		f.diff.Before["state"], f.diff.After["state"] = f.prev, state
	}
}

func (f *fileCall) diffResult() map[string]any {
	return map[string]any{"before": f.diff.Before, "after": f.diff.After}
}

// apply brings mode, owner and times of the path to what is wanted.
func (f *fileCall) apply(path string) (bool, error) {
	if f.follow {
		if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			path = hostos.RealPath(path)
		}
	}
	changed, err := f.attrs.Apply(f.ctx, path, f.Check, &f.diff)
	if err != nil {
		return changed, err
	}
	c, err := f.times(path)
	return changed || c, err
}

// times sets access and modification time.
func (f *fileCall) times(path string) (bool, error) {
	if f.mtime.keep && f.atime.keep {
		return false, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return false, f.fail("Error while updating modification or access time: %s", hostos.Errno(err))
	}
	st := info.Sys().(*syscall.Stat_t)
	mtime, atime := info.ModTime(), time.Unix(st.Atim.Unix())
	newM, newA := mtime, atime
	if !f.mtime.keep {
		newM = f.mtime.at
	}
	if !f.atime.keep {
		newA = f.atime.at
	}
	changed := false
	if !newM.Equal(mtime) {
		changed = true
		f.diff.Before["mtime"], f.diff.After["mtime"] = seconds(mtime), seconds(newM)
	}
	if !newA.Equal(atime) {
		changed = true
		f.diff.Before["atime"], f.diff.After["atime"] = seconds(atime), seconds(newA)
	}
	if !changed || f.Check {
		return changed, nil
	}
	set := func() error { return os.Chtimes(path, newA, newM) }
	if f.mtime.now && f.atime.now { // who may write a file may set its times to now, but to nothing else
		set = func() error {
			now := syscall.Timespec{Nsec: utimeNow}
			return syscall.UtimesNano(path, []syscall.Timespec{now, now})
		}
	}
	if err := set(); err != nil {
		return false, f.fail("Error while updating modification or access time: %s", hostos.Errno(err))
	}
	return true, nil
}

// utimeNow is UTIME_NOW of utimensat(2).
const utimeNow = 1<<30 - 1

// seconds is a time as Python's float, made as os.stat makes it: the last digit depends on how.
func seconds(t time.Time) float64 { return float64(t.Unix()) + 1e-9*float64(t.Nanosecond()) }

func (f *fileCall) attributes() (module.Result, error) {
	if f.prev == "link" && f.follow {
		f.path = hostos.RealPath(f.path)
		f.prev = stateAt(f.path)
	}
	f.startDiff("file")
	if f.prev != "file" && f.prev != "hard" {
		return nil, module.Fail(fmt.Sprintf("file (%s) is %s, cannot continue", f.path, f.prev),
			f.about(module.Result{"path": f.path, "state": f.prev}))
	}
	changed, err := f.apply(f.path)
	if err != nil {
		return nil, err
	}
	return module.Result{"path": f.path, "changed": changed, "diff": f.diffResult()}, nil
}

func (f *fileCall) absent() (module.Result, error) {
	if f.prev == "absent" {
		return module.Result{"path": f.path, "changed": false, "state": "absent"}, nil
	}
	f.startDiff("absent")
	if f.prev == "directory" {
		dirs, files := []string{}, []string{}
		err := filepath.WalkDir(f.path, func(p string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || p == f.path:
			case d.IsDir() || d.Type()&fs.ModeSymlink != 0 && isDir(p):
				dirs = append(dirs, p)
			default:
				files = append(files, p)
			}
			return nil
		})
		if err == nil {
			f.diff.Before["path_content"] = map[string]any{"directories": dirs, "files": files}
		}
	}
	r := module.Result{"path": f.path, "changed": true, "diff": f.diffResult(), "state": "absent"}
	if f.Check {
		return r, nil
	}
	if f.prev == "directory" {
		if err := os.RemoveAll(f.path); err != nil {
			return nil, f.fail("rmtree failed: %s", hostos.Errno(err))
		}
	} else if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, f.fail("unlinking failed: %s ", hostos.Errno(err))
	}
	return r, nil
}

func (f *fileCall) touch() (module.Result, error) {
	changed := false
	f.startDiff("touch")
	r := module.Result{"dest": f.path}
	fresh := f.prev == "absent"
	if _, err := os.Stat(f.path); errors.Is(err, fs.ErrNotExist) && f.prev == "link" && f.follow {
		fresh = true // the target of the link is what is touched
	}
	if fresh {
		if f.Check {
			r["changed"] = true
			return r, nil
		}
		h, err := os.OpenFile(f.path, os.O_WRONLY|os.O_CREATE, 0o666)
		if err != nil {
			return nil, f.fail("Error, could not touch target: %s", hostos.Errno(err))
		}
		h.Close()
		changed = true
	}
	c, err := f.apply(f.path)
	if err != nil {
		if fresh {
			os.Remove(hostos.RealPath(f.path))
		}
		return nil, err
	}
	r["changed"], r["diff"] = changed || c, f.diffResult()
	return r, nil
}

func (f *fileCall) directory() (module.Result, error) {
	if f.prev == "link" && f.follow {
		f.path = hostos.RealPath(f.path)
		f.prev = stateAt(f.path)
	}
	f.startDiff("directory")
	changed := false
	switch f.prev {
	case "absent":
		if f.Check {
			return module.Result{"path": f.path, "changed": true, "diff": f.diffResult()}, nil
		}
		if err := f.makeDirs(); err != nil {
			return nil, err
		}
		if _, err := f.times(f.path); err != nil {
			return nil, err
		}
		return module.Result{"path": f.path, "changed": true, "diff": f.diffResult()}, nil
	case "directory":
	default:
		return nil, f.fail("%s already exists as a %s", f.path, f.prev)
	}
	c, err := f.apply(f.path)
	if err != nil {
		return nil, err
	}
	changed = changed || c
	if f.Bool("recurse") {
		c, err := f.recurse(f.path, map[string]bool{hostos.RealPath(f.path): true})
		if err != nil {
			return nil, err
		}
		changed = changed || c
	}
	return module.Result{"path": f.path, "changed": changed, "diff": f.diffResult()}, nil
}

// makeDirs makes the directory and its missing parents, each with the wanted attributes.
func (f *fileCall) makeDirs() error {
	var missing []string
	for p := filepath.Clean(f.path); ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); err == nil {
			break
		}
		missing = append(missing, p)
		if p == filepath.Dir(p) {
			break
		}
	}
	for i := len(missing) - 1; i >= 0; i-- {
		p := missing[i]
		if err := os.Mkdir(p, 0o777); err != nil {
			if info, e := os.Stat(p); errors.Is(err, fs.ErrExist) && e == nil && info.IsDir() {
				continue
			}
			return f.fail("There was an issue creating %s as requested: %s", p, hostos.Errno(err))
		}
		if _, err := f.attrs.Apply(f.ctx, p, false, &f.diff); err != nil {
			return err
		}
	}
	return nil
}

// recurse brings everything below a directory to the wanted attributes, with follow also what links lead to. seen are the
// directories that links led to: they may lead in circles.
func (f *fileCall) recurse(dir string, seen map[string]bool) (bool, error) {
	changed := false
	each := func(p string) error {
		c, err := f.attrs.Apply(f.ctx, p, f.Check, &hostos.Diff{})
		changed = changed || c
		if err == nil {
			c, err = f.timesOf(p)
			changed = changed || c
		}
		return err
	}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return f.fail("Could not recursively set attributes on %s. Original error was: '%s'", f.path, hostos.Errno(err))
		}
		if p == dir {
			return nil
		}
		if err := each(p); err != nil || !f.follow || d.Type()&fs.ModeSymlink == 0 {
			return err
		}
		if _, err := os.Stat(p); err != nil {
			return nil // leads nowhere
		}
		target := hostos.RealPath(p)
		if isDir(target) && !seen[target] {
			seen[target] = true
			c, err := f.recurse(target, seen)
			changed = changed || c
			if err != nil {
				return err
			}
		}
		return each(target)
	})
	return changed, err
}

// timesOf is times without a trace in the diff.
func (f *fileCall) timesOf(path string) (bool, error) {
	quiet := *f
	quiet.diff = hostos.Diff{Before: map[string]any{}, After: map[string]any{}}
	return quiet.times(path)
}

func (f *fileCall) link() (module.Result, error) {
	src := f.src
	if src == "" && f.prev == "link" {
		to, err := os.Readlink(f.path)
		if err != nil {
			return nil, err
		}
		src = to
	}
	base := filepath.Dir(f.path)
	if info, err := os.Lstat(f.path); err == nil && info.IsDir() {
		base = f.path
	}
	abs := src
	if !filepath.IsAbs(src) {
		abs = strings.TrimSuffix(base, "/") + "/" + src
	}
	if _, err := os.Stat(abs); err != nil && !f.force && f.src != "" {
		return nil, module.Fail("src file does not exist, use \"force=yes\" if you really want to create the link: "+abs,
			f.about(module.Result{"path": f.path, "src": src}))
	}
	if f.prev == "directory" {
		if !f.force {
			return nil, f.fail("refusing to convert from %s to symlink for %s", f.prev, f.path)
		}
		if list, err := os.ReadDir(f.path); err == nil && len(list) > 0 {
			return nil, f.fail("the directory %s is not empty, refusing to convert it", f.path)
		}
	} else if (f.prev == "file" || f.prev == "hard") && !f.force {
		return nil, f.fail("refusing to convert from %s to symlink for %s", f.prev, f.path)
	}
	if src == "" {
		return nil, module.Fail("src is required for creating new symlinks", nil)
	}
	f.startDiff("link")
	changed := false
	if f.prev == "link" {
		old, err := os.Readlink(f.path)
		if err != nil {
			return nil, err
		}
		if old != src {
			f.diff.Before["src"], f.diff.After["src"] = old, src
			changed = true
		}
	} else {
		changed = true
	}
	r := module.Result{"dest": f.path, "src": src}
	if _, err := os.Stat(f.path); f.src == "" && (!f.follow || err != nil) {
		r["src"] = nil
	}
	if changed && !f.Check {
		if f.prev == "absent" {
			if err := os.Symlink(src, f.path); err != nil {
				return nil, f.fail("Error while linking: %s", hostos.Errno(err))
			}
		} else if err := f.replaceBy(func(tmp string) error { return os.Symlink(src, tmp) }); err != nil {
			return nil, f.fail("Error while replacing: %s", hostos.Errno(err))
		}
	}
	if f.Check {
		if _, err := os.Stat(f.path); err != nil {
			r["changed"], r["diff"] = changed, f.diffResult()
			return r, nil
		}
	}
	if _, err := os.Stat(f.path); err != nil && f.follow {
		f.Warn("Cannot set fs attributes on a non-existent symlink target. follow should be set to False to avoid this.")
	} else {
		c, err := f.apply(f.path)
		if err != nil {
			return nil, err
		}
		changed = changed || c
	}
	r["changed"], r["diff"] = changed, f.diffResult()
	return r, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// replaceBy makes something at a temporary name and moves it over the path.
func (f *fileCall) replaceBy(create func(tmp string) error) error {
	tmp := filepath.Join(filepath.Dir(f.path), fmt.Sprintf(".%d.%d.tmp", os.Getpid(), time.Now().UnixNano()))
	if f.prev == "directory" {
		if err := os.Remove(f.path); err != nil {
			return err
		}
	}
	if err := create(tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, f.path); err != nil {
		os.Remove(tmp)
		return err
	}
	return nil
}

func (f *fileCall) hard() (module.Result, error) {
	fail := func(msg string) (module.Result, error) {
		return nil, module.Fail(msg, f.about(module.Result{"dest": f.path, "src": f.Args["src"]}))
	}
	if f.src == "" && f.prev != "hard" {
		return nil, module.Fail("src is required for creating new hardlinks", nil)
	}
	if f.src != "" {
		if _, err := os.Stat(f.src); err != nil {
			return fail("src does not exist")
		}
	}
	f.startDiff("hard")
	changed := false
	switch f.prev {
	case "absent":
		changed = true
	case "link": // also of the file itself: a name of it takes the link's place
		old, err := os.Readlink(f.path)
		if err != nil {
			return fail(hostos.Errno(err))
		}
		if old != f.src {
			f.diff.Before["src"], f.diff.After["src"] = old, f.src
			changed = true
		}
	case "hard":
		if f.src != "" && !sameFile(f.path, f.src) {
			if !f.force {
				return fail("Cannot link, different hard link exists at destination")
			}
			changed = true
		}
	case "file":
		if !f.force {
			return fail("Cannot link, file exists at destination")
		}
		changed = true
	case "directory":
		if sameFile(f.path, f.src) {
			return module.Result{"path": f.path, "changed": false}, nil
		}
		if !f.force {
			return fail("Cannot link: different hard link exists at destination")
		}
		changed = true
	}
	if changed && !f.Check {
		var err error
		if f.prev == "absent" {
			src := f.src
			if f.follow {
				src = hostos.RealPath(src)
			}
			err = os.Link(src, f.path)
		} else {
			err = f.replaceBy(func(tmp string) error { return os.Link(f.src, tmp) })
		}
		if err != nil {
			return nil, f.fail("Error while linking: %s", hostos.Errno(err))
		}
	}
	r := module.Result{"dest": f.path, "src": f.Args["src"]}
	if f.Check {
		if _, err := os.Stat(f.path); err != nil {
			r["changed"], r["diff"] = changed, f.diffResult()
			return r, nil
		}
	}
	c, err := f.apply(f.path)
	if err != nil {
		return nil, err
	}
	r["changed"], r["diff"] = changed || c, f.diffResult()
	return r, nil
}

func sameFile(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}
