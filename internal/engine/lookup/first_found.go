package lookup

import (
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/value"
)

// split takes texts apart at any of the separators.
func split(list []string, separators string) []string {
	var out []string
	for _, s := range list {
		for _, part := range strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(separators, r) }) {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}

// stringsOf is a text or a list of texts as a list.
func stringsOf(v value.Value) []string {
	if v == nil || v == value.None {
		return nil
	}
	elems, ok := sequenceOf(v)
	if !ok {
		elems = []value.Value{v}
	}
	var out []string
	for _, e := range elems {
		if s, err := text(e); err == nil {
			out = append(out, s)
		}
	}
	return out
}

// firstFound gives the first file that exists.
func firstFound(c *Call) ([]value.Value, error) {
	skip := false
	if v, ok := c.given("skip"); ok {
		skip = config.Truth(v)
	}
	givenFiles, _ := c.given("files")
	givenPaths, _ := c.given("paths")
	var names []string
	combine := func(files, paths []string) {
		for _, p := range paths {
			for _, f := range files {
				names = append(names, filepath.Join(p, f))
			}
		}
		if len(paths) == 0 {
			names = append(names, files...)
		}
	}
	var walk func(terms []value.Value) error
	walk = func(terms []value.Value) error {
		for _, t := range terms {
			switch t := t.(type) {
			case *value.Dict:
				files, paths := givenFiles, givenPaths
				if v, ok := t.GetStr("files"); ok {
					files = v
				}
				if v, ok := t.GetStr("paths"); ok {
					paths = v
				}
				if v, ok := t.GetStr("skip"); ok {
					skip = config.Truth(v)
				}
				combine(split(stringsOf(files), ",;"), split(stringsOf(paths), ",:;"))
			case *value.List:
				if err := walk(t.Elems); err != nil {
					return err
				}
			default:
				s, ok := value.AsString(t)
				if !ok {
					shown, _ := value.ToStr(t)
					return lookupErrorf("Invalid term supplied, can handle string, mapping or list of strings but got: %s for %s", pyClass(t), shown)
				}
				combine([]string{s}, split(stringsOf(givenPaths), ",:;"))
			}
		}
		return nil
	}
	if err := walk(c.Terms); err != nil {
		return nil, err
	}
	if len(c.Terms) == 0 {
		combine(split(stringsOf(givenFiles), ",;"), split(stringsOf(givenPaths), ",:;"))
	}
	sub := c.Subdir()
	if sub == "" {
		sub = "files"
	}
	for _, name := range names {
		if path := c.find(sub, name); path != "" {
			return []value.Value{value.Str(path)}, nil
		}
	}
	if skip {
		return nil, nil
	}
	return nil, lookupErrorf("No file was found when using first_found.")
}
