// Package project keeps the working copies of projects: one bare cache for each repository, a checkout for each revision that
// runs need, archives unpacked. Everything that git is told is checked first: an address may not run a command, a branch may not be an option.
//
// Called by internal/server/dispatch for updates and before jobs.
package project

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	yaml "go.yaml.in/yaml/v4"
)

// Source is where a project comes from.
type Source struct {
	ID         int64
	Kind       string // "" for manual, "git", "svn", "archive"
	URL        string
	Branch     string
	Refspec    string
	LocalPath  string // of manual projects
	Submodules bool
	Fresh      bool // forget the cache first
	// Username, Password and Key are the credential's; Key is a private key without passphrase.
	Username, Password, Key string
	// Signers are the public keys of who may have signed the project; "" where it needs no signature.
	Signers string
}

// Store is the directory of all projects.
type Store struct {
	Dir string
	mu  sync.Mutex
	at  map[string]*sync.Mutex // by repository: one git at a time
}

// New makes a Store; the directory is made when needed.
func New(dir string) *Store { return &Store{Dir: dir, at: map[string]*sync.Mutex{}} }

func (s *Store) lock(name string) func() {
	s.mu.Lock()
	m := s.at[name]
	if m == nil {
		m = &sync.Mutex{}
		s.at[name] = m
	}
	s.mu.Unlock()
	m.Lock()
	return m.Unlock
}

var scpLike = regexp.MustCompile(`^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:[^-].*$`)

// CheckURL refuses addresses that are none of https, http, ssh, git and file. ext:: and the like would run commands.
func CheckURL(address string) error {
	if address == "" {
		return errors.New("the project has no URL")
	}
	if strings.HasPrefix(address, "-") || strings.ContainsAny(address, "\x00\n\r") {
		return fmt.Errorf("%q is no address of a repository", address)
	}
	if filepath.IsAbs(address) {
		return nil
	}
	if !strings.Contains(address, "://") {
		if scpLike.MatchString(address) {
			return nil
		}
		return fmt.Errorf("%q is no address of a repository", address)
	}
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("the project's URL cannot be read: %w", err)
	}
	if !slices.Contains([]string{"https", "http", "ssh", "git", "file", "git+ssh"}, u.Scheme) {
		return fmt.Errorf("repositories cannot be fetched by %q", u.Scheme)
	}
	if strings.HasPrefix(u.Hostname(), "-") || strings.HasPrefix(u.User.Username(), "-") {
		return fmt.Errorf("%q is no host", u.Hostname())
	}
	return nil
}

// CheckRef refuses branches that git would take for options or other things.
func CheckRef(ref string) error {
	if strings.HasPrefix(ref, "-") || strings.ContainsAny(ref, " \t\n\r\x00~^:?*[\\") || strings.Contains(ref, "..") {
		return fmt.Errorf("%q is no branch, tag or commit", ref)
	}
	return nil
}

func (s *Store) cache(src Source) string {
	sum := sha256.Sum256([]byte(src.URL))
	return filepath.Join(s.Dir, ".cache", hex.EncodeToString(sum[:8])+".git")
}

// Update fetches what the branch is now and returns its commit. say gets what git says.
func (s *Store) Update(ctx context.Context, src Source, say func(string)) (revision string, err error) {
	if src.Kind == "archive" {
		cache := s.cache(src)
		defer s.lock(cache)()
		return s.fetchArchive(ctx, src, cache)
	}
	if src.Kind == "svn" {
		cache := s.cache(src)
		defer s.lock(cache)()
		if src.Fresh {
			if err := os.RemoveAll(cache); err != nil {
				return "", err
			}
		}
		return s.resolveSubversion(ctx, src)
	}
	if src.Kind != "git" {
		return "", fmt.Errorf("projects of type %q cannot be updated yet", src.Kind)
	}
	if err := CheckURL(src.URL); err != nil {
		return "", err
	}
	if err := CheckRef(src.Branch); err != nil {
		return "", err
	}
	cache := s.cache(src)
	defer s.lock(cache)()
	if src.Fresh {
		if err := os.RemoveAll(cache); err != nil {
			return "", err
		}
	}
	out, err := s.fetch(ctx, src, cache)
	say(out)
	if err != nil {
		return "", err
	}
	return s.resolve(ctx, src, cache)
}

// fetch brings all branches and tags into the cache, which is made when needed.
func (s *Store) fetch(ctx context.Context, src Source, cache string) (string, error) {
	if err := CheckURL(src.URL); err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(cache, "HEAD")); err != nil {
		if err := os.MkdirAll(cache, 0o700); err != nil {
			return "", err
		}
		if _, err := s.git(ctx, src, cache, "init", "--quiet", "--bare", "."); err != nil {
			return "", err
		}
	}
	specs := []string{"+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", "+HEAD:refs/troupe/head"}
	if src.Refspec != "" {
		if strings.HasPrefix(src.Refspec, "-") {
			return "", fmt.Errorf("%q is no refspec", src.Refspec)
		}
		specs = append(specs, src.Refspec)
	}
	return s.git(ctx, src, cache, append([]string{"fetch", "--prune", "--force", "--no-tags", "--", src.remote()}, specs...)...)
}

// remote is the address with the user's name; the password goes another way.
func (src *Source) remote() string {
	u, err := url.Parse(src.URL)
	if err == nil && u.Host != "" && src.Username != "" && u.User == nil {
		u.User = url.User(src.Username)
		return u.String()
	}
	return src.URL
}

func (s *Store) resolve(ctx context.Context, src Source, cache string) (string, error) {
	names := []string{"refs/troupe/head"}
	if src.Branch != "" {
		names = []string{"refs/heads/" + src.Branch, "refs/tags/" + src.Branch, src.Branch}
	}
	for _, name := range names {
		out, err := s.git(ctx, src, cache, "rev-parse", "--verify", "--quiet", "--end-of-options", name+"^{commit}")
		if err == nil {
			return strings.TrimSpace(out), nil
		}
	}
	return "", fmt.Errorf("%s has no branch, tag or commit %q", src.URL, src.Branch)
}

var commit = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// Checkout makes the files of a revision appear in a new directory.
func (s *Store) Checkout(ctx context.Context, src Source, revision, dir string) error {
	if src.Kind == "" {
		from, err := s.manual(src)
		if err != nil {
			return err
		}
		if err := os.CopyFS(dir, os.DirFS(from)); err != nil || src.Signers == "" {
			return err
		}
		return Verify(dir, src.Signers)
	}
	if !commit.MatchString(revision) && (src.Kind != "svn" || !svnRevision.MatchString(revision)) {
		return fmt.Errorf("the project has no revision yet: update it first")
	}
	cache := s.cache(src)
	tree, err := func() (string, error) {
		defer s.lock(cache)()
		return s.tree(ctx, src, cache, revision)
	}()
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, os.DirFS(tree)); err != nil || src.Signers == "" {
		return err
	}
	return Verify(dir, src.Signers)
}

// kept is how many revisions of a repository stay checked out for the runs to come.
const kept = 4

// tree is a revision's files, checked out once and copied for each run: git needs longer than a small playbook. The caller has the lock.
func (s *Store) tree(ctx context.Context, src Source, cache, revision string) (string, error) {
	trees := filepath.Join(cache, "troupe-trees")
	name := revision
	if src.Submodules {
		name += "-submodules"
	}
	tree := filepath.Join(trees, name)
	now := time.Now()
	if os.Chtimes(tree, now, now) == nil {
		return tree, nil
	}
	if src.Kind == "archive" { // another server fetched it, or the cache was lost
		now, err := s.fetchArchive(ctx, src, cache)
		if err == nil && now != revision {
			err = fmt.Errorf("the archive is not the one of revision %s any more: update the project", revision)
		}
		return tree, err
	}
	if err := os.MkdirAll(trees, 0o700); err != nil {
		return "", err
	}
	if err := prune(trees); err != nil {
		return "", err
	}
	if src.Kind == "svn" {
		making, err := os.MkdirTemp(trees, ".making-")
		if err != nil {
			return "", err
		}
		defer os.RemoveAll(making)
		files := filepath.Join(making, "files")
		if err := s.exportSubversion(ctx, src, revision, files); err != nil {
			return "", err
		}
		return tree, os.Rename(files, tree)
	}
	if _, err := s.git(ctx, src, cache, "cat-file", "-e", revision+"^{commit}"); err != nil {
		// Another server fetched it, or the cache was lost.
		if _, err := s.fetch(ctx, src, cache); err != nil {
			return "", err
		}
	}
	making, err := os.MkdirTemp(trees, ".making-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(making)
	files := filepath.Join(making, "files")
	if _, err := s.git(ctx, src, s.Dir, "clone", "--quiet", "--shared", "--template=", "--no-checkout", "--", cache, files); err != nil {
		return "", err
	}
	if _, err := s.git(ctx, src, files, "checkout", "--quiet", "--detach", revision); err != nil {
		return "", err
	}
	if src.Submodules {
		if _, err := s.git(ctx, src, files, "submodule", "update", "--init", "--recursive", "--quiet"); err != nil {
			return "", err
		}
	}
	return tree, os.Rename(files, tree)
}

// prune removes revisions that have not been used for a while.
func prune(trees string) error {
	entries, err := os.ReadDir(trees)
	if err != nil {
		return err
	}
	type aged struct {
		path string
		used time.Time
	}
	var old []aged
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			old = append(old, aged{filepath.Join(trees, e.Name()), info.ModTime()})
		}
	}
	slices.SortFunc(old, func(a, b aged) int { return b.used.Compare(a.used) })
	for i, o := range old {
		// One that was used a moment ago may be being copied.
		if i >= kept-1 && time.Since(o.used) > time.Hour {
			if err := os.RemoveAll(o.path); err != nil {
				return err
			}
		}
	}
	return nil
}

// Resolve finds the commit of a branch in what was fetched last; Subversion is asked.
func (s *Store) Resolve(ctx context.Context, src Source) (string, error) {
	if src.Kind == "svn" {
		return s.resolveSubversion(ctx, src)
	}
	if err := CheckRef(src.Branch); err != nil {
		return "", err
	}
	return s.resolve(ctx, src, s.cache(src))
}

func (s *Store) manual(src Source) (string, error) {
	if !filepath.IsLocal(src.LocalPath) || src.LocalPath == "" || src.LocalPath == "." || strings.HasPrefix(src.LocalPath, ".") {
		return "", fmt.Errorf("%q is no directory below %s", src.LocalPath, s.Dir)
	}
	return filepath.Join(s.Dir, src.LocalPath), nil
}

// git runs git without the user's settings, hooks or prompts. A password reaches it by the environment of a small helper, never by its arguments.
func (s *Store) git(ctx context.Context, src Source, dir string, args ...string) (string, error) {
	base := []string{"-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never", "-c", "protocol.file.allow=user", "-c", "credential.helper=", "-c", "advice.detachedHead=false", "-c", "safe.directory=*"}
	if src.Password != "" {
		base = append(base, "-c", `credential.helper=!f() { test "$1" = get && printf 'password=%s\n' "$TROUPE_GIT_PASSWORD"; }; f`)
	}
	cmd := exec.CommandContext(ctx, "git", append(base, args...)...)
	cmd.Dir = dir
	cmd.WaitDelay = 5 * time.Second
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.Dir, "LC_ALL=C.UTF-8", "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ASKPASS=/bin/false"}
	ssh, done, err := s.ssh(src)
	if err != nil {
		return "", err
	}
	defer done()
	cmd.Env = append(cmd.Env, "GIT_SSH_COMMAND="+ssh)
	if src.Password != "" {
		cmd.Env = append(cmd.Env, "TROUPE_GIT_PASSWORD="+src.Password)
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := os.MkdirAll(filepath.Join(s.Dir, ".cache"), 0o700); err != nil {
		return "", err
	}
	err = cmd.Run()
	text := out.String()
	if src.Password != "" {
		text = strings.ReplaceAll(text, src.Password, "********")
	}
	if err != nil {
		return text, fmt.Errorf("git %s: %s", args[0], strings.TrimSpace(text))
	}
	return text, nil
}

// ssh is the command that reaches repositories by SSH, with the credential's key until done is called.
func (s *Store) ssh(src Source) (command string, done func(), err error) {
	command = "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=" + filepath.Join(s.Dir, ".cache", "known_hosts")
	if src.Key == "" {
		return command, func() {}, nil
	}
	file, done, err := keyFile(src.Key)
	return command + " -o IdentitiesOnly=yes -i " + file, done, err
}

// keyFile puts a key where ssh can read it, in memory where the system has a place for that, until done is called.
func keyFile(key string) (path string, done func(), err error) {
	dir, err := os.MkdirTemp("/dev/shm", "troupe-git-")
	if err != nil {
		dir, err = os.MkdirTemp("", "troupe-git-")
	}
	if err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, "key")
	if err := os.WriteFile(path, []byte(key), 0o600); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return path, func() { os.RemoveAll(dir) }, nil
}

// skipped are directories that never have playbooks of their own.
var skipped = []string{"roles", "tasks", "handlers", "templates", "files", "vars", "defaults", "meta", "group_vars", "host_vars", "library", "module_utils", "filter_plugins"}

// Playbooks lists the files of a checkout that are playbooks: YAML whose first item is a play.
func Playbooks(dir string) ([]string, error) {
	out := []string{}
	err := walk(dir, func(rel string) {
		switch filepath.Ext(rel) {
		case ".yml", ".yaml":
		default:
			return
		}
		if isPlaybook(filepath.Join(dir, rel)) {
			out = append(out, rel)
		}
	})
	slices.Sort(out)
	return out, err
}

func walk(dir string, f func(rel string)) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || slices.Contains(skipped, d.Name())) {
				return filepath.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() {
			f(rel)
		}
		return nil
	})
}

func isPlaybook(path string) bool {
	b, err := os.ReadFile(path)
	if err != nil || len(b) > 4<<20 {
		return false
	}
	if bytes.HasPrefix(b, []byte("$ANSIBLE_VAULT;")) {
		return true
	}
	var plays []map[string]any
	if yaml.Unmarshal(b, &plays) != nil || len(plays) == 0 {
		return false
	}
	for _, key := range []string{"hosts", "import_playbook", "ansible.builtin.import_playbook", "include"} {
		if _, has := plays[0][key]; has {
			return true
		}
	}
	return false
}

// Inventories lists the files of a checkout that may be inventories.
func Inventories(dir string) ([]string, error) {
	out := []string{}
	err := walk(dir, func(rel string) {
		path := filepath.Join(dir, rel)
		switch filepath.Ext(rel) {
		case ".ini", ".toml", "":
		case ".yml", ".yaml":
			if isPlaybook(path) {
				return
			}
		default:
			return
		}
		base := filepath.Base(rel)
		if slices.Contains([]string{"LICENSE", "README", "Makefile", "Dockerfile", "Vagrantfile"}, base) {
			return
		}
		out = append(out, rel)
	})
	slices.Sort(out)
	return out, err
}
