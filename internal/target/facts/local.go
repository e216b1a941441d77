package facts

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// local reads the *.fact files: programs are run, others read; both hold JSON or INI.
func local(h *host) {
	out := map[string]any{}
	files, _ := filepath.Glob(filepath.Join(h.FactPath, "*.fact"))
	if h.FactPath == "" {
		files = nil
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil {
			why := fmt.Sprintf("Could not stat fact (%s): %s", f, hostos.Errno(err))
			h.warn(why)
			out[strings.TrimSuffix(filepath.Base(f), ".fact")] = why
			continue
		}
		key := strings.TrimSuffix(filepath.Base(f), ".fact")
		var text string
		if info.Mode()&0o100 != 0 && info.Mode().IsRegular() {
			res, err := hostos.Run(h.ctx, hostos.Cmd{Args: []string{f}, Locale: false})
			why := ""
			switch {
			case err != nil:
				why = fmt.Sprintf("Could not execute fact script (%s): %s", f, hostos.Errno(err))
			case res.RC != 0:
				why = fmt.Sprintf("Failure executing fact script (%s), rc: %d, err: %s", f, res.RC, res.Stderr)
			}
			if why != "" {
				h.warn(why)
				out[key] = why
				continue
			}
			text = res.Stdout
		} else {
			b, err := os.ReadFile(f)
			if err != nil {
				continue
			}
			text = string(b)
		}
		v, ok := parseFact(text)
		if ok && badPercent(v) {
			why := "error loading facts as ini - please check content: " + f
			h.warn(why)
			out[key] = why
			continue
		}
		if !ok {
			why := "error loading facts as JSON or ini - please check content: " + f
			if !utf8.ValidString(text) {
				why = "error loading fact - output of running \"" + f + "\" was not utf-8"
			}
			h.warn(why)
			v = why
		}
		if ini, ok := v.(iniFile); ok {
			v = map[string]any(ini)
		}
		out[key] = v
	}
	h.set("local", out)
}

// badPercent says whether an INI value has a % that Python's configparser does not accept.
func badPercent(v any) bool {
	sections, _ := v.(iniFile)
	for _, s := range sections {
		values, _ := s.(map[string]any)
		for _, x := range values {
			text := strings.ReplaceAll(fmt.Sprint(x), "%%", "")
			for i := strings.IndexByte(text, '%'); i >= 0; i = strings.IndexByte(text, '%') {
				if !strings.HasPrefix(text[i:], "%(") {
					return true
				}
				text = text[i+1:]
			}
		}
	}
	return false
}

// iniFile are the sections of an INI file.
type iniFile map[string]any

func parseFact(text string) (any, bool) {
	if v, err := module.DecodeJSON([]byte(text)); err == nil && v != nil {
		return v, true
	}
	// INI: sections, keys in lower case, values as text, continuation lines by indent.
	out := map[string]any{}
	var section map[string]any
	last := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
		case trimmed[0] == '[' && strings.HasSuffix(trimmed, "]"):
			section = map[string]any{}
			out[trimmed[1:len(trimmed)-1]] = section
			last = ""
		case section == nil:
			return nil, false
		case (line[0] == ' ' || line[0] == '\t') && last != "":
			section[last] = fmt.Sprint(section[last]) + "\n" + trimmed
		default:
			i := strings.IndexAny(trimmed, "=:")
			if i < 0 {
				return nil, false
			}
			last = strings.ToLower(strings.TrimSpace(trimmed[:i]))
			section[last] = strings.TrimSpace(trimmed[i+1:])
		}
	}
	return iniFile(out), len(out) > 0
}

// number is text as a number where it is one.
func number(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n
	}
	return s
}
