package lookup

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/pyre"
	"github.com/troupe-automation/troupe/value"
)

// iniText is a parsed INI file by the rules of Python's configparser.
type iniText struct {
	sections map[string]*iniSection
	defaults *iniSection
	fold     bool // keys are compared in lower case
}

type iniSection struct {
	keys   []string
	values map[string]*string // nil: a key without a value
}

func newSection() *iniSection { return &iniSection{values: map[string]*string{}} }

func (s *iniSection) set(key string, v *string) {
	if _, ok := s.values[key]; !ok {
		s.keys = append(s.keys, key)
	}
	s.values[key] = v
}

func parseIniText(text, name string, fold, bare bool) (*iniText, error) {
	f := &iniText{sections: map[string]*iniSection{}, defaults: newSection(), fold: fold}
	var (
		section *iniSection
		title   string
		key     string
		lines   []string
		deep    int
	)
	flush := func() {
		if section != nil && key != "" && lines != nil {
			v := strings.TrimRight(strings.Join(lines, "\n"), " \t\n")
			section.set(key, &v)
		}
		lines = nil
	}
	for i, raw := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		raw = strings.TrimRight(raw, "\r")
		trimmed := strings.TrimSpace(raw)
		if trimmed == "" {
			if lines != nil {
				lines = append(lines, "")
			}
			continue
		}
		if trimmed[0] == '#' || trimmed[0] == ';' {
			continue
		}
		depth := len(raw) - len(strings.TrimLeft(raw, " \t"))
		if section != nil && key != "" && lines != nil && depth > deep {
			lines = append(lines, trimmed)
			continue
		}
		flush()
		deep = depth
		if end := strings.LastIndexByte(trimmed, ']'); trimmed[0] == '[' && end > 1 {
			title, key = trimmed[1:end], ""
			switch {
			case title == "DEFAULT":
				section = f.defaults
			case f.sections[title] != nil:
				return nil, value.Errorf("configparser.DuplicateSectionError", "While reading from '<???>' [line %2d]: section '%s' already exists", i+1, title)
			default:
				section = newSection()
				f.sections[title] = section
			}
			continue
		}
		if section == nil {
			return nil, value.Errorf("configparser.MissingSectionHeaderError", "File contains no section headers.\nfile: '<???>', line: %d\n'%s\\n'", i+1, raw)
		}
		at := strings.IndexAny(trimmed, "=:")
		if at < 0 && bare {
			key = f.name(trimmed)
			section.set(key, nil)
			key = ""
			continue
		}
		if at <= 0 {
			return nil, value.Errorf("configparser.ParsingError", "Source contains parsing errors: '<???>'\n\t[line %2d]: '%s\\n'", i+1, raw)
		}
		key = f.name(strings.TrimSpace(trimmed[:at]))
		if _, twice := section.values[key]; twice {
			return nil, value.Errorf("configparser.DuplicateOptionError", "While reading from '<???>' [line %2d]: option '%s' in section '%s' already exists", i+1, key, title)
		}
		lines = []string{strings.TrimSpace(trimmed[at+1:])}
	}
	flush()
	return f, nil
}

func (f *iniText) name(key string) string {
	if f.fold {
		return strings.ToLower(key)
	}
	return key
}

func (f *iniText) raw(section, key string) (*string, bool) {
	if v, ok := f.sections[section].values[key]; ok {
		return v, true
	}
	v, ok := f.defaults.values[key]
	return v, ok
}

var interpolated = regexp.MustCompile(`%%|%\(([^)]+)\)s|%`)

// maxInterpolation is configparser's own limit.
const maxInterpolation = 10

// interpolate resolves %(name)s and %%.
func (f *iniText) interpolate(section, key, text string, depth int) (string, error) {
	if depth > maxInterpolation {
		return "", fmt.Errorf("Recursion limit exceeded in value substitution: option '%s' in section '%s' contains an interpolation key which cannot be substituted in %d steps. Raw value: '%s'", key, section, maxInterpolation, text)
	}
	var failed error
	out := interpolated.ReplaceAllStringFunc(text, func(m string) string {
		switch {
		case m == "%%":
			return "%"
		case m == "%":
			failed = fmt.Errorf("'%%' must be followed by '%%' or '(', found: '%s'", text[strings.Index(text, "%"):])
			return m
		}
		name := f.name(m[2 : len(m)-2])
		v, ok := f.raw(section, name)
		if !ok || v == nil {
			failed = fmt.Errorf("Bad value substitution: option '%s' in section '%s' contains an interpolation key '%s' which is not a valid option name. Raw value: '%s'", key, section, name, text)
			return m
		}
		s, err := f.interpolate(section, key, *v, depth+1)
		if err != nil {
			failed = err
		}
		return s
	})
	return out, failed
}

// ini gives values of keys of INI and properties files.
func ini(c *Call) ([]value.Value, error) {
	const missing = "Search key is required but was not found"
	var out []value.Value
	for _, t := range c.Terms {
		term, err := text(t)
		if err != nil {
			return nil, err
		}
		key, options := term, map[string]value.Value(nil)
		if strings.Contains(term, "=") {
			if key, options, err = c.inline(term, missing); err != nil {
				if strings.HasSuffix(err.Error(), " is not a valid option") {
					err = lookupErrorf("%s.", err)
				}
				if err.Error() == missing {
					err = lookupErrorf("No key to lookup was provided as first term with in string inline options: %s", term)
				}
				return nil, err
			}
		}
		found, err := c.iniValues(key, options)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

func (c *Call) iniValues(key string, options map[string]value.Value) ([]value.Value, error) {
	var failed error
	str := func(name string) string {
		s, err := c.textOption(name, options)
		if err != nil && failed == nil {
			failed = err
		}
		return s
	}
	yes := func(name string) bool {
		b, err := c.boolOption(name, options)
		if err != nil && failed == nil {
			failed = err
		}
		return b
	}
	file, section, kind := str("file"), str("section"), str("type")
	byPattern, exact, bare, interpolation := yes("re"), yes("case_sensitive"), yes("allow_no_value"), yes("interpolation")
	if v, ok := c.given("allow_none"); ok {
		bare = bare || v == value.True
	}
	fallback, err := c.option("default", options)
	if err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, failed
	}
	path := c.find("files", file)
	if path == "" {
		return nil, value.Errorf("AnsibleParserError", "Invalid filename: 'None'")
	}
	data, err := c.read(path)
	if err != nil {
		return nil, errorf("%s", pyOSError(err, path))
	}
	content, err := c.decoded(data, options)
	if err != nil {
		return nil, err
	}
	if kind == "properties" {
		section, content = "java_properties", "[java_properties]\n"+content
	}
	f, err := parseIniText(content, path, !exact, bare)
	if err != nil {
		if value.ErrorClass(err) == "configparser.DuplicateOptionError" {
			return nil, lookupErrorf("Duplicate option in '%s': %s", file, err)
		}
		return nil, err
	}
	if f.sections[section] == nil {
		return nil, lookupErrorf("No section '%s' in %s", section, file)
	}
	one := func(name string) (value.Value, error) {
		v, ok := f.raw(section, name)
		if !ok {
			return nil, nil
		}
		if v == nil {
			return value.None, nil
		}
		if !interpolation {
			return value.Str(*v), nil
		}
		s, err := f.interpolate(section, name, *v, 0)
		if err != nil {
			return nil, lookupErrorf("%s", err)
		}
		return value.Str(s), nil
	}
	if !byPattern {
		v, err := one(f.name(key))
		if err != nil {
			return nil, err
		}
		if v == nil {
			v = fallback
		}
		if v == value.None {
			return nil, nil
		}
		return flatten([]value.Value{v}), nil
	}
	re, err := pyre.Compile(key, 0)
	if err != nil {
		return nil, errorf("%s", err)
	}
	var out []value.Value
	keys := append([]string(nil), f.sections[section].keys...)
	for _, k := range f.defaults.keys {
		if _, own := f.sections[section].values[k]; !own {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		m, err := re.MatchStart(k)
		if err != nil {
			return nil, errorf("%s", err)
		}
		if m == nil {
			continue
		}
		v, err := one(k)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}
