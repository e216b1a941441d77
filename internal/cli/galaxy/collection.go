package galaxy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/content/galaxy"
	"github.com/troupe-automation/troupe/internal/lang/yamlout"
	"github.com/troupe-automation/troupe/value"
)

func build(s *session) (int, error) {
	dirs := s.Values.Args
	if len(dirs) == 0 {
		dirs = []string{"."}
	}
	out := s.Values.Str("output_path")
	if out == "" {
		out = "."
	}
	for _, d := range s.paths(dirs) {
		in, file, err := galaxy.Build(d, s.paths([]string{out})[0], s.Values.Bool("force"), s.Display.Warning)
		if err != nil {
			return 0, err
		}
		s.Display.Print(fmt.Sprintf("Created collection for %s at %s", in.Name, file), "")
	}
	return 0, nil
}

// wanted are the collections that arguments or a requirements file ask for.
func (s *session) wanted() ([]galaxy.Requirement, error) {
	file := s.Values.Str("requirements")
	switch {
	case len(s.Values.Args) > 0 && file != "":
		return nil, fail("The positional collection_name arg and --requirements-file are mutually exclusive.")
	case len(s.Values.Args) == 0 && file == "":
		return nil, fail("You must specify a collection name or a requirements file.")
	case file != "":
		r, err := galaxy.ReadRequirements(file, false, s.Display.Warning)
		if err != nil {
			return nil, err
		}
		return r.Collections, nil
	}
	var out []galaxy.Requirement
	for _, a := range s.Values.Args {
		r, err := galaxy.ParseCollection(a)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (s *session) keyring() galaxy.Keyring {
	v, c := s.Values, s.Config
	k := galaxy.Keyring{File: v.Str("keyring"), Signatures: v.List("signatures"), Required: v.Str("required_valid_signature_count"), Ignore: v.List("ignore_gpg_errors")}
	if k.File == "" {
		k.File = c.Str("GALAXY_GPG_KEYRING")
	}
	if k.Required == "" {
		k.Required = c.Str("GALAXY_REQUIRED_VALID_SIGNATURE_COUNT")
	}
	if k.Required == "" {
		k.Required = "1"
	}
	if len(k.Ignore) == 0 {
		k.Ignore = c.List("GALAXY_IGNORE_INVALID_SIGNATURE_STATUS_CODES")
	}
	k.Off = v.Bool("disable_gpg_verify") || c.Bool("GALAXY_DISABLE_GPG_VERIFY")
	return k
}

func installCollections(s *session) (int, error) {
	reqs, err := s.wanted()
	if err != nil {
		return 0, err
	}
	if len(reqs) == 0 {
		s.Display.Print("Skipping install, no requirements found", "")
		return 0, nil
	}
	return 0, s.install(reqs, s.Values.Str("collections_path"))
}

// install installs collections to a directory, the first configured one when it is "".
func (s *session) install(reqs []galaxy.Requirement, dir string) error {
	configured := s.paths(s.Config.List("COLLECTIONS_PATHS"))
	out := dir
	if out == "" {
		if len(configured) == 0 {
			return fail("no path for collections is configured; give one with --collections-path")
		}
		out = configured[0]
	}
	out = s.paths([]string{out})[0]
	s.opt.Keyring = s.keyring()
	s.opt.Paths = append([]string{out}, configured...)
	warnAbout := configured
	if !s.Config.Bool("GALAXY_COLLECTIONS_PATH_WARNING") {
		warnAbout = nil
	}
	return s.opt.Install(s.ctx, reqs, out, warnAbout)
}

func download(s *session) (int, error) {
	reqs, err := s.wanted()
	if err != nil {
		return 0, err
	}
	out := s.Values.Str("download_path")
	if out == "" {
		out = "./collections"
	}
	return 0, s.opt.Download(s.ctx, reqs, s.paths([]string{out})[0])
}

func publish(s *session) (int, error) {
	if len(s.opt.Servers) == 0 {
		return 0, fail("no Galaxy server is configured")
	}
	return 0, s.opt.Publish(s.ctx, s.opt.Servers[0], s.Values.Args[0], !s.Values.Bool("no_wait"), time.Duration(s.Values.Int("import_timeout"))*time.Second)
}

func verify(s *session) (int, error) {
	reqs, err := s.wanted()
	if err != nil {
		return 0, err
	}
	s.opt.Keyring = s.keyring()
	s.opt.Paths = s.paths(append(s.Values.List("collections_path"), s.Config.List("COLLECTIONS_PATHS")...))
	ok, err := s.opt.Verify(s.ctx, reqs)
	if err != nil {
		return 0, err
	}
	if !ok {
		return 1, nil
	}
	return 0, nil
}

// shelf is one directory with collections.
type shelf struct {
	dir  string
	list []*galaxy.Info
}

// shelves are the directories that are searched, with what is in them, sorted by name. Packages of Python may hold
// collections too: those on PYTHONPATH are listed.
func (s *session) shelves() ([]shelf, error) {
	given := s.paths(s.Values.List("collections_path"))
	all := append(slices.Clone(given), s.paths(s.Config.List("COLLECTIONS_PATHS"))...)
	for p := range strings.SplitSeq(s.env.Getenv("PYTHONPATH"), ":") {
		if st, err := os.Stat(filepath.Join(p, "ansible_collections")); p != "" && err == nil && st.IsDir() {
			all = append(all, s.paths([]string{p})...)
		}
	}
	var out []shelf
	seen := map[string]bool{}
	for _, p := range all {
		dir := p
		if filepath.Base(p) != "ansible_collections" {
			dir = filepath.Join(p, "ansible_collections")
		}
		if seen[dir] {
			continue
		}
		seen[dir] = true
		if _, err := os.Stat(p); errors.Is(err, fs.ErrNotExist) {
			if slices.Contains(given, p) {
				s.Display.Warning("- the configured path " + p + " does not exist.")
			}
			continue
		}
		list, err := galaxy.Installed(p, s.Display.Warning)
		if err != nil {
			continue
		}
		slices.SortFunc(list, func(a, b *galaxy.Info) int { return strings.Compare(string(a.Name), string(b.Name)) })
		out = append(out, shelf{dir, list})
	}
	return out, nil
}

func listCollections(s *session) (int, error) {
	only := galaxy.Name("")
	if len(s.Values.Args) > 0 {
		only = galaxy.Name(s.Values.Args[0])
		if !only.Valid() {
			return 0, badName(string(only))
		}
	}
	shelves, err := s.shelves()
	if err != nil {
		return 0, err
	}
	doc := value.NewDict()
	for _, sh := range shelves {
		d := value.NewDict()
		width, vwidth := len("Collection"), len("Version")
		var rows []*galaxy.Info
		for _, in := range sh.list {
			if only != "" && in.Name != only {
				continue
			}
			d.SetStr(string(in.Name), value.DictOf("version", value.Str(in.Version)))
			width, vwidth = max(width, len(in.Name)), max(vwidth, len(in.Version))
			rows = append(rows, in)
		}
		if len(rows) == 0 {
			continue
		}
		doc.SetStr(sh.dir, d)
		if f := s.Values.Str("output_format"); f != "" && f != "human" {
			continue
		}
		s.Display.Print("\n# "+sh.dir, "")
		s.Display.Print(fmt.Sprintf("%-*s %-*s", width, "Collection", vwidth, "Version"), "")
		s.Display.Print(strings.Repeat("-", width)+" "+strings.Repeat("-", vwidth), "")
		for _, in := range rows {
			s.Display.Print(fmt.Sprintf("%-*s %-*s", width, in.Name, vwidth, in.Version), "")
		}
	}
	switch s.Values.Str("output_format") {
	case "json":
		text, err := value.JSON(doc, value.JSONOptions{ASCII: true})
		if err != nil {
			return 0, err
		}
		s.Display.Print(text, "")
	case "yaml":
		text, err := yamlout.Dump(doc, yamlout.Options{FlowStyle: yamlout.Block})
		if err != nil {
			return 0, err
		}
		s.Display.Print(strings.TrimSuffix(text, "\n"), "")
	}
	return 0, nil
}

func badName(name string) error {
	return fail("Invalid collection name '" + name + "', name must be in the format <namespace>.<collection>. \nPlease make sure namespace and collection name contains characters from [a-zA-Z0-9_] only.")
}
