package system

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var pamLimits = &module.Module{
	Name: "community.general.pam_limits",
	Doc:  "Keeps limits of resources in limits.conf.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "domain", Required: true},
			{Name: "limit_type", Required: true, Choices: []any{"soft", "hard", "-"}},
			{Name: "limit_item", Required: true, Choices: []any{
				"core", "data", "fsize", "memlock", "nofile", "rss", "stack", "cpu", "nproc", "as", "maxlogins", "maxsyslogins", "priority", "locks",
				"sigpending", "msgqueue", "nice", "rtprio", "chroot",
			}},
			{Name: "value", Required: true},
			{Name: "use_max", Type: module.TypeBool, Default: false},
			{Name: "use_min", Type: module.TypeBool, Default: false},
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "dest", Default: "/etc/security/limits.conf"},
			{Name: "comment", Default: ""},
		},
		CheckMode: true,
	},
	Run: runPamLimits,
}

func runPamLimits(_ context.Context, c *module.Call) (module.Result, error) {
	dest := c.Str("dest")
	text, changed := []byte(nil), false
	if info, err := os.Stat(dest); err == nil && info.Mode().IsRegular() {
		if syscall.Access(dest, 2) != nil {
			return nil, module.Fail(dest+" is not writable. Use sudo", nil)
		}
		if text, err = os.ReadFile(dest); err != nil {
			return nil, module.Fail(pathError(err, dest), nil)
		}
	} else {
		dir, _ := filepath.Split(dest)
		dir = strings.TrimRight(dir, "/")
		if dir == "" && strings.HasPrefix(dest, "/") {
			dir = "/"
		}
		if above, e := os.Stat(dir); e != nil || !above.IsDir() || syscall.Access(dir, 2) != nil {
			return nil, module.Fail("directory "+dir+" is not writable (check presence, access rights, use sudo)", nil)
		}
		if err == nil {
			return nil, module.Fail(dest+" is not a file", nil)
		}
		changed = true
	}
	if c.Bool("use_max") && c.Bool("use_min") {
		return nil, module.Fail("Cannot use use_min and use_max at the same time.", nil)
	}
	if err := checkLimit(c.Str("limit_item"), c.Str("value"), ""); err != nil {
		return nil, err
	}
	l := &limits{Call: c, value: c.Str("value"), comment: c.Str("comment"), changed: changed}
	for line := range strings.Lines(string(text)) {
		if !utf8.ValidString(line) {
			return nil, module.Fail("The file "+dest+" is not text in UTF-8", nil)
		}
		if err := l.line(line); err != nil {
			return nil, err
		}
	}
	if !l.found {
		l.add()
	}
	universal := strings.NewReplacer("\r\n", "\n", "\r", "\n") // as Python reads texts
	r := module.Result{
		"changed": l.changed, "msg": l.msg,
		"diff": map[string]any{"before": universal.Replace(string(text)), "after": universal.Replace(l.text.String())},
	}
	if c.Bool("backup") {
		r["backup_file"] = ""
	}
	if c.Check {
		return r, nil
	}
	if c.Bool("backup") {
		if changed { // there is no file yet, and its backup is that of an empty one
			if err := hostos.WriteFile(dest, nil, false); err != nil {
				return nil, module.Fail(hostos.Errno(err), nil)
			}
		}
		name, err := hostos.Backup(dest)
		if err != nil {
			return nil, module.Fail(err.Error(), nil)
		}
		r["backup_file"] = name
	}
	if err := hostos.WriteFile(dest, []byte(l.text.String()), false); err != nil {
		return nil, module.Fail(hostos.Errno(err), nil)
	}
	return r, nil
}

// limits goes through the lines and writes them anew.
type limits struct {
	*module.Call
	text    strings.Builder
	value   string // what the limit becomes
	comment string
	msg     string
	found   bool
	changed bool
}

func (l *limits) line(line string) error {
	words := strings.Join(strings.Fields(line), " ")
	if line[0] == '#' || words == "" {
		l.text.WriteString(line)
		return nil
	}
	words, _, _ = strings.Cut(words, "#")
	if l.comment == "" { // that of any line up to the one that is changed, with its end
		_, l.comment, _ = strings.Cut(line, "#")
	}
	f := strings.Split(strings.TrimRight(words, " "), " ")
	if len(f) != 4 {
		l.text.WriteString(line)
		return nil
	}
	if err := checkLimit(f[2], f[3], "Invalid configuration found in '"+l.Str("dest")+"'."); err != nil {
		return err
	}
	if f[0] != l.Str("domain") || f[1] != l.Str("limit_type") || f[2] != l.Str("limit_item") {
		l.text.WriteString(line)
		return nil
	}
	l.found = true
	if have := f[3]; have != l.Str("value") {
		if l.Bool("use_max") {
			l.value = extreme(have, l.Str("value"), 1)
		}
		if l.Bool("use_min") {
			l.value = extreme(have, l.Str("value"), -1)
		}
		if l.value != have {
			l.add()
			return nil
		}
	}
	l.msg = line
	l.text.WriteString(line)
	return nil
}

// add writes the limit.
func (l *limits) add() {
	if l.comment != "" {
		l.comment = "\t#" + l.comment
	}
	l.msg = l.Str("domain") + "\t" + l.Str("limit_type") + "\t" + l.Str("limit_item") + "\t" + l.value + l.comment + "\n"
	l.text.WriteString(l.msg)
	l.changed = true
}

func unlimited(v string) bool { return slices.Contains([]string{"unlimited", "infinity", "-1"}, v) }

func digits(v string) bool { return v != "" && strings.Trim(v, "0123456789") == "" }

// checkLimit says whether an item can have the value.
func checkLimit(item, value, where string) error {
	if item == "nice" || item == "priority" {
		if n, err := strconv.Atoi(strings.TrimSpace(value)); err != nil || n < -20 || n > 19 {
			return module.Fail(fmt.Sprintf("%s Value of %s for item %s is invalid. Value must be a number in the range -20 to 19 inclusive. "+
				"Refer to the limits.conf(5) manual pages for more details.", where, module.Quote(value), module.Quote(item)), nil)
		}
		return nil
	}
	if unlimited(value) || digits(value) {
		return nil
	}
	return module.Fail(fmt.Sprintf("%s Value of %s for item %s is invalid. Value must either be 'unlimited', 'infinity' or -1, all of "+
		"which indicate no limit, or a limit of 0 or larger. Refer to the limits.conf(5) manual pages for more details.",
		where, module.Quote(value), module.Quote(item)), nil)
}

// extreme is the greater (1) or lesser (-1) of two values, of which have is in the file.
func extreme(have, want string, sign int) string {
	switch h, w := unlimited(have), unlimited(want); {
	case h && w:
		return have
	case h == w:
	case h == (sign > 0):
		return have
	default:
		return want
	}
	h, w := plainNumber(have), plainNumber(want)
	if compareNumbers(w, h)*sign > 0 {
		return w
	}
	return h
}

// plainNumber is a whole number without spaces, sign and zeros before it.
func plainNumber(v string) string {
	v = strings.TrimSpace(v)
	sign := ""
	if rest, ok := strings.CutPrefix(v, "-"); ok {
		sign, v = "-", rest
	}
	v = strings.TrimLeft(strings.TrimPrefix(v, "+"), "0")
	if v == "" {
		return "0"
	}
	return sign + v
}

// compareNumbers compares plain numbers of any length.
func compareNumbers(a, b string) int {
	x, minusA := strings.CutPrefix(a, "-")
	y, minusB := strings.CutPrefix(b, "-")
	switch {
	case minusA && minusB:
		return -compareNumbers(x, y)
	case minusA:
		return -1
	case minusB:
		return 1
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
}
