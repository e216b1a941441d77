package packages

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var aptRepository = &module.Module{
	Name: "ansible.builtin.apt_repository",
	Doc:  "Adds and removes one-line sources of apt.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "codename"},
			{Name: "filename"},
			{Name: "install_python_apt", Type: module.TypeBool, Default: true},
			{Name: "mode", Type: module.TypeRaw},
			{Name: "repo", Required: true},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "update_cache", Type: module.TypeBool, Default: true, Aliases: []string{"update-cache"}},
			{Name: "update_cache_retries", Type: module.TypeInt, Default: int64(5)},
			{Name: "update_cache_retry_max_delay", Type: module.TypeInt, Default: int64(12)},
			{Name: "validate_certs", Type: module.TypeBool, Default: true},
		},
		CheckMode: true,
	},
	Run: runAptRepository,
}

// aptSources is where apt's sources lie.
const aptSources = "/etc/apt"

// sourceList is the text of every *.list file by path, before and after.
type sourceList struct {
	before, after map[string]string
	order         []string
}

func readSources() (*sourceList, error) {
	s := &sourceList{before: map[string]string{}, after: map[string]string{}}
	files := []string{filepath.Join(aptSources, "sources.list")}
	more, err := filepath.Glob(filepath.Join(aptSources, "sources.list.d", "*.list"))
	if err != nil {
		return nil, err
	}
	for _, f := range append(files, more...) {
		data, err := os.ReadFile(f)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.before[f], s.after[f] = string(data), string(data)
		s.order = append(s.order, f)
	}
	return s, nil
}

var sourceOptions = regexp.MustCompile(`^\[[^\]]*\]`)

// normalSource is a source line with single spaces, without comment; enabled is false when it is commented out. ok is false when
// the line is no source.
func normalSource(line string) (source string, enabled, ok bool) {
	line = strings.TrimSpace(line)
	enabled = true
	if rest, off := strings.CutPrefix(line, "#"); off {
		enabled = false
		line = strings.TrimSpace(strings.TrimLeft(rest, "#"))
	}
	line, _, _ = strings.Cut(line, "#")
	f := strings.Fields(line)
	if len(f) < 2 || f[0] != "deb" && f[0] != "deb-src" {
		return "", enabled, false
	}
	rest := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), f[0]))
	options := sourceOptions.FindString(rest)
	words := strings.Fields(strings.TrimPrefix(rest, options))
	if len(words) == 0 {
		return "", enabled, false
	}
	out := []string{f[0]}
	if options != "" {
		out = append(out, strings.Join(strings.Fields(options), " "))
	}
	return strings.Join(append(out, words...), " "), enabled, true
}

var bracketed = regexp.MustCompile(`\[[^\]]+\]`)

var notName = regexp.MustCompile(`[^a-zA-Z0-9]`)

// sourceFile is the file a new source goes to.
func sourceFile(c *module.Call, source string) string {
	name := c.Str("filename")
	if name == "" {
		_, rest, _ := strings.Cut(source, " ")
		rest = strings.TrimSpace(bracketed.ReplaceAllString(rest, ""))
		uri, _, _ := strings.Cut(rest, " ")
		if _, after, ok := strings.Cut(uri, "://"); ok {
			uri = after
		}
		if _, after, ok := strings.Cut(uri, "@"); ok {
			uri = after
		}
		name = strings.Join(strings.Fields(notName.ReplaceAllString(uri, " ")), "_")
	}
	if !strings.HasSuffix(name, ".list") {
		name += ".list"
	}
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(aptSources, "sources.list.d", name)
}

func runAptRepository(ctx context.Context, c *module.Call) (module.Result, error) {
	repo := c.Str("repo")
	if strings.HasPrefix(repo, "ppa:") {
		return nil, &module.NotNative{Reason: "apt_repository cannot ask Launchpad about " + repo}
	}
	source, _, ok := normalSource(repo)
	if !ok || strings.HasPrefix(strings.TrimSpace(repo), "#") {
		return nil, module.Fail("Invalid repository string: "+strings.TrimLeft(strings.TrimSpace(repo), "#"), nil)
	}
	list, err := readSources()
	if err != nil {
		return nil, module.Fail(err.Error(), nil)
	}
	if c.Str("state") == "absent" {
		list.drop(source)
	} else {
		list.add(source, sourceFile(c, source))
	}
	r := module.Result{"repo": repo, "state": c.Str("state")}
	added, removed, diff := []string{}, []string{}, []any{}
	files := slices.Clone(list.order)
	for _, f := range files {
		before, had := list.before[f]
		after := list.after[f]
		if had && before == after {
			continue
		}
		from, to := f, f
		if !had {
			added = append(added, f)
			from = "/dev/null"
		}
		if after == "" {
			removed = append(removed, f)
			to = "/dev/null"
		}
		if c.Diff {
			diff = append(diff, map[string]any{"before": before, "after": after, "before_header": from, "after_header": to})
		}
		r["changed"] = true
	}
	r["sources_added"], r["sources_removed"], r["diff"] = added, removed, diff
	if r["changed"] == nil {
		r["changed"] = false
		return r, nil
	}
	if c.Check {
		return r, nil
	}
	if err := list.save(c); err != nil {
		return nil, err
	}
	if !c.Bool("update_cache") {
		return r, nil
	}
	if err := aptUpdate(ctx, c); err != nil {
		if e := list.restore(); e != nil {
			c.Warn("could not put the sources back: " + e.Error())
		}
		return nil, err
	}
	return r, nil
}

// add makes sure that the source is there and enabled.
func (s *sourceList) add(source, file string) {
	for _, f := range s.order {
		lines := strings.SplitAfter(s.after[f], "\n")
		for i, l := range lines {
			have, enabled, ok := normalSource(l)
			if !ok || have != source {
				continue
			}
			if !enabled {
				lines[i] = source + "\n"
				s.after[f] = strings.Join(lines, "")
			}
			return
		}
	}
	if _, known := s.after[file]; !known {
		s.order = append(s.order, file)
	}
	text := s.after[file]
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	s.after[file] = text + source + "\n"
}

// drop removes the source wherever it is.
func (s *sourceList) drop(source string) {
	for _, f := range s.order {
		var keep []string
		for _, l := range strings.SplitAfter(s.after[f], "\n") {
			if have, enabled, ok := normalSource(l); ok && enabled && have == source {
				continue
			}
			keep = append(keep, l)
		}
		s.after[f] = strings.Join(keep, "")
	}
}

func (s *sourceList) save(c *module.Call) error {
	attrs := hostos.Attrs{Mode: c.Args["mode"]}
	if attrs.Mode == nil {
		attrs.Mode = "0644"
	}
	for _, f := range s.order {
		if s.before[f] == s.after[f] {
			continue
		}
		if s.after[f] == "" {
			if err := os.Remove(f); err != nil && !os.IsNotExist(err) {
				return module.Fail(hostos.Errno(err), nil)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			return module.Fail(fmt.Sprintf("Failed to create directory %s: %s", filepath.Dir(f), hostos.Errno(err)), nil)
		}
		if err := hostos.WriteFile(f, []byte(s.after[f]), false); err != nil {
			return module.Fail(err.Error(), nil)
		}
		if _, err := attrs.Apply(context.Background(), f, false, nil); err != nil {
			return err
		}
	}
	return nil
}

// restore puts the files back as they were.
func (s *sourceList) restore() error {
	for _, f := range s.order {
		before, had := s.before[f]
		if had && before == s.after[f] {
			continue
		}
		var err error
		if had {
			err = hostos.WriteFile(f, []byte(before), false)
		} else {
			err = os.Remove(f)
		}
		if err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}

// aptUpdate fetches the package lists, again on failure, as often as update_cache_retries says.
func aptUpdate(ctx context.Context, c *module.Call) error {
	run := hostos.RunnerOf(ctx, c)
	bin, err := run.Need("apt-get")
	if err != nil {
		return err
	}
	var last hostos.Output
	retries := max(c.Int("update_cache_retries"), 1)
	for try := int64(0); try < retries; try++ {
		if last, err = run.With(hostos.Cmd{Args: []string{bin, "-q", "update"}, Env: aptEnv}); err != nil {
			return err
		}
		if last.RC == 0 && !strings.Contains(last.Stderr, "W: Failed to fetch") {
			return nil
		}
		if try+1 == retries {
			break
		}
		select {
		case <-time.After(min(time.Second<<min(try, 20), time.Duration(c.Int("update_cache_retry_max_delay"))*time.Second)):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return module.Fail(fmt.Sprintf("Failed to update apt cache after %d retries: %s", retries, aptErrors(last)), nil)
}
