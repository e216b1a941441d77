package scm

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var git = &module.Module{
	Name: "ansible.builtin.git",
	Doc:  "Keeps a working copy of a git repository at a version.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "accept_hostkey", Type: module.TypeBool, Default: false},
			{Name: "accept_newhostkey", Type: module.TypeBool, Default: false},
			{Name: "archive", Type: module.TypePath},
			{Name: "archive_prefix"},
			{Name: "bare", Type: module.TypeBool, Default: false},
			{Name: "clone", Type: module.TypeBool, Default: true},
			{Name: "depth", Type: module.TypeInt},
			{Name: "dest", Type: module.TypePath},
			{Name: "executable", Type: module.TypePath},
			{Name: "force", Type: module.TypeBool, Default: false},
			{Name: "gpg_allowlist", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}, Aliases: []string{"gpg_whitelist"}, DeprecatedAliases: []module.DeprecatedAlias{{Name: "gpg_whitelist", Version: "2.21", Collection: "ansible.builtin"}}},
			{Name: "key_file", Type: module.TypePath},
			{Name: "recursive", Type: module.TypeBool, Default: true},
			{Name: "reference"},
			{Name: "refspec"},
			{Name: "remote", Default: "origin"},
			{Name: "repo", Required: true, Aliases: []string{"name"}},
			{Name: "separate_git_dir", Type: module.TypePath},
			{Name: "single_branch", Type: module.TypeBool, Default: false},
			{Name: "ssh_opts"},
			{Name: "track_submodules", Type: module.TypeBool, Default: false},
			{Name: "umask", Type: module.TypeRaw},
			{Name: "update", Type: module.TypeBool, Default: true},
			{Name: "verify_commit", Type: module.TypeBool, Default: false},
			{Name: "version", Default: "HEAD"},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"separate_git_dir", "bare"}, {"accept_hostkey", "accept_newhostkey"}},
			RequiredBy:        map[string][]string{"archive_prefix": []string{"archive"}},
		},
		CheckMode: true,
	},
	Run: runGit,
}

// clone is one run of git.
type clone struct {
	*module.Call
	run             hostos.Runner
	bin             string
	repo, dest      string
	remote, version string
	bare            bool
	env             []string
}

func runGit(ctx context.Context, c *module.Call) (module.Result, error) {
	g := &clone{Call: c, run: hostos.RunnerOf(ctx, c), repo: c.Str("repo"), dest: c.Str("dest"), remote: c.Str("remote"), version: c.Str("version"),
		bare: c.Bool("bare")}
	if mask, given := c.Args["umask"]; given && mask != nil {
		text, ok := mask.(string)
		if !ok {
			return nil, module.Fail("umask must be defined as a quoted octal integer", nil)
		}
		if _, err := strconv.ParseUint(text, 8, 32); err != nil {
			return nil, module.Fail("umask must be an octal integer", module.Result{"details": "invalid literal for int() with base 8: " + module.Quote(text)})
		}
	}
	if g.dest == "" && c.Bool("clone") {
		return nil, module.Fail("the destination directory must be specified unless clone=no", nil)
	}
	if g.bin = c.Str("executable"); g.bin == "" {
		var err error
		if g.bin, err = g.run.Need("git"); err != nil {
			return nil, err
		}
	}
	if strings.HasPrefix(g.repo, "/") {
		g.repo = "file://" + g.repo
	}
	if c.Bool("single_branch") && c.Str("version") == "" {
		return nil, module.Fail("single_branch needs a version", nil)
	}
	g.setSSH()
	r := module.Result{"changed": false}
	var err error
	if g.exists() {
		if err = g.relocate(r); err == nil {
			err = g.refresh(r)
		}
	} else {
		err = g.create(r)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// setSSH tells git how to call ssh.
func (g *clone) setSSH() {
	g.env = []string{"GIT_TERMINAL_PROMPT=0"}
	opts := []string{"ssh"}
	own := g.Str("ssh_opts")
	if own != "" {
		opts = append(opts, own)
	}
	if !strings.Contains(own, "-o StrictHostKeyChecking=no") && !strings.Contains(own, "-o StrictHostKeyChecking=accept-new") {
		switch {
		case g.Bool("accept_hostkey"):
			opts = append(opts, "-o", "StrictHostKeyChecking=no")
		case g.Bool("accept_newhostkey"):
			opts = append(opts, "-o", "StrictHostKeyChecking=accept-new")
		}
	}
	opts = append(opts, "-o", "BatchMode=yes")
	if k := g.Str("key_file"); k != "" {
		opts = append(opts, "-i", hostos.ShellQuote(k), "-o", "IdentitiesOnly=yes")
	}
	g.env = append(g.env, "GIT_SSH_COMMAND="+strings.Join(opts, " "))
}

// exec runs git in dir.
func (g *clone) exec(dir string, args ...string) (hostos.Output, error) {
	return g.run.With(hostos.Cmd{Args: append([]string{g.bin}, args...), Dir: dir, Env: g.env, Umask: g.Str("umask")})
}

// must is exec that fails the task on a bad exit code; msg replaces git's own words when not empty.
func (g *clone) must(dir, msg string, args ...string) (hostos.Output, error) {
	out, err := g.exec(dir, args...)
	if err != nil || out.RC == 0 {
		return out, err
	}
	if msg == "" {
		msg = strings.TrimRight(out.Stderr, " \r\n")
	}
	return out, module.Fail(msg, module.Result{"stdout": out.Stdout, "stderr": out.Stderr, "rc": out.RC, "cmd": strings.Join(append([]string{g.bin}, args...), " ")})
}

// exists says whether dest is a repository already.
func (g *clone) exists() bool {
	marker := filepath.Join(g.dest, ".git")
	if g.bare {
		marker = filepath.Join(g.dest, "config")
	}
	_, err := os.Stat(marker)
	return err == nil && g.dest != ""
}

// relocate moves the repository of an existing working copy to where separate_git_dir wants it.
func (g *clone) relocate(r module.Result) error {
	to := g.Str("separate_git_dir")
	if to == "" {
		return nil
	}
	link := filepath.Join(g.dest, ".git")
	from := link
	if data, err := os.ReadFile(link); err == nil { // a file that names the place
		if from = strings.TrimSpace(strings.TrimPrefix(string(data), "gitdir:")); !filepath.IsAbs(from) {
			from = filepath.Join(g.dest, from)
		}
	}
	if to, from = hostos.RealPath(to), hostos.RealPath(from); to == from {
		return nil
	}
	r["changed"] = true
	if g.Check {
		return nil
	}
	if _, err := os.Lstat(to); err == nil {
		return module.Fail("Separate-git-dir path "+to+" already exists.", nil)
	}
	if err := os.Rename(from, to); err != nil {
		return module.Fail("Unable to move git dir. "+hostos.Errno(err), nil)
	}
	if err := hostos.WriteFile(link, []byte("gitdir: "+to), false); err != nil {
		return module.Fail("Unable to move git dir. "+err.Error(), nil)
	}
	r["git_dir_before"], r["git_dir_now"] = from, to
	return nil
}

func (g *clone) head() (string, error) {
	out, err := g.must(g.dest, "", "rev-parse", "HEAD")
	return strings.TrimSpace(out.Stdout), err
}

var fullHash = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// remoteHead asks the repository for the commit of the version.
func (g *clone) remoteHead() (string, error) {
	if fullHash.MatchString(g.version) {
		return g.version, nil
	}
	out, err := g.must("", "", "ls-remote", g.repo)
	if err != nil {
		return "", err
	}
	refs := map[string]string{}
	for line := range strings.Lines(out.Stdout) {
		if f := strings.Fields(line); len(f) == 2 {
			refs[f[1]] = f[0]
		}
	}
	if g.version == "HEAD" {
		return refs["HEAD"], nil
	}
	for _, name := range []string{"refs/heads/" + g.version, "refs/tags/" + g.version + "^{}", "refs/tags/" + g.version, g.version} {
		if h := refs[name]; h != "" {
			return h, nil
		}
	}
	return "", module.Fail(fmt.Sprintf("Could not determine remote revision for %s", g.version), nil)
}

func (g *clone) create(r module.Result) error {
	r["before"] = nil
	if g.Check || !g.Bool("clone") {
		h, err := g.remoteHead()
		if err != nil {
			return err
		}
		r["after"], r["changed"] = h, true
		g.newDiff(r, h)
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(g.dest), 0o777); err != nil {
		return module.Fail(hostos.Errno(err), nil)
	}
	args := []string{"clone"}
	if g.bare {
		args = append(args, "--bare")
	} else {
		args = append(args, "--origin", g.remote)
	}
	depth := g.Int("depth")
	isRef := false
	if depth > 0 || g.Bool("single_branch") {
		isRef = g.version == "HEAD" || g.isRef()
	}
	if depth > 0 {
		switch {
		case g.version == "HEAD" || g.Has("refspec"):
			args = append(args, "--depth", strconv.FormatInt(depth, 10))
		case isRef:
			args = append(args, "--depth", strconv.FormatInt(depth, 10), "--branch", g.version)
		default:
			g.Warn("Ignoring depth argument. Shallow clones are only available for HEAD, branches, tags or in combination with refspec.")
		}
	}
	if ref := g.Str("reference"); ref != "" {
		args = append(args, "--reference", ref)
	}
	if g.Bool("single_branch") {
		args = append(args, "--single-branch")
		if isRef && g.version != "HEAD" && depth == 0 {
			args = append(args, "--branch", g.version)
		}
	}
	if d := g.Str("separate_git_dir"); d != "" {
		args = append(args, "--separate-git-dir="+d)
	}
	if _, err := g.must(filepath.Dir(g.dest), "", append(args, "--quiet", g.repo, g.dest)...); err != nil {
		return err
	}
	if g.bare && g.remote != "origin" {
		if _, err := g.must(g.dest, "", "remote", "add", g.remote, g.repo); err != nil {
			return err
		}
	}
	if s := g.Str("refspec"); s != "" {
		if _, err := g.must(g.dest, "", "fetch", g.remote, s); err != nil {
			return err
		}
	}
	return g.finish(r, "", true)
}

// isRef says whether the version is a branch or tag of the repository.
func (g *clone) isRef() bool {
	out, err := g.exec("", "ls-remote", g.repo, "refs/heads/"+g.version, "refs/tags/"+g.version)
	return err == nil && out.RC == 0 && strings.TrimSpace(out.Stdout) != ""
}

func (g *clone) newDiff(r module.Result, after string) {
	if g.Diff {
		r["diff"] = map[string]any{"prepared": ">> Newly checked out " + after}
	}
}

func (g *clone) refresh(r module.Result) error {
	before, err := g.head()
	if err != nil {
		return err
	}
	r["before"] = before
	if !g.Bool("update") {
		r["after"] = before
		return nil
	}
	modified := false
	if !g.bare {
		out, err := g.must(g.dest, "", "status", "--porcelain")
		if err != nil {
			return err
		}
		for line := range strings.Lines(out.Stdout) {
			modified = modified || !strings.HasPrefix(line, "??")
		}
	}
	if modified {
		if !g.Bool("force") {
			return module.Fail(fmt.Sprintf("Local modifications exist in the destination: %s (force=no).", g.dest), module.Result{"before": before})
		}
		r["msg"] = "Local modifications exist in the destination: " + g.dest
		if !g.Check {
			if _, err := g.must(g.dest, "", "reset", "--hard", "HEAD", "--"); err != nil {
				return err
			}
		}
	}
	moved, err := g.setRemote()
	if err != nil {
		return err
	}
	r["remote_url_changed"] = moved
	if g.Check {
		h, err := g.remoteHead()
		if err != nil {
			return err
		}
		r["after"], r["changed"] = h, h != before || moved || modified
		return nil
	}
	// A wanted commit that is here already needs no question to the repository.
	if have, err := g.exec(g.dest, "cat-file", "-e", g.version+"^{commit}"); !fullHash.MatchString(g.version) || err != nil || have.RC != 0 {
		if err := g.fetch(); err != nil {
			return err
		}
	}
	return g.finish(r, before, modified || moved)
}

// setRemote points the remote to the repository.
func (g *clone) setRemote() (bool, error) {
	out, err := g.exec(g.dest, "config", "--get", "remote."+g.remote+".url")
	if err != nil {
		return false, err
	}
	have := strings.TrimSpace(out.Stdout)
	if have == g.repo {
		return false, nil
	}
	if g.Check {
		return have != "", nil
	}
	if out, err = g.exec(g.dest, "remote", "set-url", g.remote, g.repo); err != nil {
		return false, err
	}
	if out.RC != 0 {
		return false, module.Fail(fmt.Sprintf("Failed to set a new url %s for %s: %s %s", g.repo, g.remote, out.Stdout, out.Stderr), nil)
	}
	return have != "", nil
}

func (g *clone) fetch() error {
	args := []string{"fetch"}
	if d := g.Int("depth"); d > 0 {
		args = append(args, "--depth", strconv.FormatInt(d, 10))
	}
	args = append(args, "--tags", "--force", g.remote)
	switch {
	case g.bare:
		args = append(args, "+refs/heads/*:refs/heads/*")
	default:
		if spec := g.Str("refspec"); spec != "" {
			args = append(args, spec)
		}
		if g.Int("depth") > 0 && g.version != "HEAD" && !fullHash.MatchString(g.version) {
			if out, err := g.exec("", "ls-remote", g.repo, "refs/heads/"+g.version); err == nil && strings.TrimSpace(out.Stdout) != "" {
				args = append(args, "+refs/heads/"+g.version+":refs/remotes/"+g.remote+"/"+g.version)
			}
		} else if g.Str("refspec") == "" {
			args = append(args, "+refs/heads/*:refs/remotes/"+g.remote+"/*")
		}
	}
	_, err := g.must(g.dest, "Failed to download remote objects and refs: ", args...)
	return err
}

func (g *clone) refExists(name string) bool {
	out, err := g.exec(g.dest, "show-ref", "--verify", "--quiet", name)
	return err == nil && out.RC == 0
}

// checkout brings the working copy to the version.
func (g *clone) checkout() error {
	branch := ""
	switch {
	case g.version == "HEAD":
		out, err := g.exec(g.dest, "symbolic-ref", "--quiet", "refs/remotes/"+g.remote+"/HEAD")
		if err != nil {
			return err
		}
		if branch = strings.TrimPrefix(strings.TrimSpace(out.Stdout), "refs/remotes/"+g.remote+"/"); branch == "" {
			if out, err = g.exec(g.dest, "rev-parse", "--abbrev-ref", "HEAD"); err != nil {
				return err
			}
			branch = strings.TrimSpace(out.Stdout)
		}
	case g.refExists("refs/remotes/" + g.remote + "/" + g.version):
		branch = g.version
	}
	if branch == "" {
		_, err := g.must(g.dest, "Failed to checkout "+g.version, "checkout", "--force", g.version)
		return err
	}
	if !g.refExists("refs/heads/" + branch) {
		track := "--track"
		if g.Int("depth") > 0 { // the remote of a shallow clone knows one branch, Git refuses to follow another
			track = "--no-track"
		}
		_, err := g.must(g.dest, "Failed to checkout "+branch, "checkout", "--force", track, "-b", branch, g.remote+"/"+branch)
		return err
	}
	if _, err := g.must(g.dest, "Failed to checkout "+branch, "checkout", "--force", branch, "--"); err != nil {
		return err
	}
	_, err := g.must(g.dest, "", "reset", "--hard", g.remote+"/"+branch, "--")
	return err
}

// finish checks out, updates submodules, verifies, archives, and tells what changed.
func (g *clone) finish(r module.Result, before string, changed bool) error {
	if !g.bare {
		if err := g.checkout(); err != nil {
			return err
		}
		if g.Bool("verify_commit") {
			if err := g.verify(); err != nil {
				return err
			}
		}
		sub, err := g.submodules()
		if err != nil {
			return err
		}
		if sub {
			r["submodules_changed"], changed = true, true
		}
	}
	after, err := g.head()
	if err != nil {
		return err
	}
	r["after"] = after
	if before != after {
		changed = true
		if before == "" {
			g.newDiff(r, after)
		} else if g.Diff {
			out, err := g.exec(g.dest, "diff", before+".."+after)
			if err != nil {
				return err
			}
			r["diff"] = map[string]any{"prepared": out.Stdout}
		}
	}
	r["changed"] = changed || r["changed"] == true
	return g.archive(r)
}

// verify checks the signature of the commit, and of the tag when the version is one.
func (g *clone) verify() error {
	verb := "verify-commit"
	if out, err := g.exec(g.dest, "cat-file", "-t", "refs/tags/"+g.version); err == nil && strings.TrimSpace(out.Stdout) == "tag" {
		verb = "verify-tag"
	}
	args := []string{verb, g.version}
	allowed := g.Strings("gpg_allowlist")
	if len(allowed) > 0 {
		args = append(args, "--raw")
	}
	out, err := g.exec(g.dest, args...)
	if err != nil {
		return err
	}
	keys := module.Result{"stdout": out.Stdout, "stderr": out.Stderr, "rc": out.RC}
	if out.RC != 0 {
		return module.Fail(fmt.Sprintf("Failed to verify GPG signature of commit/tag \"%s\"", g.version), keys)
	}
	if key := fingerprint(out.Stderr); len(allowed) > 0 && !slices.Contains(allowed, key) {
		return module.Fail(fmt.Sprintf("The gpg_allowlist does not include the public key \"%s\" for this commit", key), keys)
	}
	return nil
}

// fingerprint is that of the primary key of a valid signature, in gpg's status lines.
func fingerprint(status string) string {
	for line := range strings.Lines(status) {
		if f := strings.Fields(line); len(f) > 2 && f[1] == "VALIDSIG" {
			if len(f) >= 12 {
				return f[11]
			}
			return f[2]
		}
	}
	return "None"
}

func (g *clone) submodules() (bool, error) {
	if !g.Bool("recursive") {
		return false, nil
	}
	if _, err := os.Stat(filepath.Join(g.dest, ".gitmodules")); err != nil {
		return false, nil
	}
	status := func() (string, error) {
		out, err := g.exec(g.dest, "submodule", "status", "--recursive")
		return out.Stdout, err
	}
	before, err := status()
	if err != nil {
		return false, err
	}
	if _, err := g.must(g.dest, "", "submodule", "sync", "--recursive"); err != nil {
		return false, err
	}
	args := []string{"submodule", "update", "--init", "--recursive"}
	if g.Bool("track_submodules") {
		args = append(args, "--remote")
	}
	if g.Bool("force") {
		args = append(args, "--force")
	}
	if _, err := g.must(g.dest, "Failed to init/update submodules: ", args...); err != nil {
		return false, err
	}
	after, err := status()
	return before != after, err
}

// archive packs the version to a file.
func (g *clone) archive(r module.Result) error {
	to := g.Str("archive")
	if to == "" {
		return nil
	}
	format := ""
	for _, f := range []string{"zip", "tar.gz", "tgz", "tar"} {
		if strings.HasSuffix(to, "."+f) {
			format = f
			break
		}
	}
	if format == "" {
		return module.Fail("Unable to get file extension from archive file name : "+to,
			module.Result{"details": "Please specify archive as filename with extension. File extension can be one of ['tar', 'tar.gz', 'zip', 'tgz']"})
	}
	tmp := filepath.Join(filepath.Dir(to), fmt.Sprintf(".troupe_archive%d", os.Getpid()))
	defer os.Remove(tmp)
	args := []string{"archive", "--format", format, "--output", tmp}
	if p := g.Str("archive_prefix"); p != "" {
		args = append(args, "--prefix", p)
	}
	if _, err := g.must(g.dest, "Failed to perform archive operation", append(args, g.version)...); err != nil {
		return err
	}
	a, _ := hostos.Checksum(tmp, "sha1")
	b, _ := hostos.Checksum(to, "sha1")
	if a != b {
		r["changed"] = true
		if err := hostos.MoveFile(tmp, to, false); err != nil {
			return module.Fail(err.Error(), nil)
		}
	}
	return nil
}
