package packages

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var pip = &module.Module{
	Name: "ansible.builtin.pip",
	Doc:  "Installs and removes Python packages with pip.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "break_system_packages", Type: module.TypeBool, Default: false},
			{Name: "chdir", Type: module.TypePath},
			{Name: "editable", Type: module.TypeBool, Default: false},
			{Name: "executable", Type: module.TypePath},
			{Name: "extra_args"},
			{Name: "name", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "requirements"},
			{Name: "state", Default: "present", Choices: []any{"absent", "forcereinstall", "latest", "present"}},
			{Name: "umask"},
			{Name: "version"},
			{Name: "virtualenv", Type: module.TypePath},
			{Name: "virtualenv_command", Type: module.TypePath, Default: "virtualenv"},
			{Name: "virtualenv_python"},
			{Name: "virtualenv_site_packages", Type: module.TypeBool, Default: false},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"name", "requirements"}, {"executable", "virtualenv"}},
			RequiredOneOf:     [][]string{{"name", "requirements"}},
		},
		CheckMode: true,
	},
	Run: runPip,
}

// pipRun is one call of pip.
type pipRun struct {
	c     *module.Call
	run   hostos.Runner
	dir   string // where commands run
	env   string // the virtual environment, absolute, or ""
	umask string
	exe   []string // pip itself
}

func runPip(ctx context.Context, c *module.Call) (module.Result, error) {
	p := &pipRun{c: c, run: hostos.RunnerOf(ctx, c), dir: c.Str("chdir"), env: c.Str("virtualenv"), umask: c.Str("umask")}
	if p.umask != "" {
		if _, err := strconv.ParseInt(p.umask, 8, 32); err != nil {
			return nil, module.Fail("umask must be an octal integer", module.Result{"details": "invalid literal for int() with base 8: " + module.Quote(p.umask)})
		}
	}
	state, version := c.Str("state"), c.Str("version")
	if state == "latest" && version != "" {
		return nil, module.Fail("version is incompatible with state=latest", nil)
	}
	if p.dir == "" {
		p.dir = os.TempDir()
	}
	said := ""
	if p.env != "" {
		if !filepath.IsAbs(p.env) {
			p.env = filepath.Join(p.dir, p.env)
		}
		if _, err := os.Stat(filepath.Join(p.env, "bin", "activate")); err != nil {
			if c.Check {
				return module.Result{"changed": true}, nil
			}
			if said, err = p.makeEnv(); err != nil {
				return nil, err
			}
		}
	}
	if err := p.find(); err != nil {
		return nil, err
	}
	wanted, err := pipPackages(c.Strings("name"), version)
	if err != nil {
		return nil, err
	}
	extra, err := hostos.SplitWords(c.Str("extra_args"))
	if err != nil {
		return nil, module.Fail(err.Error(), nil)
	}
	if c.Check {
		return p.check(state, wanted, len(extra) > 0)
	}
	cmd := slices.Concat(p.exe, map[string][]string{
		"present": {"install"}, "absent": {"uninstall", "-y"}, "latest": {"install", "-U"}, "forcereinstall": {"install", "-U", "--force-reinstall"},
	}[state], extra)
	if c.Bool("editable") {
		cmd = append(cmd, "-e")
	}
	for _, w := range wanted {
		cmd = append(cmd, w.String())
	}
	if r := c.Str("requirements"); r != "" {
		cmd = append(cmd, "-r", r)
	}
	// pip tells of packages from repositories that it installed them even when nothing changed.
	before := ""
	compare := state != "absent" && (c.Str("requirements") != "" || slices.ContainsFunc(c.Strings("name"), isVCS))
	if compare {
		if out, err := p.list(); err != nil {
			return nil, err
		} else if before = out.Stdout; out.RC != 0 {
			return nil, pipFailure(p.listCommand(), out)
		}
	}
	out, err := p.exec(cmd)
	if err != nil {
		return nil, err
	}
	if out.RC != 0 && (out.RC != 1 || state != "absent" || !strings.Contains(out.Stdout+out.Stderr, "not installed")) {
		return nil, pipFailure(cmd, out)
	}
	changed := strings.Contains(out.Stdout, "Successfully installed")
	if state == "absent" {
		changed = strings.Contains(out.Stdout, "Successfully uninstalled")
	} else if compare {
		after, err := p.list()
		if err != nil {
			return nil, err
		}
		changed = before != after.Stdout
	}
	if said != "" {
		changed = true
	}
	r := module.Result{
		"changed": changed, "cmd": cmd, "name": c.Args["name"], "version": c.Args["version"], "state": state,
		"requirements": c.Args["requirements"], "virtualenv": nil, "stdout": strings.TrimPrefix(said, "\n") + out.Stdout, "stderr": out.Stderr,
	}
	if p.env != "" {
		r["virtualenv"] = p.env
	}
	return r, nil
}

// check says what would change. Only plain packages can be told apart without asking an index.
func (p *pipRun) check(state string, wanted []requirement, extra bool) (module.Result, error) {
	if extra || p.c.Str("requirements") != "" || state == "latest" || len(wanted) == 0 {
		return module.Result{"changed": true}, nil
	}
	out, err := p.list()
	if err != nil {
		return nil, err
	}
	changed := false
	for _, w := range wanted {
		present := false
		for line := range strings.Lines(out.Stdout) {
			name, version, ok := strings.Cut(strings.TrimSpace(line), "==")
			present = present || ok && w.satisfiedBy(name, version)
		}
		if state == "present" && !present || state == "absent" && present {
			changed = true
			break
		}
	}
	return module.Result{"changed": changed, "cmd": strings.Join(p.listCommand(), " "), "stdout": out.Stdout, "stderr": out.Stderr}, nil
}

func (p *pipRun) listCommand() []string {
	return append(slices.Clone(p.exe), "list", "--format=freeze")
}

func (p *pipRun) list() (hostos.Output, error) {
	out, err := p.exec(p.listCommand())
	if err == nil && out.RC != 0 { // before pip 9
		return p.exec(append(slices.Clone(p.exe), "freeze"))
	}
	return out, err
}

func (p *pipRun) exec(args []string) (hostos.Output, error) {
	var env []string
	if p.env != "" {
		env = append(env, "PATH="+filepath.Join(p.env, "bin")+":"+os.Getenv("PATH"))
	}
	if p.c.Bool("break_system_packages") {
		env = append(env, "PIP_BREAK_SYSTEM_PACKAGES=1")
	}
	return p.run.With(hostos.Cmd{Args: args, Dir: p.dir, Env: env, Umask: p.umask, Output: p.c.Output})
}

func pipFailure(cmd []string, out hostos.Output) error {
	msg := ""
	if out.Stdout != "" {
		msg += "stdout: " + out.Stdout
	}
	if out.Stderr != "" {
		msg += "\n:stderr: " + out.Stderr
	}
	return module.Fail(msg, module.Result{"cmd": cmd})
}

var pipNames = []string{"pip3", "pip"}

// find sets p.exe.
func (p *pipRun) find() error {
	if p.env != "" {
		for _, name := range pipNames {
			file := filepath.Join(p.env, "bin", name)
			if info, err := os.Stat(file); err == nil && info.Mode()&0o111 != 0 {
				p.exe = []string{file}
				return nil
			}
		}
		return module.Fail(fmt.Sprintf("Unable to find pip in the virtualenv, %s, under any of these names: %s. Make sure pip is present in the virtualenv.",
			p.env, strings.Join(pipNames, ", ")), nil)
	}
	names := pipNames
	if exe := p.c.Str("executable"); exe != "" {
		if filepath.IsAbs(exe) {
			p.exe = []string{exe}
			return nil
		}
		names = []string{exe}
	} else if python := p.python(); python != "" {
		cmd := []string{python, "-m", "pip.__main__"}
		if out, err := p.run.Run(append(slices.Clone(cmd), "--version")...); err == nil && out.RC == 0 {
			p.exe = cmd
			return nil
		}
	}
	for _, name := range names {
		if file := p.run.Find(name); file != "" {
			p.exe = []string{file}
			return nil
		}
	}
	return module.Fail(fmt.Sprintf("Unable to find any of %s to use.  pip needs to be installed.", strings.Join(names, ", ")), nil)
}

// python is the interpreter whose packages are meant when nothing else says so.
func (p *pipRun) python() string {
	if p.c.Python != "" {
		return p.c.Python
	}
	for _, name := range []string{"/usr/bin/python3", "/usr/libexec/platform-python", "/usr/local/bin/python3"} {
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	return p.run.Find("python3")
}

// makeEnv makes the virtual environment and returns what that printed.
func (p *pipRun) makeEnv() (string, error) {
	cmd, err := hostos.SplitWords(p.c.Str("virtualenv_command"))
	if err != nil || len(cmd) == 0 {
		return "", module.Fail(fmt.Sprintf("virtualenv_command is not a command: %v", p.c.Str("virtualenv_command")), nil)
	}
	if filepath.Base(cmd[0]) == cmd[0] {
		if cmd[0], err = p.run.Need(cmd[0]); err != nil {
			return "", err
		}
	}
	if p.c.Bool("virtualenv_site_packages") {
		cmd = append(cmd, "--system-site-packages")
	} else {
		help := []string{cmd[0], "--help"}
		out, err := p.run.Run(help...)
		if err != nil {
			return "", err
		}
		if out.RC != 0 {
			return "", module.Fail(fmt.Sprintf("Could not get output from %s: %s", strings.Join(help, " "), out.Stdout+out.Stderr), nil)
		}
		if strings.Contains(out.Stdout, "--no-site-packages") {
			cmd = append(cmd, "--no-site-packages")
		}
	}
	isVenv := filepath.Base(cmd[0]) == "pyvenv" || strings.HasPrefix(filepath.Base(cmd[0]), "python") && slices.Contains(cmd, "venv")
	switch python := p.c.Str("virtualenv_python"); {
	case isVenv && python != "":
		return "", module.Fail("virtualenv_python should not be used when using the venv module or pyvenv as virtualenv_command", nil)
	case isVenv:
	case python != "":
		cmd = append(cmd, "-p"+python)
	default:
		cmd = append(cmd, "-p"+p.python())
	}
	cmd = append(cmd, p.env)
	out, err := p.exec(cmd)
	if err != nil {
		return "", err
	}
	if out.RC != 0 {
		return "", pipFailure(cmd, out)
	}
	return "\n" + out.Stdout, nil
}

func isVCS(name string) bool {
	kind, _, ok := strings.Cut(name, "+")
	return ok && slices.Contains([]string{"git", "hg", "svn", "bzr"}, kind)
}

// requirement is what pip is asked for: a package with conditions on its version, or anything else pip understands.
type requirement struct {
	text  string
	name  string // normalised; "" when text is no plain package
	conds []condition
}

func (r requirement) String() string { return r.text }

type condition struct{ op, version string }

var (
	plainRequirement = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*((?:(?:===|==|~=|!=|<=|>=|<|>)[^,;]+,?)*)\s*(?:;.*)?$`)
	oneCondition     = regexp.MustCompile(`(===|==|~=|!=|<=|>=|<|>)\s*([^,;\s]+)`)
	startsWithOp     = regexp.MustCompile(`^\s*(===|==|~=|!=|<=|>=|<|>)`)
	nameRun          = regexp.MustCompile(`[-_.]+`)
)

// pipPackages puts names together that the commas of a list took apart ("a>1,<2", "a[x,y]"), and gives the one package its version.
func pipPackages(names []string, version string) ([]requirement, error) {
	var whole []string
	for _, n := range names {
		last := len(whole) - 1
		if last >= 0 && (startsWithOp.MatchString(n) || strings.Count(whole[last], "[") > strings.Count(whole[last], "]")) {
			whole[last] += "," + n
			continue
		}
		whole = append(whole, n)
	}
	list := make([]requirement, len(whole))
	for i, w := range whole {
		list[i] = parseRequirement(w)
	}
	if version == "" || len(list) == 0 {
		return list, nil
	}
	if len(list) > 1 {
		return nil, module.Fail("'version' argument is ambiguous when installing multiple package distributions. "+
			"Please specify version restrictions next to each package in 'name' argument.", nil)
	}
	if len(list[0].conds) > 0 {
		return nil, module.Fail("The 'version' argument conflicts with any version specifier provided along with a package name. "+
			"Please keep the version specifier, but remove the 'version' argument.", nil)
	}
	if !startsWithOp.MatchString(version) {
		version = "==" + version
	}
	return []requirement{parseRequirement(list[0].text + version)}, nil
}

func parseRequirement(text string) requirement {
	r := requirement{text: text}
	m := plainRequirement.FindStringSubmatch(text)
	if m == nil {
		return r
	}
	r.name = normalName(m[1])
	for _, c := range oneCondition.FindAllStringSubmatch(m[2], -1) {
		r.conds = append(r.conds, condition{c[1], c[2]})
	}
	if len(r.conds) > 1 && m[1]+m[2] == text { // Python's packaging sorts them
		words := make([]string, len(r.conds))
		for i, c := range r.conds {
			words[i] = c.op + c.version
		}
		slices.Sort(words)
		r.text = m[1] + strings.Join(words, ",")
	}
	return r
}

func normalName(s string) string { return strings.ToLower(nameRun.ReplaceAllString(s, "-")) }

func (r requirement) satisfiedBy(name, version string) bool {
	if r.name == "" || normalName(name) != r.name {
		return false
	}
	for _, c := range r.conds {
		if !c.holds(version) {
			return false
		}
	}
	return true
}

func (c condition) holds(version string) bool {
	if prefix, any := strings.CutSuffix(c.version, ".*"); any && (c.op == "==" || c.op == "!=") {
		return strings.HasPrefix(version+".", prefix+".") == (c.op == "==")
	}
	order := compareVersions(version, c.version)
	switch c.op {
	case "===":
		return version == c.version
	case "==":
		return order == 0
	case "!=":
		return order != 0
	case "<=":
		return order <= 0
	case ">=":
		return order >= 0
	case "<":
		return order < 0
	case ">":
		return order > 0
	default: // ~=: at least this one, with the same first parts
		parts := strings.Split(c.version, ".")
		prefix := strings.Join(parts[:max(len(parts)-1, 1)], ".")
		return order >= 0 && strings.HasPrefix(version+".", prefix+".")
	}
}

// compareVersions orders versions as PEP 440 does: by the numbers of the release, a pre-release before the release and a
// post-release after it.
func compareVersions(a, b string) int {
	x, y := versionKey(a), versionKey(b)
	for i := range max(len(x), len(y)) {
		var p, q int
		if i < len(x) {
			p = x[i]
		}
		if i < len(y) {
			q = y[i]
		}
		if p != q {
			return p - q
		}
	}
	return 0
}

// releaseParts is how many numbers of a release count.
const releaseParts = 8

// versionKey is the release as numbers, and behind them the rank and number of what follows.
func versionKey(v string) []int {
	key := make([]int, releaseParts, releaseParts+2)
	v, _, _ = strings.Cut(strings.ToLower(strings.TrimPrefix(strings.TrimSpace(v), "v")), "+")
	rest := v
	for i := 0; i < releaseParts; i++ {
		n := strings.IndexFunc(rest, func(r rune) bool { return !unicode.IsDigit(r) })
		if n < 0 {
			n = len(rest)
		}
		if n == 0 {
			break
		}
		key[i], _ = strconv.Atoi(rest[:n])
		if rest = rest[n:]; !strings.HasPrefix(rest, ".") || len(rest) < 2 || !unicode.IsDigit(rune(rest[1])) {
			break
		}
		rest = rest[1:]
	}
	rest = strings.TrimLeft(rest, ".-_")
	word := strings.TrimRight(rest, "0123456789.")
	number, _ := strconv.Atoi(strings.TrimLeft(rest[len(word):], "."))
	rank := map[string]int{"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "rc": -1, "c": -1, "pre": -1, "preview": -1, "": 0, "post": 1, "rev": 1, "r": 1}[word]
	return append(key, rank, number)
}
