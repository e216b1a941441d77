package scm

import (
	"os"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
	"github.com/troupe-automation/troupe/module"
)

// commits of the repository that makeRepo makes: dates and names are fixed, so are the hashes.
const (
	commitOne   = "ae71d7854dd19420b6f3a8f5ff74f3c8e1b8d69f" // main and v1
	commitTwo   = "ae4e91c4ff6011d78adc21e165de75aeb9ffb67f" // dev
	commitThree = "542cd09ec4b49419d7d2b0dfbdb8fff0dcbe2479" // main later
)

func sh(t *testing.T, line string) {
	t.Helper()
	out, err := hostos.Run(t.Context(), hostos.Cmd{Args: []string{"/bin/sh", "-ec", line}, Env: []string{
		"GIT_AUTHOR_DATE=2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE=2026-01-01T00:00:00Z"}})
	if err != nil || out.RC != 0 {
		t.Fatalf("%s: %v %s", line, err, out.Stderr)
	}
}

// TestGit goes the way a recorded playbook run went and expects what it returned.
func TestGit(t *testing.T) {
	moduletest.Need(t, "git")
	d := t.TempDir()
	sh(t, "cd "+d+`; git init -q -b main src; cd src; git config user.email a@b; git config user.name n; echo 1 > a; git add a; git commit -qm one
git tag v1; git checkout -q -b dev; echo 2 > a; git commit -qam two; git checkout -q main; cd ..; git clone -q --bare src bare.git`)
	type want map[string]any
	reg := module.NewRegistry(All)
	for _, s := range []struct {
		name, before string // before is a shell line
		args         map[string]any
		check        bool
		want         want
	}{
		{"check of a new clone", "", map[string]any{"dest": "w"}, true, want{"changed": true, "before": nil, "after": commitOne}},
		{"new clone", "", map[string]any{"dest": "w"}, false, want{"changed": true, "before": nil, "after": commitOne}},
		{"again", "", map[string]any{"dest": "w"}, false, want{"changed": false, "before": commitOne, "after": commitOne, "remote_url_changed": false}},
		{"a tag of the same commit", "", map[string]any{"dest": "w", "version": "v1"}, false, want{"changed": false, "after": commitOne}},
		{"check of a branch", "", map[string]any{"dest": "w", "version": "dev"}, true, want{"changed": true, "before": commitOne, "after": commitTwo}},
		{"a branch", "", map[string]any{"dest": "w", "version": "dev"}, false, want{"changed": true, "before": commitOne, "after": commitTwo,
			"diff": map[string]any{"prepared": "diff --git a/a b/a\nindex d00491f..0cfbf08 100644\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n"}}},
		{"no such version", "", map[string]any{"dest": "w", "version": "nosuch"}, false, want{"failed": true, "rc": int64(1), "msg": "Failed to checkout nosuch",
			"stderr": "error: pathspec 'nosuch' did not match any file(s) known to git\n", "cmd": "/usr/bin/git checkout --force nosuch"}},
		{"no update", "", map[string]any{"dest": "w", "version": "main", "update": false}, false, want{"changed": false, "before": commitTwo, "after": commitTwo}},
		{"local changes", "echo x >> w/a", map[string]any{"dest": "w", "version": "main"}, false, want{"failed": true, "before": commitTwo,
			"msg": "Local modifications exist in the destination: @DIR@/w (force=no)."}},
		{"local changes, force", "", map[string]any{"dest": "w", "version": "main", "force": true}, false, want{"changed": true, "before": commitTwo,
			"after": commitOne, "msg": "Local modifications exist in the destination: @DIR@/w"}},
		{"no such repository", "", map[string]any{"repo": "nope.git", "dest": "w2"}, false, want{"failed": true, "rc": int64(128)}},
		{"bare", "", map[string]any{"dest": "w3", "bare": true}, false, want{"changed": true, "before": nil, "after": commitOne}},
		{"bare again", "", map[string]any{"dest": "w3", "bare": true}, false, want{"changed": false, "before": commitOne, "after": commitOne}},
		{"no clone", "", map[string]any{"dest": "w4", "clone": false}, false, want{"changed": true, "before": nil, "after": commitOne}},
		{"shallow", "", map[string]any{"dest": "w5", "depth": 1, "version": "dev"}, false, want{"changed": true, "before": nil, "after": commitTwo}},
		{"shallow again", "", map[string]any{"dest": "w5", "depth": 1, "version": "dev"}, false, want{"changed": false, "before": commitTwo, "after": commitTwo}},
		{"another repository", "", map[string]any{"repo": "src", "dest": "w", "version": "main"}, false, want{"changed": true, "remote_url_changed": true,
			"before": commitOne, "after": commitOne}},
		{"single branch", "", map[string]any{"dest": "w6", "version": "dev", "single_branch": true}, false, want{"changed": true, "after": commitTwo}},
		{"a commit", "", map[string]any{"dest": "w7", "version": commitOne}, false, want{"changed": true, "after": commitOne}},
		{"a commit again", "", map[string]any{"dest": "w7", "version": commitOne}, false, want{"changed": false, "before": commitOne, "after": commitOne}},
		{"dest in use", "mkdir -p nonempty/x", map[string]any{"dest": "nonempty"}, false, want{"failed": true, "rc": int64(128),
			"msg": "fatal: destination path '@DIR@/nonempty' already exists and is not an empty directory."}},
		{"news", "cd src && echo 3 > b && git add b && git commit -qm three && git push -q ../bare.git main", map[string]any{"dest": "w", "version": "main"},
			false, want{"changed": true, "before": commitOne, "after": commitThree, "remote_url_changed": true}},
	} {
		t.Run(s.name, func(t *testing.T) {
			if s.before != "" {
				sh(t, "cd "+d+"; "+s.before)
			}
			args := map[string]any{"repo": "bare.git"}
			for k, v := range s.args {
				args[k] = v
			}
			args["repo"], args["dest"] = d+"/"+args["repo"].(string), d+"/"+args["dest"].(string)
			got := module.Execute(t.Context(), reg.Lookup("git"), args, module.Options{Check: s.check, Diff: true})
			for k, w := range s.want {
				if text, ok := w.(string); ok {
					w = strings.ReplaceAll(text, "@DIR@", d)
				}
				if !moduletest.Same(got[k], w) {
					t.Errorf("%s: got %v, want %v", k, got[k], w)
				}
			}
			if _, failed := s.want["failed"]; !failed && got["failed"] == true {
				t.Errorf("failed: %v", got["msg"])
			}
		})
	}
	if _, err := os.Stat(d + "/w4"); err == nil {
		t.Error("clone=no made a clone")
	}
}

func TestGitRecordings(t *testing.T) { moduletest.Replay(t, All, "testdata/git.json") }

func TestSubversion(t *testing.T) {
	moduletest.Need(t, "svnadmin")
	moduletest.Replay(t, All, "testdata/subversion.json")
}
