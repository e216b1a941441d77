package project_test

import (
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/server/project"
)

// subversion makes a repository with two revisions of a playbook and returns its directory.
func subversion(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("svnadmin"); err != nil {
		t.Skip("no Subversion on this machine")
	}
	dir := t.TempDir()
	repo, work := filepath.Join(dir, "repo"), filepath.Join(dir, "work")
	run(t, dir, "svnadmin", "create", repo)
	run(t, dir, "svn", "checkout", "-q", "file://"+repo, work)
	for i, text := range []string{"- hosts: all\n", "- hosts: web\n"} {
		if err := os.WriteFile(filepath.Join(work, "site.yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			run(t, work, "svn", "add", "-q", "site.yml")
		}
		run(t, work, "svn", "commit", "-q", "-m", "change")
	}
	return repo
}

func run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %v: %s", name, args, out)
	}
	return string(out)
}

func content(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSubversion(t *testing.T) {
	repo := subversion(t)
	s := project.New(t.TempDir())
	src := project.Source{ID: 1, Kind: "svn", URL: "file://" + repo}
	say := func(string) {}
	for branch, want := range map[string]string{"": "- hosts: web\n", "1": "- hosts: all\n", "HEAD": "- hosts: web\n"} {
		src.Branch = branch
		revision, err := s.Update(t.Context(), src, say)
		if err != nil {
			t.Fatal(err)
		}
		if branch == "1" && revision != "1" || branch != "1" && revision != "2" {
			t.Errorf("revision %q of %q", revision, branch)
		}
		dir := filepath.Join(t.TempDir(), "files")
		if err := s.Checkout(t.Context(), src, revision, dir); err != nil {
			t.Fatal(err)
		}
		if got := content(t, filepath.Join(dir, "site.yml")); got != want {
			t.Errorf("%q has %q", branch, got)
		}
	}
	// A revision stays what it is, and is there when the repository is not.
	if err := os.Rename(repo, repo+".away"); err != nil {
		t.Fatal(err)
	}
	if err := s.Checkout(t.Context(), src, "1", filepath.Join(t.TempDir(), "files")); err != nil {
		t.Error(err)
	}
	if _, err := s.Update(t.Context(), src, say); err == nil || !strings.Contains(err.Error(), "svn info") {
		t.Errorf("a repository that is gone: %v", err)
	}
	for _, bad := range [][2]string{{"svn+evil://x/y", ""}, {"ext::sh", ""}, {"--config-option=x", ""}, {"svn://-oProxyCommand=x/", ""}, {"file:///x\n", ""}, {"file:///x", "-r"}, {"file:///x", "main"}, {"file:///x", "HEAD:1"}} {
		if err := project.CheckSubversion(bad[0], bad[1]); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	if err := s.Checkout(t.Context(), src, "../..", filepath.Join(t.TempDir(), "files")); err == nil {
		t.Error("a revision that is a path is accepted")
	}
}

// TestSubversionPassword asks a real svnserve that wants a name and a password.
func TestSubversionPassword(t *testing.T) {
	repo := subversion(t)
	conf := filepath.Join(repo, "conf")
	for name, text := range map[string]string{"svnserve.conf": "[general]\nanon-access = none\nauth-access = read\npassword-db = passwd\n", "passwd": "[users]\nann = the-password-of-ann\n"} {
		if err := os.WriteFile(filepath.Join(conf, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // svnserve speaks over its input and output: this listener needs no guessed port
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			f, err := conn.(*net.TCPConn).File()
			conn.Close()
			if err != nil {
				return
			}
			cmd := exec.CommandContext(t.Context(), "svnserve", "--inetd", "-r", repo)
			cmd.Stdin, cmd.Stdout = f, f
			if cmd.Start() == nil {
				go cmd.Wait()
			}
			f.Close()
		}
	}()
	// A program in front of svn notes what it is told.
	bin, real := t.TempDir(), ""
	if real, err = exec.LookPath("svn"); err != nil {
		t.Fatal(err)
	}
	notes := filepath.Join(bin, "notes")
	if err := os.WriteFile(filepath.Join(bin, "svn"), []byte("#!/bin/sh\necho \"$@\" >> "+notes+"\nenv >> "+notes+"\nexec "+real+" \"$@\"\n"), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	s := project.New(t.TempDir())
	src := project.Source{ID: 1, Kind: "svn", URL: "svn://" + l.Addr().String() + "/", Username: "ann", Password: "the-password-of-ann"}
	revision, err := s.Update(t.Context(), src, func(string) {})
	if err != nil || revision != "2" {
		t.Fatalf("%q %v", revision, err)
	}
	dir := filepath.Join(t.TempDir(), "files")
	if err := s.Checkout(t.Context(), src, revision, dir); err != nil {
		t.Fatal(err)
	}
	if got := content(t, filepath.Join(dir, "site.yml")); got != "- hosts: web\n" {
		t.Errorf("the playbook is %q", got)
	}
	if said := content(t, notes); !strings.Contains(said, "--password-from-stdin") || strings.Contains(said, "the-password") {
		t.Errorf("svn was told: %s", said)
	}
	err = filepath.WalkDir(s.Dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(content(t, path), "the-password") {
			t.Errorf("the password is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	src.Password = "wrong-password"
	if _, err := s.Update(t.Context(), src, func(string) {}); err == nil || strings.Contains(err.Error(), "wrong-password") {
		t.Errorf("a wrong password: %v", err)
	}
}
