package galaxy

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/lang/yamlout"
	"github.com/troupe-automation/troupe/value"
)

// Role is a role on this machine.
type Role struct {
	Name string
	Dir  string
}

// metaOf reads a YAML file of the role's meta directory; nil when there is none.
func (r Role) metaOf(names ...string) (value.Value, error) {
	for _, n := range names {
		path := filepath.Join(r.Dir, "meta", n)
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		root, err := yamldoc.LoadYAML(data, yamldoc.Options{File: path, Data: true})
		if err != nil {
			return nil, fail("Unable to load %s: %s", path, err)
		}
		return root.Value(), nil
	}
	return nil, nil
}

// Exists reports whether the role's directory is there.
func (r Role) Exists() bool {
	_, err := os.Stat(r.Dir)
	return err == nil
}

// Meta is meta/main.yml.
func (r Role) Meta() *value.Dict {
	v, _ := r.metaOf("main.yml", "main.yaml")
	d, _ := v.(*value.Dict)
	return d
}

// HasMeta reports whether the role has a meta/main.yml.
func (r Role) HasMeta() bool {
	v, err := r.metaOf("main.yml", "main.yaml")
	return v != nil || err != nil
}

// Record is what was written when the role was installed; nil for roles that were made here.
func (r Role) Record() *value.Dict {
	v, _ := r.metaOf(".galaxy_install_info")
	d, _ := v.(*value.Dict)
	return d
}

// Version is the version the role was installed with, "" when none is known.
func (r Role) Version() string {
	if d := r.Record(); d != nil {
		return field(d, "version")
	}
	return ""
}

func (r Role) record(version string, now time.Time) error {
	if err := os.MkdirAll(filepath.Join(r.Dir, "meta"), 0o755); err != nil {
		return err
	}
	text, err := yamlout.Dump(value.DictOf("install_date", value.Str(now.Format(time.ANSIC)), "version", value.Str(version)), yamlout.Options{FlowStyle: yamlout.Block})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.Dir, "meta", ".galaxy_install_info"), []byte(text), 0o644)
}

// dependencies are the roles that a role names in meta/requirements.yml and meta/main.yml.
func (r Role) dependencies() ([]RoleRequirement, error) {
	var lists []value.Value
	if m := r.Meta(); m != nil {
		if v, ok := m.GetStr("dependencies"); ok {
			lists = append(lists, v)
		}
	}
	more, err := r.metaOf("requirements.yml", "requirements.yaml")
	if err != nil {
		return nil, err
	}
	if more != nil {
		lists = append(lists, more)
	}
	var out []RoleRequirement
	for _, v := range lists {
		if v == value.None {
			continue
		}
		l, ok := v.(*value.List)
		if !ok {
			text, _ := value.ToStr(v)
			return nil, fail("Expected role dependencies to be a list. Role %s has meta/main.yml or meta/requirements.yml with %s", r.Name, text)
		}
		for _, e := range l.Elems {
			one, err := RoleOf(e)
			if err != nil {
				return nil, err
			}
			out = append(out, one)
		}
	}
	return out, nil
}

// RoleOptions say how roles are installed.
type RoleOptions struct {
	Paths []string // the first is where roles go; all are looked at
	Keep  bool     // keep the history of repositories
	Now   func() time.Time
}

// find is the installed role of a name, or where it would be.
func (ro *RoleOptions) find(name string) Role {
	for _, p := range ro.Paths {
		if r := (Role{name, filepath.Join(p, name)}); r.Exists() {
			return r
		}
	}
	return Role{name, filepath.Join(ro.Paths[0], name)}
}

// InstallRoles installs roles and those they depend on. A role that fails ends the run unless SkipErrors is set.
func (o *Options) InstallRoles(ctx context.Context, ro RoleOptions, reqs []RoleRequirement) error {
	o.Print("Starting galaxy role install process")
	pending := slices.Clone(reqs)
	asked := len(reqs)
	for i := 0; i < len(pending); i++ {
		q := pending[i]
		o.Verbose(3, "Processing role "+q.Name+" ")
		role := ro.find(q.Name)
		if role.Exists() {
			version := role.Version()
			if version != q.Version && q.Version != "" || o.Force && i < asked || o.ForceDeps {
				if !(o.Force || o.ForceDeps) {
					o.Warn(fmt.Sprintf("- %s (%s) is already installed - use --force to change version to %s", q.Name, version, orUnspecified(q.Version)))
					continue
				}
				o.Print(fmt.Sprintf("- changing role %s from %s to %s", q.Name, version, orUnspecified(q.Version)))
			} else if version != q.Version {
				o.Warn(fmt.Sprintf("- %s (%s) is already installed - use --force to change version to %s", q.Name, version, orUnspecified(q.Version)))
				continue
			} else {
				o.Print(fmt.Sprintf("- %s is already installed, skipping.", q))
				continue
			}
		}
		role, err := o.installRole(ctx, &ro, q)
		if err != nil {
			msg := fmt.Sprintf("- %s was NOT installed successfully", q.Name)
			if words(err) != "" {
				msg += ": " + words(err)
			} else {
				msg += "."
			}
			o.Warn(msg)
			if !o.SkipErrors {
				return fail("- you can use --ignore-errors to skip failed roles and finish processing the list.")
			}
			continue
		}
		if o.NoDeps {
			continue
		}
		deps, err := role.dependencies()
		if err != nil {
			return err
		}
		for _, d := range deps {
			pending = o.depend(&ro, pending, d, role)
		}
	}
	return nil
}

func orUnspecified(v string) string {
	if v == "" {
		return "unspecified"
	}
	return v
}

// depend adds a role that another needs to those that are to be installed.
func (o *Options) depend(ro *RoleOptions, pending []RoleRequirement, d RoleRequirement, by Role) []RoleRequirement {
	if !strings.Contains(d.Name, ".") && d.Scm == "" && !strings.Contains(d.Src, "://") && !strings.Contains(d.Src, "/") {
		return pending // a role of the same repository, by its bare name
	}
	have := ro.find(d.Name)
	switch {
	case !have.Exists() || o.ForceDeps:
		if slices.ContainsFunc(pending, func(q RoleRequirement) bool { return q.Name == d.Name }) {
			o.Print(fmt.Sprintf("- dependency %s already pending installation.", d.Name))
			return pending
		}
		o.Print("- adding dependency: " + d.String())
		return append(pending, d)
	case have.Version() != d.Version:
		version := have.Version()
		if version == "" {
			version = "None"
		}
		o.Warn(fmt.Sprintf("- dependency %s (%s) from role %s differs from already installed version (%s), skipping", d.Name, d.Version, by.Name, version))
	case have.Record() != nil && d.Version == "":
		o.Warn(fmt.Sprintf("- dependency %s () from role %s differs from already installed version (None), skipping", d.Name, by.Name))
	default:
		o.Print(fmt.Sprintf("- dependency %s is already installed, skipping.", d.Name))
	}
	return pending
}

// installRole gets a role's archive and unpacks it.
func (o *Options) installRole(ctx context.Context, ro *RoleOptions, q RoleRequirement) (Role, error) {
	role := Role{q.Name, filepath.Join(ro.Paths[0], q.Name)}
	if !filepath.IsLocal(q.Name) {
		return role, fail("the name %q is not the name of a role", q.Name)
	}
	version := q.Version
	file, remove := "", false
	switch {
	case q.Scm != "":
		tmp, err := os.MkdirTemp(o.Tmp, "role")
		if err != nil {
			return role, err
		}
		if file, err = o.exported(ctx, q.Scm, q.Src, q.Name, q.Version, tmp, ro.Keep); err != nil {
			return role, err
		}
		remove = true
	case isFile(q.Src):
		file = q.Src
	case strings.Contains(q.Src, "://"):
		o.Print("- downloading role from " + q.Src)
		var err error
		if file, err = o.download(ctx, q.Src, o.Tmp, "role"); err != nil {
			o.Error("failed to download the file: " + plain(err))
			return role, errors.New("")
		}
		remove = true
	default:
		var err error
		if file, version, err = o.roleOfServer(ctx, q); err != nil {
			return role, err
		}
		remove = true
	}
	if remove {
		defer os.Remove(file)
	}
	if !isTar(file) {
		return role, fail("the downloaded file does not appear to be a valid tar archive.")
	}
	if _, err := roleBase(file); err != nil {
		return role, err
	}
	o.Print(fmt.Sprintf("- extracting %s to %s", q.Name, role.Dir))
	if role.Exists() {
		if !o.Force && !o.ForceDeps {
			return role, fail("the specified role %s appears to already exist. Use --force to replace it.", q.Name)
		}
		if err := os.RemoveAll(role.Dir); err != nil {
			return role, err
		}
	}
	if err := unpackRole(file, role.Dir); err != nil {
		return role, err
	}
	now := time.Now
	if ro.Now != nil {
		now = ro.Now
	}
	if err := role.record(version, now().UTC()); err != nil {
		return role, err
	}
	shown := q
	shown.Version = version
	o.Print(fmt.Sprintf("- %s was installed successfully", shown))
	return role, nil
}

func isFile(p string) bool {
	st, err := os.Stat(p)
	return err == nil && st.Mode().IsRegular()
}

// packDir writes a directory with everything in it as a tar archive.
func packDir(dir, prefix, to string) error {
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	tw := tar.NewWriter(f)
	err = filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil || !st.Mode().IsRegular() {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		h, err := tar.FileInfoHeader(st, "")
		if err != nil {
			return err
		}
		h.Name = filepath.ToSlash(filepath.Join(prefix, rel))
		if err := tw.WriteHeader(h); err != nil {
			return err
		}
		src, err := os.Open(p)
		if err != nil {
			return err
		}
		defer src.Close()
		_, err = io.Copy(tw, src)
		return err
	})
	for _, c := range []io.Closer{tw, f} {
		if cerr := c.Close(); err == nil {
			err = cerr
		}
	}
	return err
}

// RoleRecord is what a Galaxy server says about a role.
type RoleRecord struct {
	Doc      *value.Dict // the whole answer
	ID       string
	User     string
	Repo     string
	Branch   string
	Versions []string
}

// LookupRole asks a server for "owner.name"; nil when it does not have it.
func (s *Server) LookupRole(ctx context.Context, name string) (*RoleRecord, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	owner, role := "", name
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		owner, role = name[:i], name[i+1:]
	}
	address, err := s.at("v1", "roles")
	if err != nil {
		return nil, err
	}
	address += "?owner__username=" + url.QueryEscape(owner) + "&name=" + url.QueryEscape(role)
	doc, err := s.document(ctx, address)
	if err != nil {
		return nil, err
	}
	list, _ := doc.GetStr("results")
	l, _ := list.(*value.List)
	if l == nil || len(l.Elems) == 0 {
		return nil, nil
	}
	d, ok := l.Elems[0].(*value.Dict)
	if !ok {
		return nil, nil
	}
	out := &RoleRecord{Doc: d, ID: field(d, "id"), User: field(d, "github_user"), Repo: field(d, "github_repo"), Branch: field(d, "github_branch")}
	next, err := s.at("v1", "roles", out.ID, "versions")
	if err != nil {
		return nil, err
	}
	next += "?page_size=50"
	for next != "" {
		page, err := s.document(ctx, next)
		if err != nil {
			return nil, err
		}
		list, _ := page.GetStr("results")
		if l, ok := list.(*value.List); ok {
			for _, e := range l.Elems {
				if v, ok := e.(*value.Dict); ok {
					out.Versions = append(out.Versions, field(v, "name"))
				}
			}
		}
		link := field(page, "next_link")
		next = ""
		if link != "" {
			base, err := url.Parse(s.base())
			if err != nil {
				return nil, err
			}
			ref, err := base.Parse(link)
			if err != nil {
				return nil, err
			}
			next = ref.String()
		}
	}
	return out, nil
}

// document gets a JSON object with its order.
func (s *Server) document(ctx context.Context, address string) (*value.Dict, error) {
	var raw rawJSON
	if err := s.call(ctx, http.MethodGet, address, "", nil, &raw, "Error when calling "+address); err != nil {
		return nil, err
	}
	v, err := value.ParseJSON(string(raw))
	if err != nil {
		return nil, fail("Failed to parse Galaxy response from '%s' as JSON", address)
	}
	d, ok := v.(*value.Dict)
	if !ok {
		return value.NewDict(), nil
	}
	return d, nil
}

type rawJSON []byte

// UnmarshalJSON keeps the text.
func (r *rawJSON) UnmarshalJSON(b []byte) error { *r = append((*r)[:0], b...); return nil }

// roleOfServer downloads a role that a server knows from GitHub.
func (o *Options) roleOfServer(ctx context.Context, q RoleRequirement) (file, version string, err error) {
	if len(o.Servers) == 0 {
		return "", "", fail("no Galaxy server is configured")
	}
	s := o.Servers[0]
	var rec *RoleRecord
	if err = s.open(ctx); err == nil {
		owner, name := "", q.Src
		if i := strings.LastIndexByte(name, '.'); i >= 0 {
			owner, name = name[:i], name[i+1:]
		}
		o.Print(fmt.Sprintf("- downloading role '%s', owned by %s", name, owner))
		rec, err = s.LookupRole(ctx, q.Src)
	}
	if err != nil {
		return "", "", err
	}
	if rec == nil {
		return "", "", fail("- sorry, %s was not found on %s.", q.Src, s.base())
	}
	version = q.Version
	if version == "" {
		version = newest(rec.Versions)
		if version == "" {
			version = rec.Branch
		}
		if version == "" {
			version = "master"
		}
	} else if version != "master" && len(rec.Versions) > 0 && !slices.Contains(rec.Versions, version) {
		return "", "", fail("- the specified version (%s) of %s was not found in the list of available versions (%s).", version, q.Name, pyTexts(rec.Versions))
	}
	address := fmt.Sprintf("https://github.com/%s/%s/archive/%s.tar.gz", rec.User, rec.Repo, version)
	o.Print("- downloading role from " + address)
	if file, err = o.download(ctx, address, o.Tmp, "role"); err != nil {
		o.Error("failed to download the file: " + plain(err))
		return "", "", errors.New("")
	}
	return file, version, nil
}

func pyTexts(list []string) string {
	var out []string
	for _, s := range list {
		out = append(out, "'"+s+"'")
	}
	return "[" + strings.Join(out, ", ") + "]"
}

var versionPart = regexp.MustCompile(`\d+|[a-zA-Z]+`)

// newest is the highest of loosely written versions: "v1.10" is newer than "1.9.2".
func newest(list []string) string {
	best := ""
	for _, v := range list {
		if best == "" || looseLess(best, v) {
			best = v
		}
	}
	return best
}

func looseLess(a, b string) bool {
	pa := versionPart.FindAllString(strings.TrimPrefix(a, "v"), -1)
	pb := versionPart.FindAllString(strings.TrimPrefix(b, "v"), -1)
	for i := range min(len(pa), len(pb)) {
		x, y := strings.TrimLeft(pa[i], "0"), strings.TrimLeft(pb[i], "0")
		if x == y {
			continue
		}
		if len(x) != len(y) && pa[i][0] <= '9' && pb[i][0] <= '9' {
			return len(x) < len(y)
		}
		return x < y
	}
	return len(pa) < len(pb)
}
