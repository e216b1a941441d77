package files

import (
	"archive/zip"
	"cmp"
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// Fetch downloads a URL.
type Fetch func(ctx context.Context, c *module.Call, url string) (io.ReadCloser, error)

// Fetching are the modules of this family that download.
func Fetching(fetch Fetch) []*module.Module {
	return []*module.Module{unarchive(fetch)}
}

// unarchive gets an archive of the controller as Payload; without one, src is a path on the target or a URL.
func unarchive(fetch Fetch) *module.Module {
	return &module.Module{
		Name: "ansible.builtin.unarchive",
		Doc:  "Unpacks an archive.",
		Spec: module.Spec{
			Options: []module.Option{
				{Name: "copy", Type: module.TypeBool, Default: true},
				{Name: "creates", Type: module.TypePath},
				{Name: "decrypt", Type: module.TypeBool, Default: true},
				{Name: "dest", Type: module.TypePath, Required: true},
				{Name: "exclude", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
				{Name: "extra_opts", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
				{Name: "include", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
				{Name: "io_buffer_size", Type: module.TypeInt, Default: int64(65536)},
				{Name: "keep_newer", Type: module.TypeBool, Default: false},
				{Name: "list_files", Type: module.TypeBool, Default: false},
				{Name: "remote_src", Type: module.TypeBool, Default: false},
				{Name: "src", Type: module.TypePath, Required: true},
				{Name: "validate_certs", Type: module.TypeBool, Default: true},
			},
			Rules: module.Rules{
				MutuallyExclusive: [][]string{{"include", "exclude"}},
			},
			FileArgs:  true,
			CheckMode: true,
		},
		Run: func(ctx context.Context, c *module.Call) (module.Result, error) { return runUnarchive(ctx, c, fetch) },
	}
}

// unpacker is one run of unarchive.
type unpacker struct {
	*module.Call
	ctx       context.Context
	run       hostos.Runner
	src, dest string
}

// archive is one way to unpack.
type archive interface {
	name() string
	// list names the files; a failure means that the archive is none of this kind.
	list() ([]string, error)
	// unpacked says whether dest holds the files already; diff describes what does not.
	unpacked() (same bool, diff string, err error)
	command() []string
}

func runUnarchive(ctx context.Context, c *module.Call, fetch Fetch) (module.Result, error) {
	u := &unpacker{Call: c, ctx: ctx, run: hostos.RunnerOf(ctx, c), src: c.Str("src"), dest: strings.TrimSuffix(c.Str("dest"), "/")}
	if u.dest == "" {
		u.dest = "/"
	}
	if p := c.Str("creates"); p != "" {
		if _, err := os.Lstat(module.ExpandPath(p)); err == nil {
			return module.Result{"skipped": true, "msg": fmt.Sprintf("skipped, since %s exists", p)}, nil
		}
	}
	shown := u.src
	if c.Payload != nil || strings.Contains(u.src, "://") {
		tmp, err := u.bring(fetch)
		if err != nil {
			return nil, err
		}
		defer os.Remove(tmp)
		u.src = tmp
	}
	info, err := os.Stat(u.src)
	switch {
	case err != nil:
		return nil, module.Fail(fmt.Sprintf("Source '%s' does not exist", u.src), nil)
	case info.Size() == 0:
		return nil, module.Fail(fmt.Sprintf("Invalid archive '%s', the file is 0 bytes", u.src), nil)
	}
	if st, err := os.Stat(u.dest); err != nil || !st.IsDir() {
		return nil, module.Fail(fmt.Sprintf("dest '%s' must be an existing dir", u.dest), nil)
	}
	a, names, err := u.handler()
	if err != nil {
		return nil, err
	}
	if _, isTar := a.(*tarball); isTar && c.Check {
		return module.Result{"skipped": true, "msg": "remote module (ansible.legacy.unarchive) does not support check mode when using gtar"}, nil
	}
	r := module.Result{"handler": a.name(), "dest": u.dest, "src": shown, "changed": false}
	if shown == "" {
		r["src"] = u.src
	}
	same, diff, err := a.unpacked()
	if err != nil {
		return nil, err
	}
	if !same {
		r["changed"] = true
		if diff != "" {
			r["diff"] = map[string]any{"prepared": diff}
		}
		if !c.Check {
			args := a.command()
			out, err := u.run.Run(args...)
			if err != nil {
				return nil, err
			}
			r["extract_results"] = map[string]any{"cmd": args, "rc": out.RC, "out": out.Stdout, "err": out.Stderr}
			if out.RC != 0 {
				return nil, module.Fail(fmt.Sprintf("failed to unpack %s to %s", u.src, u.dest), r)
			}
		}
	}
	attrs := hostos.AttrsOf(c)
	if !c.Check && (attrs.Mode != nil || attrs.Owner != nil || attrs.Group != nil) {
		for _, n := range names {
			p := filepath.Join(u.dest, n)
			if _, err := os.Lstat(p); err != nil {
				continue
			}
			changed, err := attrs.Apply(ctx, p, false, nil)
			if err != nil {
				return nil, module.Fail("Unexpected error when accessing exploded file: "+err.Error(), r)
			}
			if changed {
				r["changed"] = true
			}
		}
	}
	if c.Bool("list_files") {
		r["files"] = names
	}
	hostos.AddPathInfo(r)
	return r, nil
}

// bring puts the payload or what the URL holds into a temporary file.
func (u *unpacker) bring(fetch Fetch) (string, error) {
	var in io.ReadCloser
	var err error
	if u.Payload != nil {
		in, err = u.Payload.Open()
	} else {
		in, err = fetch(u.ctx, u.Call, u.src)
	}
	if err != nil {
		return "", err
	}
	defer in.Close()
	return hostos.TempFrom(filepath.Join(tempDir(u.Call), "source"), in)
}

// handler finds out what kind of archive it is.
func (u *unpacker) handler() (archive, []string, error) {
	head := make([]byte, 6)
	if f, err := os.Open(u.src); err == nil {
		_, _ = io.ReadFull(f, head) // a short file has a short head
		f.Close()
	}
	kinds, why := u.kinds(head, hostos.FindBin)
	for _, k := range kinds {
		names, err := k.list()
		if err == nil {
			return k, names, nil
		}
		why += "\n" + err.Error()
	}
	return nil, nil, module.Fail(fmt.Sprintf("Failed to find handler for \"%s\". Make sure the required command to extract the file is installed.%s", u.src, why), nil)
}

// kinds are the ways to unpack a file that begins with head, with the programs that bin finds; missing says which it does not.
func (u *unpacker) kinds(head []byte, bin func(string) string) (kinds []archive, missing string) {
	tar := cmp.Or(bin("gtar"), bin("tar"))
	switch {
	case string(head[:2]) == "PK" && bin("unzip") == "":
		missing = "\nUnable to find required 'unzip' or 'zipinfo' binary in the path."
	case string(head[:2]) == "PK":
		kinds = append(kinds, &zipfile{u: u})
	case tar != "" && head[0] == 0x1f && head[1] == 0x8b:
		kinds = append(kinds, &tarball{u: u, kind: "TgzArchive", bin: tar, flags: []string{"-z"}})
	case tar != "":
		kinds = append(kinds, &tarball{u: u, kind: "TarArchive", bin: tar})
	default:
		missing = "\nUnable to find required 'gtar' or 'tar' binary in the path"
	}
	return kinds, missing
}

// wanted says whether include and exclude let a name through.
func (u *unpacker) wanted(name string) bool {
	match := func(patterns []string) bool {
		for _, p := range patterns {
			if ok, err := filepath.Match(p, name); ok && err == nil || strings.TrimSuffix(name, "/") == strings.TrimSuffix(p, "/") {
				return true
			}
		}
		return false
	}
	if inc := u.Strings("include"); len(inc) > 0 && !match(inc) {
		return false
	}
	return !match(u.Strings("exclude"))
}

// tarball is an archive of tar(1), compressed or not.
type tarball struct {
	u     *unpacker
	kind  string
	bin   string
	flags []string
}

func (t *tarball) name() string { return t.kind }

// options are what listing, comparing and unpacking have in common.
func (t *tarball) options() []string {
	var out []string
	extra := t.u.Strings("extra_opts")
	if len(extra) > 0 {
		out = append(append(out, "--show-transformed-names"), extra...)
	}
	if len(t.u.Strings("exclude")) > 0 {
		for _, e := range t.u.Strings("exclude") {
			out = append(out, "--exclude="+e)
		}
	}
	return append(append(out, t.flags...), "-f", t.u.src)
}

func (t *tarball) list() ([]string, error) {
	args := append([]string{t.bin, "--list", "-C", t.u.dest}, t.options()...)
	out, err := t.u.run.Run(append(args, t.u.Strings("include")...)...)
	if err != nil {
		return nil, err
	}
	if out.RC != 0 {
		return nil, fmt.Errorf("Command \"%s\" could not handle archive: Unable to list files in the archive: %s", t.bin, out.Stderr)
	}
	var names []string
	for line := range strings.Lines(out.Stdout) {
		n := strings.TrimRight(line, "\n")
		if n = strings.TrimPrefix(n, "./"); n != "" && t.u.wanted(n) {
			names = append(names, n)
		}
	}
	return names, nil
}

func (t *tarball) ownership() []string {
	var out []string
	if o := t.u.Str("owner"); o != "" {
		out = append(out, "--owner="+o)
	}
	if g := t.u.Str("group"); g != "" {
		out = append(out, "--group="+g)
	}
	if t.u.Bool("keep_newer") {
		out = append(out, "--keep-newer-files")
	}
	return out
}

// insert puts the ownership flags where the options name the archive.
func (t *tarball) insert(verb string) []string {
	opts := t.options()
	at := len(opts) - 2
	args := slices.Concat([]string{t.bin, verb, "-C", t.u.dest}, opts[:at], t.ownership(), opts[at:])
	return append(args, t.u.Strings("include")...)
}

func (t *tarball) unpacked() (bool, string, error) {
	out, err := t.u.run.Run(t.insert("--diff")...)
	if err != nil {
		return false, "", err
	}
	if out.RC == 0 {
		return true, "", nil
	}
	root := os.Geteuid() == 0
	for line := range strings.Lines(out.Stdout + out.Stderr) {
		line = strings.TrimRight(line, "\n")
		has := func(s string) bool { return strings.HasSuffix(line, s) }
		switch {
		case has(": Uid differs"):
			if root && !t.u.Has("owner") {
				return false, "", nil
			}
		case has(": Gid differs"):
			if root && !t.u.Has("group") {
				return false, "", nil
			}
		case has(": Mode differs"):
			if !t.u.Has("mode") {
				return false, "", nil
			}
		case has(": Mod time differs"), has(": Contents differ"), has(": Size differs"), has(": Symlink differs"), has(": File type differs"),
			strings.Contains(line, "Cannot stat: No such file") && !strings.Contains(line, "tar: : "), // a stripped directory has no name
			strings.Contains(line, "Not linked to"):
			return false, "", nil
		}
	}
	return true, "", nil
}

func (t *tarball) command() []string { return t.insert("--extract") }

// zipfile is an archive of zip(1).
type zipfile struct{ u *unpacker }

func (z *zipfile) name() string { return "ZipArchive" }

func (z *zipfile) list() ([]string, error) {
	r, err := zip.OpenReader(z.u.src)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var names []string
	for _, f := range r.File {
		if z.u.wanted(f.Name) {
			names = append(names, f.Name)
		}
	}
	return names, nil
}

func (z *zipfile) unpacked() (bool, string, error) {
	r, err := zip.OpenReader(z.u.src)
	if err != nil {
		return false, "", module.Fail(err.Error(), nil)
	}
	defer r.Close()
	var diff strings.Builder
	for _, f := range r.File {
		if !z.u.wanted(f.Name) {
			continue
		}
		kind := "f"
		if f.FileInfo().IsDir() {
			kind = "d"
		}
		p := filepath.Join(z.u.dest, f.Name)
		info, err := os.Lstat(p)
		switch {
		case err != nil:
			fmt.Fprintf(&diff, ">%s++++++.?? %s\n", kind, f.Name)
		case f.FileInfo().IsDir() != info.IsDir() && info.Mode()&os.ModeSymlink == 0:
			fmt.Fprintf(&diff, ">%s.?....??? %s\n", kind, f.Name)
		case kind == "f" && info.Mode().IsRegular():
			newer := info.ModTime().After(f.Modified)
			if newer && z.u.Bool("keep_newer") {
				continue
			}
			if uint64(info.Size()) != f.UncompressedSize64 {
				fmt.Fprintf(&diff, ">%s.s....??? %s\n", kind, f.Name)
			} else if sum, err := crc(p); err != nil || sum != f.CRC32 {
				fmt.Fprintf(&diff, ">%sc.....??? %s\n", kind, f.Name)
			}
		}
	}
	return diff.Len() == 0, diff.String(), nil
}

func crc(path string) (uint32, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	h := crc32.NewIEEE()
	_, err = io.Copy(h, f)
	return h.Sum32(), err
}

func (z *zipfile) command() []string {
	args := []string{"unzip", "-o"}
	if p := hostos.FindBin("unzip"); p != "" {
		args[0] = p
	}
	args = append(args, z.u.Strings("extra_opts")...)
	args = append(args, z.u.src)
	args = append(args, z.u.Strings("include")...)
	if ex := z.u.Strings("exclude"); len(ex) > 0 {
		args = append(append(args, "-x"), ex...)
	}
	return append(args, "-d", z.u.dest)
}
