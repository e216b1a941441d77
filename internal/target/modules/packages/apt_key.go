package packages

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

func aptKey(fetch Fetch) *module.Module {
	return &module.Module{
		Name: "ansible.builtin.apt_key",
		Doc:  "Adds and removes keys that apt trusts.",
		Spec: module.Spec{
			Options: []module.Option{
				{Name: "data"},
				{Name: "file", Type: module.TypePath},
				{Name: "id"},
				{Name: "keyring", Type: module.TypePath},
				{Name: "keyserver"},
				{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
				{Name: "url"},
				{Name: "validate_certs", Type: module.TypeBool, Default: true},
			},
			Rules:     module.Rules{MutuallyExclusive: [][]string{{"data", "file", "keyserver", "url"}}},
			CheckMode: true,
		},
		Run: func(ctx context.Context, c *module.Call) (module.Result, error) { return runAptKey(ctx, c, fetch) },
	}
}

// keyring is apt's set of keys, or one file of it.
type keyring struct {
	run hostos.Runner
	bin []string // apt-key with its option
	gpg string
	key keyID
}

// keyID is a key's number in its lengths: 8, 16 and what was given.
type keyID struct{ short, fp, whole string }

func parseKeyID(text string) (keyID, bool) {
	id := strings.TrimPrefix(strings.ToUpper(text), "0X")
	for _, r := range id {
		if !strings.ContainsRune("0123456789ABCDEF", r) {
			return keyID{}, false
		}
	}
	switch n := len(id); {
	case n == 8:
		return keyID{id, id, id}, true
	case n >= 16:
		return keyID{id[n-8:], id[n-16:], id}, true
	}
	return keyID{}, false
}

func runAptKey(ctx context.Context, c *module.Call, fetch Fetch) (module.Result, error) {
	k := &keyring{run: hostos.RunnerOf(ctx, c)}
	bin, err := k.run.Need("apt-key")
	if err != nil {
		return nil, err
	}
	if k.gpg, err = k.run.Need("gpg"); err != nil {
		return nil, err
	}
	k.bin = []string{bin}
	if file := c.Str("keyring"); file != "" {
		k.bin = append(k.bin, "--keyring", file)
	}
	data := c.Str("data")
	if url := c.Str("url"); url != "" {
		body, err := fetchKey(ctx, c, url, fetch)
		if err != nil {
			return nil, module.Fail(fmt.Sprintf("Failed to download key at %s: Request failed: %s", url, err), nil)
		}
		data = string(body)
	}
	if c.Str("id") == "" && c.Str("keyserver") != "" {
		return nil, module.Fail("Missing key_id, required with keyserver.", nil)
	}
	text := c.Str("id")
	if text == "" && c.Str("state") == "present" && (data != "" || c.Str("file") != "") {
		if text, err = k.idOf(c.Str("file"), data, c.Str("url")); err != nil {
			return nil, err
		}
	}
	r := module.Result{"changed": false, "id": text}
	if text == "" {
		r["id"] = nil
	}
	var ok bool
	if k.key, ok = parseKeyID(text); !ok {
		return r, module.Fail("Invalid key_id", r)
	}
	before, err := k.list()
	if err != nil {
		return nil, err
	}
	r["short_id"], r["fp"], r["key_id"], r["before"] = k.key.short, k.key.fp, k.key.whole, before
	want := c.Str("state") == "present"
	if slices.Contains(before, k.key.fp) == want {
		return r, nil
	}
	r["changed"] = true
	if c.Check {
		return r, nil
	}
	failed := "apt-key did not return an error, but failed to add the key (check that the id is correct and *not* a subkey)"
	if want {
		err = k.add(c, data, r)
	} else {
		failed = "apt-key did not return an error, but the key was not removed (check that the id is correct and *not* a subkey)"
		err = k.remove(before)
	}
	if err != nil {
		return nil, err
	}
	after, err := k.list()
	if err != nil {
		return nil, err
	}
	r["after"] = after
	if slices.Contains(after, k.key.fp) != want {
		return r, module.Fail(failed, r)
	}
	return r, nil
}

// idOf reads the number of the first key in a file or text.
func (k *keyring) idOf(file, data, url string) (string, error) {
	cmd, from := hostos.Cmd{Args: []string{k.gpg, "--with-colons", "--fixed-list-mode", "--no-default-keyring"}}, "'inline data'"
	switch {
	case file != "":
		cmd.Args, from = append(cmd.Args, file), module.Quote(file)
	default:
		cmd.Args, cmd.Stdin = append(cmd.Args, "-"), strings.NewReader(data)
		if url != "" {
			from = module.Quote(url)
		}
	}
	out, err := k.run.With(cmd)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(out.Stdout) {
		if f := strings.Split(line, ":"); f[0] == "pub" && len(f) > 4 {
			return f[4], nil
		}
	}
	return "", module.Fail("Unable to extract key from "+from, module.Result{"stdout": out.Stdout, "stderr": out.Stderr})
}

// list gives the numbers of all keys, as long as the wanted one's.
func (k *keyring) list() ([]string, error) {
	args := append(slices.Clone(k.bin), "adv", "--list-public-keys", "--keyid-format=long")
	out, err := k.run.Run(args...)
	if err != nil {
		return nil, err
	}
	if out.RC != 0 {
		return nil, k.failure("Unable to list public keys", args, out)
	}
	keys := []string{}
	for line := range strings.Lines(out.Stdout) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "pub" && f[0] != "sub" {
			continue
		}
		_, id, ok := strings.Cut(f[1], "/")
		if !ok {
			continue
		}
		if len(k.key.fp) == 8 && len(id) > 8 {
			id = id[len(id)-8:]
		}
		keys = append(keys, id)
	}
	return keys, nil
}

// keyserverTries is how often a key server is asked.
const keyserverTries = 5

func (k *keyring) add(c *module.Call, data string, r module.Result) error {
	if server := c.Str("keyserver"); server != "" {
		args := append(slices.Clone(k.bin), "adv", "--no-tty", "--keyserver", server)
		if proxy := os.Getenv("HTTP_PROXY"); proxy != "" {
			args = append(args, "--keyserver-options", "http-proxy="+proxy)
		}
		args = append(args, "--recv", k.key.whole)
		var out hostos.Output
		for range keyserverTries {
			var err error
			if out, err = k.run.Run(args...); err != nil || out.RC == 0 {
				return err
			}
			if strings.Contains(out.Stderr, "keyserver receive failed: No keyserver available") || strings.Contains(out.Stderr, "not found") {
				break // asking again helps nobody
			}
		}
		r["changed"] = false
		return k.failure(fmt.Sprintf("Error fetching key %s from keyserver: %s", k.key.whole, server), args, out)
	}
	args := append(slices.Clone(k.bin), "add", "-")
	cmd := hostos.Cmd{Args: args, Stdin: strings.NewReader(data)}
	switch {
	case data != "":
	case c.Str("file") != "":
		text, err := os.ReadFile(c.Str("file"))
		if err != nil {
			return module.Fail(hostos.Errno(err), nil)
		}
		cmd.Stdin = bytes.NewReader(text)
	default:
		return module.Fail("No key to add ... how did i get here?!?!", r)
	}
	out, err := k.run.With(cmd)
	if err == nil && out.RC != 0 {
		err = k.failure("Unable to add a key from binary data", args, out)
	}
	return err
}

// remove deletes the key as often as the keyring has it.
func (k *keyring) remove(before []string) error {
	for _, id := range before {
		if id != k.key.fp {
			continue
		}
		args := append(slices.Clone(k.bin), "del", k.key.short)
		out, err := k.run.Run(args...)
		if err != nil {
			return err
		}
		if out.RC != 0 {
			return k.failure("error removing key_id: "+k.key.short, args, out)
		}
	}
	return nil
}

func (k *keyring) failure(msg string, args []string, out hostos.Output) error {
	return module.Fail(msg, module.Result{"cmd": strings.Join(args, " "), "rc": out.RC, "stdout": out.Stdout, "stderr": out.Stderr})
}
