package mysql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// mysqlDB has the options of community.mysql 3.7.
var mysqlDB = &module.Module{
	Name: "community.mysql.mysql_db",
	Doc:  "Creates, removes, dumps and imports databases of MySQL and MariaDB.",
	Spec: module.Spec{
		Options: mysqlOptions(
			module.Option{Name: "chdir", Type: module.TypePath},
			module.Option{Name: "check_implicit_admin", Type: module.TypeBool, Default: false},
			module.Option{Name: "collation", Default: ""},
			module.Option{Name: "config_overrides_defaults", Type: module.TypeBool, Default: false},
			module.Option{Name: "dump_extra_args"},
			module.Option{Name: "encoding", Default: ""},
			module.Option{Name: "force", Type: module.TypeBool, Default: false},
			module.Option{Name: "hex_blob", Type: module.TypeBool, Default: false},
			module.Option{Name: "ignore_tables", Type: module.TypeList, Default: []any{}},
			module.Option{Name: "master_data", Type: module.TypeInt, Default: int64(0), Choices: []any{int64(0), int64(1), int64(2)}},
			module.Option{Name: "name", Type: module.TypeList, Required: true, Aliases: []string{"db"}},
			module.Option{Name: "pipefail", Type: module.TypeBool, Default: false},
			module.Option{Name: "quick", Type: module.TypeBool, Default: true},
			module.Option{Name: "restrict_config_file", Type: module.TypeBool, Default: false},
			module.Option{Name: "single_transaction", Type: module.TypeBool, Default: false},
			module.Option{Name: "skip_lock_tables", Type: module.TypeBool, Default: false},
			module.Option{Name: "state", Default: "present", Choices: []any{"absent", "dump", "import", "present"}},
			module.Option{Name: "target", Type: module.TypePath},
			module.Option{Name: "unsafe_login_password", Type: module.TypeBool, Default: false, NoLog: true},
			module.Option{Name: "use_shell", Type: module.TypeBool, Default: false},
		),
		CheckMode: true,
	},
	Run: runMysqlDB,
}

func runMysqlDB(ctx context.Context, c *module.Call) (module.Result, error) {
	d := &myDatabases{Call: c, executed: []any{}, config: c.Str("config_file")}
	for _, name := range c.Strings("name") {
		d.names = append(d.names, strings.TrimSpace(name))
	}
	if len(d.names) == 0 {
		return module.Result{"changed": false, "db": []any{}, "db_list": []any{}}, nil
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	state := c.Str("state")
	if state == "dump" || state == "import" {
		if err := d.secret(ctx); err != nil {
			return nil, err
		}
	}
	if err := d.connect(ctx); err != nil {
		return nil, err
	}
	defer d.close()
	if _, err := os.Stat(d.config); err != nil {
		d.config = ""
	}
	if !d.all {
		if err := d.look(ctx); err != nil {
			return nil, err
		}
	}
	r := module.Result{"db": strings.Join(d.names, " "), "db_list": d.names}
	var err error
	switch state {
	case "absent":
		r["changed"] = len(d.there) > 0
		if !c.Check {
			err = d.remove(ctx)
		}
	case "present":
		r["changed"] = len(d.missing) > 0
		if !c.Check {
			err = d.create(ctx)
		}
	case "dump":
		if len(d.missing) > 0 {
			return nil, module.Fail("Cannot dump database(s) "+module.Quote(strings.Join(d.missing, ", "))+" - not found", nil)
		}
		r["changed"] = true
		if !c.Check {
			r["msg"], err = d.dump(ctx)
		}
	case "import":
		r["changed"] = true
		if !c.Check {
			if err = d.create(ctx); err == nil {
				r["msg"], err = d.load(ctx)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if !c.Check {
		r["executed_commands"] = d.executed
	}
	return r, nil
}

// myDatabases are the databases that a call is about.
type myDatabases struct {
	*module.Call
	*mariadb
	names, there, missing []string
	all                   bool   // every database of the server
	config                string // the file of options, "" when there is none
	implicit              bool   // root without a password it is
	executed              []any
}

// check refuses what makes no sense before anybody connects.
func (d *myDatabases) check() error {
	if p := d.Int("login_port"); p < 0 || p > 65535 {
		return module.Fail("login_port must be a valid unix port number (0-65535)", nil)
	}
	if slices.Contains(d.Strings("ignore_tables"), "") {
		return module.Fail("Name of ignored table cannot be empty", nil)
	}
	if dir := d.Str("chdir"); dir != "" {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			err = &os.PathError{Op: "chdir", Path: dir, Err: syscall.ENOTDIR}
		}
		if err != nil {
			return module.Fail("Cannot change the current directory to "+dir+": "+strings.Replace(hostos.Errno(err), ": b'", ": '", 1), nil)
		}
	}
	state := d.Str("state")
	d.all = slices.Equal(d.names, []string{"all"})
	switch {
	case len(d.names) > 1 && state == "import":
		return module.Fail("Multiple databases are not supported with state=import", nil)
	case (state == "dump" || state == "import") && !d.Has("target"):
		return module.Fail("with state="+state+" target is required", nil)
	case state != "dump" && state != "import" && d.all:
		return module.Fail("name is not allowed to equal 'all' unless state equals import, or dump.", nil)
	}
	return nil
}

// secret sees to it that a password can go to the programs through their environment, where not everybody can read it. That does
// not do where a file of options has another, which they prefer, or where a shell shall expand it: the collection's module then
// puts it into their arguments.
func (d *myDatabases) secret(ctx context.Context) error {
	if d.Str("login_password") == "" {
		return nil
	}
	if d.Bool("unsafe_login_password") {
		return &module.NotNative{Reason: "unsafe_login_password"}
	}
	program := "mysqldump"
	if d.Str("state") == "import" {
		program = "mysql"
	}
	path, err := hostos.NeedBin(program)
	if err != nil {
		return err
	}
	args := []string{path}
	if _, err := os.Stat(d.config); err == nil {
		args = append(args, d.defaults(d.config))
	}
	out, err := hostos.Run(ctx, hostos.Cmd{Args: append(args, "--print-defaults"), Env: d.Env})
	if err != nil {
		return err
	}
	if strings.Contains(out.Stdout, "--password") {
		return &module.NotNative{Reason: "a password of the options' file beside login_password"}
	}
	return nil
}

func (d *myDatabases) connect(ctx context.Context) error {
	file := d.config
	if d.Bool("config_overrides_defaults") {
		options, err := clientFile(file)
		if err != nil {
			return err
		}
		if host := options["host"]; host != "" {
			d.Args["login_host"] = host
		}
		if port := options["port"]; port != "" {
			var n int64
			if _, err := fmt.Sscan(port, &n); err != nil {
				return module.Fail("Failed to parse "+file+": the port is "+port, nil)
			}
			d.Args["login_port"] = n
		}
	}
	var err error
	if d.Bool("check_implicit_admin") {
		d.mariadb, err = openMySQL(ctx, d.Call, myLogin{user: "root", hasUser: true, hasPassword: true})
		d.implicit = err == nil
	}
	if d.mariadb == nil {
		d.mariadb, err = openMySQL(ctx, d.Call, myLogin{user: d.Str("login_user"), hasUser: d.Has("login_user"), password: d.Str("login_password"), hasPassword: d.Has("login_password")})
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	if _, ok := errors.AsType[*module.NotNative](err); ok {
		return err
	}
	if _, missing := os.Stat(file); missing != nil {
		return module.Fail("unable to find "+file+". Exception message: "+err.Error(), nil)
	}
	return module.Fail("unable to connect to database, check login_user and login_password are correct or "+file+" has the credentials. Exception message: "+err.Error(), nil)
}

// look sorts the names by whether there is such a database.
func (d *myDatabases) look(ctx context.Context) error {
	for _, name := range d.names {
		rows, err := d.query(ctx, d.fill("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = %s", name))
		if err != nil {
			return err
		}
		if len(rows) == 1 {
			d.there = append(d.there, name)
		} else {
			d.missing = append(d.missing, name)
		}
	}
	return nil
}

func (d *myDatabases) remove(ctx context.Context) error {
	for _, name := range d.there {
		quoted, err := mysqlName(name, "database")
		if err == nil {
			statement := "DROP DATABASE " + quoted
			d.executed = append(d.executed, statement)
			err = d.exec(ctx, statement)
		}
		if err != nil {
			return module.Fail("error deleting database: "+err.Error(), nil)
		}
	}
	return nil
}

func (d *myDatabases) create(ctx context.Context) error {
	for _, name := range d.missing {
		quoted, err := mysqlName(name, "database")
		if err == nil {
			statement := "CREATE DATABASE " + quoted
			if v := d.Str("encoding"); v != "" {
				statement += " CHARACTER SET " + d.literal(v)
			}
			if v := d.Str("collation"); v != "" {
				statement += " COLLATE " + d.literal(v)
			}
			if err = d.exec(ctx, statement); err == nil {
				d.executed = append(d.executed, statement)
			}
		}
		if err != nil {
			return module.Fail("error creating database: "+err.Error(), nil)
		}
	}
	return nil
}

// defaults is the option that names the file of options.
func (d *myDatabases) defaults(file string) string {
	if d.Bool("restrict_config_file") {
		return "--defaults-file=" + hostos.ShellQuote(file)
	}
	return "--defaults-extra-file=" + hostos.ShellQuote(file)
}

// command is a program with the options that say where the server is. shown has the password, which is left out of what runs.
func (d *myDatabases) command(program string) (run, shown []string, err error) {
	path, err := hostos.NeedBin(program)
	if err != nil {
		return nil, nil, err
	}
	words, password := []string{path}, ""
	if d.config != "" {
		words = append(words, d.defaults(d.config)) // which must be the first
	}
	dump := program == "mysqldump"
	at := 0
	if d.implicit {
		words = append(words, "--user=root --password=''")
	} else {
		if d.Has("login_user") && (dump || d.Str("login_user") != "") {
			words = append(words, "--user="+hostos.ShellQuote(d.Str("login_user")))
		}
		at = len(words)
		if password = d.Str("login_password"); dump && d.Has("login_password") && password == "" {
			words = append(words, "--password=''")
		}
	}
	for _, o := range [][2]string{{"client_cert", "--ssl-cert="}, {"client_key", "--ssl-key="}, {"ca_cert", "--ssl-ca="}} {
		if d.Has(o[0]) {
			words = append(words, o[1]+hostos.ShellQuote(d.Str(o[0])))
		}
	}
	if d.Bool("force") {
		words = append(words, map[bool]string{true: "--force", false: "-f"}[dump])
	}
	if d.Has("login_unix_socket") {
		words = append(words, "--socket="+hostos.ShellQuote(d.Str("login_unix_socket")))
	} else {
		words = append(words, "--host="+hostos.ShellQuote(d.Str("login_host")), fmt.Sprintf("--port=%d", d.Int("login_port")))
	}
	shown = slices.Clone(words)
	if password != "" {
		visible := hostos.ShellQuote(password)
		if strings.Contains(password, "'") { // quoted, it would not be found and hidden
			visible = "********"
		}
		shown = slices.Insert(shown, at, "--password="+visible)
	}
	return words, shown, nil
}

func (d *myDatabases) environment() []string {
	if d.implicit || d.Str("login_password") == "" {
		return d.Env
	}
	return append(slices.Clone(d.Env), "MYSQL_PWD="+d.Str("login_password"))
}

// myPackers are programs that compress and, with -dc, expand, by the ending of a file.
var myPackers = map[string]string{".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}

func (d *myDatabases) packer() (string, error) {
	program, ok := myPackers[filepath.Ext(d.Str("target"))]
	if !ok {
		return "", nil
	}
	return hostos.NeedBin(program)
}

func (d *myDatabases) dump(ctx context.Context) (string, error) {
	run, shown, err := d.command("mysqldump")
	if err != nil {
		return "", err
	}
	var more []string
	switch {
	case d.all:
		more = append(more, "--all-databases")
	case len(d.names) > 1:
		more = append(more, "--databases "+strings.Join(d.names, " "))
	default:
		more = append(more, hostos.ShellQuote(d.names[0]))
	}
	flag := func(option, word string) {
		if d.Bool(option) {
			more = append(more, word)
		}
	}
	flag("skip_lock_tables", "--skip-lock-tables")
	if v := d.Str("encoding"); v != "" {
		more = append(more, "--default-character-set="+hostos.ShellQuote(v))
	}
	flag("single_transaction", "--single-transaction=true")
	flag("quick", "--quick")
	for _, t := range d.Strings("ignore_tables") {
		more = append(more, "--ignore-table="+t)
	}
	flag("hex_blob", "--hex-blob")
	if n := d.Int("master_data"); n != 0 {
		more = append(more, fmt.Sprintf("--master-data=%d", n))
	}
	if d.Has("dump_extra_args") {
		more = append(more, d.Str("dump_extra_args"))
	}
	packer, err := d.packer()
	if err != nil {
		return "", err
	}
	shell := "/bin/sh"
	line := func(words []string) string {
		cmd := strings.Join(append(slices.Clone(words), more...), " ")
		if packer == "" {
			return cmd + " > " + hostos.ShellQuote(d.Str("target"))
		}
		cmd += " | " + packer + " > " + hostos.ShellQuote(d.Str("target"))
		if d.Bool("pipefail") {
			return "set -o pipefail && " + cmd
		}
		return cmd
	}
	if d.Bool("pipefail") {
		if shell, err = hostos.NeedBin("bash"); err != nil {
			return "", err
		}
	}
	return d.shell(ctx, shell, line(run), line(shown))
}

func (d *myDatabases) shell(ctx context.Context, shell, run, shown string) (string, error) {
	d.executed = append(d.executed, shown)
	out, err := hostos.Run(ctx, hostos.Cmd{Args: []string{shell, "-c", run}, Dir: d.Str("chdir"), Env: d.environment()})
	if err != nil {
		return "", err
	}
	if out.RC != 0 {
		return "", module.Fail(out.Stderr, nil)
	}
	return out.Stdout, nil
}

// path is a file where the task works.
func (d *myDatabases) path(file string) string {
	if dir := d.Str("chdir"); dir != "" && !filepath.IsAbs(file) {
		return filepath.Join(dir, file)
	}
	return file
}

func (d *myDatabases) load(ctx context.Context) (string, error) {
	target := d.Str("target")
	if _, err := os.Stat(d.path(target)); err != nil {
		return "", module.Fail("target "+target+" does not exist on the host", nil)
	}
	run, shown, err := d.command("mysql")
	if err != nil {
		return "", err
	}
	var more []string
	if v := d.Str("encoding"); v != "" {
		more = append(more, "--default-character-set="+hostos.ShellQuote(v))
	}
	if !d.all {
		more = append(more, "--one-database", hostos.ShellQuote(d.names[0]))
	}
	run, shown = append(run, more...), append(shown, more...)
	packer, err := d.packer()
	if err != nil {
		return "", err
	}
	if packer == "" {
		from := " < " + hostos.ShellQuote(target)
		return d.shell(ctx, "/bin/sh", strings.Join(run, " ")+from, strings.Join(shown, " ")+from)
	}
	d.executed = append(d.executed, packer+" -dc "+target+" | "+pythonList(shown))
	if d.Bool("use_shell") {
		out, err := hostos.Run(ctx, hostos.Cmd{Args: []string{"/bin/sh", "-c", packer + " -dc " + hostos.ShellQuote(target) + " | " + strings.Join(run, " ")}, Dir: d.Str("chdir"), Env: d.environment()})
		if err != nil {
			return "", err
		}
		if out.RC != 0 {
			return "", module.Fail(out.Stderr, nil)
		}
		return out.Stdout, nil
	}
	return d.expand(ctx, packer, target, run)
}

// expand reads a compressed file into the client.
func (d *myDatabases) expand(ctx context.Context, packer, target string, client []string) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reader, writer := io.Pipe()
	unpack := exec.CommandContext(ctx, packer, "-dc", target)
	unpack.Dir, unpack.Stdout = d.Str("chdir"), writer
	var complaint strings.Builder
	unpack.Stderr = &complaint
	if err := unpack.Start(); err != nil {
		return "", err
	}
	ended := make(chan error, 1)
	go func() { // ends with the program, which ends with ctx or when nobody reads
		err := unpack.Wait()
		writer.Close()
		ended <- err
	}()
	out, err := hostos.Run(ctx, hostos.Cmd{Args: client, Dir: d.Str("chdir"), Env: d.environment(), Stdin: reader})
	reader.Close()
	if packed := <-ended; packed != nil && complaint.Len() > 0 {
		return "", module.Fail(complaint.String(), nil)
	}
	if err != nil {
		return "", err
	}
	if out.RC != 0 {
		return "", module.Fail(out.Stderr, nil)
	}
	return out.Stdout, nil
}
