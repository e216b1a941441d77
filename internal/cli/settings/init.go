package settings

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/lang/yamlout"
	"github.com/troupe-automation/troupe/value"
)

// everything are the settings that the run is about: those of the program and those of plugins.
func (d *dumper) everything() []config.Setting {
	var out []config.Setting
	if d.kind == "base" || d.kind == "all" {
		out = slices.DeleteFunc(slices.Clone(config.Settings()), internal)
	}
	for _, k := range d.kinds() {
		for _, p := range d.plugins(k) {
			out = append(out, settingsOf(k, p)...)
		}
	}
	return out
}

// kindOf is the type of a setting in comments.
func kindOf(s *config.Setting) string {
	if s.Type == "" {
		return "string"
	}
	return s.Type
}

// def is a setting's default with paths made out; that of the home directory stays as it is written.
func (d *dumper) def(s *config.Setting) value.Value {
	if s.Name == "ANSIBLE_HOME" {
		return config.Default(s)
	}
	return d.c.Fallback(s)
}

// init writes a configuration with everything at its default. Each key, variable and environment variable occurs once.
func (d *dumper) init(format string, commented bool) (string, error) {
	mark := map[string]string{"": ";", "ini": ";", "env": "#", "vars": "#"}[format]
	if !commented {
		mark = ""
	}
	seen := map[string]bool{}
	var b strings.Builder
	sections := map[string]*strings.Builder{}
	var order []string
	for _, s := range d.everything() {
		def := d.def(&s)
		switch format {
		case "env":
			if len(s.Env) == 0 {
				continue
			}
			name := s.Env[len(s.Env)-1]
			if seen[name] {
				continue
			}
			seen[name] = true
			t, err := shell(def)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "# %s(%s)\n%s%s=%s\n\n", s.Name, kindOf(&s), mark, name, t)
		case "vars":
			if len(s.Vars) == 0 {
				continue
			}
			name := s.Vars[len(s.Vars)-1]
			if seen[name] {
				continue
			}
			seen[name] = true
			t, err := yamlout.Dump(value.NewList(def), yamlout.Options{FlowStyle: yamlout.Always, Width: -1})
			if err != nil {
				return "", err
			}
			t = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(t, "\n"), "["), "]")
			fmt.Fprintf(&b, "# %s(%s)\n%s%s: %s\n\n", s.Name, kindOf(&s), mark, name, t)
		default:
			if len(s.Ini) == 0 {
				continue
			}
			k := s.Ini[len(s.Ini)-1]
			id := k.Section + "\x00" + strings.ToLower(k.Key)
			if seen[id] {
				continue
			}
			seen[id] = true
			part := sections[k.Section]
			if part == nil {
				part = &strings.Builder{}
				sections[k.Section] = part
				order = append(order, k.Section)
			}
			t, err := written(&s, def)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(part, "# (%s) %s\n%s%s=%s\n\n", kindOf(&s), s.Name, mark, k.Key, t)
		}
	}
	for _, name := range order {
		b.WriteString("[" + name + "]\n" + sections[name].String() + "\n")
	}
	return b.String(), nil
}

// written is a value as ansible.cfg has it.
func written(s *config.Setting, v value.Value) (string, error) {
	switch t := v.(type) {
	case value.NoneType:
		return "", nil
	case *value.Tuple:
		return written(s, value.NewList(t.Elems...))
	case *value.List:
		sep := ", "
		if s.Type == "pathspec" {
			sep = ":"
		}
		var out []string
		for _, e := range t.Elems {
			one, err := value.ToStr(e)
			if err != nil {
				return "", err
			}
			out = append(out, one)
		}
		return strings.Join(out, sep), nil
	}
	text, err := value.ToStr(v)
	return strings.ReplaceAll(text, "\n", "\\n"), err
}

// shell is a value as a shell takes it.
func shell(v value.Value) (string, error) {
	switch t := v.(type) {
	case value.NoneType:
		return "", nil
	case value.Bool:
		if t {
			return "1", nil
		}
		return "0", nil
	}
	text, err := written(&config.Setting{}, v)
	if err != nil {
		return "", err
	}
	safe := text != "" && strings.IndexFunc(text, func(r rune) bool {
		return !strings.ContainsRune("@%+=:,./-_", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0
	if safe {
		return text, nil
	}
	return "'" + strings.ReplaceAll(text, "'", `'"'"'`) + "'", nil
}

// validate looks for keys of ansible.cfg, or for environment variables, that are no settings.
func (d *dumper) validate(format string) []string {
	var out []string
	all := d.everything()
	for _, s := range config.Settings() {
		if s.Own {
			all = append(all, s)
		}
	}
	if format == "env" {
		known := map[string]bool{}
		for _, s := range all {
			for _, e := range s.Env {
				known[e] = true
			}
		}
		for _, pair := range os.Environ() {
			name, _, _ := strings.Cut(pair, "=")
			switch {
			case !strings.HasPrefix(name, "ANSIBLE_") || known[name] || slices.Contains([]string{"ANSIBLE_CONFIG", "ANSIBLE_DEVEL_WARNING"}, name):
			case strings.HasPrefix(name, "ANSIBLE_GALAXY_SERVER_"), strings.HasPrefix(name, "ANSIBLE_TEST_"):
			default:
				out = append(out, "Found unknown environment variable '"+name+"'.")
			}
		}
		slices.Sort(out)
		return out
	}
	known := map[string]map[string]bool{}
	for _, s := range all {
		for _, k := range s.Ini {
			if known[k.Section] == nil {
				known[k.Section] = map[string]bool{}
			}
			known[k.Section][strings.ToLower(k.Key)] = true
		}
	}
	for _, section := range d.c.Sections() {
		keys := known[section.Name]
		if strings.HasPrefix(section.Name, "galaxy_server.") {
			keys = map[string]bool{}
			for _, k := range galaxyKeys {
				keys[k] = true
			}
		}
		if keys == nil {
			out = append(out, fmt.Sprintf("Found unknown section '%s' in '%s.", section.Name, d.c.File))
			continue
		}
		for _, k := range section.Keys {
			if !keys[k] {
				out = append(out, fmt.Sprintf("Found unknown key '%s' in section '%s' in '%s.", k, section.Name, d.c.File))
			}
		}
	}
	return out
}
