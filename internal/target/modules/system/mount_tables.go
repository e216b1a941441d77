package system

import (
	"regexp"
	"strconv"
	"strings"
)

// The forms of mount_facts' tables: of Solaris, Linux and AIX, and what mount prints.

// vfstab has seven columns.
func vfstab(lines []string) ([]tableEntry, error) {
	var out []tableEntry
	for _, l := range lines {
		if t := strings.TrimSpace(l); t == "" || t[0] == '#' {
			continue
		}
		f := strings.Fields(l)
		if len(f) < 7 {
			return nil, errForm
		}
		var pass any = f[4]
		if n, err := strconv.ParseInt(f[4], 10, 64); err == nil {
			pass = n
		}
		out = append(out, tableEntry{point: f[2], line: l, fields: map[string]any{
			"device": f[0], "device_to_fsck": f[1], "mount": f[2], "fstype": f[3], "passno": pass, "mount_at_boot": f[5], "options": f[6],
		}})
	}
	return out, nil
}

// mnttab has the time of the mount in its fifth column, with ten digits in one line at least.
func mnttab(lines []string) ([]tableEntry, error) {
	var out []tableEntry
	stamped := false
	for _, l := range lines {
		f := strings.Fields(l)
		if len(f) < 5 {
			return nil, errForm
		}
		n, err := strconv.ParseInt(f[4], 10, 64)
		if err != nil {
			return nil, errForm
		}
		stamped = stamped || len(f[4]) == 10
		out = append(out, tableEntry{point: f[1], line: l, fields: map[string]any{"device": f[0], "mount": f[1], "fstype": f[2], "options": f[3], "time": n}})
	}
	if !stamped {
		return nil, errForm
	}
	return out, nil
}

var octalEscape = regexp.MustCompile(`\\[0-7]{3}`)

// unescapeOctal replaces \040 and the like.
func unescapeOctal(s string) string {
	return octalEscape.ReplaceAllStringFunc(s, func(e string) string {
		n, err := strconv.ParseUint(e[1:], 8, 16)
		if err != nil {
			return e
		}
		return string(rune(n))
	})
}

// fstab has four to six columns.
func fstab(lines []string) ([]tableEntry, error) {
	var out []tableEntry
	for _, l := range lines {
		if l = strings.TrimSpace(l); l == "" || l[0] == '#' {
			continue
		}
		f := strings.Fields(l)
		if len(f) < 4 {
			return nil, errForm
		}
		for i := range f {
			f[i] = unescapeOctal(f[i])
		}
		fields := map[string]any{"device": f[0], "mount": f[1], "fstype": f[2], "options": f[3]}
		for i, name := range []string{"dump", "passno"} {
			if len(f) <= 4+i {
				break
			}
			n, err := strconv.ParseInt(f[4+i], 10, 64)
			if err != nil {
				return nil, errForm
			}
			fields[name] = n
		}
		out = append(out, tableEntry{point: f[1], line: l, fields: fields})
	}
	return out, nil
}

// aixFilesystems has a stanza for each mount. Linux has a file of the same name with nothing in it that this form knows.
func aixFilesystems(lines []string) ([]tableEntry, error) {
	var stanzas [][]string
	for _, l := range lines {
		switch {
		case strings.HasPrefix(l, "*") || strings.TrimSpace(l) == "":
		case strings.HasSuffix(strings.TrimSpace(l), ":"):
			stanzas = append(stanzas, []string{l})
		case !strings.Contains(l, "="):
			return nil, nil
		case len(stanzas) == 0:
			return nil, errForm
		default:
			stanzas[len(stanzas)-1] = append(stanzas[len(stanzas)-1], l)
		}
	}
	var out []tableEntry
	for _, s := range stanzas {
		attributes := map[string]any{}
		get := func(name string) string { text, _ := attributes[name].(string); return text }
		for _, l := range s[1:] {
			k, v, _ := strings.Cut(l, "=")
			attributes[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
		device := get("nodename")
		if dev := get("dev"); dev != "" {
			if device != "" {
				device += ":"
			}
			device += dev
		}
		point := s[0][:len(s[0])-1]
		fields := map[string]any{"mount": point, "device": device, "fstype": get("vfs"), "attributes": attributes}
		for _, k := range []string{"device", "fstype"} {
			if fields[k] == "" {
				fields[k] = "unknown"
			}
		}
		out = append(out, tableEntry{point: point, line: strings.Join(s, "\n"), fields: fields})
	}
	return out, nil
}

// What mount prints on Linux, OpenBSD and NetBSD; on FreeBSD and macOS; on AIX, below two lines of headings.
var (
	linuxMount = regexp.MustCompile(`^(?P<device>\S+) on (?P<mount>\S+) type (?P<fstype>\S+) \((?P<options>.+)\)$`)
	bsdMount   = regexp.MustCompile(`^(?P<device>\S+) on (?P<mount>\S+) \((?P<fstype>.+)\)$`)
	aixMount   = regexp.MustCompile(`^(?P<node>\S*)\s+(?P<device>\S+)\s+(?P<mount>\S+)\s+(?P<fstype>\S+)\s+(?P<time>\S+\s+\d+\s+\d+:\d+)\s+(?P<options>.*)$`)
)

// printedMounts reads what mount prints.
func printedMounts(text string) []tableEntry {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	all := func(re *regexp.Regexp, lines []string, except string) bool {
		for _, l := range lines {
			if !re.MatchString(l) && (except == "" || !strings.HasPrefix(l, except)) {
				return false
			}
		}
		return true
	}
	var form *regexp.Regexp
	switch {
	case text == "":
		return nil
	case all(linuxMount, lines, ""):
		form = linuxMount
	case all(bsdMount, lines, "map "):
		form = bsdMount
	case len(lines) > 2 && all(aixMount, lines[2:], ""):
		form = aixMount
	default:
		return nil
	}
	var out []tableEntry
	for _, l := range lines {
		m := form.FindStringSubmatch(l)
		if m == nil {
			continue
		}
		fields := map[string]any{}
		for i, name := range form.SubexpNames() {
			if name != "" {
				fields[name] = m[i]
			}
		}
		switch form {
		case bsdMount:
			kind, options, more := strings.Cut(m[form.SubexpIndex("fstype")], ",")
			fields["fstype"] = strings.TrimRight(kind, " \t")
			if more {
				fields["options"] = strings.TrimLeft(options, " \t")
			}
		case aixMount:
			if node := fields["node"]; node != "" {
				fields["device"] = node.(string) + ":" + fields["device"].(string)
			}
			delete(fields, "node")
		}
		out = append(out, tableEntry{source: "mount", point: m[form.SubexpIndex("mount")], line: l, fields: fields})
	}
	return out
}
