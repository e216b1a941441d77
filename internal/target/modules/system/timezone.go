package system

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var timezone = &module.Module{
	Name: "community.general.timezone",
	Doc:  "Sets the time zone, and whether the hardware clock keeps local time.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "hwclock", Choices: []any{"local", "UTC"}, Aliases: []string{"rtc"}},
			{Name: "name"},
		},
		Rules:     module.Rules{RequiredOneOf: [][]string{{"hwclock", "name"}}},
		CheckMode: true,
	},
	Run: runTimezone,
}

const zoneDir = "/usr/share/zoneinfo/"

// clock is a way to ask and set what the options are about.
type clock interface {
	get(key string, after bool) (string, error)
	set(key, value string) error
}

// clockCall is what all ways have in common.
type clockCall struct {
	*module.Call
	run  hostos.Runner
	said []string
}

func runTimezone(ctx context.Context, c *module.Call) (module.Result, error) {
	if runtime.GOOS != "linux" {
		return nil, &module.NotNative{Reason: "timezone is native on Linux only"}
	}
	t := &clockCall{Call: c, run: hostos.RunnerOf(ctx, c)}
	way, err := t.way()
	if err != nil {
		return nil, err
	}
	var keys []string
	before, planned, after := map[string]any{}, map[string]any{}, map[string]any{}
	for _, k := range []string{"hwclock", "name"} {
		if !c.Has(k) {
			continue
		}
		keys = append(keys, k)
		planned[k] = c.Str(k)
		if before[k], err = way.get(k, false); err != nil {
			return nil, err
		}
	}
	differ := func(a, b map[string]any) bool {
		return slices.ContainsFunc(keys, func(k string) bool { return a[k] != b[k] })
	}
	if c.Check {
		return module.Result{"changed": differ(before, planned), "diff": map[string]any{"before": before, "after": planned}}, nil
	}
	for _, k := range keys {
		if before[k] != planned[k] {
			if err := way.set(k, c.Str(k)); err != nil {
				return nil, err
			}
		}
	}
	for _, k := range keys {
		if after[k], err = way.get(k, true); err != nil {
			return nil, err
		}
	}
	if differ(after, planned) {
		return nil, t.abort(fmt.Sprintf("still not desired state, though changes have made - planned: %s, after: %s", module.Repr(planned), module.Repr(after)))
	}
	r := module.Result{"changed": differ(before, after), "diff": map[string]any{"before": before, "after": after}}
	if len(t.said) > 0 {
		r["msg"] = strings.Join(t.said, "\n")
	}
	return r, nil
}

// way is systemd's where that answers, else Debian's files.
func (t *clockCall) way() (clock, error) {
	if bin := t.run.Find("timedatectl"); bin != "" {
		out, err := t.run.Run(bin)
		if err != nil {
			return nil, err
		}
		if out.RC == 0 {
			return &systemdClock{clockCall: t, bin: bin, status: map[bool]string{}}, t.verify()
		}
	}
	if t.run.Find("dpkg-reconfigure") == "" {
		return nil, &module.NotNative{Reason: "timezone without systemd is native on Debian only"}
	}
	if err := t.verify(); err != nil {
		return nil, err
	}
	bin, err := t.run.Need("hwclock")
	return &debianClock{clockCall: t, hwclock: bin}, err
}

func (t *clockCall) abort(msg string) error {
	lines := []string{"Error message:", msg}
	if len(t.said) > 0 {
		lines = append(append(lines, "Other message(s):"), t.said...)
	}
	return module.Fail(strings.Join(lines, "\n"), nil)
}

// verify refuses a time zone that there is none of.
func (t *clockCall) verify() error {
	if !t.Has("name") {
		return nil
	}
	if info, err := os.Stat(zoneDir + t.Str("name")); err != nil || !info.Mode().IsRegular() {
		return t.abort(fmt.Sprintf(`given timezone "%s" is not available`, t.Str("name")))
	}
	return nil
}

// yes reads a boolean as Ansible does.
func yes(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "y", "yes", "on", "1", "true", "t":
		return true, nil
	case "n", "no", "off", "0", "false", "f":
		return false, nil
	}
	return false, module.Fail("The value '"+text+"' is not a valid boolean.", nil)
}

// systemdClock asks timedatectl.
type systemdClock struct {
	*clockCall
	bin    string
	status map[bool]string // before and after
}

var systemdClockLines = map[string]*regexp.Regexp{
	"hwclock": regexp.MustCompile(`(?m)^\s*RTC in local TZ\s*:\s*(\S+)`),
	"name":    regexp.MustCompile(`(?m)^\s*Time ?zone\s*:\s*(\S+)`),
}

func (s *systemdClock) get(key string, after bool) (string, error) {
	if _, ok := s.status[after]; !ok {
		out, err := s.run.Must(s.bin, "status")
		if err != nil {
			return "", err
		}
		s.status[after] = out.Stdout
	}
	m := systemdClockLines[key].FindStringSubmatch(s.status[after])
	if m == nil {
		return "", s.abort(s.bin + " does not say what the " + key + " is")
	}
	if key != "hwclock" {
		return m[1], nil
	}
	local, err := yes(m[1])
	if local {
		return "local", err
	}
	return "UTC", err
}

func (s *systemdClock) set(key, value string) error {
	words := []string{s.bin, "set-timezone", value}
	if key == "hwclock" {
		words = []string{s.bin, "set-local-rtc", map[bool]string{true: "yes", false: "no"}[value == "local"]}
	}
	_, err := s.run.Must(words...)
	s.said = append(s.said, "executed `"+strings.Join(words, " ")+"`")
	return err
}

// debianClock edits the files of a Debian machine without systemd.
type debianClock struct {
	*clockCall
	hwclock string
}

// clockFile is a file with a setting in one of its lines, and what holds where there is none.
type clockFile struct {
	path  string
	line  *regexp.Regexp
	empty string
}

var (
	clockZone  = clockFile{"/etc/timezone", regexp.MustCompile(`(?m)^(\S+)`), "n/a"}
	clockUTC   = clockFile{"/etc/default/rcS", regexp.MustCompile(`(?m)^UTC\s*=\s*(\S+)`), "n/a"}
	clockDrift = clockFile{"/etc/adjtime", regexp.MustCompile(`(?m)^(UTC|LOCAL)$`), "UTC"}
)

func (d *debianClock) read(key string, f clockFile) (text string, err error) {
	data, err := os.ReadFile(f.path)
	if err != nil && !os.IsNotExist(err) {
		return "", d.abort(fmt.Sprintf(`tried to configure %s using a file "%s", but could not read it`, key, f.path))
	}
	return string(data), nil
}

func (d *debianClock) value(key string, f clockFile) (string, error) {
	text, err := d.read(key, f)
	if err != nil {
		return "", err
	}
	if m := f.line.FindStringSubmatch(text); m != nil {
		return m[1], nil
	}
	return f.empty, nil
}

// get asks the file first. Only when that has the planned setting does it matter whether the system has it, too.
func (d *debianClock) get(key string, _ bool) (string, error) {
	if key == "hwclock" {
		v, err := d.value(key, clockUTC)
		if err == nil && v != clockUTC.empty {
			var utc bool
			utc, err = yes(v)
			v = map[bool]string{true: "UTC", false: "local"}[utc]
		}
		if err != nil || v != d.Str(key) {
			return v, err
		}
		v, err = d.value("adjtime", clockDrift)
		if v == "LOCAL" {
			v = "local"
		}
		return v, err
	}
	v, err := d.value(key, clockZone)
	if err != nil || v != d.Str(key) {
		return v, err
	}
	const localtime = "/etc/localtime"
	target, err := os.Readlink(localtime)
	if err != nil {
		have, err1 := os.ReadFile(localtime)
		want, err2 := os.ReadFile(zoneDir + v)
		if err1 != nil || err2 != nil || !bytes.Equal(have, want) {
			return "n/a", nil
		}
		return v, nil
	}
	if _, err := os.Stat(localtime); err != nil {
		return "n/a", nil
	}
	for _, dir := range []string{zoneDir, "/etc/zoneinfo/"} {
		if _, zone, ok := strings.Cut(target, dir); ok {
			return zone, nil
		}
	}
	return "n/a", nil
}

// edit puts the line in the place of the first that sets the same, and takes out the others.
func (d *debianClock) edit(key string, f clockFile, line string) error {
	text, err := d.read(key, f)
	if err != nil {
		return err
	}
	var lines []string
	at, found := 0, 0
	for l := range strings.Lines(text) {
		if f.line.MatchString(l) {
			if found == 0 {
				at = len(lines)
			}
			found++
			continue
		}
		lines = append(lines, l)
	}
	lines = slices.Insert(lines, at, line)
	if err := hostos.WriteFile(hostos.RealPath(f.path), []byte(strings.Join(lines, "")), true); err != nil {
		return d.abort(fmt.Sprintf(`tried to configure %s using a file "%s", but could not write to it`, key, f.path))
	}
	d.said = append(d.said, fmt.Sprintf("Added 1 line and deleted %d line(s) on %s", found, f.path))
	return nil
}

func (d *debianClock) set(key, value string) error {
	if key == "hwclock" {
		utc, how := "yes", "--utc"
		if value == "local" {
			utc, how = "no", "--localtime"
		}
		if err := d.edit(key, clockUTC, "UTC="+utc+"\n"); err != nil {
			return err
		}
		_, err := d.run.Must(d.hwclock, "--systohc", how)
		d.said = append(d.said, "executed `"+d.hwclock+" --systohc "+how+"`")
		return err
	}
	if err := d.edit(key, clockZone, value+"\n"); err != nil {
		return err
	}
	for _, words := range [][]string{{"ln", "-sf", zoneDir + value, "/etc/localtime"}, {"dpkg-reconfigure", "--frontend", "noninteractive", "tzdata"}} {
		bin, err := d.run.Need(words[0])
		if err != nil {
			return err
		}
		if _, err := d.run.Must(append([]string{bin}, words[1:]...)...); err != nil {
			return err
		}
	}
	return nil
}
