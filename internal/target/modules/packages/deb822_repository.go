package packages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// Fetch downloads a URL.
type Fetch func(ctx context.Context, c *module.Call, url string) (io.ReadCloser, error)

// Fetching are the modules of this family that download.
func Fetching(fetch Fetch) []*module.Module {
	return []*module.Module{aptKey(fetch), deb822Repository(fetch), rpmKey(fetch)}
}

func deb822Repository(fetch Fetch) *module.Module {
	return &module.Module{
		Name: "ansible.builtin.deb822_repository",
		Doc:  "Adds and removes sources of apt in the format of many lines.",
		Spec: module.Spec{
			Options: []module.Option{
				{Name: "allow_downgrade_to_insecure", Type: module.TypeBool},
				{Name: "allow_insecure", Type: module.TypeBool},
				{Name: "allow_weak", Type: module.TypeBool},
				{Name: "architectures", Type: module.TypeList, Elements: module.TypeStr},
				{Name: "by_hash", Type: module.TypeBool},
				{Name: "check_date", Type: module.TypeBool},
				{Name: "check_valid_until", Type: module.TypeBool},
				{Name: "components", Type: module.TypeList, Elements: module.TypeStr},
				{Name: "date_max_future", Type: module.TypeInt},
				{Name: "enabled", Type: module.TypeBool},
				{Name: "inrelease_path"},
				{Name: "languages", Type: module.TypeList, Elements: module.TypeStr},
				{Name: "mode", Type: module.TypeRaw, Default: "0644"},
				{Name: "name", Required: true},
				{Name: "pdiffs", Type: module.TypeBool},
				{Name: "signed_by"},
				{Name: "state", Default: "present", Choices: []any{"present", "absent"}},
				{Name: "suites", Type: module.TypeList, Elements: module.TypeStr},
				{Name: "targets", Type: module.TypeList, Elements: module.TypeStr},
				{Name: "trusted", Type: module.TypeBool},
				{Name: "types", Type: module.TypeList, Elements: module.TypeStr, Default: []any{"deb"}, Choices: []any{"deb", "deb-src"}},
				{Name: "uris", Type: module.TypeList, Elements: module.TypeStr},
			},
			CheckMode: true,
		},
		Run: func(ctx context.Context, c *module.Call) (module.Result, error) { return runDeb822(ctx, c, fetch) },
	}
}

// aptKeyrings is where keys of sources lie.
const aptKeyrings = "/etc/apt/keyrings"

var (
	slugBlank = regexp.MustCompile(`[_\s]+`)
	slugOther = regexp.MustCompile(`[^a-z0-9-]`)
)

func runDeb822(ctx context.Context, c *module.Call, fetch Fetch) (module.Result, error) {
	slug := slugOther.ReplaceAllString(slugBlank.ReplaceAllString(strings.ToLower(c.Str("name")), "-"), "")
	r := module.Result{"dest": filepath.Join(aptSources, "sources.list.d", slug+".sources"), "repo": nil, "key_filename": nil}
	var err error
	if c.Str("state") == "absent" {
		err = removeDeb822(c, slug, r)
	} else {
		err = writeDeb822(ctx, c, slug, r, fetch)
	}
	if err != nil {
		return nil, err
	}
	hostos.AddPathInfo(r)
	return r, nil
}

func removeDeb822(c *module.Call, slug string, r module.Result) error {
	key := filepath.Join(aptKeyrings, slug+".gpg")
	r["key_filename"], r["changed"] = key, false
	for _, f := range []string{r["dest"].(string), key, filepath.Join(aptKeyrings, slug+".asc")} {
		if _, err := os.Lstat(f); err != nil {
			continue
		}
		r["changed"] = true
		if !c.Check {
			if err := os.Remove(f); err != nil {
				return module.Fail(hostos.Errno(err), nil)
			}
		}
	}
	return nil
}

func writeDeb822(ctx context.Context, c *module.Call, slug string, r module.Result, fetch Fetch) error {
	signed, changed := c.Str("signed_by"), false
	if c.Has("signed_by") {
		var err error
		if signed, changed, err = signedBy(ctx, c, slug, r, fetch); err != nil {
			return err
		}
	}
	text := deb822Text(c, signed)
	dest := r["dest"].(string)
	r["repo"] = text
	have, err := os.ReadFile(dest)
	if err != nil && !os.IsNotExist(err) {
		return module.Fail(hostos.Errno(err), nil)
	}
	if err != nil || string(have) != text {
		changed = true
		if !c.Check {
			if err := os.MkdirAll(filepath.Dir(dest), 0o755); err != nil {
				return module.Fail(hostos.Errno(err), nil)
			}
			if err := hostos.WriteFile(dest, []byte(text), false); err != nil {
				return module.Fail(err.Error(), nil)
			}
		}
	}
	if _, err := os.Stat(dest); err == nil {
		attrs, err := hostos.Attrs{Mode: c.Args["mode"]}.Apply(ctx, dest, c.Check, nil)
		if err != nil {
			return err
		}
		changed = changed || attrs
	}
	r["changed"] = changed
	return nil
}

// deb822Text is the stanza: the options in order, as apt names them.
func deb822Text(c *module.Call, signed string) string {
	names := make([]string, 0, len(c.Args))
	for n := range c.Args {
		names = append(names, n)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, n := range names {
		v := c.Args[n]
		if v == nil || n == "state" || n == "mode" {
			continue
		}
		field, text := fieldName(n), ""
		switch v := v.(type) {
		case bool:
			text = map[bool]string{true: "yes", false: "no"}[v]
		case []any:
			words := make([]string, len(v))
			for i, w := range v {
				words[i] = module.Text(w)
			}
			text = strings.Join(words, " ")
		default:
			text = module.Text(v)
		}
		if n == "signed_by" {
			text = signed
		}
		if strings.Contains(text, "\n") {
			b.WriteString(field + ":\n")
			for l := range strings.SplitSeq(text, "\n") {
				if l = strings.TrimSpace(l); l == "" {
					l = "."
				}
				b.WriteString("    " + l + "\n")
			}
			continue
		}
		b.WriteString(strings.TrimRight(field+": "+text, " ") + "\n")
	}
	return b.String()
}

func fieldName(option string) string {
	switch option {
	case "name":
		return "X-Repolib-Name"
	case "uris":
		return "URIs"
	}
	words := strings.Split(option, "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "-")
}

const armour = "-----BEGIN PGP PUBLIC KEY BLOCK-----"

// signedBy is what the field says: a key as text, a file, or the file that a downloaded key is written to.
func signedBy(ctx context.Context, c *module.Call, slug string, r module.Result, fetch Fetch) (string, bool, error) {
	signed := strings.TrimSpace(c.Str("signed_by"))
	if strings.Contains(signed, armour) {
		return signed, false, nil
	}
	if !strings.Contains(signed, "://") {
		if info, err := os.Stat(signed); err == nil && info.Mode().IsRegular() {
			r["key_filename"] = signed
		}
		return signed, false, nil
	}
	data, err := fetchKey(ctx, c, signed, fetch)
	if err != nil {
		return "", false, module.Fail("Could not fetch signed_by key: "+err.Error(), nil)
	}
	ext := ".gpg"
	if bytes.Contains(data, []byte(armour)) {
		ext = ".asc"
	}
	file := filepath.Join(aptKeyrings, slug+ext)
	r["key_filename"] = file
	have, err := os.ReadFile(file)
	changed := err != nil || !bytes.Equal(have, data)
	if changed && !c.Check {
		if err := os.MkdirAll(aptKeyrings, 0o755); err != nil {
			return "", false, module.Fail(hostos.Errno(err), nil)
		}
		if err := hostos.WriteFile(file, data, false); err != nil {
			return "", false, module.Fail(err.Error(), nil)
		}
	}
	if _, err := os.Stat(file); err == nil {
		attrs, err := hostos.Attrs{Mode: "0644"}.Apply(ctx, file, c.Check, nil)
		if err != nil {
			return "", false, err
		}
		changed = changed || attrs
	}
	return file, changed, nil
}

// maxKey bounds what is taken for a key.
const maxKey = 16 << 20

// fetchKey reads a key from a URL. Its errors are in the words of Python's urllib.
func fetchKey(ctx context.Context, c *module.Call, url string, fetch Fetch) ([]byte, error) {
	if path, local := strings.CutPrefix(url, "file://"); local {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, errors.New("<urlopen error " + strings.Replace(hostos.Errno(err), ": b'", ": '", 1) + ">")
		}
		return data, nil
	}
	body, err := fetch(ctx, c, url)
	if err != nil {
		_, why, _ := strings.Cut(err.Error(), "Request failed: ")
		if why == "" {
			why = err.Error()
		}
		return nil, errors.New(why)
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxKey+1))
	if err == nil && len(data) > maxKey {
		err = fmt.Errorf("%s is too large for a key", url)
	}
	return data, err
}
