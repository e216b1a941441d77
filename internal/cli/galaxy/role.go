package galaxy

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/galaxy"
	"github.com/troupe-automation/troupe/value"
)

// rolePaths are the directories with roles: those of the flag first.
func (s *session) rolePaths() []string {
	return s.paths(append(slices.Clone(s.Values.List("roles_path")), s.Config.List("DEFAULT_ROLES_PATH")...))
}

func installRoles(s *session) (int, error) {
	file := s.Values.Str("requirements")
	if file == "" && len(s.Values.Args) == 0 {
		return 0, options("- you must specify a user/role name or a roles file")
	}
	want := &galaxy.Requirements{}
	if file != "" {
		if !strings.HasSuffix(file, ".yml") && !strings.HasSuffix(file, ".yaml") {
			return 0, fail("Invalid role requirements file, it must end with a .yml or .yaml extension")
		}
		var err error
		if want, err = galaxy.ReadRequirements(file, true, s.Display.Warning); err != nil {
			return 0, err
		}
	} else {
		for _, a := range s.Values.Args {
			want.Roles = append(want.Roles, galaxy.ParseRole(a))
		}
	}
	paths := s.rolePaths()
	if len(paths) == 0 {
		return 0, fail("no path for roles is configured; give one with --roles-path")
	}
	custom := s.Values.Has("roles_path")
	if len(want.Roles) == 0 && (len(want.Collections) == 0 || !s.implicit) {
		s.Display.Print("Skipping install, no requirements found", "")
		return 0, nil
	}
	if len(want.Collections) > 0 && !(s.implicit && !custom) {
		text := fmt.Sprintf("The requirements file '%s' contains collections which will be ignored. To install these collections run 'ansible-galaxy collection install -r' or to install both at the same time run 'ansible-galaxy install -r' without a custom install path.", s.paths([]string{file})[0])
		if s.implicit {
			s.Display.Warning(text)
		} else {
			s.Display.V(3, "", text)
		}
	}
	if len(want.Roles) > 0 {
		ro := galaxy.RoleOptions{Paths: paths, Keep: s.Values.Bool("keep_scm_meta")}
		if custom {
			ro.Paths = paths[:len(s.paths(s.Values.List("roles_path")))]
		}
		if err := s.opt.InstallRoles(s.ctx, ro, want.Roles); err != nil {
			return 0, err
		}
	}
	if len(want.Collections) > 0 && s.implicit && !custom {
		return 0, s.install(want.Collections, "")
	}
	return 0, nil
}

func removeRoles(s *session) (int, error) {
	for _, name := range s.Values.Args {
		if !filepath.IsLocal(name) {
			return 0, fail("the name '" + name + "' is not the name of a role")
		}
		found := false
		for _, p := range s.rolePaths() {
			r := galaxy.Role{Name: name, Dir: filepath.Join(p, name)}
			if !r.Exists() || !r.HasMeta() {
				continue
			}
			found = true
			if err := os.RemoveAll(r.Dir); err != nil {
				return 0, fail(fmt.Sprintf("Failed to remove role %s: %s", name, err))
			}
			s.Display.Print("- successfully removed "+name, "")
			break
		}
		if !found {
			s.Display.Print("- "+name+" is not installed, skipping.", "")
		}
	}
	return 0, nil
}

func roleLine(r galaxy.Role) string {
	version := r.Version()
	if version == "" {
		version = "(unknown version)"
	}
	return "- " + r.Name + ", " + version
}

func listRoles(s *session) (int, error) {
	only := ""
	if len(s.Values.Args) > 0 {
		only = s.Values.Args[0]
	}
	found, anyPath := false, false
	var warnings []string
	for _, p := range s.rolePaths() {
		st, err := os.Stat(p)
		if err != nil {
			warnings = append(warnings, "- the configured path "+p+" does not exist.")
			continue
		}
		if !st.IsDir() {
			warnings = append(warnings, "- the configured path "+p+", exists, but it is not a directory.")
			continue
		}
		anyPath = true
		if only != "" {
			r := galaxy.Role{Name: only, Dir: filepath.Join(p, only)}
			if r.Exists() && r.HasMeta() {
				found = true
				s.Display.Print("# "+p, "")
				s.Display.Print(roleLine(r), "")
				break
			}
			continue
		}
		s.Display.Print("# "+p, "")
		entries, err := os.ReadDir(p)
		if err != nil {
			return 0, err
		}
		for _, e := range entries {
			if r := (galaxy.Role{Name: e.Name(), Dir: filepath.Join(p, e.Name())}); r.HasMeta() {
				s.Display.Print(roleLine(r), "")
			}
		}
	}
	if only != "" && !found {
		s.Display.Warning("- the role " + only + " was not found")
	}
	if only == "" || !found {
		for _, w := range warnings {
			s.Display.Warning(w)
		}
	}
	if !anyPath {
		return 0, options("- None of the provided paths were usable. Please specify a valid path with --roles-path.")
	}
	return 0, nil
}

func roleInfo(s *session) (int, error) {
	var b strings.Builder
	for _, text := range s.Values.Args {
		name, _, _ := strings.Cut(text, ",")
		doc := value.NewDict()
		have := false
		for _, p := range s.rolePaths() {
			r := galaxy.Role{Name: name, Dir: filepath.Join(p, name)}
			if !filepath.IsLocal(name) || !r.Exists() {
				continue
			}
			have = true
			if rec := r.Record(); rec != nil {
				for k, v := range rec.All() {
					n, _ := value.AsString(k)
					if n == "version" {
						n = "installed_version"
					}
					doc.SetStr(n, v)
				}
			}
			if m := r.Meta(); m != nil {
				for k, v := range m.All() {
					_ = doc.Set(k, v) // the key was hashable before
				}
			}
			break
		}
		if !s.Values.Bool("offline") && len(s.opt.Servers) > 0 {
			rec, err := s.opt.Servers[0].LookupRole(s.ctx, name)
			if err != nil {
				return 0, err
			}
			if rec != nil {
				have = true
				for k, v := range rec.Doc.All() {
					_ = doc.Set(k, v)
				}
			}
		}
		if !have {
			b.Reset() // as Ansible does: nothing else is told
			fmt.Fprintf(&b, "- the role %s was not found\n", name)
			break
		}
		doc.SetStr("path", value.NewTuple(value.Strs(s.rolePaths()).Elems...))
		b.WriteString("\nRole: " + name + "\n")
		b.WriteString(describe(name, doc))
	}
	s.Display.Print(strings.TrimSuffix(b.String(), "\n"), "")
	return 0, nil
}

// hidden are the keys of a role's record that are not shown.
var hidden = []string{"created", "modified", "related", "summary_fields", "url", "name", "role"}

func describe(_ string, doc *value.Dict) string {
	var b strings.Builder
	if v, ok := doc.GetStr("description"); ok {
		text, _ := value.ToStr(v)
		b.WriteString("\tdescription: " + text + "\n")
	} else if gi, ok := doc.GetStr("galaxy_info"); ok {
		if d, ok := gi.(*value.Dict); ok {
			if v, ok := d.GetStr("description"); ok {
				text, _ := value.ToStr(v)
				b.WriteString("\tdescription: " + text + "\n")
			}
		}
	} else {
		b.WriteString("\tdescription: \n")
	}
	for _, k := range sorted(doc) {
		if slices.Contains(hidden, k) || k == "description" {
			continue
		}
		v, _ := doc.GetStr(k)
		if d, ok := v.(*value.Dict); ok {
			b.WriteString("\t" + k + ":\n")
			for _, sub := range sorted(d) {
				if slices.Contains(hidden, sub) || sub == "description" {
					continue
				}
				sv, _ := d.GetStr(sub)
				text, _ := value.ToStr(sv)
				b.WriteString("\t\t" + sub + ": " + text + "\n")
			}
			continue
		}
		text, _ := value.ToStr(v)
		b.WriteString("\t" + k + ": " + text + "\n")
	}
	return b.String()
}

func sorted(d *value.Dict) []string {
	var out []string
	for k := range d.All() {
		if s, ok := value.AsString(k); ok {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

func (s *session) server() (*galaxy.Server, error) {
	if len(s.opt.Servers) == 0 {
		return nil, errors.New("no Galaxy server is configured")
	}
	return s.opt.Servers[0], nil
}

func searchRoles(s *session) (int, error) {
	v := s.Values
	if len(v.Args) == 0 && !v.Has("platforms") && !v.Has("galaxy_tags") && !v.Has("author") {
		return 0, fail("Invalid query. At least one search term, platform, galaxy tag or author must be provided.")
	}
	srv, err := s.server()
	if err != nil {
		return 0, err
	}
	found, count, err := srv.SearchRoles(s.ctx, strings.Join(v.Args, " "), v.Str("platforms"), v.Str("galaxy_tags"), v.Str("author"))
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		s.Display.Print("No roles match your search.", "warn")
		return 0, nil
	}
	var b strings.Builder
	if count > 1000 {
		fmt.Fprintf(&b, "\nFound %d roles matching your search. Showing first 1000.\n", count)
	} else {
		fmt.Fprintf(&b, "\nFound %d roles matching your search:\n", count)
	}
	width := 0
	for _, r := range found {
		width = max(width, len([]rune(r[0])))
	}
	fmt.Fprintf(&b, "\n %-*s %s\n", width, "Name", "Description")
	fmt.Fprintf(&b, " %-*s %s\n", width, "----", "-----------")
	for _, r := range found {
		fmt.Fprintf(&b, " %-*s %s\n", width, r[0], r[1])
	}
	s.Display.Print(strings.TrimSuffix(b.String(), "\n"), "")
	return 0, nil
}

func importRole(s *session) (int, error) {
	srv, err := s.server()
	if err != nil {
		return 0, err
	}
	v := s.Values
	return 0, s.opt.ImportRole(s.ctx, srv, v.Args[0], v.Args[1], v.Str("reference"), v.Str("role_name"), v.Bool("check_status"), !v.Bool("no_wait"))
}

func deleteRole(s *session) (int, error) {
	srv, err := s.server()
	if err != nil {
		return 0, err
	}
	return 0, s.opt.DeleteRole(s.ctx, srv, s.Values.Args[0], s.Values.Args[1])
}

func setupRole(s *session) (int, error) {
	srv, err := s.server()
	if err != nil {
		return 0, err
	}
	v := s.Values
	switch {
	case v.Bool("setup_list"):
		return 0, s.opt.ListSecrets(s.ctx, srv)
	case v.Has("remove_id"):
		return 0, s.opt.RemoveSecret(s.ctx, srv, v.Str("remove_id"))
	case len(v.Args) < 4:
		return 0, options("- missing one or more arguments. Expecting: source github_user github_repo secret")
	}
	return 0, s.opt.AddSecret(s.ctx, srv, v.Args[0], v.Args[1], v.Args[2], v.Args[3])
}
