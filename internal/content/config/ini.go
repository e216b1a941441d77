package config

import (
	"fmt"
	"strings"
)

// iniFile is ansible.cfg: section → key → value as written. A nil *iniFile has nothing.
type iniFile struct {
	sections map[string]map[string]string
	order    []string
}

func (f *iniFile) get(section, key string) (string, bool) {
	if f == nil {
		return "", false
	}
	if v, ok := f.sections[section][strings.ToLower(key)]; ok {
		return v, true
	}
	v, ok := f.sections["DEFAULT"][strings.ToLower(key)]
	return v, ok && f.sections[section] != nil
}

// parseIni reads an INI file by the rules of Python's configparser as Ansible sets it up: "#" and ";" start comment lines,
// " ;" starts a comment behind a value, deeper lines continue a value, sections and keys may occur once.
func parseIni(text, file string) (*iniFile, error) {
	f := &iniFile{sections: map[string]map[string]string{}}
	var (
		section, key string
		indent       int
		blanks       int
	)
	text = strings.TrimPrefix(text, "\ufeff")
	for i, raw := range strings.Split(text, "\n") {
		raw = strings.TrimSuffix(raw, "\r")
		line := stripComment(raw)
		trimmed := strings.TrimSpace(line)
		if trimmed == "" {
			if strings.TrimSpace(raw) == "" {
				blanks++
			}
			continue
		}
		depth := len(line) - len(strings.TrimLeft(line, " \t"))
		if section != "" && key != "" && depth > indent {
			f.sections[section][key] += strings.Repeat("\n", blanks+1) + trimmed
			blanks = 0
			continue
		}
		blanks = 0
		indent = depth
		if trimmed[0] == '[' {
			end := strings.LastIndexByte(trimmed, ']')
			if end > 1 {
				section, key = trimmed[1:end], ""
				if _, ok := f.sections[section]; ok && section != "DEFAULT" {
					return nil, badFile(file, fmt.Sprintf("While reading from '<string>' [line %2d]: section '%s' already exists", i+1, section), i+1)
				}
				f.sections[section] = map[string]string{}
				f.order = append(f.order, section)
				continue
			}
		}
		if section == "" {
			return nil, badFile(file, fmt.Sprintf("File contains no section headers.\nfile: '<string>', line: %d\n'%s\\n'", i+1, raw), i+1)
		}
		at := strings.IndexAny(trimmed, "=:")
		if at <= 0 {
			return nil, badFile(file, fmt.Sprintf("Source contains parsing errors: '<string>'\n\t[line %2d]: '%s\\n'", i+1, raw), i+1)
		}
		key = strings.ToLower(strings.TrimSpace(trimmed[:at]))
		if _, ok := f.sections[section][key]; ok {
			return nil, badFile(file, fmt.Sprintf("While reading from '<string>' [line %2d]: option '%s' in section '%s' already exists", i+1, key, section), i+1)
		}
		f.sections[section][key] = strings.TrimSpace(trimmed[at+1:])
	}
	return f, nil
}

// stripComment removes a comment: a whole line that starts with "#" or ";", or what follows a ";" after a blank.
func stripComment(line string) string {
	if t := strings.TrimSpace(line); t != "" && (t[0] == '#' || t[0] == ';') {
		return ""
	}
	for i := 1; i < len(line); i++ {
		if line[i] == ';' && (line[i-1] == ' ' || line[i-1] == '\t') {
			return line[:i]
		}
	}
	return line
}
