package project

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	svnRevision = regexp.MustCompile(`^[0-9]{1,18}$`)
	svnBranch   = regexp.MustCompile(`^(HEAD|[0-9]{1,18}|\{[0-9TZ :.+-]{4,40}\})$`)
)

// CheckSubversion refuses addresses that are none of Subversion's own, any other scheme of svn+… runs a command, and what is no revision.
func CheckSubversion(address, revision string) error {
	u, err := url.Parse(address)
	if err != nil || strings.ContainsAny(address, "\x00\n\r") {
		return fmt.Errorf("%q is no address of a repository", address)
	}
	if !slices.Contains([]string{"svn", "svn+ssh", "http", "https", "file"}, u.Scheme) {
		return fmt.Errorf("Subversion repositories cannot be fetched by %q", u.Scheme)
	}
	if strings.HasPrefix(u.Hostname(), "-") || strings.HasPrefix(u.User.Username(), "-") {
		return fmt.Errorf("%q is no host", u.Hostname())
	}
	if revision != "" && !svnBranch.MatchString(revision) {
		return fmt.Errorf("%q is no revision: a number, HEAD or a {date}", revision)
	}
	return nil
}

// resolveSubversion asks the repository which revision the project is at.
func (s *Store) resolveSubversion(ctx context.Context, src Source) (string, error) {
	if err := CheckSubversion(src.URL, src.Branch); err != nil {
		return "", err
	}
	at := src.Branch
	if at == "" {
		at = "HEAD"
	}
	out, err := s.svn(ctx, src, "info", "--show-item", "revision", "--no-newline", "--revision", at, "--", src.URL+"@")
	if err != nil {
		return "", err
	}
	revision := strings.TrimSpace(out)
	if !svnRevision.MatchString(revision) {
		return "", fmt.Errorf("svn tells no revision of %s: %q", src.URL, revision)
	}
	return revision, nil
}

// exportSubversion makes the files of a revision appear in a new directory. Externals would get the password, too, wherever they lie: with one they are left out.
func (s *Store) exportSubversion(ctx context.Context, src Source, revision, dir string) error {
	if err := CheckSubversion(src.URL, src.Branch); err != nil {
		return err
	}
	args := []string{"export", "--quiet", "--revision", revision}
	if src.Password != "" {
		args = append(args, "--ignore-externals")
	}
	_, err := s.svn(ctx, src, append(args, "--", src.URL+"@"+revision, dir)...)
	return err
}

// svn runs Subversion without the user's settings or prompts. A password reaches it by its input, never by its arguments.
func (s *Store) svn(ctx context.Context, src Source, args ...string) (string, error) {
	if err := os.MkdirAll(filepath.Join(s.Dir, ".cache"), 0o700); err != nil {
		return "", err
	}
	config, err := os.MkdirTemp(filepath.Join(s.Dir, ".cache"), "svn-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(config)
	base := []string{"--non-interactive", "--no-auth-cache", "--config-dir", config}
	if src.Username != "" {
		base = append(base, "--username="+src.Username)
	}
	if src.Password != "" {
		base = append(base, "--password-from-stdin")
	}
	ssh, done, err := s.ssh(src)
	if err != nil {
		return "", err
	}
	defer done()
	if src.Username != "" {
		ssh += " -l " + quoteWord(src.Username)
	}
	cmd := exec.CommandContext(ctx, "svn", append([]string{args[0]}, append(base, args[1:]...)...)...)
	cmd.Dir = s.Dir
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + config, "LC_ALL=C.UTF-8", "SVN_SSH=" + ssh}
	var out, said bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(src.Password), &out, &said
	err = cmd.Run()
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("this machine has no svn: install Subversion")
	}
	if err != nil {
		text := strings.TrimSpace(said.String())
		if src.Password != "" {
			text = strings.ReplaceAll(text, src.Password, "********")
		}
		return "", fmt.Errorf("svn %s: %s", args[0], text)
	}
	return out.String(), nil
}

// quoteWord makes one word of a command line that Subversion splits.
func quoteWord(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
