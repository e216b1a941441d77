package accounts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var knownHosts = &module.Module{
	Name: "ansible.builtin.known_hosts",
	Doc:  "Keeps host keys in a known_hosts file.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "hash_host", Type: module.TypeBool, Default: false},
			{Name: "key"},
			{Name: "name", Required: true, Aliases: []string{"host"}},
			{Name: "path", Type: module.TypePath, Default: "~/.ssh/known_hosts"},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
		},
		CheckMode: true,
	},
	Run: runKnownHosts,
}

func runKnownHosts(ctx context.Context, c *module.Call) (module.Result, error) {
	name, path, key := strings.ToLower(c.Str("name")), c.Str("path"), c.Str("key")
	if key != "" && !strings.HasSuffix(key, "\n") {
		key += "\n"
	}
	if strings.Contains(name, ",") {
		return nil, module.Fail("Comma separated list of names is not supported. Please pass a single name to lookup in the known_hosts file.", nil)
	}
	present := c.Str("state") == "present"
	if present && key == "" {
		return nil, module.Fail("No key specified when adding a host", nil)
	}
	bin, err := hostos.NeedBin("ssh-keygen")
	if err != nil {
		return nil, err
	}
	run := hostos.RunnerOf(ctx, c)
	if key != "" {
		if err := checkHostKey(c, run, bin, name, key); err != nil {
			return nil, err
		}
	}
	data, err := os.ReadFile(path)
	exists := err == nil
	if err != nil && !os.IsNotExist(err) {
		return nil, module.Fail("Failed to read "+path+": "+hostos.Errno(err), nil)
	}
	before := string(data)
	lines := strings.SplitAfter(before, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	ours := map[int]bool{}
	if exists {
		out, err := run.Run(bin, "-F", name, "-f", path)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(out.Stdout) {
			if _, rest, ok := strings.Cut(line, " found: line "); ok {
				n := 0
				if _, err := fmt.Sscanf(rest, "%d", &n); err == nil {
					ours[n-1] = true
				}
			}
		}
	}
	wantKind, wantKey := keyParts(key)
	found, all, drop := false, false, map[int]bool{}
	for i, l := range lines {
		if !ours[i] || strings.HasPrefix(l, "@") != strings.HasPrefix(key, "@") {
			continue // an authority is not a host
		}
		kind, k := keyParts(l)
		hashed := strings.HasPrefix(strings.TrimSpace(l), "|1|")
		switch {
		case !present:
			if key == "" {
				all = true // ssh-keygen removes them; the diff does not show it
			} else if kind == wantKind && k == wantKey {
				drop[i] = true
			}
		case kind == wantKind && k == wantKey && hashed == c.Bool("hash_host") && (hashed || l == key) && !found:
			found = true
		case kind == wantKind && !strings.HasPrefix(key, "@"): // a name can have many authorities
			drop[i] = true
		}
	}
	var keep []string
	for i, l := range lines {
		if !drop[i] {
			keep = append(keep, l)
		}
	}
	after := strings.Join(keep, "")
	changed := all || anyTrue(drop)
	if present && !found {
		changed = true
		if after != "" && !strings.HasSuffix(after, "\n") {
			after += "\n"
		}
		line := key
		if c.Bool("hash_host") {
			if line, err = hashHost(ctx, c, run, bin, key); err != nil {
				return nil, err
			}
		}
		after += line
	}
	r := module.Result{"changed": changed}
	from := path
	if !exists {
		from = "/dev/null"
	}
	diff := map[string]any{"before_header": from, "after_header": path, "before": before, "after": after}
	if c.Check {
		r["diff"] = diff
		return r, nil
	}
	if changed && !present && key == "" {
		if _, err := run.Must(bin, "-R", name, "-f", path); err != nil {
			return nil, err
		}
	} else if changed {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, module.Fail(hostos.Errno(err), nil)
		}
		if err := hostos.WriteFile(path, []byte(after), false); err != nil {
			return nil, module.Fail(fmt.Sprintf("Failed to write to file %s: %s", path, err), nil)
		}
	}
	r["name"], r["path"], r["state"], r["hash_host"], r["key"], r["diff"] = c.Args["name"], path, c.Str("state"), c.Bool("hash_host"), c.Args["key"], diff
	hostos.AddPathInfo(r)
	return r, nil
}

func anyTrue(m map[int]bool) bool {
	for _, v := range m {
		if v {
			return true
		}
	}
	return false
}

// keyParts are the kind and the key of a line of known_hosts.
func keyParts(line string) (kind, key string) {
	f := strings.Fields(line)
	if len(f) > 0 && strings.HasPrefix(f[0], "@") {
		f = f[1:]
	}
	if len(f) < 3 {
		return "", ""
	}
	return f[1], f[2]
}

// checkHostKey makes sure that the key is for the host, as ssh-keygen reads it.
func checkHostKey(c *module.Call, run hostos.Runner, bin, name, key string) error {
	if len(strings.Fields(key)) < 3 {
		return module.Fail("Host parameter does not match hashed host field in supplied key", nil)
	}
	f, err := os.CreateTemp(c.TmpDir, "known_host")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(key)
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	out, err := run.Run(bin, "-F", name, "-f", f.Name())
	if err != nil {
		return err
	}
	if strings.TrimSpace(out.Stdout) == "" {
		return module.Fail("Host parameter does not match hashed host field in supplied key", nil)
	}
	return nil
}

// hashHost is the key's line with its host name hashed.
func hashHost(_ context.Context, c *module.Call, run hostos.Runner, bin, key string) (string, error) {
	dir, err := os.MkdirTemp(c.TmpDir, "known_host")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	p := filepath.Join(dir, "key")
	if err := os.WriteFile(p, []byte(key), 0o600); err != nil {
		return "", err
	}
	if _, err := run.Must(bin, "-H", "-f", p); err != nil {
		return "", err
	}
	b, err := os.ReadFile(p)
	return string(b), err
}
