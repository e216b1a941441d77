package system

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var mount = &module.Module{
	Name: "ansible.posix.mount",
	Doc:  "Keeps a mount point in fstab and as wanted: mounted, unmounted, mounted anew.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "boot", Type: module.TypeBool, Default: true},
			{Name: "dump", Default: "0"},
			{Name: "fstab"},
			{Name: "fstype"},
			{Name: "path", Type: module.TypePath, Required: true, Aliases: []string{"name"}},
			{Name: "opts"},
			{Name: "passno", Default: "0"},
			{Name: "src", Type: module.TypePath},
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "state", Required: true, Choices: []any{"absent", "absent_from_fstab", "mounted", "present", "unmounted", "remounted", "ephemeral"}},
		},
		Rules: module.Rules{RequiredIf: []module.RequiredIf{
			{Key: "state", Value: "mounted", Needs: []string{"src", "fstype"}},
			{Key: "state", Value: "present", Needs: []string{"src", "fstype"}},
			{Key: "state", Value: "ephemeral", Needs: []string{"src", "fstype"}},
		}},
		CheckMode: true,
	},
	Run: runMount,
}

const defaultFstab = "/etc/fstab"

// mountCall is one call: the wanted line of fstab, and what is mounted.
type mountCall struct {
	*module.Call
	run     hostos.Runner
	table   fstabFile
	path    string
	state   string
	options string
	mounts  map[string]string // what is mounted where, as the kernel lists it
}

func runMount(ctx context.Context, c *module.Call) (module.Result, error) {
	if runtime.GOOS != "linux" {
		return nil, &module.NotNative{Reason: "mount is native on Linux only"}
	}
	m := &mountCall{Call: c, run: hostos.RunnerOf(ctx, c), path: c.Str("path"), state: c.Str("state"), options: "defaults", mounts: kernelMounts()}
	if c.Has("opts") {
		m.options = c.Str("opts")
	}
	boot := "yes"
	if list := strings.Split(m.options, ","); slices.Contains(list, "noauto") {
		c.Warn("Ignore the 'boot' due to 'opts' contains 'noauto'.")
	} else if !c.Bool("boot") {
		boot = "no"
		if slices.Contains(list, "defaults") {
			c.Warn("Ignore the 'boot' due to 'opts' contains 'defaults'.")
		} else {
			m.options += ",noauto"
		}
	}
	m.table = fstabFile{path: defaultFstab, check: c.Check, backup: c.Bool("backup")}
	if c.Has("fstab") {
		m.table.path = c.Str("fstab")
	}
	if m.state != "ephemeral" {
		if err := m.table.read(); err != nil {
			return nil, err
		}
	}
	changed, err := m.apply()
	if err != nil {
		return nil, err
	}
	r := module.Result{
		"changed": changed, "name": m.path, "opts": m.options, "dump": c.Str("dump"), "passno": c.Str("passno"), "fstab": m.table.path,
		"boot": boot, "backup_file": m.table.kept,
	}
	for _, k := range []string{"src", "fstype"} {
		if c.Has(k) {
			r[k] = c.Str(k)
		}
	}
	return r, nil
}

func (m *mountCall) apply() (changed bool, err error) {
	switch m.state {
	case "present":
		return m.table.set(m.line())
	case "absent_from_fstab", "absent":
		if changed, err = m.table.unset(m.line()); err != nil || !changed || m.Check || m.state != "absent" {
			return changed, err
		}
		if m.mounted("") {
			if err := m.unmount(); err != nil {
				return false, err
			}
		}
		if err := syscall.Rmdir(m.path); err != nil && err != syscall.ENOENT {
			return false, module.Fail(fmt.Sprintf("Error rmdir %s: %s", m.path, pathError(err, m.path)), nil)
		}
		return true, nil
	case "unmounted":
		if !m.mounted("") {
			return false, nil
		}
		if m.Check {
			return true, nil
		}
		return true, m.unmount()
	case "remounted":
		if m.Check {
			return true, nil
		}
		said, err := m.remount()
		if err == nil && said != nil {
			err = module.Fail(fmt.Sprintf("Error remounting %s: %s", m.path, *said), nil)
		}
		return true, err
	}
	return m.mount()
}

// mount is for the states mounted and ephemeral. What was done before the mounting failed is undone: a line of fstab that does not
// work may keep the machine from starting.
func (m *mountCall) mount() (changed bool, err error) {
	var made []string
	if _, err := os.Stat(m.path); err != nil && !m.Check {
		if made, err = makeDirs(m.path); err != nil {
			return false, module.Fail(fmt.Sprintf("Error making dir %s: %s", m.path, hostos.Errno(err)), nil)
		}
	}
	if m.state == "mounted" {
		if changed, err = m.table.set(m.line()); err != nil {
			return false, err
		}
	}
	var said *string
	switch {
	case !m.mounted(m.Str("src")):
		if changed = true; !m.Check {
			said, err = m.tool("mount", m.mountWords()...)
		}
	case m.state == "ephemeral":
		same, e := m.sameSource()
		if e != nil {
			return false, e
		}
		if !same {
			return false, module.Fail("Ephemeral mount point is already mounted with a different source than the specified one. "+
				"Failing in order to prevent an unwanted unmount or override operation. Try replacing this command with a \"state: unmounted\" "+
				"followed by a \"state: ephemeral\", or use a different destination path.", nil)
		}
		if changed = true; !m.Check {
			said, err = m.remount()
		}
	case changed && !m.Check:
		said, err = m.remount()
	}
	if err == nil && said == nil {
		return changed, nil
	}
	m.table.restore()
	for _, d := range slices.Backward(made) {
		if os.Remove(d) != nil {
			break
		}
	}
	if err == nil {
		err = module.Fail(fmt.Sprintf("Error mounting %s: %s", m.path, *said), nil)
	}
	return false, err
}

func (m *mountCall) line() fstabLine {
	l := fstabLine{"name": m.path, "fstype": m.Str("fstype"), "opts": m.options, "dump": m.Str("dump"), "passno": m.Str("passno")}
	if m.Has("src") {
		l["src"] = m.Str("src")
	}
	return l
}

// mounted says whether something is mounted at the path; src is what that must be where only the kernel's list knows it.
func (m *mountCall) mounted(src string) bool {
	if isMount(m.path) {
		return true
	}
	have, ok := m.mounts[m.path]
	return ok && (src == "" || have == src)
}

// sameSource says whether the source is what is mounted at the path.
func (m *mountCall) sameSource() (bool, error) {
	if m.mounts[m.path] == m.Str("src") {
		return true, nil
	}
	bin, err := m.run.Need("mount")
	if err != nil {
		return false, err
	}
	out, err := m.run.Run(bin, "-v")
	if err != nil {
		return false, err
	}
	if out.Stdout == "" {
		return false, module.Fail(fmt.Sprintf("Unable to retrieve mount info with command '%s -v'", bin), nil)
	}
	for line := range strings.Lines(out.Stdout) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == m.Str("src") && f[2] == m.path {
			return true, nil
		}
	}
	return false, nil
}

// tool runs mount or umount. When that fails, said is what it said.
func (m *mountCall) tool(name string, words ...string) (said *string, err error) {
	bin, err := m.run.Need(name)
	if err != nil {
		return nil, err
	}
	out, err := m.run.Run(append([]string{bin}, words...)...)
	if err == nil && out.RC != 0 {
		text := out.Stdout + out.Stderr
		said = &text
	}
	return said, err
}

// mountWords are the arguments of mount: what fstab says of the path, or all that is to be known. before come first.
func (m *mountCall) mountWords(before ...string) []string {
	words := before
	switch {
	case m.state == "ephemeral":
		words = append(words, "-t", m.Str("fstype"))
		if m.options != "defaults" {
			words = append(words, "-o", m.options)
		}
		words = append(words, m.Str("src"))
	case m.table.path != "" && m.table.path != defaultFstab:
		words = append(words, "-T", m.table.path)
	}
	return append(words, m.path)
}

func (m *mountCall) unmount() error {
	said, err := m.tool("umount", m.path)
	if err == nil && said != nil {
		err = module.Fail(fmt.Sprintf("Error unmounting %s: %s", m.path, *said), nil)
	}
	return err
}

// remount tries to change the mount in place, and else unmounts and mounts it, unless that could lose options that were asked for.
func (m *mountCall) remount() (said *string, err error) {
	wanted := m.state == "remounted" && m.options != "defaults"
	how := "remount"
	if wanted {
		how += "," + m.options
	}
	if said, err = m.tool("mount", m.mountWords("-o", how)...); err != nil || said == nil {
		return nil, err
	}
	if wanted {
		return nil, module.Fail("Options were specified with remounted, but the remount command failed. Failing in order to prevent an unexpected "+
			"mount result. Try replacing this command with a \"state: unmounted\" followed by a \"state: mounted\" using the full desired mount options instead.", nil)
	}
	if said, err = m.tool("umount", m.path); err != nil || said != nil {
		return said, err
	}
	return m.tool("mount", m.mountWords()...)
}

// isMount says whether a directory lies on another file system than the one above it.
func isMount(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSymlink != 0 {
		return false
	}
	above, err := os.Lstat(hostos.RealPath(path + "/.."))
	if err != nil {
		return false
	}
	a, b := info.Sys().(*syscall.Stat_t), above.Sys().(*syscall.Stat_t)
	return a.Dev != b.Dev || a.Ino == b.Ino
}

// kernelMounts is what is mounted where. The source of a bind mount is the directory that it shows.
func kernelMounts() map[string]string {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil
	}
	type entry struct{ parent, root, dst, src string }
	byID := map[string]*entry{}
	var order []*entry
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) >= 9 {
			e := &entry{f[1], f[3], f[4], f[len(f)-2]}
			byID[f[0]] = e
			order = append(order, e)
		}
	}
	out := map[string]string{}
	for _, e := range order {
		src := e.src
		if p := byID[e.parent]; p != nil && e.parent != "1" {
			if len(p.root) > 1 && strings.HasPrefix(e.root, p.root+"/") {
				e.root = e.root[len(p.root):] // the parent shows a part of its file system only
			}
			if p.dst != "/" {
				e.root = p.dst + e.root
			}
			src = e.root
		}
		out[e.dst] = src
	}
	return out
}

// makeDirs makes a directory and those above it, and returns which it made.
func makeDirs(path string) (made []string, err error) {
	var missing []string
	for p := filepath.Clean(path); ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); err == nil || p == filepath.Dir(p) {
			break
		}
		missing = append(missing, p)
	}
	for _, p := range slices.Backward(missing) {
		if err := os.Mkdir(p, 0o777); err != nil {
			return made, err
		}
		made = append(made, p)
	}
	return made, nil
}

// pathError is an error with the path as Python says it.
func pathError(err error, path string) string {
	if n := syscall.Errno(0); errors.As(err, &n) {
		return fmt.Sprintf("[Errno %d] %s: %s", int(n), hostos.ErrText(n), module.Quote(path))
	}
	return err.Error()
}
