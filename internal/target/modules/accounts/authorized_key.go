package accounts

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var authorizedKey = &module.Module{
	Name: "ansible.posix.authorized_key",
	Doc:  "Keeps SSH keys in the file of those that may log in as a user.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "comment"},
			{Name: "exclusive", Type: module.TypeBool, Default: false},
			{Name: "follow", Type: module.TypeBool, Default: false},
			{Name: "key", Required: true},
			{Name: "key_options"},
			{Name: "manage_dir", Type: module.TypeBool, Default: true},
			{Name: "path", Type: module.TypePath},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "user", Required: true},
			{Name: "validate_certs", Type: module.TypeBool, Default: true},
		},
		CheckMode: true,
	},
	Run: runAuthorizedKey,
}

// keyTypes are the words before a key.
var keyTypes = []string{
	"sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
	"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256-cert-v01@openssh.com", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384-cert-v01@openssh.com",
	"ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521-cert-v01@openssh.com", "sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519-cert-v01@openssh.com",
	"ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com", "ssh-dss", "ssh-rsa", "ssh-xmss@openssh.com", "ssh-xmss-cert-v01@openssh.com",
	"rsa-sha2-256", "rsa-sha2-512", "ssh-rsa-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com", "rsa-sha2-512-cert-v01@openssh.com",
	"ssh-dss-cert-v01@openssh.com",
}

// loginKey is a line of the file: a key, or any other line as it is.
type loginKey struct {
	id      string // the key itself, or the line
	kind    string // "" of other lines
	options []keyOption
	comment string
	rank    int // its place in the file
}

type keyOption struct {
	name, value string
	bare        bool // without a value
}

func (k loginKey) line() string {
	if k.kind == "" {
		return k.id
	}
	var b strings.Builder
	for i, o := range k.options {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(o.name)
		if !o.bare {
			b.WriteString("=" + o.value)
		}
	}
	if len(k.options) > 0 {
		b.WriteByte(' ')
	}
	return b.String() + k.kind + " " + k.id + " " + k.comment + "\n"
}

// same says whether two lines mean the same; the order of options does not matter.
func (k loginKey) same(other loginKey) bool {
	byName := func(list []keyOption) map[string]string {
		out := map[string]string{}
		for _, o := range list {
			out[o.name] += fmt.Sprintf("%t%q", o.bare, o.value)
		}
		return out
	}
	return k.kind == other.kind && k.comment == other.comment && maps.Equal(byName(k.options), byName(other.options))
}

// parseKey reads a line. ok is false when there is no key in it.
func parseKey(line string, rank int) (k loginKey, ok bool) {
	line = strings.ReplaceAll(line, `\#`, "#")
	words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) })
	k = loginKey{id: line, rank: rank}
	if len(words) > 0 && words[0] == "#" {
		return k, true
	}
	at := slices.IndexFunc(words, func(w string) bool { return slices.Contains(keyTypes, w) })
	if at < 0 || at+1 == len(words) {
		return k, false
	}
	k.kind, k.id, k.comment = words[at], words[at+1], strings.Join(words[at+2:], " ")
	k.options = parseKeyOptions(strings.Join(words[:at], " "))
	return k, true
}

// keyOptionText is an option with what is quoted in it.
var keyOptionText = regexp.MustCompile(`(?:[^,"']|"[^"]*"|'[^']*')+`)

func parseKeyOptions(text string) []keyOption {
	var out []keyOption
	add := func(part string) {
		if name, v, ok := strings.Cut(part, "="); ok {
			out = append(out, keyOption{name: name, value: v})
		} else if part != "," {
			out = append(out, keyOption{name: part, bare: true})
		}
	}
	end := -1
	for _, m := range keyOptionText.FindAllStringIndex(text, -1) {
		if end >= 0 {
			add(text[end:m[0]])
		}
		add(text[m[0]:m[1]])
		end = m[1]
	}
	return out
}

// keyFile is the content of a file of keys, in an order of its own: that of rank.
type keyFile struct {
	order []string
	keys  map[string]loginKey
}

func parseKeyFile(text string) *keyFile {
	f := &keyFile{keys: map[string]loginKey{}}
	for i, line := range slices.Collect(strings.Lines(text)) {
		k, ok := parseKey(line, i)
		if !ok {
			k.id = line // as it is
		}
		f.put(k)
	}
	return f
}

func (f *keyFile) put(k loginKey) {
	if _, there := f.keys[k.id]; !there {
		f.order = append(f.order, k.id)
	}
	f.keys[k.id] = k
}

func (f *keyFile) drop(id string) {
	delete(f.keys, id)
	f.order = slices.DeleteFunc(f.order, func(o string) bool { return o == id })
}

func (f *keyFile) text() string {
	list := make([]loginKey, len(f.order))
	for i, id := range f.order {
		list[i] = f.keys[id]
	}
	slices.SortStableFunc(list, func(a, b loginKey) int { return a.rank - b.rank })
	var b strings.Builder
	for i, k := range list {
		line := k.line()
		b.WriteString(line)
		if i+1 < len(list) && !strings.HasSuffix(line, "\n") {
			b.WriteByte('\n') // a remark that ended the file without one must not swallow a key
		}
	}
	return b.String()
}

func runAuthorizedKey(_ context.Context, c *module.Call) (module.Result, error) {
	if strings.HasPrefix(c.Str("key"), "http") {
		return nil, &module.NotNative{Reason: "authorized_key does not download keys: the lookup url does, on the controller"}
	}
	present := c.Str("state") == "present"
	read, err := keyPath(c, false, false)
	if err != nil {
		return nil, err
	}
	before := ""
	if info, err := os.Stat(read); err == nil && info.Mode().IsRegular() {
		data, err := os.ReadFile(read)
		if err != nil {
			return nil, module.Fail(hostos.Errno(err), nil)
		}
		before = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data))
	}
	f := parseKeyFile(before)
	changed, err := f.bring(c, present)
	if err != nil {
		return nil, err
	}
	c.Args["keyfile"] = read // the result is the parameters, with what was found out
	if changed {
		c.Args["changed"] = true
		path, err := keyPath(c, !c.Check, c.Bool("follow"))
		if err != nil {
			return nil, err
		}
		after := f.text()
		if c.Diff {
			c.Args["diff"] = map[string]any{"before_header": read, "after_header": path, "before": before, "after": after}
		}
		if !c.Check {
			if err := hostos.WriteFile(path, []byte(after), false); err != nil {
				return nil, module.Fail("Failed to write to file "+path+": "+hostos.Errno(err), nil)
			}
		}
	}
	r := module.Result(maps.Clone(c.Args))
	hostos.AddPathInfo(r)
	return r, nil
}

// bring adds the keys of a call, or takes them out.
func (f *keyFile) bring(c *module.Call, present bool) (changed bool, err error) {
	last := len(f.keys)
	wanted := map[string]bool{}
	rank := -1
	for line := range strings.Lines(strings.ReplaceAll(c.Str("key"), "\r", "\n")) {
		if line = strings.TrimRight(line, "\r\n"); line == "" || line[0] == '#' {
			continue
		}
		rank++
		k, ok := parseKey(line, rank)
		if !ok {
			return false, module.Fail("invalid key specified: "+line, nil)
		}
		if c.Has("key_options") {
			k.options = parseKeyOptions(c.Str("key_options"))
		}
		if c.Has("comment") {
			k.comment = c.Str("comment")
		}
		have, there := f.keys[k.id]
		switch {
		case !present && there:
			f.drop(k.id)
			changed = true
		case present:
			wanted[k.id] = true
			if there && k.same(have) {
				continue
			}
			f.drop(k.id)
			k.rank = last + rank
			f.put(k)
			changed = true
		}
	}
	if present && c.Bool("exclusive") {
		for _, id := range slices.Clone(f.order) {
			if !wanted[id] {
				f.drop(id)
				changed = true
			}
		}
	}
	return changed, nil
}

// keyPath is the user's file of keys. With make, it is there afterwards and belongs to the user, as its directory does.
func keyPath(c *module.Call, make, follow bool) (string, error) {
	path := c.Str("path")
	u, known := hostos.LookupUser(c.Str("user"))
	if !known && (path == "" || !c.Check) {
		if c.Check {
			return "", module.Fail("Either user must exist or you must provide full path to key file in check mode", nil)
		}
		return "", module.Fail(fmt.Sprintf("Failed to lookup user %s: \"getpwnam(): name not found: %s\"", c.Str("user"), module.Quote(c.Str("user"))), nil)
	}
	if path == "" {
		path = filepath.Join(u.Home, ".ssh", "authorized_keys")
	}
	dir := filepath.Dir(path)
	if follow {
		path = hostos.RealPath(path)
	}
	if !make {
		return path, nil
	}
	fail := func(err error) (string, error) { return "", module.Fail(hostos.Errno(err), nil) }
	if c.Bool("manage_dir") {
		if _, err := os.Stat(dir); err != nil {
			if err := os.Mkdir(dir, 0o700); err != nil {
				return "", module.Fail(fmt.Sprintf("Failed to create directory %s : %s", dir, strings.ReplaceAll(hostos.Errno(err), ": b'", ": '")), nil)
			}
		}
		if err := os.Chown(dir, u.UID, u.GID); err != nil {
			return fail(err)
		}
		if err := os.Chmod(dir, 0o700); err != nil {
			return fail(err)
		}
	}
	if _, err := os.Stat(path); err != nil {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return fail(err)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
		if err != nil {
			return fail(err)
		}
		f.Close()
	}
	if os.Chown(path, u.UID, u.GID) == nil { // where that is not allowed it stays as it is
		_ = os.Chmod(path, 0o600)
	}
	return path, nil
}
