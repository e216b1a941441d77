package network

import (
	"context"
	"encoding/hex"
	"fmt"
	"mime"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
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
	if c.Check {
		q.method = "HEAD"
	}
	res, err := q.do(ctx, c)
	if err != nil {
		return nil, err
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
	fresh := hostos.SHA1(res.body)
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
		h := hostos.NewHash(algorithm)
		if h == nil {
			return fail("Unsupported hash type: " + algorithm)
		}
		h.Write(res.body)
		if got := hex.EncodeToString(h.Sum(nil)); got != sum {
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
		if err := hostos.WriteFile(dest, res.body, c.Bool("unsafe_writes")); err != nil {
			return fail("failed to copy " + src + " to " + dest + ": " + hostos.Errno(err))
		}
	}
	attrs, err := hostos.AttrsOf(c).Apply(ctx, dest, false, nil)
	if err != nil {
		return nil, err
	}
	h := hostos.NewHash("md5")
	h.Write(res.body)
	r["md5sum"] = hex.EncodeToString(h.Sum(nil))
	r["changed"], r["msg"], r["status_code"] = changed || attrs, res.msg(), res.status
	hostos.AddPathInfo(r)
	return r, nil
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
