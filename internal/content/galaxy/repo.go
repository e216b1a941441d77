package galaxy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func jsonInto(data []byte, to any) error {
	if err := json.Unmarshal(data, to); err != nil {
		return fail("Collection metadata does not contain a valid json string: %s", err)
	}
	return nil
}

func copySum(w io.Writer, r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// gitSource is a Git URL of a requirement taken apart: git+URL[#path][,version].
type gitSource struct{ url, path, version string }

func parseGit(from string, r Range) gitSource {
	g := gitSource{version: string(r)}
	text := strings.TrimPrefix(from, "git+")
	if b, v, ok := strings.Cut(text, ","); ok {
		text, g.version = b, v
	}
	g.url, g.path, _ = strings.Cut(text, "#")
	if i := strings.IndexByte(g.path, ','); i >= 0 {
		g.path, g.version = g.path[:i], g.path[i+1:]
	}
	if g.version == "" || g.version == "*" {
		g.version = "HEAD"
	}
	return g
}

func (g gitSource) name() string {
	p := strings.TrimSuffix(g.url, "/")
	if u, err := url.Parse(p); err == nil && u.Path != "" {
		p = u.Path
	}
	p = strings.TrimSuffix(strings.TrimSuffix(p, ".git"), "/")
	return filepath.Base(p)
}

// clone checks a collection's repository out below dir; it returns the directory that the requirement names.
func (o *Options) clone(ctx context.Context, g gitSource, dir string) (string, error) {
	at, err := os.MkdirTemp(dir, g.name())
	if err != nil {
		return "", err
	}
	args := []string{"clone"}
	if g.version == "HEAD" {
		args = append(args, "--depth=1")
	}
	if o.IgnoreCerts {
		args = append([]string{"-c", "http.sslVerify=false"}, args...)
	}
	if err := o.git(ctx, "", append(args, "--", g.url, at)...); err != nil {
		return "", fail("Failed to clone a Git repository from `%s`.", g.url)
	}
	if strings.HasPrefix(g.version, "-") {
		return "", fail("Failed to switch a cloned Git repo `%s` to the requested revision `%s`.", g.url, g.version)
	}
	if err := o.git(ctx, at, "checkout", g.version); err != nil {
		return "", fail("Failed to switch a cloned Git repo `%s` to the requested revision `%s`.", g.url, g.version)
	}
	if p := strings.Trim(g.path, "/"); p != "" {
		if !filepath.IsLocal(p) {
			return "", fail("The path %q leads out of the repository `%s`.", g.path, g.url)
		}
		at = filepath.Join(at, p)
	}
	return at, nil
}

func (o *Options) git(ctx context.Context, dir string, args ...string) error {
	c := exec.CommandContext(ctx, "git", args...)
	c.Dir, c.Stdout, c.Stderr = dir, o.Out, o.Err
	c.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0")
	return c.Run()
}

// exported checks a role's repository out and packs it into an archive without the history (with it when keep is set).
// It returns the archive's path.
func (o *Options) exported(ctx context.Context, scm, src, name, version, tmp string, keep bool) (string, error) {
	if scm != "git" && scm != "hg" {
		return "", fail("- scm %s is not currently supported", scm)
	}
	tool, err := exec.LookPath(scm)
	if err != nil {
		return "", fail("could not find/use %s, it is required to continue with installing %s", scm, src)
	}
	run := func(dir string, args ...string) error {
		c := exec.CommandContext(ctx, tool, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0")
		var out, errs strings.Builder
		c.Stdout, c.Stderr = &out, &errs
		if err := c.Run(); err != nil {
			rc := c.ProcessState.ExitCode()
			return fail("- command %s %s failed in directory %s (rc=%d) - %s", tool, strings.Join(args, " "), dir, rc, errs.String())
		}
		return nil
	}
	clone := []string{"clone"}
	if o.IgnoreCerts {
		if scm == "git" {
			clone = append([]string{"-c", "http.sslVerify=false"}, clone...)
		} else {
			clone = append(clone, "--insecure")
		}
	}
	if strings.HasPrefix(src, "-") || strings.HasPrefix(version, "-") || !filepath.IsLocal(name) {
		return "", fail("%q is not the address of a repository", src)
	}
	if err := run(tmp, append(clone, src, name)...); err != nil {
		return "", err
	}
	repo := filepath.Join(tmp, name)
	if scm == "git" && version != "" {
		if err := run(repo, "checkout", version); err != nil {
			return "", err
		}
	}
	out := filepath.Join(tmp, "archive.tar")
	switch {
	case keep:
		return out, packDir(repo, name, out)
	case scm == "hg":
		args := []string{"archive", "--prefix", name + "/"}
		if version != "" {
			args = append(args, "-r", version)
		}
		return out, run(repo, append(args, out)...)
	}
	rev := version
	if rev == "" {
		rev = "HEAD"
	}
	return out, run(repo, "archive", "--prefix="+name+"/", "--output="+out, rev)
}

// download fetches a URL into a new file below dir.
func (o *Options) download(ctx context.Context, address, dir, name string) (string, error) {
	f, err := os.CreateTemp(dir, name+"-*")
	if err != nil {
		return "", err
	}
	defer f.Close()
	if p, ok := strings.CutPrefix(address, "file://"); ok {
		src, err := os.Open(p)
		if err != nil {
			return "", err
		}
		defer src.Close()
		_, err = io.Copy(f, src)
		return f.Name(), err
	}
	resp, err := o.get(ctx, address, nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 {
		return "", fmt.Errorf("HTTP Error %d: %s", resp.StatusCode, strings.TrimPrefix(resp.Status, fmt.Sprint(resp.StatusCode)+" "))
	}
	_, err = io.Copy(f, resp.Body)
	return f.Name(), err
}
