package filters

import (
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"syscall"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
	"github.com/troupe-automation/troupe/vault"
)

var paths = family{
	filters: []jinja.Filter{
		{Name: "basename", Signature: "basename(p)", Run: onPath(func(p string) value.Value { return value.Str(p[strings.LastIndexByte(p, '/')+1:]) })},
		{Name: "commonpath", Signature: "commonpath(paths)", Run: commonpath},
		{Name: "dirname", Signature: "dirname(p)", Run: onPath(func(p string) value.Value { return value.Str(dirname(p)) })},
		{Name: "expanduser", Signature: "expanduser(path)", Run: onPath(func(p string) value.Value { return value.Str(ExpandUser(p)) })},
		{Name: "expandvars", Signature: "expandvars(path)", Run: onPath(func(p string) value.Value { return value.Str(expandVars(p)) }), Volatile: true},
		{Name: "fileglob", Signature: "fileglob(pathname)", Run: fileglob, Volatile: true},
		{Name: "normpath", Signature: "normpath(path)", Run: onPath(func(p string) value.Value { return value.Str(Normpath(p)) })},
		{Name: "path_join", Signature: "path_join(paths)", Run: pathJoin},
		{Name: "realpath", Signature: "realpath(filename)", Run: onPath(func(p string) value.Value { return value.Str(realpath(p)) }), Volatile: true},
		{Name: "relpath", Signature: "relpath(path, start=None)", Run: relpath, Volatile: true},
		{Name: "splitext", Signature: "splitext(p)", Run: onPath(func(p string) value.Value {
			root, ext := splitext(p, "/")
			return value.NewTuple(value.Str(root), value.Str(ext))
		})},
		{Name: "win_basename", Signature: "basename(p)", Run: onPath(func(p string) value.Value { _, t := winSplit(p); return value.Str(t) })},
		{Name: "win_dirname", Signature: "dirname(p)", Run: onPath(func(p string) value.Value { h, _ := winSplit(p); return value.Str(h) })},
		{Name: "win_splitdrive", Signature: "splitdrive(p)", Run: onPath(func(p string) value.Value {
			d, rest := winDrive(p)
			return value.NewTuple(value.Str(d), value.Str(rest))
		})},
	},
	tests: []jinja.Filter{
		{Name: "abs", Signature: "isabs(s)", Run: onPath(func(p string) value.Value { return value.Bool(strings.HasPrefix(p, "/")) })},
		{Name: "is_abs", Signature: "isabs(s)", Run: onPath(func(p string) value.Value { return value.Bool(strings.HasPrefix(p, "/")) })},
		fileTest("directory", func(i os.FileInfo) bool { return i.IsDir() }, os.Stat), fileTest("is_dir", func(i os.FileInfo) bool { return i.IsDir() }, os.Stat),
		fileTest("file", func(i os.FileInfo) bool { return i.Mode().IsRegular() }, os.Stat), fileTest("is_file", func(i os.FileInfo) bool { return i.Mode().IsRegular() }, os.Stat),
		fileTest("link", func(i os.FileInfo) bool { return i.Mode()&os.ModeSymlink != 0 }, os.Lstat), fileTest("is_link", func(i os.FileInfo) bool { return i.Mode()&os.ModeSymlink != 0 }, os.Lstat),
		fileTest("exists", func(os.FileInfo) bool { return true }, os.Stat),
		fileTest("link_exists", func(os.FileInfo) bool { return true }, os.Lstat),
		{Name: "mount", Signature: "ismount(path)", Run: onPath(isMount), Volatile: true}, {Name: "is_mount", Signature: "ismount(path)", Run: onPath(isMount), Volatile: true},
		{Name: "same_file", Signature: "samefile(f1, f2)", Run: sameFile, Volatile: true}, {Name: "is_same_file", Signature: "samefile(f1, f2)", Run: sameFile, Volatile: true},
		{Name: "vaulted_file", Signature: "vaulted_file(value)", Run: vaultedFile, Volatile: true},
	},
}

// pathArg reads a path: text, or Python's TypeError.
func pathArg(v value.Value) (string, error) {
	if _, ok := v.(*value.Encrypted); ok {
		return "", value.TypeErrorf("expected str, bytes or os.PathLike object, not AnsibleVaultEncryptedUnicode")
	}
	if b, ok := v.(value.Bytes); ok {
		return string(b), nil
	}
	return str(v, func(v value.Value) error {
		return value.TypeErrorf("expected str, bytes or os.PathLike object, not %s", v.TypeName())
	})
}

func onPath(fn func(p string) value.Value) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		p, err := pathArg(c.Args[0])
		if err != nil {
			return nil, err
		}
		return fn(p), nil
	}
}

func dirname(p string) string {
	head := p[:strings.LastIndexByte(p, '/')+1]
	if strings.Trim(head, "/") != "" {
		head = strings.TrimRight(head, "/")
	}
	return head
}

func splitext(p, seps string) (root, ext string) {
	sep := strings.LastIndexAny(p, seps)
	dot := strings.LastIndexByte(p, '.')
	if dot > sep {
		for i := sep + 1; i < dot; i++ {
			if p[i] != '.' {
				return p[:dot], p[dot:]
			}
		}
	}
	return p, ""
}

// Normpath is os.path.normpath.
func Normpath(p string) string {
	if p == "" {
		return "."
	}
	root := ""
	if strings.HasPrefix(p, "/") {
		root = "/"
		if strings.HasPrefix(p, "//") && !strings.HasPrefix(p, "///") {
			root = "//"
		}
	}
	var parts []string
	for _, c := range strings.Split(p, "/") {
		if c == "" || c == "." {
			continue
		}
		if c != ".." || root == "" && len(parts) == 0 || len(parts) > 0 && parts[len(parts)-1] == ".." {
			parts = append(parts, c)
		} else if len(parts) > 0 {
			parts = parts[:len(parts)-1]
		}
	}
	out := root + strings.Join(parts, "/")
	if out == "" {
		return "."
	}
	return out
}

func abspath(p string) string {
	if !strings.HasPrefix(p, "/") {
		if wd, err := os.Getwd(); err == nil {
			p = wd + "/" + p
		}
	}
	return Normpath(p)
}

func realpath(p string) string {
	p = abspath(p)
	if r, err := filepath.EvalSymlinks(p); err == nil {
		return r
	}
	// The part that exists is resolved; the rest stays.
	dir, base := dirname(p), p[strings.LastIndexByte(p, '/')+1:]
	if target, err := os.Readlink(p); err == nil {
		if !strings.HasPrefix(target, "/") {
			target = dir + "/" + target
		}
		if target != p {
			return Normpath(target)
		}
	}
	if dir == p || dir == "" || dir == "/" {
		return p
	}
	return Normpath(realpath(dir) + "/" + base)
}

// ExpandUser puts the home of the user, or with ~NAME that of NAME, in place of a leading ~; what has none stays.
func ExpandUser(p string) string {
	if !strings.HasPrefix(p, "~") {
		return p
	}
	i := strings.IndexByte(p, '/')
	if i < 0 {
		i = len(p)
	}
	home := ""
	if i == 1 {
		home = os.Getenv("HOME")
		if home == "" {
			u, err := user.Current()
			if err != nil {
				return p
			}
			home = u.HomeDir
		}
	} else {
		u, err := user.Lookup(p[1:i])
		if err != nil {
			return p
		}
		home = u.HomeDir
	}
	home = strings.TrimRight(home, "/")
	if out := home + p[i:]; out != "" {
		return out
	}
	return "/"
}

var envVar = regexp.MustCompile(`\$(\w+|\{[^}]*\})`)

func expandVars(p string) string {
	return envVar.ReplaceAllStringFunc(p, func(m string) string {
		name := strings.TrimSuffix(strings.TrimPrefix(m[1:], "{"), "}")
		if v, ok := os.LookupEnv(name); ok {
			return v
		}
		return m
	})
}

func joinPaths(parts []string) string {
	out := parts[0]
	for _, p := range parts[1:] {
		switch {
		case strings.HasPrefix(p, "/"):
			out = p
		case out == "" || strings.HasSuffix(out, "/"):
			out += p
		default:
			out += "/" + p
		}
	}
	return out
}

func pathJoin(c *jinja.Call) (value.Value, error) {
	v, err := value.Norm(c.Args[0])
	if err != nil {
		return nil, err
	}
	if s, ok := value.AsString(v); ok {
		return value.Str(s), nil
	}
	if err := undefinedArg(v); err != nil {
		return nil, err
	}
	elems, ok := isList(v)
	if !ok {
		return nil, filterTypeError("|path_join expects string or sequence, got %s instead.", class(v))
	}
	if len(elems) == 0 {
		return nil, value.TypeErrorf("join() missing 1 required positional argument: 'a'")
	}
	var parts []string
	for i, e := range elems {
		s, err := str(e, func(v value.Value) error {
			if i == 0 {
				return value.TypeErrorf("expected str, bytes or os.PathLike object, not %s", v.TypeName())
			}
			return value.TypeErrorf("join() argument must be str, bytes, or os.PathLike object, not '%s'", v.TypeName())
		})
		if err != nil {
			return nil, err
		}
		parts = append(parts, s)
	}
	return value.Str(joinPaths(parts)), nil
}

func commonpath(c *jinja.Call) (value.Value, error) {
	if err := undefinedArg(c.Args[0]); err != nil {
		return nil, err
	}
	elems, ok := isList(c.Args[0])
	if !ok {
		return nil, filterTypeError("|commonpath expects sequence, got %s instead.", class(c.Args[0]))
	}
	if len(elems) == 0 {
		return nil, value.ValueErrorf("commonpath() arg is an empty sequence")
	}
	var split [][]string
	abs := 0
	for _, e := range elems {
		p, err := pathArg(e)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(p, "/") {
			abs++
		}
		var parts []string
		for _, part := range strings.Split(p, "/") {
			if part != "" && part != "." {
				parts = append(parts, part)
			}
		}
		split = append(split, parts)
	}
	if abs != 0 && abs != len(elems) {
		return nil, value.ValueErrorf("Can't mix absolute and relative paths")
	}
	common := split[0]
	for _, s := range split[1:] {
		n := 0
		for n < len(common) && n < len(s) && common[n] == s[n] {
			n++
		}
		common = common[:n]
	}
	root := ""
	if abs > 0 {
		root = "/"
	}
	return value.Str(root + strings.Join(common, "/")), nil
}

func relpath(c *jinja.Call) (value.Value, error) {
	if err := undefinedArg(c.Args[0]); err != nil {
		return nil, err
	}
	if c.Args[0] == value.None {
		return nil, value.ValueErrorf("no path specified")
	}
	p, err := pathArg(c.Args[0])
	if err != nil {
		return nil, err
	}
	if p == "" {
		return nil, value.ValueErrorf("no path specified")
	}
	start := "."
	if c.Args[1] != value.None {
		if start, err = pathArg(c.Args[1]); err != nil {
			return nil, err
		}
	}
	list := func(p string) []string {
		var out []string
		for _, part := range strings.Split(abspath(p), "/") {
			if part != "" {
				out = append(out, part)
			}
		}
		return out
	}
	from, to := list(start), list(p)
	n := 0
	for n < len(from) && n < len(to) && from[n] == to[n] {
		n++
	}
	var rel []string
	for range from[n:] {
		rel = append(rel, "..")
	}
	rel = append(rel, to[n:]...)
	if len(rel) == 0 {
		return value.Str("."), nil
	}
	return value.Str(strings.Join(rel, "/")), nil
}

func fileglob(c *jinja.Call) (value.Value, error) {
	if err := undefinedArg(c.Args[0]); err != nil {
		return nil, err
	}
	p, err := pathArg(c.Args[0])
	if err != nil {
		return nil, err
	}
	matches, err := filepath.Glob(p)
	if err != nil {
		matches = nil
	}
	sort.Strings(matches)
	out := &value.List{Elems: []value.Value{}}
	for _, m := range matches {
		if i, err := os.Stat(m); err == nil && i.Mode().IsRegular() {
			out.Elems = append(out.Elems, value.Str(m))
		}
	}
	return out, nil
}

func winDrive(p string) (drive, rest string) {
	n := strings.ReplaceAll(p, "/", `\`)
	if len(p) >= 2 {
		if strings.HasPrefix(n, `\\`) && !strings.HasPrefix(n, `\\\`) {
			start := 2
			if strings.HasPrefix(strings.ToUpper(n), `\\?\UNC\`) {
				start = 8
			}
			i := strings.IndexByte(n[start:], '\\')
			if i < 0 {
				return p, ""
			}
			i += start
			j := strings.IndexByte(n[i+1:], '\\')
			if j < 0 {
				return p, ""
			}
			return p[:i+1+j], p[i+1+j:]
		}
		if n[1] == ':' {
			return p[:2], p[2:]
		}
	}
	return "", p
}

func winSplit(p string) (head, tail string) {
	d, rest := winDrive(p)
	i := strings.LastIndexAny(rest, `\/`) + 1
	head, tail = rest[:i], rest[i:]
	if t := strings.TrimRight(head, `\/`); t != "" {
		head = t
	}
	return d + head, tail
}

func fileTest(name string, is func(os.FileInfo) bool, stat func(string) (os.FileInfo, error)) jinja.Filter {
	return jinja.Filter{Name: name, Signature: name + "(path)", Volatile: true, Run: func(c *jinja.Call) (value.Value, error) {
		p, err := str(c.Args[0], func(v value.Value) error {
			if _, ok := v.(value.Int); ok {
				return nil
			}
			return value.TypeErrorf("stat: path should be string, bytes, os.PathLike or integer, not %s", v.TypeName())
		})
		if err != nil {
			return nil, err
		}
		i, err := stat(p)
		return value.Bool(err == nil && is(i)), nil
	}}
}

func isMount(p string) value.Value {
	i, err := os.Lstat(p)
	if err != nil || i.Mode()&os.ModeSymlink != 0 {
		return value.False
	}
	parent, err := os.Lstat(realpath(p + "/.."))
	if err != nil {
		return value.False
	}
	a, ok1 := i.Sys().(*syscall.Stat_t)
	b, ok2 := parent.Sys().(*syscall.Stat_t)
	return value.Bool(ok1 && ok2 && (a.Dev != b.Dev || a.Ino == b.Ino))
}

func notFound(p string) error {
	return value.Errorf("FileNotFoundError", "[Errno 2] No such file or directory: %s", repr(value.Str(p)))
}

func sameFile(c *jinja.Call) (value.Value, error) {
	var infos [2]os.FileInfo
	for i := range infos {
		p, err := pathArg(c.Args[i])
		if err != nil {
			return nil, err
		}
		if infos[i], err = os.Stat(p); err != nil {
			return nil, notFound(p)
		}
	}
	return value.Bool(os.SameFile(infos[0], infos[1])), nil
}

func vaultedFile(c *jinja.Call) (value.Value, error) {
	p, err := pathArg(c.Args[0])
	if err != nil {
		return nil, err
	}
	f, err := os.Open(p)
	if err != nil {
		return nil, filterError("Cannot test if the file %s is a vault. [Errno 2] No such file or directory: b%s", p, repr(value.Str(p)))
	}
	defer f.Close()
	head := make([]byte, 64)
	n, _ := f.Read(head)
	return value.Bool(vault.IsEncrypted(head[:n])), nil
}
