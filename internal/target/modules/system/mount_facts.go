package system

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/target/facts"
	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/regex"
	"github.com/troupe-automation/troupe/module"
)

var mountFacts = &module.Module{
	Name: "ansible.builtin.mount_facts",
	Doc:  "Tells what is mounted, or is to be, from tables of mounts and the program mount.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "devices", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "fstypes", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "include_aggregate_mounts", Type: module.TypeBool},
			{Name: "mount_binary", Type: module.TypeRaw, Default: "mount"},
			{Name: "on_timeout", Default: "error", Choices: []any{"error", "warn", "ignore"}},
			{Name: "sources", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "timeout", Type: module.TypeFloat},
		},
		CheckMode: true,
	},
	Run: runMountFacts,
}

var (
	staticMounts  = []string{"/etc/fstab", "/etc/vfstab", "/etc/filesystems"}
	dynamicMounts = []string{"/etc/mtab", "/proc/mounts", "/etc/mnttab"}
)

// statPatience is how long a file system may take to answer when the task does not say.
const statPatience = 10 * time.Second

// mounter answers one call.
type mounter struct {
	*module.Call
	ctx              context.Context
	run              hostos.Runner
	binary           string        // "" for none
	timeout          time.Duration // 0 for none
	devices, fstypes []*regex.Regex
	uuids            map[string]string // by device
}

func runMountFacts(ctx context.Context, c *module.Call) (module.Result, error) {
	m := &mounter{Call: c, ctx: ctx, run: hostos.RunnerOf(ctx, c)}
	if v, given := c.Args["timeout"].(float64); given {
		if v <= 0 {
			return nil, module.Fail("argument 'timeout' must be a positive number or null, not "+module.Text(module.Float(v)), nil)
		}
		m.timeout = time.Duration(v * float64(time.Second))
	}
	switch v := c.Args["mount_binary"].(type) {
	case nil:
	case string:
		m.binary = v
	default:
		return nil, module.Fail("argument 'mount_binary' must be a string or null, not "+module.Text(v), nil)
	}
	for option, list := range map[string]*[]*regex.Regex{"devices": &m.devices, "fstypes": &m.fstypes} {
		for _, p := range c.Strings(option) {
			re, err := regex.Glob(p)
			if err != nil {
				return nil, module.Fail(err.Error(), nil)
			}
			*list = append(*list, re)
		}
	}
	found, err := m.bySource()
	if err != nil {
		return nil, err
	}
	mounts := []any{}
	points := &module.Ordered{}
	var sources []string
	bySource := map[string][]any{}
	for _, e := range found {
		keep, err := m.complete(e)
		if err != nil {
			return nil, err
		}
		if !keep {
			continue
		}
		mounts = append(mounts, e.fields)
		if points.Get(e.point) == nil {
			points.Set(e.point, e.fields)
		}
		if bySource[e.source] == nil {
			sources = append(sources, e.source)
		}
		bySource[e.source] = append(bySource[e.source], e.point)
	}
	m.warnRepeats(sources, bySource)
	if !c.Bool("include_aggregate_mounts") {
		mounts = []any{}
	}
	return module.Result{"ansible_facts": map[string]any{"mount_points": points, "aggregate_mounts": mounts}}, nil
}

func (m *mounter) warnRepeats(sources []string, bySource map[string][]any) {
	if m.Has("include_aggregate_mounts") {
		return
	}
	var repeats []string
	for _, s := range sources {
		seen := map[any]bool{}
		for _, p := range bySource[s] {
			seen[p] = true
		}
		if len(seen) != len(bySource[s]) {
			repeats = append(repeats, s+" ("+module.Repr(bySource[s])+")")
		}
	}
	if len(repeats) > 0 {
		m.Warn("mount_facts: ignoring repeat mounts in the following sources: " + strings.Join(repeats, ", ") +
			". You can disable this warning by configuring the 'include_aggregate_mounts' option as True or False.")
	}
}

// tableEntry is one mount that a source names.
type tableEntry struct {
	source, point, line string
	fields              map[string]any
}

// bySource reads the sources in turn. The program mount runs when it is a source, or when no table of what is mounted was there.
func (m *mounter) bySource() ([]tableEntry, error) {
	var sources []string
	asked := m.Strings("sources")
	if len(asked) == 0 {
		asked = []string{"all"}
	}
	for _, s := range asked {
		switch s {
		case "":
			return nil, module.Fail("sources contains an empty string", nil)
		case "all":
			sources = append(append(sources, dynamicMounts...), staticMounts...)
		case "dynamic":
			sources = append(sources, dynamicMounts...)
		case "static":
			sources = append(sources, staticMounts...)
		default:
			sources = append(sources, s)
		}
	}
	distinct, fallback, list := map[string]bool{}, false, make([]any, len(sources))
	for i, s := range sources {
		distinct[s], list[i] = true, s
		fallback = fallback || m.binary != "" && slices.Contains(dynamicMounts, s)
	}
	if len(distinct) < len(sources) {
		m.Warn("mount_facts option 'sources' contains duplicate entries, repeat sources will be ignored: " + module.Repr(list))
	}
	var out []tableEntry
	seen := map[string]bool{}
	for _, s := range sources {
		real := hostos.RealPath(s)
		if seen[s] || seen[real] {
			continue
		}
		var found []tableEntry
		var err error
		if s == "mount" {
			seen[s] = true
			found, err = m.byProgram()
		} else {
			seen[real] = true
			found = tableOf(s)
		}
		if err != nil {
			return nil, err
		}
		if len(found) > 0 && (s == "mount" || slices.Contains(dynamicMounts, s)) {
			fallback = false
		}
		out = append(out, found...)
	}
	if fallback {
		found, err := m.byProgram()
		return append(out, found...), err
	}
	return out, nil
}

// patiently runs f within the limit. When that is over, the option on_timeout says whether the task fails.
func (m *mounter) patiently(limit time.Duration, late string, f func(ctx context.Context) error) error {
	ctx, cancel := m.ctx, context.CancelFunc(func() {})
	if limit > 0 {
		ctx, cancel = context.WithTimeout(ctx, limit)
	}
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f(ctx) }() // one that hangs in the kernel, at a dead network mount, ends when it can
	select {
	case err := <-done:
		if ctx.Err() == nil || m.ctx.Err() != nil {
			return err
		}
	case <-ctx.Done():
		if m.ctx.Err() != nil {
			return context.Cause(m.ctx)
		}
	}
	switch m.Str("on_timeout") {
	case "error":
		return module.Fail(late, nil)
	case "warn":
		m.Warn(late)
	}
	return nil
}

// output is what a program prints, "" when it took too long or refused.
func (m *mounter) output(words string, args ...string) (text string, rc int, err error) {
	late := fmt.Sprintf("Command %s timed out after %s seconds", words, module.Text(module.Float(m.timeout.Seconds())))
	got := make(chan hostos.Output, 1)
	err = m.patiently(m.timeout, late, func(ctx context.Context) error {
		out, err := hostos.Run(ctx, hostos.Cmd{Args: args, Env: m.Env})
		got <- out
		return err
	})
	select {
	case out := <-got:
		return out.Stdout, out.RC, err
	default:
		return "", 0, err
	}
}

// byProgram asks the program that mount_binary names.
func (m *mounter) byProgram() ([]tableEntry, error) {
	bin, err := m.run.Need(m.binary)
	if err != nil {
		return nil, err
	}
	text, rc, err := m.output(module.Quote(bin), bin)
	if err != nil {
		return nil, err
	}
	if rc != 0 {
		return nil, module.Fail(fmt.Sprintf("Failed to execute %s: Command '%[1]s' returned non-zero exit status %d.", bin, rc), nil)
	}
	return printedMounts(text), nil
}

// complete adds to a mount its size and its UUID and where it was found, unless the patterns leave it out.
func (m *mounter) complete(e tableEntry) (bool, error) {
	device, _ := e.fields["device"].(string)
	fstype, _ := e.fields["fstype"].(string)
	var uuid any
	if id, ok := strings.CutPrefix(device, "UUID="); ok {
		uuid = id
		if bin := m.run.Find("blkid"); bin != "" {
			text, rc, err := m.output("['"+bin+"', '--uuid', '"+id+"']", bin, "--uuid", id)
			if err != nil {
				return false, err
			}
			if text = strings.TrimSpace(text); rc == 0 && text != "" {
				device = text
			}
		}
	}
	if !matchesAny(m.devices, device) || !matchesAny(m.fstypes, fstype) {
		return false, nil
	}
	limit := m.timeout
	if limit == 0 {
		limit = statPatience
	}
	late := fmt.Sprintf("Timed out getting mount size for mount %s (type %s) after %s seconds", e.point, fstype, secondsText(m.Args["timeout"], limit))
	size := make(chan map[string]any, 1)
	if err := m.patiently(limit, late, func(context.Context) error { size <- facts.MountSize(e.point); return nil }); err != nil {
		return false, err
	}
	select {
	case s := <-size:
		for k, v := range s {
			e.fields[k] = v
		}
	default:
	}
	if uuid == nil {
		id, err := m.uuidOf(device)
		if err != nil {
			return false, err
		}
		if id != "" {
			uuid = id
		}
	}
	e.fields["ansible_context"] = map[string]any{"source": e.source, "source_data": e.line}
	e.fields["uuid"] = uuid
	return true, nil
}

func secondsText(given any, limit time.Duration) string {
	if v, ok := given.(float64); ok {
		return module.Text(module.Float(v))
	}
	return strconv.Itoa(int(limit / time.Second))
}

func matchesAny(patterns []*regex.Regex, text string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(re *regex.Regex) bool {
		return re.MatchStart(text)
	})
}

// uuidOf finds the UUID of a device: by the links of udev, else from lsblk, else from udevadm.
func (m *mounter) uuidOf(device string) (string, error) {
	if !strings.HasPrefix(device, "/") {
		return "", nil // tmpfs, host:/path: no device
	}
	if m.uuids == nil {
		m.uuids = map[string]string{}
		if bin := m.run.Find("lsblk"); bin != "" {
			args := []string{bin, "--list", "--noheadings", "--paths", "--output", "NAME,UUID", "--exclude", "2"}
			text, _, err := m.output(module.Repr(anyStrings(args)), args...)
			if err != nil {
				return "", err
			}
			for line := range strings.Lines(text) {
				if f := strings.Fields(line); len(f) == 2 {
					m.uuids[f[0]] = f[1]
				}
			}
		}
		links, _ := os.ReadDir("/dev/disk/by-uuid")
		for _, l := range links {
			if to, err := filepath.EvalSymlinks("/dev/disk/by-uuid/" + l.Name()); err == nil {
				m.uuids[to] = l.Name()
			}
		}
	}
	if id, known := m.uuids[device]; known {
		return id, nil
	}
	bin := m.run.Find("udevadm")
	if info, err := os.Stat(device); bin == "" || err != nil || info.Mode()&os.ModeDevice == 0 {
		return "", nil
	}
	args := []string{bin, "info", "--query", "property", "--name", device}
	text, _, err := m.output(module.Repr(anyStrings(args)), args...)
	for line := range strings.Lines(text) {
		if id, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "ID_FS_UUID="); ok {
			return id, err
		}
	}
	return "", err
}

func anyStrings(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// errForm is a table of another kind.
var errForm = errors.New("not of this form")

// tableOf reads a file of mounts in the first form that fits all of it.
func tableOf(path string) []tableEntry {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() { // a pipe without a writer has nothing to say
		return nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	text := strings.TrimSpace(string(data))
	if text == "" {
		return nil
	}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for _, read := range []func([]string) ([]tableEntry, error){vfstab, mnttab, fstab, aixFilesystems} {
		if list, err := read(lines); err == nil {
			for i := range list {
				list[i].source = path
			}
			return list
		}
	}
	return nil
}
