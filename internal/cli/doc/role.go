package doc

import (
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/plugindoc"
	"github.com/troupe-automation/troupe/value"
)

// roleData is a role's specification as data; entry limits it to one entry point.
func roleData(r plugindoc.RoleDoc, entry string) *value.Dict {
	points := value.NewDict()
	for k, v := range r.Entries.All() {
		n, _ := value.AsString(k)
		if entry == "" || n == entry {
			points.SetStr(n, v)
		}
	}
	out := value.DictOf("path", value.Str(r.Dir), "entry_points", points)
	if r.Collection == "" {
		out.SetStr("collection", value.None)
	} else {
		out.SetStr("collection", value.Str(r.Collection))
	}
	return out
}

// showRoles describes the roles that the arguments name.
func (s *session) showRoles() error {
	lenient := s.Values.Bool("no_fail_on_errors")
	entry := s.Values.Str("entry_point")
	doc := value.NewDict()
	var b strings.Builder
	for _, name := range s.Values.Args {
		r, ok := s.lib.Role(name, s.roles)
		if !ok {
			continue
		}
		if r.Err != nil {
			if !lenient {
				return r.Err
			}
			doc.SetStr(name, value.DictOf("error", value.Str("Error while processing role: "+r.Err.Error())))
			continue
		}
		if _, has := r.Entries.GetStr(entry); r.Entries.Len() == 0 || entry != "" && !has {
			continue
		}
		doc.SetStr(name, roleData(r, entry))
		text, err := s.r.role(r, entry)
		if err != nil {
			return fail(fmt.Sprintf("Unable to retrieve documentation from '%s'. %s", name, err))
		}
		b.WriteString(text)
	}
	if s.Values.Bool("json_format") {
		return s.json(doc)
	}
	if b.Len() > 0 {
		s.Display.Print(strings.TrimSuffix(b.String(), "\n"), "")
	}
	return nil
}

// listRoles lists roles with their entry points.
func (s *session) listRoles() error {
	roles := s.lib.Roles(s.roles, s.Values.Args)
	doc := value.NewDict()
	width := 0
	for _, r := range roles {
		if r.Err != nil {
			if !s.Values.Bool("no_fail_on_errors") {
				return r.Err
			}
			continue
		}
		points := value.NewDict()
		for k, v := range r.Entries.All() {
			n, _ := value.AsString(k)
			text := value.Value(value.Str("UNDOCUMENTED"))
			if d, ok := v.(*value.Dict); ok {
				if short, ok := d.GetStr("short_description"); ok {
					text = short
				}
			}
			points.SetStr(n, text)
			width = max(width, len(n))
		}
		doc.SetStr(r.Name, value.DictOf("collection", value.Str(r.Collection), "description", value.Str("UNDOCUMENTED"), "entry_points", points))
	}
	if s.Values.Bool("json_format") {
		return s.json(doc)
	}
	limit := s.r.columns - width - 5
	var b strings.Builder
	for _, r := range roles {
		if r.Err != nil {
			continue
		}
		if r.Entries.Len() == 0 {
			b.WriteString(r.Name + "\n")
			continue
		}
		b.WriteString(r.Name + ":\n  specs:\n")
		one, _ := doc.GetStr(r.Name)
		points, _ := one.(*value.Dict).GetStr("entry_points")
		for k, v := range points.(*value.Dict).All() {
			n, _ := value.AsString(k)
			text, _ := value.ToStr(v)
			if rs := []rune(text); len(rs) > limit {
				text = string(rs[:limit]) + "..."
			}
			fmt.Fprintf(&b, "    %-*s: %s\n", width, n, text)
		}
	}
	if b.Len() > 0 {
		s.Display.Print(strings.TrimSuffix(b.String(), "\n"), "")
	}
	return nil
}
