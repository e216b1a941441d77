package accounts

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var user = &module.Module{
	Name: "ansible.builtin.user",
	Doc:  "Adds, changes or removes a user.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "append", Type: module.TypeBool, Default: false},
			{Name: "authorization"},
			{Name: "comment"},
			{Name: "create_home", Type: module.TypeBool, Default: true, Aliases: []string{"createhome"}},
			{Name: "expires", Type: module.TypeFloat},
			{Name: "force", Type: module.TypeBool, Default: false},
			{Name: "generate_ssh_key", Type: module.TypeBool},
			{Name: "group"},
			{Name: "groups", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "hidden", Type: module.TypeBool},
			{Name: "home", Type: module.TypePath},
			{Name: "local", Type: module.TypeBool},
			{Name: "login_class"},
			{Name: "move_home", Type: module.TypeBool, Default: false},
			{Name: "name", Required: true, Aliases: []string{"user"}},
			{Name: "non_unique", Type: module.TypeBool, Default: false},
			{Name: "password", NoLog: true},
			{Name: disable, Type: module.TypeInt},
			{Name: "password_expire_max", Type: module.TypeInt},
			{Name: "password_expire_min", Type: module.TypeInt},
			{Name: "password_expire_warn", Type: module.TypeInt},
			{Name: "password_lock", Type: module.TypeBool},
			{Name: "profile"},
			{Name: "remove", Type: module.TypeBool, Default: false},
			{Name: "role"},
			{Name: "seuser"},
			{Name: "shell", Type: module.TypePath},
			{Name: "skeleton"},
			{Name: "ssh_key_bits", Type: module.TypeInt, Default: int64(0)},
			{Name: "ssh_key_comment"},
			{Name: "ssh_key_file", Type: module.TypePath},
			{Name: "ssh_key_passphrase", NoLog: true},
			{Name: "ssh_key_type", Default: "rsa"},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "system", Type: module.TypeBool, Default: false},
			{Name: "uid", Type: module.TypeInt},
			{Name: "uid_max", Type: module.TypeInt},
			{Name: "uid_min", Type: module.TypeInt},
			{Name: "umask"},
			{Name: "update_password", Default: "always", Choices: []any{"always", "on_create"}},
		},
		CheckMode: true,
	},
	Run: runUser,
}

// disable is the option with the days after which an account whose password has expired is closed. usermod sets it each time.
const disable = "password_expire_account_disable"

// account is one run of the user module.
type account struct {
	*module.Call
	run    hostos.Runner
	name   string
	info   hostos.User
	found  bool
	stdout string
	stderr string
}

func runUser(ctx context.Context, c *module.Call) (module.Result, error) {
	if c.Bool("append") && !c.Has("groups") {
		c.Warn("'append' is set, but no 'groups' are specified. Use 'groups' for appending new groups." +
			"This will change to an error in Ansible 2.14.")
	}
	a := &account{Call: c, run: hostos.RunnerOf(ctx, c), name: c.Str("name")}
	a.checkPassword()
	a.lookup()
	if c.Str("state") == "absent" {
		return a.remove()
	}
	return a.present()
}

func (a *account) lookup() {
	a.info, a.found = hostos.LookupUser(a.name)
	if a.Bool("local") {
		a.found = inFile("/etc/passwd", a.name)
	}
}

var (
	hashChars = regexp.MustCompile(`^[a-zA-Z0-9./=]+$`)
	hashIDs   = map[string]int{"1": 22, "5": 43, "6": 86}
)

// checkPassword warns about a password that does not look like a hash.
func (a *account) checkPassword() {
	p := a.Str("password")
	if p == "" || slices.Contains([]string{"*", "!", "*************"}, p) {
		return
	}
	p = strings.TrimPrefix(p, "!")
	odd := false
	if strings.Contains(p, ":") || strings.Contains(p, "*") || strings.Contains(p, "!") {
		odd = true
	} else if !strings.HasPrefix(p, "$") {
		odd = len(p) != 13 || !hashChars.MatchString(p)
	} else {
		f := strings.Split(p, "$")
		if len(f) < 4 || !hashChars.MatchString(f[len(f)-1]) {
			odd = true
		} else if n, ok := hashIDs[f[1]]; ok && len(f[len(f)-1]) != n {
			odd = true
		}
	}
	if odd {
		a.Warn("The input password appears not to have been hashed. The 'password' argument must be encrypted for this module to work properly.")
	}
}

// must runs a command that changes the account.
func (a *account) must(args ...string) error { return a.mustWith(hostos.Cmd{Args: args}) }

func (a *account) mustWith(cmd hostos.Cmd) error {
	out, err := a.run.With(cmd)
	if err != nil {
		return err
	}
	if out.RC != 0 {
		msg := out.Stderr
		if msg == "" {
			msg = out.Stdout
		}
		return module.Fail(msg, module.Result{"name": a.name, "rc": out.RC})
	}
	a.stdout += out.Stdout
	a.stderr += out.Stderr
	return nil
}

func (a *account) tool(name string) (string, error) {
	if a.Bool("local") && (name == "useradd" || name == "usermod" || name == "userdel") {
		return a.run.Need("l" + name)
	}
	return a.run.Need(name)
}

func (a *account) remove() (module.Result, error) {
	r := module.Result{"name": a.name, "state": "absent"}
	if !a.found {
		r["changed"] = false
		return r, nil
	}
	if a.Check {
		return module.Result{"changed": true}, nil
	}
	bin, err := a.tool("userdel")
	if err != nil {
		return nil, err
	}
	args := []string{bin}
	if a.Bool("force") && !a.Bool("local") {
		args = append(args, "-f")
	}
	if a.Bool("remove") {
		args = append(args, "-r")
	}
	if err := a.must(append(args, a.name)...); err != nil {
		return nil, err
	}
	r["changed"], r["force"], r["remove"] = true, a.Bool("force"), a.Bool("remove")
	a.output(r)
	return r, nil
}

func (a *account) output(r module.Result) {
	if a.stdout != "" {
		r["stdout"] = a.stdout
	}
	if a.stderr != "" {
		r["stderr"] = a.stderr
	}
}

func (a *account) present() (module.Result, error) {
	r := module.Result{"name": a.name, "state": "present"}
	changed := false
	if a.found {
		r["append"], r["move_home"] = a.Bool("append"), a.Bool("move_home")
		c, err := a.modify()
		if err != nil {
			return nil, err
		}
		changed = c
	} else {
		if a.Check {
			return module.Result{"changed": true}, nil
		}
		home := a.Str("home")
		orphan := home != "" && a.Bool("create_home") && !isDir(filepath.Dir(home))
		if err := a.create(); err != nil {
			return nil, err
		}
		if a.lookup(); orphan && a.found {
			if err := a.ownHome(home); err != nil {
				return nil, err
			}
		}
		r["system"], r["create_home"] = a.Bool("system"), a.Bool("create_home")
		changed = true
	}
	if a.Has("password") {
		r["password"] = "NOT_LOGGING_PASSWORD"
	}
	a.output(r)
	if a.lookup(); a.found {
		r["uid"], r["group"], r["comment"], r["home"], r["shell"] = a.info.UID, a.info.GID, a.info.Gecos, a.info.Home, a.info.Shell
		if a.Has("groups") {
			r["groups"] = strings.Join(a.Strings("groups"), ",")
		}
		made, err := a.makeHome()
		if err != nil {
			return nil, err
		}
		changed = changed || made
		if a.Bool("generate_ssh_key") {
			made, err := a.sshKey(r)
			if err != nil {
				return nil, err
			}
			changed = changed || made
		}
		aged, err := a.aging()
		if err != nil {
			return nil, err
		}
		changed = changed || aged
	}
	r["changed"] = changed
	return r, nil
}

// wantedGroups are the option groups without the primary group; all must exist.
func (a *account) wantedGroups(primary string) ([]string, error) {
	out := []string{}
	for _, g := range a.Strings("groups") {
		g = strings.TrimSpace(g)
		if g == "" || g == primary || slices.Contains(out, g) {
			continue
		}
		name := g
		if gid, err := strconv.Atoi(g); err == nil {
			if found, ok := hostos.LookupGID(gid); ok {
				name = found.Name
			}
		}
		if _, ok := hostos.LookupGroup(name); !ok {
			return nil, module.Fail(fmt.Sprintf("Group %s does not exist", g), nil)
		}
		if name != primary {
			out = append(out, name)
		}
	}
	return out, nil
}

func (a *account) create() error {
	bin, err := a.tool("useradd")
	if err != nil {
		return err
	}
	args := []string{bin}
	add := func(flag, value string) { args = append(args, flag, value) }
	if a.Has("uid") {
		add("-u", strconv.FormatInt(a.Int("uid"), 10))
		if a.Bool("non_unique") {
			args = append(args, "-o")
		}
	}
	if a.Has("seuser") {
		add("-Z", a.Str("seuser"))
	}
	if a.Has("group") {
		if !groupExists(a.Str("group")) {
			return module.Fail(fmt.Sprintf("Group %s does not exist", a.Str("group")), nil)
		}
		add("-g", a.Str("group"))
	} else if _, ok := hostos.LookupGroup(a.name); ok {
		// useradd would try to make a group of the same name.
		if a.Bool("local") {
			args = append(args, "-n")
		} else {
			args = append(args, "-N")
		}
	}
	if a.Has("groups") {
		list, err := a.wantedGroups(a.Str("group"))
		if err != nil {
			return err
		}
		if len(list) > 0 && !a.Bool("local") {
			add("-G", strings.Join(list, ","))
		}
	}
	if a.Has("comment") {
		add("-c", a.Str("comment"))
	}
	if home := a.Str("home"); home != "" {
		if a.Bool("create_home") && !isDir(filepath.Dir(home)) { // useradd does not make what leads to a home
			if err := a.copySkeleton(home); err != nil {
				return err
			}
		}
		add("-d", home)
	}
	if a.Has("shell") {
		add("-s", a.Str("shell"))
	}
	if a.Has("expires") && !a.Bool("local") {
		add("-e", a.expiry())
	}
	if a.Has(disable) {
		add("-f", strconv.FormatInt(a.Int(disable), 10))
	}
	if a.Has("password") {
		if a.Bool("password_lock") {
			add("-p", "!"+a.Str("password"))
		} else {
			add("-p", a.Str("password"))
		}
	}
	if a.Bool("create_home") {
		if !a.Bool("local") {
			args = append(args, "-m")
		}
		if a.Has("skeleton") {
			add("-k", a.Str("skeleton"))
		}
		if a.Has("umask") {
			add("-K", "UMASK="+a.Str("umask"))
		}
	} else {
		args = append(args, "-M")
	}
	if a.Bool("system") {
		args = append(args, "-r")
	}
	for _, k := range []string{"uid_min", "uid_max"} {
		if a.Has(k) {
			add("-K", fmt.Sprintf("%s=%d", strings.ToUpper(k), a.Int(k)))
		}
	}
	if err := a.must(append(args, a.name)...); err != nil || !a.Bool("local") {
		return err
	}
	if a.Has("expires") {
		if err := a.localExpiry(); err != nil {
			return err
		}
	}
	list, err := a.wantedGroups(a.Str("group"))
	if err != nil {
		return err
	}
	return a.localGroups("-M", list)
}

// localGroups makes the user a member of groups (-M) or takes it out (-m), with libuser's tool: its others do not know members.
func (a *account) localGroups(flag string, groups []string) error {
	if len(groups) == 0 {
		return nil
	}
	bin, err := a.run.Need("lgroupmod")
	for _, g := range groups {
		if err == nil {
			err = a.must(bin, flag, a.name, g)
		}
	}
	return err
}

// localExpiry sets the day after which the account is closed, with libuser's tool.
func (a *account) localExpiry() error {
	bin, err := a.run.Need("lchage")
	if err != nil {
		return err
	}
	days := int64(-1)
	if f, _ := a.Args["expires"].(float64); f >= 0 {
		days = int64(f) / 86400
	}
	return a.must(bin, "-E", strconv.FormatInt(days, 10), a.name)
}

// expiry is the option expires, in seconds, as the day that useradd wants; negative takes the limit away.
func (a *account) expiry() string {
	f, _ := a.Args["expires"].(float64)
	if f < 0 {
		return ""
	}
	return time.Unix(int64(f), 0).UTC().Format("2006-01-02")
}

func groupExists(g string) bool {
	if _, ok := hostos.LookupGroup(g); ok {
		return true
	}
	gid, err := strconv.Atoi(g)
	if err != nil {
		return false
	}
	_, ok := hostos.LookupGID(gid)
	return ok
}

// memberOf are the groups that list the user as a member.
func memberOf(name string) []string {
	var out []string
	for _, g := range hostos.Groups() {
		if slices.Contains(g.Members, name) {
			out = append(out, g.Name)
		}
	}
	return out
}

// shadow is the user's line of the shadow file: password and expiry day.
func shadow(name string) (password, expires string) {
	data, err := os.ReadFile("/etc/shadow")
	if err != nil {
		return "", ""
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(strings.TrimRight(line, "\n"), ":"); f[0] == name && len(f) > 7 {
			return f[1], f[7]
		}
	}
	return "", ""
}

func (a *account) modify() (bool, error) {
	bin, err := a.tool("usermod")
	if err != nil {
		return false, err
	}
	var args, join, leave []string
	limit, local := false, a.Bool("local")
	add := func(flag ...string) { args = append(args, flag...) }
	if a.Has("uid") && int64(a.info.UID) != a.Int("uid") {
		add("-u", strconv.FormatInt(a.Int("uid"), 10))
		if a.Bool("non_unique") {
			add("-o")
		}
	}
	primary := hostos.GroupName(a.info.GID)
	if g := a.Str("group"); g != "" {
		if !groupExists(g) {
			return false, module.Fail(fmt.Sprintf("Group %s does not exist", g), nil)
		}
		want, ok := hostos.LookupGroup(g)
		if !ok {
			gid, _ := strconv.Atoi(g)
			want, _ = hostos.LookupGID(gid)
		}
		if want.GID != a.info.GID {
			add("-g", strconv.Itoa(want.GID))
		}
		primary = want.Name
	}
	if a.Has("groups") {
		have := memberOf(a.name)
		want, err := a.wantedGroups(primary)
		if err != nil {
			return false, err
		}
		missing := slices.ContainsFunc(want, func(g string) bool { return !slices.Contains(have, g) })
		extra := slices.ContainsFunc(have, func(g string) bool { return !slices.Contains(want, g) && g != primary })
		if local {
			join = slices.DeleteFunc(slices.Clone(want), func(g string) bool { return slices.Contains(have, g) })
			if !a.Bool("append") {
				leave = slices.DeleteFunc(slices.Clone(have), func(g string) bool { return slices.Contains(want, g) || g == primary })
			}
		} else if missing || extra && !a.Bool("append") {
			if a.Bool("append") {
				add("-a")
			}
			add("-G", strings.Join(want, ","))
		}
	}
	if a.Has("comment") && a.info.Gecos != a.Str("comment") {
		add("-c", a.Str("comment"))
	}
	if a.Has("home") && a.info.Home != a.Str("home") {
		add("-d", a.Str("home"))
		if a.Bool("move_home") {
			add("-m")
		}
	}
	if a.Has("shell") && a.info.Shell != a.Str("shell") {
		add("-s", a.Str("shell"))
	}
	password, expires := shadow(a.name)
	if a.Has("expires") {
		f, _ := a.Args["expires"].(float64)
		days, err := strconv.ParseInt(expires, 10, 64)
		switch {
		case f < 0 && (err == nil && days >= 0 || !inFile("/etc/shadow", a.name)):
			limit = true
		case f >= 0 && (err != nil || days != int64(f)/86400):
			limit = true
		}
		if limit && !local {
			add("-e", a.expiry())
		}
	}
	if a.Has(disable) {
		add("-f", strconv.FormatInt(a.Int(disable), 10))
	}
	locked := strings.HasPrefix(password, "!")
	if a.Has("password_lock") {
		if a.Bool("password_lock") && !locked {
			add("-L")
		} else if !a.Bool("password_lock") && locked {
			add("-U")
		}
	}
	if p := a.Str("password"); a.Has("password") && a.Str("update_password") == "always" &&
		strings.TrimLeft(password, "!") != strings.TrimLeft(p, "!") {
		if a.Bool("password_lock") && !strings.HasPrefix(p, "!") {
			p = "!" + p
		}
		add("-p", p)
	}
	if local && (len(join)+len(leave) > 0 || limit) {
		if a.Check {
			return true, nil
		}
		if err := a.localGroups("-M", join); err != nil {
			return false, err
		}
		if err := a.localGroups("-m", leave); err != nil {
			return false, err
		}
		if limit {
			if err := a.localExpiry(); err != nil {
				return false, err
			}
		}
		if len(args) == 0 {
			return true, nil
		}
	}
	if len(args) == 0 {
		return false, nil
	}
	if a.Check {
		return true, nil
	}
	return true, a.must(slices.Concat([]string{bin}, args, []string{a.name})...)
}

// makeHome makes a missing home directory of an existing user from the skeleton.
func (a *account) makeHome() (bool, error) {
	if !a.Bool("create_home") {
		return false, nil
	}
	home := a.info.Home
	if h := a.Str("home"); h != "" {
		home = h
	}
	if _, err := os.Stat(home); err == nil || home == "" {
		return false, nil
	}
	if a.Check {
		return true, nil
	}
	if err := a.copySkeleton(home); err != nil {
		return false, err
	}
	return true, a.ownHome(home)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// copySkeleton makes a home directory from the skeleton, with the mode that login.defs gives.
func (a *account) copySkeleton(home string) error {
	skeleton := a.Str("skeleton")
	if skeleton == "" {
		skeleton = "/etc/skel"
	}
	if err := os.MkdirAll(home, 0o777); err != nil {
		return module.Fail(hostos.Errno(err), nil)
	}
	err := filepath.WalkDir(skeleton, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // no skeleton
		}
		rel, err := filepath.Rel(skeleton, p)
		if err != nil || rel == "." {
			return err
		}
		to := filepath.Join(home, rel)
		switch {
		case d.IsDir():
			err = os.MkdirAll(to, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			var target string
			if target, err = os.Readlink(p); err == nil {
				err = os.Symlink(target, to)
			}
		default:
			err = hostos.CopyFile(p, to)
		}
		return err
	})
	if err != nil {
		return module.Fail(hostos.Errno(err), nil)
	}
	data, err := os.ReadFile("/etc/login.defs")
	if err != nil {
		return nil // as it was made
	}
	for line := range strings.Lines(string(data)) {
		f := strings.Fields(line)
		if len(f) != 2 || f[0] != "UMASK" {
			continue
		}
		umask, err := strconv.ParseUint(f[1], 8, 32)
		if err != nil {
			continue
		}
		if err := os.Chmod(home, fs.FileMode(0o777&^umask)); err != nil {
			return module.Fail(hostos.Errno(err), nil)
		}
	}
	return nil
}

// ownHome gives a home directory and all in it to the user.
func (a *account) ownHome(home string) error {
	err := filepath.WalkDir(home, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, a.info.UID, a.info.GID)
	})
	if err != nil {
		return module.Fail(hostos.Errno(err), nil)
	}
	return nil
}

// sshKey makes a key pair for the user unless there is one, and describes it in the result.
func (a *account) sshKey(r module.Result) (bool, error) {
	file := a.Str("ssh_key_file")
	if file == "" {
		file = filepath.Join(".ssh", "id_"+a.Str("ssh_key_type"))
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(a.info.Home, file)
	}
	changed := false
	if _, err := os.Stat(file); err != nil || a.Bool("force") {
		changed = true
		if a.Check {
			return true, a.describeKey(r, file)
		}
		broken := func(msg string) (bool, error) { return false, module.Fail(msg, module.Result{"name": a.name, "rc": 1}) }
		if !isDir(a.info.Home) {
			return broken("User " + a.name + " home directory does not exist")
		}
		dir := filepath.Dir(file)
		if _, err := os.Stat(dir); err != nil {
			if err := os.Mkdir(dir, 0o700); err != nil {
				return broken(fmt.Sprintf("Failed to create %s: %s", dir, strings.Replace(hostos.Errno(err), ": b'", ": '", 1)))
			}
			if err := os.Chown(dir, a.info.UID, a.info.GID); err != nil {
				return false, module.Fail(hostos.Errno(err), nil)
			}
		}
		if err == nil {
			os.Remove(file)
		}
		bin, err := a.run.Need("ssh-keygen")
		if err != nil {
			return false, err
		}
		comment := a.Str("ssh_key_comment")
		if comment == "" {
			host, _ := os.Hostname()
			comment = "ansible-generated on " + host
		}
		args := []string{bin, "-t", a.Str("ssh_key_type")}
		if n := a.Int("ssh_key_bits"); n > 0 {
			args = append(args, "-b", strconv.FormatInt(n, 10))
		}
		args = append(args, "-C", comment, "-f", file)
		var answer []string
		if p := a.Str("ssh_key_passphrase"); p == "" {
			args = append(args, "-N", "")
		} else if answer, err = a.askPass(p); err != nil {
			return false, err
		}
		if err := a.mustWith(hostos.Cmd{Args: args, Env: answer}); err != nil {
			return false, err
		}
		for _, f := range []string{file, file + ".pub"} {
			if err := os.Chown(f, a.info.UID, a.info.GID); err != nil {
				return false, module.Fail(hostos.Errno(err), nil)
			}
		}
	}
	return changed, a.describeKey(r, file)
}

// describeKey adds a key's file, fingerprint and public half to the result.
func (a *account) describeKey(r module.Result, file string) error {
	r["ssh_key_file"], r["ssh_fingerprint"], r["ssh_public_key"] = file, "", nil
	if _, err := os.Stat(file); err != nil {
		return nil
	}
	if bin := a.run.Find("ssh-keygen"); bin != "" {
		out, err := a.run.Run(bin, "-l", "-f", file)
		if err != nil {
			return err
		}
		r["ssh_fingerprint"] = strings.TrimSpace(out.Stdout)
		if out.RC != 0 {
			r["ssh_fingerprint"] = strings.TrimSpace(out.Stderr)
		}
	}
	if pub, err := os.ReadFile(file + ".pub"); err == nil {
		r["ssh_public_key"] = strings.TrimSpace(string(pub))
	}
	return nil
}

// askPass is an environment in which ssh-keygen asks a program for the passphrase: as a word of its command line everybody could read it.
func (a *account) askPass(passphrase string) ([]string, error) {
	program := filepath.Join(a.TmpDir, "askpass")
	if err := hostos.WriteProgram(program, []byte("#!/bin/sh\nprintf '%s\\n' \"$SSH_KEY_PASSPHRASE\"\n")); err != nil {
		return nil, module.Fail(hostos.Errno(err), nil)
	}
	return []string{"SSH_ASKPASS=" + program, "SSH_ASKPASS_REQUIRE=force", "DISPLAY=none", "SSH_KEY_PASSPHRASE=" + passphrase}, nil
}

// aging sets the days of password aging.
func (a *account) aging() (bool, error) {
	var flags []string
	for _, o := range []struct {
		option, flag string
		field        int
	}{{"password_expire_min", "-m", 3}, {"password_expire_max", "-M", 4}, {"password_expire_warn", "-W", 5}} {
		if want := strconv.FormatInt(a.Int(o.option), 10); a.Has(o.option) && shadowField(a.name, o.field) != want {
			flags = append(flags, o.flag, want)
		}
	}
	if len(flags) == 0 || a.Check {
		return len(flags) > 0, nil
	}
	bin, err := a.run.Need("chage")
	if err != nil {
		return false, err
	}
	return true, a.must(slices.Concat([]string{bin}, flags, []string{a.name})...)
}

func shadowField(name string, i int) string {
	data, err := os.ReadFile("/etc/shadow")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(strings.TrimRight(line, "\n"), ":"); f[0] == name && len(f) > i {
			return f[i]
		}
	}
	return ""
}
