package system

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var localeGen = &module.Module{
	Name: "community.general.locale_gen",
	Doc:  "Generates and removes locales.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "name", Required: true},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
		},
		CheckMode: true,
	},
	Run: runLocaleGen,
}

// Debian's list of locales, Ubuntu's, and what Ubuntu can generate.
const (
	localeList      = "/etc/locale.gen"
	ubuntuLocales   = "/var/lib/locales/supported.d"
	ubuntuSupported = "/usr/share/i18n/SUPPORTED"
)

var (
	debianLocale = regexp.MustCompile(`^#?\s*(\S+_\S+) \S+\s*$`)
	ubuntuLocale = regexp.MustCompile(`^(\S+_\S+) \S+\s*$`)
)

// encodings are named in lower case by locale -a.
var encodings = strings.NewReplacer(".utf8", ".UTF-8", ".eucjp", ".EUC-JP", ".iso885915", ".ISO-8859-15", ".cp1251", ".CP1251", ".koi8r", ".KOI8-R",
	".armscii8", ".ARMSCII-8", ".euckr", ".EUC-KR", ".gbk", ".GBK", ".gb18030", ".GB18030", ".euctw", ".EUC-TW")

func runLocaleGen(ctx context.Context, c *module.Call) (module.Result, error) {
	run := hostos.RunnerOf(ctx, c)
	name, present := c.Str("name"), c.Str("state") == "present"
	_, err := os.Stat(ubuntuLocales)
	ubuntu := err == nil
	list, form := localeList, debianLocale
	if ubuntu {
		list, form = ubuntuSupported, ubuntuLocale
	} else if _, err := os.Stat(localeList); err != nil {
		return nil, module.Fail(`/etc/locale.gen and /var/lib/locales/supported.d/local are missing. Is the package "locales" installed?`, nil)
	}
	text, err := os.ReadFile(list)
	if err != nil {
		return nil, module.Fail(pathError(err, list), nil)
	}
	available := false
	for line := range strings.Lines(string(text)) {
		m := form.FindStringSubmatch(line)
		available = available || m != nil && m[1] == name
	}
	if !available {
		return nil, module.Fail("The locale you've entered is not available on your system.", nil)
	}
	known, err := run.With(hostos.Cmd{Args: []string{"locale", "-a"}})
	if err != nil {
		return nil, err
	}
	have := false
	for line := range strings.Lines(known.Stdout) {
		have = have || encodings.Replace(strings.TrimRight(line, "\r\n")) == encodings.Replace(name)
	}
	changed := have != present
	if c.Check {
		return module.Result{"changed": changed}, nil
	}
	if changed {
		if run.Find("locale-gen") == "" {
			return nil, module.Fail("[Errno 2] No such file or directory: 'locale-gen'", module.Result{"exitValue": 2})
		}
		words := []string{"locale-gen"}
		switch {
		case !ubuntu:
			err = listLocale(name, present)
		case present:
			words = append(words, name)
		default:
			words = append(words, "--purge")
			err = forgetLocale(name)
		}
		if err != nil {
			return nil, err
		}
		out, err := run.Run(words...)
		if err != nil {
			return nil, err
		}
		if out.RC != 0 {
			return nil, module.Fail(fmt.Sprintf("[Errno %d] locale.gen failed to execute, it returned %[1]d", out.RC), module.Result{"exitValue": out.RC})
		}
	}
	return module.Result{"name": name, "changed": changed, "msg": "OK"}, nil
}

// listLocale brings a locale into Debian's list, or makes it a comment there.
func listLocale(name string, present bool) error {
	text, err := os.ReadFile(localeList)
	if err != nil {
		return module.Fail(pathError(err, localeList), module.Result{"exitValue": 2})
	}
	mark := "# "
	if present {
		mark = ""
	}
	lines := regexp.MustCompile(`#?[ \t\r\f\v]*`+regexp.QuoteMeta(name)+` (.+)`).ReplaceAllString(string(text), mark+strings.ReplaceAll(name, "$", "$$")+" $1")
	return replaceFile(localeList, lines)
}

// forgetLocale takes a locale out of Ubuntu's list.
func forgetLocale(name string) error {
	path := ubuntuLocales + "/local"
	text, err := os.ReadFile(path)
	if err != nil {
		return module.Fail(pathError(err, path), module.Result{"exitValue": 2})
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		words := strings.Split(line, " ")
		if len(words) != 2 {
			return module.Fail(fmt.Sprintf("%s has a line that is not a locale and its encoding: %s", path, module.Quote(line)), nil)
		}
		if words[0] != name {
			b.WriteString(line)
		}
	}
	return replaceFile(path, b.String())
}

// replaceFile writes a file through links, in one step where that is possible.
func replaceFile(path, text string) error {
	if err := hostos.WriteFile(hostos.RealPath(path), []byte(text), true); err != nil {
		return module.Fail(pathError(err, path), nil)
	}
	return nil
}
