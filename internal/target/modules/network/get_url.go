package network

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"mime"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var getURL = &module.Module{
	Name: "ansible.builtin.get_url",
	Doc:  "Downloads a file to the target.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "checksum", Default: ""},
			{Name: "ciphers", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "client_cert", Type: module.TypePath},
			{Name: "client_key", Type: module.TypePath},
			{Name: "decompress", Type: module.TypeBool, Default: true},
			{Name: "dest", Type: module.TypePath, Required: true},
			{Name: "force", Type: module.TypeBool, Default: false},
			{Name: "force_basic_auth", Type: module.TypeBool, Default: false},
			{Name: "headers", Type: module.TypeDict},
			{Name: "http_agent", Default: "ansible-httpget"},
			{Name: "timeout", Type: module.TypeInt, Default: int64(10)},
			{Name: "tmp_dest", Type: module.TypePath},
			{Name: "unredirected_headers", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
			{Name: "url", Required: true},
			{Name: "url_password", Aliases: []string{"password"}, NoLog: true},
			{Name: "url_username", Aliases: []string{"username"}},
			{Name: "use_gssapi", Type: module.TypeBool, Default: false},
			{Name: "use_netrc", Type: module.TypeBool, Default: true},
			{Name: "use_proxy", Type: module.TypeBool, Default: true},
			{Name: "validate_certs", Type: module.TypeBool, Default: true},
		},
		FileArgs:  true,
		CheckMode: true,
	},
	Run: runGetURL,
}

func runGetURL(ctx context.Context, c *module.Call) (module.Result, error) {
	src, dest := c.Str("url"), c.Str("dest")
	r := module.Result{"changed": false, "url": src, "dest": dest, "elapsed": int64(0)}
	start := time.Now()
	fail := func(msg string) (module.Result, error) {
		r["elapsed"] = int64(time.Since(start).Seconds())
		hostos.AddPathInfo(r)
		return r, module.Fail(msg, nil)
	}
	info, err := os.Stat(dest)
	intoDir := err == nil && info.IsDir()
	algorithm, sum, err := wantedSum(ctx, c, src)
	if err != nil {
		return nil, err
	}
	q := requestOf(c)
	q.follow = "all"
	if !intoDir && info != nil {
		have := ""
		if sum != "" {
			if hostos.NewHash(algorithm) == nil {
				return nil, module.Fail(fmt.Sprintf("Could not hash file '%s' with algorithm '%s'. Available algorithms: md5, sha1, sha224, sha256, sha384, sha512",
					dest, algorithm), nil)
			}
			if have, err = hostos.Checksum(dest, algorithm); err != nil {
				return nil, module.Fail(hostos.Errno(err), nil)
			}
		}
		if !c.Bool("force") && sum != "" && have == sum {
			changed, err := hostos.AttrsOf(c).Apply(ctx, dest, c.Check, nil)
			if err != nil {
				return nil, err
			}
			r["changed"], r["checksum_src"], r["checksum_dest"], r["msg"] = changed, nil, nil, "file already exists"
			if changed {
				r["msg"] = "file already exists but file attributes changed"
			}
			hostos.AddPathInfo(r)
			return r, nil
		}
		if !c.Bool("force") && sum == "" {
			q.modifiedSince = info.ModTime()
		}
	}
	d := &downloaded{sha1: sha1.New(), md5: md5.New(), wanted: hostos.NewHash(algorithm)}
	if c.Check {
		q.method = "HEAD"
	} else {
		dir, err := temporary(c, dest, intoDir)
		if err != nil {
			return nil, module.Fail(err.Error(), module.Result{"elapsed": int64(time.Since(start).Seconds())})
		}
		q.save = func(body io.Reader) error { return d.save(dir, body) }
	}
	defer d.drop()
	res, err := q.do(ctx, c)
	if err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		return fail("failed to create temporary content file: " + hostos.Errno(err))
	}
	r["elapsed"] = int64(time.Since(start).Seconds())
	switch {
	case res.status == 304:
		r["status_code"], r["msg"] = 304, res.msg()
		hostos.AddPathInfo(r)
		return r, nil
	case res.status == -1:
		return fail(res.err)
	case res.failed():
		r["status_code"], r["response"] = res.status, res.msg()
		return fail("Request failed")
	}
	if intoDir {
		name := ""
		if _, params, err := mime.ParseMediaType(res.header.Get("Content-Disposition")); err == nil {
			name = path.Base(params["filename"])
		}
		if name == "" || name == "." {
			if u, err := url.Parse(res.url); err == nil {
				name = path.Base(u.Path)
			}
		}
		if name == "" || name == "." || name == "/" {
			name = "index.html"
		}
		dest = filepath.Join(dest, name)
		r["dest"] = dest
	}
	fresh := hex.EncodeToString(d.sha1.Sum(nil))
	r["checksum_src"], r["checksum_dest"] = fresh, nil
	have, err := hostos.Checksum(dest, "sha1")
	exists := err == nil
	if exists {
		r["checksum_dest"] = have
	}
	if dir := filepath.Dir(dest); !exists {
		if st, err := os.Stat(dir); err != nil || !st.IsDir() {
			return fail(fmt.Sprintf("Destination %s does not exist", dir))
		}
	}
	if c.Check {
		r["changed"], r["msg"] = !exists || have != fresh, res.msg()
		hostos.AddPathInfo(r)
		return r, nil
	}
	if sum != "" {
		if d.wanted == nil {
			return fail("Unsupported hash type: " + algorithm)
		}
		if got := hex.EncodeToString(d.wanted.Sum(nil)); got != sum {
			return fail(fmt.Sprintf("The checksum for %s did not match %s; it was %s.", src, sum, got))
		}
	}
	changed := have != fresh
	if changed {
		if c.Bool("backup") && exists {
			if r["backup_file"], err = hostos.Backup(dest); err != nil {
				return fail(err.Error())
			}
		}
		if err := hostos.MoveFile(d.path, dest, c.Bool("unsafe_writes")); err != nil {
			return fail("failed to copy " + src + " to " + dest + ": " + hostos.Errno(err))
		}
	}
	attrs, err := hostos.AttrsOf(c).Apply(ctx, dest, false, nil)
	if err != nil {
		return nil, err
	}
	r["md5sum"] = hex.EncodeToString(d.md5.Sum(nil))
	r["changed"], r["msg"], r["status_code"] = changed || attrs, res.msg(), res.status
	hostos.AddPathInfo(r)
	return r, nil
}

// downloaded is a body that was written to a temporary file as it came, and its checksums.
type downloaded struct {
	path              string
	sha1, md5, wanted hash.Hash // wanted is of the algorithm of the option checksum, or nil
}

func (d *downloaded) save(dir string, body io.Reader) error {
	sums := io.MultiWriter(d.sha1, d.md5)
	if d.wanted != nil {
		sums = io.MultiWriter(sums, d.wanted)
	}
	var err error
	d.path, err = hostos.TempFrom(filepath.Join(dir, "download"), io.TeeReader(body, sums))
	return err
}

func (d *downloaded) drop() {
	if d.path != "" {
		os.Remove(d.path) // it may be in its place by now
	}
}

// temporary is the directory to download to: the one that tmp_dest names, else beside the target, where it can be, so that the
// file need not be copied.
func temporary(c *module.Call, dest string, intoDir bool) (string, error) {
	if dir := c.Str("tmp_dest"); dir != "" {
		info, err := os.Stat(dir)
		switch {
		case err != nil:
			return "", errors.New(dir + " directory does not exist.") //nolint:staticcheck // Ansible's words
		case !info.IsDir():
			return "", errors.New(dir + " is a file but should be a directory.") //nolint:staticcheck // Ansible's words
		}
		return dir, nil
	}
	if !intoDir {
		dest = filepath.Dir(dest)
	}
	if info, err := os.Stat(dest); err == nil && info.IsDir() && syscall.Access(dest, 2) == nil {
		return dest, nil
	}
	if c.TmpDir != "" {
		return c.TmpDir, nil
	}
	return os.TempDir(), nil
}

// wantedSum reads option checksum, "algorithm:digest" or "algorithm:URL of a list of digests".
func wantedSum(ctx context.Context, c *module.Call, src string) (algorithm, sum string, err error) {
	text := c.Str("checksum")
	if text == "" {
		return "", "", nil
	}
	algorithm, sum, ok := strings.Cut(text, ":")
	if !ok {
		return "", "", module.Fail("The checksum parameter has to be in format <algorithm>:<checksum>", nil)
	}
	if !strings.Contains(sum, "://") {
		return algorithm, strings.ToLower(strings.TrimSpace(sum)), nil
	}
	listURL := sum
	q := requestOf(c)
	q.url, q.follow = listURL, "all"
	res, err := q.do(ctx, c)
	if err != nil {
		return "", "", err
	}
	if res.failed() {
		return "", "", module.Fail("Request failed", module.Result{"status_code": res.status, "response": res.msg(), "url": listURL, "dest": c.Str("dest")})
	}
	u, err := url.Parse(src)
	if err != nil {
		return "", "", module.Fail(err.Error(), nil)
	}
	name := path.Base(u.Path)
	var rows [][]string
	for line := range strings.Lines(string(res.body)) {
		if f := strings.Fields(line); len(f) > 0 {
			rows = append(rows, f)
		}
	}
	if len(rows) == 1 && len(rows[0]) == 1 {
		return algorithm, strings.ToLower(rows[0][0]), nil
	}
	for _, f := range rows {
		if len(f) > 1 && strings.TrimPrefix(strings.TrimPrefix(f[1], "*"), "./") == name {
			return algorithm, strings.ToLower(f[0]), nil
		}
	}
	return "", "", module.Fail(fmt.Sprintf("Unable to find a checksum for file '%s' in '%s'", name, listURL), nil)
}
