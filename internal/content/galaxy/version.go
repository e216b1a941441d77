package galaxy

import (
	"regexp"
	"strconv"
	"strings"
)

// Version is a semantic version as collections have it.
type Version struct {
	Major, Minor, Patch int
	Pre                 []string // "beta.1" is two
	text                string
}

var semver = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$`)

// ParseVersion reads a semantic version; ok is false for everything else.
func ParseVersion(text string) (v Version, ok bool) {
	m := semver.FindStringSubmatch(text)
	if m == nil {
		return v, false
	}
	v.text = text
	v.Major, _ = strconv.Atoi(m[1])
	v.Minor, _ = strconv.Atoi(m[2])
	v.Patch, _ = strconv.Atoi(m[3])
	if m[4] != "" {
		v.Pre = strings.Split(m[4], ".")
	}
	return v, true
}

// Compare orders versions by the rules of semver.org, section 11.
func (v Version) Compare(o Version) int {
	for _, pair := range [][2]int{{v.Major, o.Major}, {v.Minor, o.Minor}, {v.Patch, o.Patch}} {
		if pair[0] != pair[1] {
			return sign(pair[0] - pair[1])
		}
	}
	switch {
	case len(v.Pre) == 0 && len(o.Pre) == 0:
		return 0
	case len(v.Pre) == 0:
		return 1
	case len(o.Pre) == 0:
		return -1
	}
	for i := range min(len(v.Pre), len(o.Pre)) {
		a, aErr := strconv.Atoi(v.Pre[i])
		b, bErr := strconv.Atoi(o.Pre[i])
		c := 0
		switch {
		case aErr == nil && bErr == nil:
			c = sign(a - b)
		case aErr == nil:
			c = -1
		case bErr == nil:
			c = 1
		default:
			c = strings.Compare(v.Pre[i], o.Pre[i])
		}
		if c != 0 {
			return c
		}
	}
	return sign(len(v.Pre) - len(o.Pre))
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

// Range is what a requirement says about versions: "*", "1.2.3", ">=1.0.0,<2.0.0,!=1.5.0".
type Range string

// pinned is the one version that a range allows, "" when it allows more.
func (r Range) pinned() string {
	text := strings.TrimSpace(string(r))
	if strings.ContainsAny(text, ",<>!*") {
		return ""
	}
	return strings.TrimSpace(strings.TrimLeft(text, "="))
}

// Allows reports whether a version satisfies the range. Versions that are not semantic ones are allowed by their own
// text only; problem names the part of the range that cannot be read.
func (r Range) Allows(version string) (ok bool, problem string) {
	v, semantic := ParseVersion(version)
	for part := range strings.SplitSeq(string(r), ",") {
		part = strings.TrimSpace(part)
		if part == "*" || part == "" || part == version {
			continue
		}
		op := part[:len(part)-len(strings.TrimLeft(part, "<>=!"))]
		want := strings.TrimSpace(part[len(op):])
		if want == "*" {
			if op == "!=" || op == "<" || op == ">" {
				return false, ""
			}
			continue
		}
		w, known := looseVersion(want)
		if !known {
			return false, want
		}
		if !semantic {
			return false, ""
		}
		c := v.Compare(w)
		switch op {
		case "", "=", "==":
			ok = c == 0
		case "!=":
			ok = c != 0
		case ">":
			ok = c > 0
		case ">=":
			ok = c >= 0
		case "<":
			ok = c < 0
		case "<=":
			ok = c <= 0
		default:
			return false, part
		}
		if !ok {
			return false, ""
		}
	}
	return true, ""
}

// looseVersion reads the versions in ranges, where the later parts may be left out: ">=2.5".
func looseVersion(text string) (Version, bool) {
	if v, ok := ParseVersion(text); ok {
		return v, true
	}
	parts := strings.Split(text, ".")
	if len(parts) > 3 {
		return Version{}, false
	}
	var n [3]int
	for i, p := range parts {
		var err error
		if n[i], err = strconv.Atoi(p); err != nil {
			return Version{}, false
		}
	}
	return Version{Major: n[0], Minor: n[1], Patch: n[2], text: text}, true
}
