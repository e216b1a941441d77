package filters

import (
	"math/big"
	"regexp"
	"strings"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var versions = family{tests: []jinja.Filter{
	{Name: "version", Signature: "version_compare(value, version, operator='eq', strict=None, version_type=None)", Run: versionTest},
	{Name: "version_compare", Signature: "version_compare(value, version, operator='eq', strict=None, version_type=None)", Run: versionTest},
}}

var versionOps = map[string]string{
	"==": "==", "=": "==", "eq": "==", "<": "<", "lt": "<", "<=": "<=", "le": "<=", ">": ">", "gt": ">", ">=": ">=", "ge": ">=",
	"!=": "!=", "<>": "!=", "ne": "!=",
}

func versionTest(c *jinja.Call) (value.Value, error) {
	for _, a := range c.Args[:2] {
		if err := undefinedArg(a); err != nil {
			return nil, err
		}
	}
	opText, err := value.ToStr(c.Args[2])
	if err != nil {
		return nil, err
	}
	strict, kindArg := c.Args[3], c.Args[4]
	kind := "loose"
	if kindArg != value.None {
		kind = textOf(kindArg)
	}
	if strict != value.None && kindArg != value.None {
		return nil, filterError("Cannot specify both 'strict' and 'version_type'")
	}
	for i, a := range c.Args[:2] {
		t, err := truth(a)
		if err != nil {
			return nil, err
		}
		if !t {
			what := "Input"
			if i == 1 {
				what = "Version parameter to compare against"
				return nil, filterError("%s cannot be empty", what)
			}
			return nil, filterError("%s version value cannot be empty", what)
		}
	}
	if kindArg == value.None && strict != value.None {
		if t, err := truth(strict); err != nil {
			return nil, err
		} else if t {
			kind = "strict"
		}
	}
	parse, ok := versionParsers[kind]
	if !ok {
		return nil, filterError("Invalid version type (%s). Must be one of 'loose', 'strict', 'semver', 'semantic', 'pep440'", kind)
	}
	op, ok := versionOps[opText]
	if !ok {
		return nil, filterError("Invalid operator type (%s). Must be one of '==', '=', 'eq', '<', 'lt', '<=', 'le', '>', 'gt', '>=', 'ge', '!=', '<>', 'ne'", opText)
	}
	failed := func(err error) error { return filterError("Version comparison failed: %s", err.Error()) }
	var vs [2]value.Value
	for i, a := range c.Args[:2] {
		s, err := toText(a)
		if err != nil {
			return nil, err
		}
		if vs[i], err = parse(s); err != nil {
			return nil, failed(err)
		}
	}
	switch op {
	case "==", "!=":
		eq, err := value.Equal(vs[0], vs[1])
		if err != nil {
			return nil, failed(err)
		}
		return value.Bool(eq == (op == "==")), nil
	}
	eq, err := value.Equal(vs[0], vs[1])
	if err != nil {
		return nil, failed(err)
	}
	if eq {
		return value.Bool(op == "<=" || op == ">="), nil
	}
	less, err := value.Less(vs[0], vs[1])
	if err != nil {
		return nil, failed(err)
	}
	return value.Bool(less == (op[0] == '<')), nil
}

// versionParsers turn a version into a value that orders as the version does.
var versionParsers = map[string]func(s string) (value.Value, error){
	"loose": looseVersion, "strict": strictVersion, "semver": semanticVersion, "semantic": semanticVersion, "pep440": pep440Version,
}

var looseParts = regexp.MustCompile(`\d+|[a-z]+|\.`)

func number(s string) value.Value {
	n, _ := new(big.Int).SetString(s, 10)
	return value.NewBig(n)
}

func looseVersion(s string) (value.Value, error) {
	l := &value.List{}
	add := func(p string) {
		if p == "" || p == "." {
			return
		}
		if p[0] >= '0' && p[0] <= '9' {
			l.Elems = append(l.Elems, number(p))
		} else {
			l.Elems = append(l.Elems, value.Str(p))
		}
	}
	last := 0
	for _, m := range looseParts.FindAllStringIndex(s, -1) {
		if m[0] > last {
			l.Elems = append(l.Elems, value.Str(s[last:m[0]]))
		}
		add(s[m[0]:m[1]])
		last = m[1]
	}
	if last < len(s) {
		l.Elems = append(l.Elems, value.Str(s[last:]))
	}
	return l, nil
}

var strictText = regexp.MustCompile(`^(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?$`)

func strictVersion(s string) (value.Value, error) {
	m := strictText.FindStringSubmatch(s)
	if m == nil {
		return nil, value.ValueErrorf("invalid version number '%s'", s)
	}
	patch := m[3]
	if patch == "" {
		patch = "0"
	}
	pre := value.NewTuple(value.Str("z"), value.Int(0))
	if m[4] != "" {
		pre = value.NewTuple(value.Str(m[4]), number(m[5]))
	}
	return value.NewTuple(number(m[1]), number(m[2]), number(patch), pre), nil
}

var semverText = regexp.MustCompile(`^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$`)

func semanticVersion(s string) (value.Value, error) {
	m := semverText.FindStringSubmatch(s)
	if m == nil {
		return nil, value.ValueErrorf("invalid semantic version '%s'", s)
	}
	release := value.Int(1)
	pre := value.NewTuple()
	if m[4] != "" {
		release = 0
		for _, p := range strings.Split(m[4], ".") {
			// Numbers come before words.
			if strings.Trim(p, "0123456789") == "" {
				pre.Elems = append(pre.Elems, value.NewTuple(value.Int(0), number(p), value.Str("")))
			} else {
				pre.Elems = append(pre.Elems, value.NewTuple(value.Int(1), value.Int(0), value.Str(p)))
			}
		}
	}
	return value.NewTuple(number(m[1]), number(m[2]), number(m[3]), release, pre), nil
}

var pep440Text = regexp.MustCompile(`(?i)^\s*v?(?:(?:(\d+)!)?(\d+(?:\.\d+)*)(?:[-_.]?(a|b|c|rc|alpha|beta|pre|preview)[-_.]?(\d+)?)?(?:-(\d+)|[-_.]?(post|rev|r)[-_.]?(\d+)?)?(?:[-_.]?(dev)[-_.]?(\d+)?)?)(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*$`)

func pep440Version(s string) (value.Value, error) {
	m := pep440Text.FindStringSubmatch(s)
	if m == nil {
		return nil, value.ValueErrorf("Invalid version: '%s'", s)
	}
	num := func(s string) value.Value {
		if s == "" {
			return value.Int(0)
		}
		return number(s)
	}
	release := value.NewTuple()
	parts := strings.Split(m[2], ".")
	for len(parts) > 1 && strings.Trim(parts[len(parts)-1], "0") == "" {
		parts = parts[:len(parts)-1]
	}
	for _, p := range parts {
		release.Elems = append(release.Elems, number(p))
	}
	// A rank before the text orders: development before everything, releases after their candidates.
	pre := value.NewTuple(value.Int(2), value.Str(""), value.Int(0))
	hasPost := m[5] != "" || m[6] != ""
	switch {
	case m[3] != "":
		letter := map[string]string{"alpha": "a", "beta": "b", "c": "rc", "pre": "rc", "preview": "rc"}[strings.ToLower(m[3])]
		if letter == "" {
			letter = strings.ToLower(m[3])
		}
		pre = value.NewTuple(value.Int(1), value.Str(letter), num(m[4]))
	case !hasPost && m[8] != "":
		pre = value.NewTuple(value.Int(0), value.Str(""), value.Int(0))
	}
	post := value.NewTuple(value.Int(0), value.Int(0))
	if hasPost {
		n := m[5]
		if n == "" {
			n = m[7]
		}
		post = value.NewTuple(value.Int(1), num(n))
	}
	dev := value.NewTuple(value.Int(1), value.Int(0))
	if m[8] != "" {
		dev = value.NewTuple(value.Int(0), num(m[9]))
	}
	local := value.NewTuple()
	if m[10] != "" {
		for _, p := range strings.FieldsFunc(strings.ToLower(m[10]), func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
			if strings.Trim(p, "0123456789") == "" {
				local.Elems = append(local.Elems, value.NewTuple(value.Int(1), number(p), value.Str("")))
			} else {
				local.Elems = append(local.Elems, value.NewTuple(value.Int(0), value.Int(0), value.Str(p)))
			}
		}
	}
	return value.NewTuple(num(m[1]), release, pre, post, dev, local), nil
}
