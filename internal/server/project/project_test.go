package project_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/server/project"
	"github.com/troupe-automation/troupe/test/repository"
)

func TestAddresses(t *testing.T) {
	for _, good := range []string{"https://example.com/a.git", "ssh://git@example.com/a", "git@example.com:team/a.git", "file:///srv/a", "/srv/a"} {
		if err := project.CheckURL(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"", "ext::sh -c id", "--upload-pack=id", "ssh://-oProxyCommand=id/a", "javascript:1", "a b", "git@-oProxyCommand=id:a", "fd::3", "https://example.com/\n", "git@example.com:-x"} {
		if project.CheckURL(bad) == nil {
			t.Errorf("%q is taken for an address", bad)
		}
	}
	for _, bad := range []string{"-x", "--help", "a..b", "a b", "a:b", "a^{commit}"} {
		if project.CheckRef(bad) == nil {
			t.Errorf("%q is taken for a branch", bad)
		}
	}
}

func TestGit(t *testing.T) {
	repo := repository.New(t, map[string]string{
		"site.yml": "- hosts: all\n  tasks: []\n", "vars.yml": "a: 1\n", "roles/r/tasks/main.yml": "- hosts: all\n", "inv/hosts.ini": "[web]\nw1\n",
	})
	s := project.New(t.TempDir())
	src := project.Source{ID: 1, Kind: "git", URL: "file://" + repo}
	say := func(string) {}
	first, err := s.Update(t.Context(), src, say)
	if err != nil {
		t.Fatal(err)
	}
	repository.Git(t, repo, "checkout", "-qb", "next")
	if err := os.WriteFile(filepath.Join(repo, "more.yml"), []byte("- import_playbook: site.yml\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	repository.Git(t, repo, "add", "-A")
	repository.Git(t, repo, "commit", "-qm", "two")
	repository.Git(t, repo, "checkout", "-q", "main")
	src.Branch = "next"
	second, err := s.Update(t.Context(), src, say)
	if err != nil || second == first {
		t.Fatalf("%s %s %v", first, second, err)
	}
	old, now := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	for dir, revision := range map[string]string{old: first, now: second} {
		if err := s.Checkout(t.Context(), src, revision, dir); err != nil {
			t.Fatal(err)
		}
	}
	if books, err := project.Playbooks(old); err != nil || !slices.Equal(books, []string{"site.yml"}) {
		t.Errorf("playbooks of the first revision: %v %v", books, err)
	}
	if books, err := project.Playbooks(now); err != nil || !slices.Equal(books, []string{"more.yml", "site.yml"}) {
		t.Errorf("playbooks of the second revision: %v %v", books, err)
	}
	if inv, err := project.Inventories(old); err != nil || !slices.Contains(inv, "inv/hosts.ini") {
		t.Errorf("inventories: %v %v", inv, err)
	}
	src.Branch = "nosuch"
	if _, err := s.Update(t.Context(), src, say); err == nil {
		t.Error("a branch that is not there was found")
	}
	if err := s.Checkout(t.Context(), project.Source{LocalPath: "../x"}, "", filepath.Join(t.TempDir(), "c")); err == nil {
		t.Error("a manual project may lie outside")
	}
}

// TestSubmodules checks that a repository cannot bring in another one of the server's own disk: who writes it has no rights there.
func TestSubmodules(t *testing.T) {
	book := map[string]string{"site.yml": "- hosts: all\n"}
	private, repo := repository.New(t, book), repository.New(t, book)
	repository.Git(t, repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "file://"+private, "stolen")
	repository.Git(t, repo, "commit", "-qm", "two")
	s := project.New(t.TempDir())
	src := project.Source{ID: 1, Kind: "git", URL: "file://" + repo, Submodules: true}
	revision, err := s.Update(t.Context(), src, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "run")
	if err := s.Checkout(t.Context(), src, revision, dir); err == nil {
		t.Error("the submodule was fetched")
	}
	if _, err := os.Stat(filepath.Join(dir, "stolen", "site.yml")); err == nil {
		t.Error("a repository of the server was brought in")
	}
}

// TestKey gives git a private key: ssh finds it in a file that is gone afterwards.
func TestKey(t *testing.T) {
	bin, seen := t.TempDir(), filepath.Join(t.TempDir(), "seen")
	script := "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" = -i ] && { cat \"$2\"; echo \"$2\"; } >" + seen + "; shift; done\nexit 1\n"
	if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte(script), 0o700); err != nil { //nolint:gosec // a script
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	_, err := project.New(t.TempDir()).Update(t.Context(), project.Source{Kind: "git", URL: "ssh://git@example.com/x.git", Key: "the key\n"}, func(string) {})
	if err == nil {
		t.Fatal("the repository was reached")
	}
	b, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	key, path, _ := strings.Cut(string(b), "\n")
	if key != "the key" {
		t.Errorf("ssh got %q", b)
	}
	if _, err := os.Stat(strings.TrimSpace(path)); !os.IsNotExist(err) {
		t.Errorf("the key is still in %s", path)
	}
}
