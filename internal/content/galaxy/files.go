package galaxy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/value"
)

// skipped are directories that are never part of a collection.
var skipped = []string{"CVS", ".bzr", ".hg", ".git", ".svn", "__pycache__", ".tox"}

// item is a file of a collection to be built.
type item struct {
	name string // with slashes, from the collection's directory
	path string // where it is
	dir  bool
	link string // target, for links to directories inside the collection
}

// collect lists what belongs to a collection: by build_ignore, or by the directives of `manifest`.
func (in *Info) collect(warn func(string)) ([]item, error) {
	if in.byDirectives {
		return in.byManifest()
	}
	ns, name := in.Name.Split()
	ignore := []string{"MANIFEST.json", "FILES.json", "galaxy.yml", "galaxy.yaml", ".git", "*.pyc", "*.retry", "tests/output", ns + "-" + name + "-*.tar.gz"}
	ignore = append(ignore, in.ignore...)
	res := make([]*regexp.Regexp, len(ignore))
	for i, p := range ignore {
		re, err := fnmatch(p, ".")
		if err != nil {
			return nil, fail("The build_ignore pattern %q is not valid", p)
		}
		res[i] = re
	}
	root, err := filepath.EvalSymlinks(in.Dir)
	if err != nil {
		return nil, err
	}
	var out []item
	var walk func(dir, prefix string) error
	walk = func(dir, prefix string) error {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			rel, full := path.Join(prefix, e.Name()), filepath.Join(dir, e.Name())
			if slices.ContainsFunc(res, func(re *regexp.Regexp) bool { return re.MatchString(rel) }) {
				continue
			}
			it := item{name: rel, path: full}
			st, err := os.Stat(full)
			if err != nil {
				return err
			}
			if e.Type()&os.ModeSymlink != 0 {
				real, err := filepath.EvalSymlinks(full)
				if err != nil {
					return err
				}
				if st.IsDir() {
					if !inside(root, real) {
						if warn != nil {
							warn(fmt.Sprintf("Skipping '%s' as it is a symbolic link to a directory outside the collection", full))
						}
						continue
					}
					it.dir = true
					it.link, _ = filepath.Rel(filepath.Dir(full), real)
					out = append(out, it)
					continue
				}
			}
			if st.IsDir() {
				if slices.Contains(skipped, e.Name()) {
					continue
				}
				it.dir = true
				out = append(out, it)
				if err := walk(full, rel); err != nil {
					return err
				}
				continue
			}
			if st.Mode().IsRegular() {
				out = append(out, it)
			}
		}
		return nil
	}
	return out, walk(root, "")
}

// inside reports whether p is dir or below it. Both are cleaned absolute paths.
func inside(dir, p string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// fnmatch makes a regular expression of a shell pattern. any is what a "*" is made of: "." crosses slashes.
func fnmatch(pattern, any string) (*regexp.Regexp, error) {
	e, err := globText(pattern, any)
	if err != nil {
		return nil, err
	}
	return regexp.Compile(`(?s)\A(?:` + e + `)\z`)
}

func globText(pattern, any string) (string, error) {
	var b strings.Builder
	rs := []rune(pattern)
	for i := 0; i < len(rs); i++ {
		switch c := rs[i]; c {
		case '*':
			b.WriteString(any + "*")
			for i+1 < len(rs) && rs[i+1] == '*' {
				i++
			}
		case '?':
			b.WriteString(any)
		case '[':
			end := i + 1
			if end < len(rs) && (rs[end] == '!' || rs[end] == ']') {
				end++
			}
			for end < len(rs) && rs[end] != ']' {
				end++
			}
			if end >= len(rs) {
				b.WriteString(`\[`)
				continue
			}
			class := strings.ReplaceAll(string(rs[i+1:end]), `\`, `\\`)
			if strings.HasPrefix(class, "!") {
				class = "^" + class[1:]
			}
			b.WriteString("[" + class + "]")
			i = end
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return b.String(), nil
}

// defaultDirectives says what a collection has with `manifest:` and no omit_default_directives. first come before the
// collection's own directives, last behind them.
func defaultDirectives(namespace, name, licenseFile string) (first, last []string) {
	first = []string{
		"include meta/*.yml", "include *.txt *.md *.rst *.license COPYING LICENSE", "include .reuse/dep5", "recursive-include LICENSES **",
		"recursive-include tests **", "recursive-include docs **.rst **.yml **.yaml **.json **.j2 **.txt **.license",
		"recursive-include roles **.yml **.yaml **.json **.j2 **.license", "recursive-include playbooks **.yml **.yaml **.json **.license",
		"recursive-include changelogs **.yml **.yaml **.license", "recursive-include plugins */**.py */**.license",
	}
	for _, kind := range []string{"become", "cache", "callback", "cliconf", "connection", "filter", "httpapi", "inventory", "lookup", "netconf", "shell", "strategy", "test", "vars"} {
		first = append(first, "recursive-include plugins/"+kind+" **.yml **.yaml")
	}
	first = append(first, "recursive-include plugins/modules **.ps1 **.yml **.yaml **.license", "recursive-include plugins/module_utils **.ps1 **.psm1 **.cs **.license")
	if licenseFile != "" {
		first = append(first, "include "+licenseFile)
	}
	last = []string{"exclude galaxy.yml galaxy.yaml MANIFEST.json FILES.json " + namespace + "-" + name + "-*.tar.gz", "recursive-exclude tests/output **", "global-exclude /.* /__pycache__ *.pyc *.pyo *.bak *~ *.swp"}
	return first, last
}

// byManifest lists a collection's files by directives in the language of Python's MANIFEST.in.
func (in *Info) byManifest() ([]item, error) {
	ns, name := in.Name.Split()
	var own []string
	omit := false
	if in.manifest != nil {
		if v, ok := in.manifest.GetStr("directives"); ok {
			own = texts(v)
		}
		if v, ok := in.manifest.GetStr("omit_default_directives"); ok {
			omit = v == value.Value(value.True)
		}
	}
	if omit && len(own) == 0 {
		return nil, fail("'manifest.omit_default_directives' was set to True, but no directives were defined in 'manifest.directives'. This would produce an empty collection artifact.")
	}
	lines := own
	if !omit {
		first, last := defaultDirectives(ns, name, in.text("license_file"))
		lines = slices.Concat(first, own, last)
	}
	root, err := filepath.EvalSymlinks(in.Dir)
	if err != nil {
		return nil, err
	}
	var all []string
	err = filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		if d.IsDir() {
			return nil
		}
		all = append(all, filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		return nil, err
	}
	chosen := map[string]bool{}
	for _, line := range lines {
		if err := directive(line, all, chosen); err != nil {
			return nil, err
		}
	}
	dirs := map[string]bool{}
	var out []item
	for _, f := range all {
		if !chosen[f] {
			continue
		}
		var above []string
		for d := path.Dir(f); d != "." && !dirs[d]; d = path.Dir(d) {
			dirs[d] = true
			above = append(above, d)
		}
		slices.Reverse(above)
		for _, d := range above {
			out = append(out, item{name: d, path: filepath.Join(root, d), dir: true})
		}
		out = append(out, item{name: f, path: filepath.Join(root, f)})
	}
	return out, nil
}

// directive applies one line to the chosen files.
func directive(line string, all []string, chosen map[string]bool) error {
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil
	}
	verb, args := words[0], words[1:]
	prefix := ""
	recursive := strings.HasPrefix(verb, "recursive-")
	switch verb {
	case "include", "exclude", "global-include", "global-exclude":
		if len(args) < 1 {
			return fail("Invalid manifest directive: '%s' expects <pattern1> <pattern2> ...", verb)
		}
	case "recursive-include", "recursive-exclude":
		if len(args) < 2 {
			return fail("Invalid manifest directive: '%s' expects <dir> <pattern1> <pattern2> ...", verb)
		}
		prefix, args = args[0], args[1:]
	case "graft", "prune":
		if len(args) != 1 {
			return fail("Invalid manifest directive: '%s' expects a single <dir_pattern>", verb)
		}
		prefix, args, recursive = args[0], []string{"**"}, true
	default:
		return fail("Invalid manifest directive: unknown action '%s'", verb)
	}
	on := !strings.HasSuffix(verb, "exclude") && verb != "prune"
	for _, pattern := range args {
		body, err := globText(pattern, "[^/]")
		if err != nil {
			return err
		}
		text := `(?s)\A` + body + `\z`
		switch {
		case recursive:
			head, err := globText(prefix, "[^/]")
			if err != nil {
				return err
			}
			text = `(?s)\A` + head + `/.*` + body + `\z`
		case strings.HasPrefix(verb, "global-"):
			text = `(?s)` + body + `\z`
		}
		re, err := regexp.Compile(text)
		if err != nil {
			return fail("Invalid manifest directive: the pattern %q is not valid", pattern)
		}
		for _, f := range all {
			subject := f
			if strings.HasPrefix(verb, "global-") {
				subject = "/" + f
			}
			if re.MatchString(subject) {
				chosen[f] = on
			}
		}
	}
	return nil
}

func sum(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func sumBytes(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// manifests makes the texts of FILES.json and MANIFEST.json.
func (in *Info) manifests(items []item) (files, manifest []byte, err error) {
	list := value.NewList(value.DictOf("name", value.Str("."), "ftype", value.Str("dir"), "chksum_type", value.None, "chksum_sha256", value.None, "format", value.Int(1)))
	for _, it := range items {
		ftype, kind, hash := "dir", value.Value(value.None), value.Value(value.None)
		if !it.dir {
			s, err := sum(it.path)
			if err != nil {
				return nil, nil, err
			}
			ftype, kind, hash = "file", value.Str("sha256"), value.Str(s)
		}
		list.Elems = append(list.Elems, value.DictOf("name", value.Str(it.name), "ftype", value.Str(ftype), "chksum_type", kind, "chksum_sha256", hash, "format", value.Int(1)))
	}
	opt := value.JSONOptions{Pretty: true, Indent: " ", ASCII: true}
	ft, err := value.JSON(value.DictOf("files", list, "format", value.Int(1)), opt)
	if err != nil {
		return nil, nil, err
	}
	mt, err := value.JSON(value.DictOf("collection_info", in.doc, "file_manifest_file", value.DictOf(
		"name", value.Str("FILES.json"), "ftype", value.Str("file"), "chksum_type", value.Str("sha256"), "chksum_sha256", value.Str(sumBytes([]byte(ft))), "format", value.Int(1)),
		"format", value.Int(1)), opt)
	return []byte(ft), []byte(mt), err
}
