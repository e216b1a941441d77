package scm

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var subversion = &module.Module{
	Name: "ansible.builtin.subversion",
	Doc:  "Keeps a working copy of a Subversion repository at a revision, or exports one.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "checkout", Type: module.TypeBool, Default: true},
			{Name: "dest", Type: module.TypePath},
			{Name: "executable", Type: module.TypePath},
			{Name: "export", Type: module.TypeBool, Default: false},
			{Name: "force", Type: module.TypeBool, Default: false},
			{Name: "in_place", Type: module.TypeBool, Default: false},
			{Name: "password", NoLog: true},
			{Name: "repo", Required: true, Aliases: []string{"name", "repository"}},
			{Name: "revision", Default: "HEAD", Aliases: []string{"rev", "version"}},
			{Name: "switch", Type: module.TypeBool, Default: true},
			{Name: "update", Type: module.TypeBool, Default: true},
			{Name: "username"},
			{Name: "validate_certs", Type: module.TypeBool, Default: false},
		},
		CheckMode: true,
	},
	Run: runSubversion,
}

// svn is one run of the module.
type svn struct {
	*module.Call
	run                  hostos.Runner
	words                []string // the program and the options of every command
	password             string   // for svn's standard input, "" when it asks nobody
	repo, dest, revision string
}

func runSubversion(ctx context.Context, c *module.Call) (module.Result, error) {
	s := &svn{Call: c, run: hostos.RunnerOf(ctx, c), repo: c.Str("repo"), dest: c.Str("dest"), revision: c.Str("revision")}
	bin := c.Str("executable")
	if bin == "" {
		var err error
		if bin, err = s.run.Need("svn"); err != nil {
			return nil, err
		}
	}
	checkout, update, export := c.Bool("checkout"), c.Bool("update"), c.Bool("export")
	if s.dest == "" && (checkout || update || export) {
		return nil, module.Fail("the destination directory must be specified unless checkout=no, update=no, and export=no", nil)
	}
	if err := s.prepare(bin); err != nil {
		return nil, err
	}
	r, err := s.act(checkout, update, export)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// act does what the options ask for.
func (s *svn) act(checkout, update, export bool) (module.Result, error) {
	if !checkout && !update && !export {
		out, err := s.must("info", s.repo)
		return module.Result{"changed": false, "after": found(revisionLine, out, "Unable to get remote revision")}, err
	}
	_, err := os.Stat(s.dest)
	switch {
	case export || err != nil:
		return s.fresh(checkout, export)
	case s.isCopy():
		return s.refresh(update)
	case s.Bool("in_place"):
		return s.adopt()
	}
	return nil, module.Fail("ERROR: "+s.dest+" folder already exists, but its not a subversion repository.", nil)
}

// prepare puts the words together that all commands begin with. The password goes through standard input: as a word everybody could read it.
func (s *svn) prepare(bin string) error {
	s.words = []string{bin, "--non-interactive", "--no-auth-cache"}
	if !s.Bool("validate_certs") {
		s.words = append(s.words, "--trust-server-cert")
	}
	if u := s.Str("username"); u != "" {
		s.words = append(s.words, "--username", u)
	}
	s.password = s.Str("password")
	if s.password == "" {
		return nil
	}
	out, err := s.run.Must(bin, "--version", "--quiet")
	if err != nil {
		return err
	}
	version := strings.Split(strings.TrimSpace(out.Stdout), ".")
	major, _ := strconv.Atoi(version[0])
	minor := 0
	if len(version) > 1 {
		minor, _ = strconv.Atoi(version[1])
	}
	if major < 1 || major == 1 && minor < 10 {
		return module.Fail("svn "+strings.TrimSpace(out.Stdout)+" takes a password on its command line only, where everybody can read it; 1.10 takes it safely", nil)
	}
	s.words = append(s.words, "--password-from-stdin")
	return nil
}

func (s *svn) exec(args ...string) (hostos.Output, error) {
	cmd := hostos.Cmd{Args: slices.Concat(s.words, args)}
	if s.password != "" {
		cmd.Stdin = strings.NewReader(s.password + "\n")
	}
	return s.run.With(cmd)
}

// must is exec that fails the task on a bad exit code. It returns what svn printed.
func (s *svn) must(args ...string) (string, error) {
	out, err := s.exec(args...)
	if err != nil {
		return "", err
	}
	if out.RC != 0 {
		words := slices.Concat(s.words, args)
		quoted := make([]string, len(words))
		for i, w := range words {
			quoted[i] = hostos.ShellQuote(w)
		}
		return "", module.Fail(strings.TrimRight(out.Stderr, " \t\r\n"), module.Result{"rc": out.RC, "stdout": out.Stdout, "stderr": out.Stderr, "cmd": strings.Join(quoted, " ")})
	}
	return out.Stdout, nil
}

func (s *svn) isCopy() bool {
	out, err := s.exec("info", s.dest)
	return err == nil && out.RC == 0
}

var (
	revisionLine = regexp.MustCompile(`(?m)^[\pL\pN_]+\s?:\s+\d+$`)
	urlLine      = regexp.MustCompile(`(?m)^URL\s?:.*$`)
	touchedFile  = regexp.MustCompile(`(?m)^[ABDUCGE]\s`)
	modifiedFile = regexp.MustCompile(`(?m)^[^?X\n]`)
)

func found(line *regexp.Regexp, text, otherwise string) string {
	if m := line.FindString(text); m != "" {
		return m
	}
	return otherwise
}

// state is the revision and the address of the working copy, as svn words them.
func (s *svn) state() ([]any, error) {
	out, err := s.must("info", s.dest)
	return []any{found(revisionLine, out, "Unable to get revision"), found(urlLine, out, "Unable to get URL")}, err
}

func (s *svn) modified() (bool, error) {
	out, err := s.must("status", "--quiet", "--ignore-externals", s.dest)
	return modifiedFile.MatchString(out), err
}

// fresh makes the working copy, or exports the files.
func (s *svn) fresh(checkout, export bool) (module.Result, error) {
	if s.Check {
		return module.Result{"changed": true}, nil
	}
	if !checkout && !export {
		return module.Result{"changed": false}, nil
	}
	if export {
		args := []string{"export"}
		if s.Bool("force") {
			args = append(args, "--force")
		}
		_, err := s.must(append(args, "-r", s.revision, s.repo, s.dest)...)
		return module.Result{"changed": true}, err
	}
	if _, err := s.must("checkout", "-r", s.revision, s.repo, s.dest); err != nil {
		return nil, err
	}
	after, err := s.state()
	return module.Result{"changed": true, "before": nil, "after": after}, err
}

// adopt makes a working copy of a directory that is none.
func (s *svn) adopt() (module.Result, error) {
	if _, err := s.must("checkout", "--force", "-r", s.revision, s.repo, s.dest); err != nil {
		return nil, err
	}
	mods, err := s.modified()
	if err == nil && mods && s.Bool("force") {
		_, err = s.must("revert", "-R", s.dest)
	}
	if err != nil {
		return nil, err
	}
	after, err := s.state()
	return module.Result{"changed": true, "before": nil, "after": after}, err
}

// refresh brings the working copy to the address and the revision.
func (s *svn) refresh(update bool) (module.Result, error) {
	const dirty = "ERROR: modified files exist in the repository."
	if !update {
		return module.Result{"changed": false}, nil
	}
	before, err := s.state()
	if err != nil {
		return nil, err
	}
	mods, err := s.modified()
	if err != nil {
		return nil, err
	}
	if s.Check {
		if mods && !s.Bool("force") {
			return nil, module.Fail(dirty, nil)
		}
		out, err := s.must("info", "-r", s.revision, s.dest)
		have, want := before[0].(string), found(revisionLine, out, "Unable to get revision")
		return module.Result{"changed": number(have) < number(want), "before": have, "after": want}, err
	}
	changed := mods
	step := func(mark *regexp.Regexp, args ...string) error {
		out, err := s.must(args...)
		changed = changed || mark.MatchString(strings.TrimSuffix(out, "\n"))
		return err
	}
	if s.Bool("switch") {
		if err := step(touchedFile, "switch", "--revision", s.revision, s.repo, s.dest); err != nil {
			return nil, err
		}
	}
	if mods && !s.Bool("force") {
		return nil, module.Fail(dirty, nil)
	}
	if mods {
		if _, err := s.must("revert", "-R", s.dest); err != nil {
			return nil, err
		}
	}
	if err := step(touchedFile, "update", "-r", s.revision, s.dest); err != nil {
		return nil, err
	}
	after, err := s.state()
	return module.Result{"changed": changed, "before": before, "after": after}, err
}

// number is the revision in a line of svn's.
func number(line string) int {
	_, n, _ := strings.Cut(line, ":")
	i, _ := strconv.Atoi(strings.TrimSpace(n))
	return i
}
