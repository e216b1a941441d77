package packages

import (
	"strings"
	"unicode"
)

// The formats in which rpm and dnf print a package as parsePackages reads it.
const (
	rpmFormat = "%{name} %{epoch} %{version} %{release} %{arch}\n"
	dnfFormat = "%{name} %{epoch} %{version} %{release} %{arch} %{reponame}"
)

// rpmPackage is a package of rpm, installed or in a repository.
type rpmPackage struct{ name, epoch, version, release, arch, repo string }

// String is name-version-release.arch, with the epoch where there is one.
func (p rpmPackage) String() string {
	epoch := ""
	if p.epoch != "" && p.epoch != "0" {
		epoch = p.epoch + ":"
	}
	return p.name + "-" + epoch + p.version + "-" + p.release + "." + p.arch
}

func parsePackages(text string) []rpmPackage {
	var list []rpmPackage
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 5 {
			continue
		}
		p := rpmPackage{name: f[0], epoch: f[1], version: f[2], release: f[3], arch: f[4]}
		if p.epoch == "(none)" {
			p.epoch = "0"
		}
		if len(f) > 5 && f[5] != "(none)" {
			p.repo = f[5]
		}
		list = append(list, p)
	}
	return list
}

// compare orders two versions of a package.
func (p rpmPackage) compare(q rpmPackage) int {
	for _, pair := range [][2]string{{p.epoch, q.epoch}, {p.version, q.version}, {p.release, q.release}} {
		if c := compareRPM(pair[0], pair[1]); c != 0 {
			return c
		}
	}
	return 0
}

// compareRPM orders versions as rpm does: part by part, numbers by value and above letters; ~ sorts before the end, ^ behind it.
func compareRPM(a, b string) int {
	for {
		skip := func(r rune) bool {
			return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '~' && r != '^' || r > unicode.MaxASCII
		}
		a, b = strings.TrimLeftFunc(a, skip), strings.TrimLeftFunc(b, skip)
		if at, bt := strings.HasPrefix(a, "~"), strings.HasPrefix(b, "~"); at || bt {
			if at != bt {
				return map[bool]int{true: -1, false: 1}[at]
			}
			a, b = a[1:], b[1:]
			continue
		}
		if ac, bc := strings.HasPrefix(a, "^"), strings.HasPrefix(b, "^"); ac || bc {
			switch {
			case ac && bc:
				a, b = a[1:], b[1:]
				continue
			case ac && b == "", bc && a != "":
				return 1
			default:
				return -1
			}
		}
		if a == "" || b == "" {
			return len(a) - len(b)
		}
		x, numeric := versionPart(a)
		y, _ := versionPart(b)
		if numeric {
			y = b[:len(b)-len(strings.TrimLeftFunc(b, unicode.IsDigit))]
		} else {
			y = b[:len(b)-len(strings.TrimLeftFunc(b, unicode.IsLetter))]
		}
		if y == "" { // a number is newer than letters
			return map[bool]int{true: 1, false: -1}[numeric]
		}
		a, b = a[len(x):], b[len(y):]
		if numeric {
			x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
			if len(x) != len(y) {
				return len(x) - len(y)
			}
		}
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
	}
}

// versionPart is the run of digits or of letters that a version begins with.
func versionPart(v string) (part string, numeric bool) {
	kind := unicode.IsLetter
	if v[0] >= '0' && v[0] <= '9' {
		kind, numeric = unicode.IsDigit, true
	}
	return v[:len(v)-len(strings.TrimLeftFunc(v, kind))], numeric
}

// transactionRow is a line of the table in which dnf shows what it is going to do.
type transactionRow struct {
	rpmPackage
	removes  bool // the package goes
	replaces bool // it takes the place of another version
}

// transactionRows reads the table. Rows that are too long for a line go on in the next one, further to the right.
func transactionRows(text string) []transactionRow {
	var rows []transactionRow
	var section, row string
	in := false
	flush := func() {
		f := strings.Fields(row)
		row = ""
		if len(f) < 4 || strings.HasPrefix(section, "Skipping") {
			return
		}
		r := transactionRow{removes: strings.HasPrefix(section, "Removing"), replaces: strings.HasPrefix(section, "Upgrading") || strings.HasPrefix(section, "Downgrading")}
		version, release, _ := strings.Cut(f[2], "-")
		epoch, rest, has := strings.Cut(version, ":")
		if has {
			version = rest
		} else {
			epoch = "0"
		}
		r.rpmPackage = rpmPackage{name: f[0], arch: f[1], epoch: epoch, version: version, release: release, repo: f[3]}
		rows = append(rows, r)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, " Package ") || strings.HasPrefix(line, "Package "):
			in = true
		case strings.HasPrefix(line, "Transaction Summary"):
			flush()
			return rows
		case !in || line == "" || line[0] == '=':
		case line[0] != ' ' && strings.HasSuffix(strings.TrimSpace(line), ":"):
			flush()
			section = line
		case strings.HasPrefix(strings.TrimSpace(line), "replacing "):
			flush()
			if f := strings.Fields(line); len(f) >= 3 && !strings.HasPrefix(section, "Upgrading") {
				name, arch := f[1], ""
				if dot := strings.LastIndexByte(name, '.'); dot > 0 {
					name, arch = name[:dot], name[dot+1:]
				}
				version, release, _ := strings.Cut(strings.TrimSuffix(f[2], "."), "-")
				rows = append(rows, transactionRow{rpmPackage: rpmPackage{name: name, arch: arch, epoch: "0", version: version, release: release}, removes: true})
			}
		case strings.HasPrefix(line, "  "):
			row += line
		default:
			flush()
			row = line
		}
	}
	flush()
	return rows
}
