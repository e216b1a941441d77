package galaxy

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/yamlout"
	"github.com/troupe-automation/troupe/value"
)

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// collectionsDir is the ansible_collections directory of a collection path.
func collectionsDir(p string) string {
	if filepath.Base(p) == "ansible_collections" {
		return p
	}
	return filepath.Join(p, "ansible_collections")
}

// Installed lists the collections below a path, by name. Directories without metadata have the version "*".
func Installed(p string, warn func(string)) ([]*Info, error) {
	root := collectionsDir(p)
	spaces, err := os.ReadDir(root)
	if err != nil {
		return nil, err
	}
	var out []*Info
	for _, ns := range spaces {
		entries, err := os.ReadDir(filepath.Join(root, ns.Name()))
		if err != nil {
			continue
		}
		for _, e := range entries {
			name := Name(ns.Name() + "." + e.Name())
			dir := filepath.Join(root, ns.Name(), e.Name())
			if st, err := os.Stat(dir); err != nil || !st.IsDir() || !name.Valid() {
				continue
			}
			out = append(out, installedAt(dir, name, warn))
		}
	}
	return out, nil
}

// installedAt describes what is in a collection's directory.
func installedAt(dir string, name Name, warn func(string)) *Info {
	in, err := ReadInfo(dir, nil)
	if err != nil {
		if warn != nil {
			warn(fmt.Sprintf("Collection at '%s' does not have a MANIFEST.json file, nor has it galaxy.yml: cannot detect version.", dir))
		}
		return &Info{Name: name, Version: "*", Dir: dir}
	}
	in.Name, in.Dir = name, dir
	return in
}

func (o *Options) installed() []*candidate {
	var out []*candidate
	for _, p := range o.Paths {
		list, err := Installed(p, o.Warn)
		if err != nil {
			continue
		}
		for _, in := range list {
			out = append(out, &candidate{Name: in.Name, Version: in.Version, path: in.Dir, info: in})
		}
	}
	return out
}

// Install installs collections below out. configured are the paths where a run would look for collections.
func (o *Options) Install(ctx context.Context, reqs []Requirement, out string, configured []string) error {
	reqs, supplied, err := o.materialize(ctx, reqs)
	if err != nil {
		return err
	}
	dest := collectionsDir(out)
	if len(configured) > 0 && !slices.ContainsFunc(configured, func(p string) bool { return collectionsDir(p) == dest || inside(p, out) }) {
		o.Warn(fmt.Sprintf("The specified collections path '%s' is not part of the configured Ansible collections paths '%s'. The installed collection will not be picked up in an Ansible run, unless within a playbook-adjacent collections directory.",
			out, strings.Join(configured, ":")))
	}
	o.Print("Starting galaxy collection install process")
	existing := o.installed()
	todo := o.unsatisfied(reqs, supplied, existing)
	if len(todo) == 0 {
		o.Print("Nothing to do. All requested collections are already installed. If you want to reinstall them, consider using `--force`.")
		return nil
	}
	o.Print("Process install dependency map")
	chosen, err := o.resolve(ctx, reqs, supplied, o.preferred(reqs, existing))
	if err != nil {
		return err
	}
	o.Print("Starting collection install process")
	for _, c := range chosen {
		if c.source == "" {
			if o.Force || o.ForceDeps || o.Upgrade {
				o.Print(fmt.Sprintf("'%s' is already installed, skipping.", c))
			} else {
				o.Verbose(1, fmt.Sprintf("'%s' is already installed, skipping.", c))
			}
			continue
		}
		if err := o.install(ctx, c, dest); err != nil {
			if !o.SkipErrors {
				return err
			}
			o.Warn(fmt.Sprintf("Failed to install collection %s but skipping due to --ignore-errors being set. Error: %s", c, words(err)))
		}
	}
	return nil
}

// unsatisfied are the requests that what is installed does not satisfy.
func (o *Options) unsatisfied(reqs []Requirement, supplied, existing []*candidate) []Requirement {
	var out []Requirement
	for _, r := range reqs {
		source := r.Source
		if at := slices.IndexFunc(supplied, func(c *candidate) bool { return c.Name == r.Name }); at >= 0 {
			source = supplied[at].source
		}
		done := !o.Force && !o.ForceDeps && !o.Upgrade && source != FromDir && slices.ContainsFunc(existing, func(c *candidate) bool {
			ok, problem := r.Range.Allows(c.Version)
			return c.Name == r.Name && ok && problem == ""
		})
		if !done {
			out = append(out, r)
		}
	}
	return out
}

// preferred are the installed collections that are kept where they fit.
func (o *Options) preferred(reqs []Requirement, existing []*candidate) []*candidate {
	if o.ForceDeps {
		return nil
	}
	var out []*candidate
	for _, c := range existing {
		asked := slices.ContainsFunc(reqs, func(r Requirement) bool { return r.Name == c.Name })
		if c.Version == "*" || asked && (o.Force || o.Upgrade) {
			continue
		}
		out = append(out, c)
	}
	return out
}

// install puts one candidate in its place.
func (o *Options) install(ctx context.Context, c *candidate, dest string) error {
	file := c.path
	if c.server != nil {
		if c.rel == nil {
			rel, err := c.server.release(ctx, c.Name, c.Version)
			if err != nil {
				return fail("%s", words(err))
			}
			c.rel = rel
		}
		var err error
		if file, err = o.fetch(ctx, c.rel, c.archiveName()); err != nil {
			return err
		}
	}
	dir := filepath.Join(dest, c.Name.dir())
	o.Print(fmt.Sprintf("Installing '%s' to '%s'", c, dir))
	if c.source == FromDir {
		if err := c.info.copyTo(dir, o.Warn); err != nil {
			return err
		}
		o.Print(fmt.Sprintf("Created collection for %s at %s", c, dir))
	} else {
		if err := o.checkSignatures(ctx, c, file); err != nil {
			return err
		}
		if err := unpack(file, dir); err != nil {
			return err
		}
		if err := c.remember(dest); err != nil {
			return err
		}
	}
	o.Print(fmt.Sprintf("%s was installed successfully", c))
	return nil
}

// remember writes where a collection of a server came from, beside the installed collections.
func (c *candidate) remember(dest string) error {
	if c.server == nil {
		return nil
	}
	ns, name := c.Name.Split()
	dir := filepath.Join(dest, string(c.Name)+"-"+c.Version+".info")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	sigs := value.NewList()
	for _, s := range c.rel.Sigs {
		sigs.Elems = append(sigs.Elems, value.DictOf("signature", value.Str(s)))
	}
	text, err := yamlout.Dump(value.DictOf(
		"download_url", value.Str(c.rel.URL), "format_version", value.Str("1.0.0"), "name", value.Str(name), "namespace", value.Str(ns),
		"server", value.Str(c.server.base()), "signatures", sigs, "version", value.Str(c.Version),
		"version_url", value.Str(fmt.Sprintf("/api/v3/collections/%s/%s/versions/%s/", ns, name, c.Version))), yamlout.Options{FlowStyle: yamlout.Block})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "GALAXY.yml"), []byte(text), 0o644)
}

func (c *candidate) archiveName() string {
	ns, name := c.Name.Split()
	return ns + "-" + name + "-" + c.Version + ".tar.gz"
}

// copyTo builds a collection from its source into its place, with the manifests that a built one has.
func (in *Info) copyTo(dir string, warn func(string)) error {
	if in.Installed { // unpacked from an archive before: the files it lists
		return replace(dir, func(tmp string) error { return copyTree(in.Dir, tmp) })
	}
	items, err := in.collect(warn)
	if err != nil {
		return err
	}
	files, manifest, err := in.manifests(items)
	if err != nil {
		return err
	}
	return replace(dir, func(tmp string) error {
		for _, it := range items {
			to := filepath.Join(tmp, filepath.FromSlash(it.name))
			if err := it.copy(to); err != nil {
				return err
			}
		}
		if err := os.WriteFile(filepath.Join(tmp, "MANIFEST.json"), manifest, 0o644); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(tmp, "FILES.json"), files, 0o644)
	})
}

func (it *item) copy(to string) error {
	switch {
	case it.link != "":
		return os.Symlink(it.link, to)
	case it.dir:
		return os.MkdirAll(to, 0o755)
	}
	st, err := os.Stat(it.path)
	if err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if st.Mode()&0o100 != 0 {
		mode = 0o755
	}
	data, err := os.ReadFile(it.path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, data, mode)
}

// copyTree copies directories and files, not the history of a repository.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(from, p)
		switch {
		case d.IsDir() && d.Name() == ".git":
			return filepath.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		it := item{name: rel, path: p}
		return it.copy(filepath.Join(to, rel))
	})
}

// Download puts the archives of collections and what they depend on into a directory, with a requirements.yml.
func (o *Options) Download(ctx context.Context, reqs []Requirement, out string) error {
	reqs, supplied, err := o.materialize(ctx, reqs)
	if err != nil {
		return err
	}
	o.Print("Process download dependency map")
	chosen, err := o.resolve(ctx, reqs, supplied, nil)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	o.Print(fmt.Sprintf("Starting collection download process to '%s'", out))
	list := value.NewList()
	for _, c := range chosen {
		o.Print(fmt.Sprintf("Downloading collection '%s' to '%s'", c, out))
		to := filepath.Join(out, c.archiveName())
		if err := o.save(ctx, c, to); err != nil {
			return err
		}
		list.Elems = append(list.Elems, value.DictOf("name", value.Str(filepath.Base(to)), "version", value.Str(c.Version)))
		o.Print(fmt.Sprintf("Collection '%s' was downloaded successfully", c))
	}
	file := filepath.Join(out, "requirements.yml")
	o.Print(fmt.Sprintf("Writing requirements.yml file of downloaded collections to '%s'", file))
	text, err := yamlout.Dump(value.DictOf("collections", list), yamlout.Options{FlowStyle: yamlout.Block})
	if err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o644)
}

func (o *Options) save(ctx context.Context, c *candidate, to string) error {
	file := c.path
	switch {
	case c.source == FromDir:
		items, err := c.info.collect(o.Warn)
		if err != nil {
			return err
		}
		return c.info.pack(items, to)
	case c.server != nil:
		rel, err := c.server.release(ctx, c.Name, c.Version)
		if err != nil {
			return fail("%s", words(err))
		}
		if file, err = o.fetch(ctx, rel, c.archiveName()); err != nil {
			return err
		}
	}
	if same, err := filepath.Abs(to); err == nil && same == file {
		return nil
	}
	it := item{path: file}
	return it.copy(to)
}
