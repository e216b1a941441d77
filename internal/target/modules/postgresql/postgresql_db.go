package postgresql

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// postgresqlDB has the options of community.postgresql 2.
var postgresqlDB = &module.Module{
	Name: "community.postgresql.postgresql_db",
	Doc:  "Creates, removes, renames, dumps and restores databases of PostgreSQL.",
	Spec: module.Spec{
		Options: postgresOptions(
			module.Option{Name: "conn_limit", Default: ""},
			module.Option{Name: "db", Required: true, Aliases: []string{"name"}},
			module.Option{Name: "dump_extra_args"},
			module.Option{Name: "encoding", Default: ""},
			module.Option{Name: "force", Type: module.TypeBool, Default: false},
			module.Option{Name: "lc_collate", Default: ""},
			module.Option{Name: "lc_ctype", Default: ""},
			module.Option{Name: "maintenance_db", Default: "postgres"},
			module.Option{Name: "owner", Default: ""},
			module.Option{Name: "session_role"},
			module.Option{Name: "state", Default: "present", Choices: []any{"absent", "dump", "present", "rename", "restore"}},
			module.Option{Name: "tablespace", Type: module.TypePath, Default: ""},
			module.Option{Name: "target", Type: module.TypePath, Default: ""},
			module.Option{Name: "target_opts", Default: ""},
			module.Option{Name: "template", Default: ""},
			module.Option{Name: "trust_input", Type: module.TypeBool, Default: true},
		),
		CheckMode: true,
	},
	Run: runPostgresqlDB,
}

func runPostgresqlDB(ctx context.Context, c *module.Call) (module.Result, error) {
	d := &pgDatabase{Call: c, name: c.Str("db"), executed: []any{}}
	state, target := c.Str("state"), c.Str("target")
	if state == "rename" {
		switch {
		case target == "":
			return nil, module.Fail(`The "target" option must be defined when the "rename" option is used.`, nil)
		case target == d.name:
			return nil, module.Fail(`The "name/db" option and the "target" option cannot be the same.`, nil)
		case c.Str("maintenance_db") == d.name:
			return nil, module.Fail(`The "maintenance_db" option and the "name/db" option cannot be the same.`, nil)
		}
	}
	if err := distrust(c, c.Str("owner"), c.Str("conn_limit"), c.Str("encoding"), d.name, c.Str("template"), c.Str("tablespace"), c.Str("session_role")); err != nil {
		return nil, err
	}
	params, err := postgresLogin(c, c.Str("maintenance_db"))
	if err != nil {
		return nil, err
	}
	c.Args["db"] = c.Str("maintenance_db") // where the connection goes, as the invocation shows
	result := func(changed bool) module.Result {
		return module.Result{"changed": changed, "db": d.name, "executed_commands": d.executed}
	}
	if state == "dump" || state == "restore" {
		if c.Check {
			return result(false), nil
		}
		if target == "" {
			dir, err := os.Getwd()
			if err != nil {
				return nil, err
			}
			target = dir + "/" + d.name + ".sql"
		}
		if state == "dump" {
			return d.dump(ctx, params, target)
		}
		return d.restore(ctx, params, target)
	}
	if d.postgres, err = openPostgres(ctx, c, params, true); err != nil {
		return nil, err
	}
	defer d.close()
	changed := false
	switch state {
	case "absent":
		changed, err = d.remove(ctx)
	case "present":
		changed, err = d.create(ctx)
	case "rename":
		changed, err = d.rename(ctx, target)
	}
	if err != nil {
		if _, own := errors.AsType[*module.Failure](err); own {
			return nil, err
		}
		return nil, module.Fail("Database query failed: "+err.Error(), nil)
	}
	return result(changed), nil
}

// pgDatabase is the database that a call is about.
type pgDatabase struct {
	*module.Call
	*postgres
	name     string
	executed []any
}

// run executes a statement that changes something.
func (d *pgDatabase) run(ctx context.Context, statement string, args any) error {
	merged, err := d.merge(statement, args)
	if err != nil {
		return err
	}
	d.executed = append(d.executed, merged)
	_, err = d.exec(ctx, statement, args)
	return err
}

func (d *pgDatabase) exists(ctx context.Context, name string) (bool, error) {
	r, err := d.exec(ctx, "SELECT 1 FROM pg_database WHERE datname = %s", []any{name})
	return err == nil && len(r.rows) == 1, err
}

// pgDatabaseInfo is what can be compared of a database.
type pgDatabaseInfo struct {
	owner, encoding, encodingID, collate, ctype, limit, tablespace string
}

// current is the database as it is; nil when there is none.
func (d *pgDatabase) current(ctx context.Context) (*pgDatabaseInfo, error) {
	r, err := d.exec(ctx, `SELECT r.rolname, pg_encoding_to_char(d.encoding), d.encoding, d.datcollate, d.datctype, d.datconnlimit, t.spcname
FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba JOIN pg_tablespace t ON t.oid = d.dattablespace WHERE d.datname = %s`, []any{d.name})
	if err != nil || len(r.rows) == 0 {
		return nil, err
	}
	f := r.rows[0]
	return &pgDatabaseInfo{string(f[0]), string(f[1]), string(f[2]), string(f[3]), string(f[4]), string(f[5]), string(f[6])}, nil
}

// fixed says which wish no existing database can fulfil; "" when there is none.
func (d *pgDatabase) fixed(ctx context.Context, have *pgDatabaseInfo) (string, error) {
	if encoding := d.Str("encoding"); encoding != "" {
		r, err := d.exec(ctx, "SELECT pg_char_to_encoding(%s)", []any{encoding})
		if err != nil {
			return "", err
		}
		if string(r.rows[0][0]) != have.encodingID {
			return "Changing database encoding is not supported. Current encoding: " + have.encoding, nil
		}
	}
	if v := d.Str("lc_collate"); v != "" && v != have.collate {
		return "Changing LC_COLLATE is not supported. Current LC_COLLATE: " + have.collate, nil
	}
	if v := d.Str("lc_ctype"); v != "" && v != have.ctype {
		return "Changing LC_CTYPE is not supported.Current LC_CTYPE: " + have.ctype, nil
	}
	return "", nil
}

func (d *pgDatabase) create(ctx context.Context) (bool, error) {
	have, err := d.current(ctx)
	if err != nil {
		return false, err
	}
	if have != nil {
		return d.alter(ctx, have)
	}
	if d.Check {
		return true, nil
	}
	statement := `CREATE DATABASE "` + d.name + `"`
	for _, part := range []struct{ words, option string }{
		{`OWNER "%s"`, "owner"}, {`TEMPLATE "%s"`, "template"}, {"ENCODING %%(encoding)s", "encoding"}, {"LC_COLLATE %%(lc_collate)s", "lc_collate"},
		{"LC_CTYPE %%(lc_ctype)s", "lc_ctype"}, {`TABLESPACE "%s"`, "tablespace"}, {"CONNECTION LIMIT %s", "conn_limit"},
	} {
		if v := d.Str(part.option); v != "" {
			statement += " " + strings.ReplaceAll(strings.Replace(part.words, "%s", v, 1), "%%", "%")
		}
	}
	return true, d.run(ctx, statement, map[string]any{"encoding": d.Str("encoding"), "lc_collate": d.Str("lc_collate"), "lc_ctype": d.Str("lc_ctype")})
}

func (d *pgDatabase) alter(ctx context.Context, have *pgDatabaseInfo) (bool, error) {
	problem, err := d.fixed(ctx, have)
	if err != nil {
		return false, err
	}
	if problem != "" {
		if d.Check {
			return true, nil
		}
		return false, module.Fail(problem, nil)
	}
	changed := false
	for _, part := range []struct{ option, have, words string }{
		{"owner", have.owner, `OWNER TO "%s"`}, {"conn_limit", have.limit, "CONNECTION LIMIT %s"}, {"tablespace", have.tablespace, `SET TABLESPACE "%s"`},
	} {
		v := d.Str(part.option)
		if v == "" || v == part.have {
			continue
		}
		changed = true
		if d.Check {
			continue
		}
		if err := d.run(ctx, `ALTER DATABASE "`+d.name+`" `+strings.Replace(part.words, "%s", v, 1), nil); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

func (d *pgDatabase) remove(ctx context.Context) (bool, error) {
	there, err := d.exists(ctx, d.name)
	if err != nil || !there || d.Check {
		return there, err
	}
	statement := `DROP DATABASE "` + d.name + `"`
	if d.Bool("force") {
		if d.major() >= 13 {
			statement += " WITH (FORCE)"
		} else if _, err := d.exec(ctx, "UPDATE pg_database SET datallowconn = false WHERE datname = %s; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", []any{d.name, d.name}); err != nil {
			return false, err
		}
	}
	return true, d.run(ctx, statement, nil)
}

func (d *pgDatabase) rename(ctx context.Context, target string) (bool, error) {
	from, err := d.exists(ctx, d.name)
	if err != nil {
		return false, err
	}
	to, err := d.exists(ctx, target)
	switch {
	case err != nil:
		return false, err
	case from && to:
		return false, module.Fail("Both the source and the target databases exist.", nil)
	case !from && !to:
		return false, module.Fail("The source and the target databases do not exist.", nil)
	case to: // done before
		return false, nil
	case d.Check:
		return true, nil
	}
	return true, d.run(ctx, fmt.Sprintf(`ALTER DATABASE "%s" RENAME TO "%s"`, d.name, target), nil)
}

// loginFlags are the words of a command line that say where the server is.
func loginFlags(params map[string]string) string {
	flags := ""
	for _, f := range []string{"host", "port", "user"} {
		if v := params[f]; v != "" {
			flags += " --" + map[string]string{"host": "host", "port": "port", "user": "username"}[f] + "=" + v
		}
	}
	return flags
}

// archives are the formats of pg_dump and pg_restore by the ending of a file, packers programs that write and read compressed text.
var (
	archives = map[string]struct{ dump, restore string }{".tar": {"t", "Tar"}, ".pgc": {"c", "Custom"}, ".dir": {"d", "Directory"}}
	packers  = map[string]struct{ pack, unpack string }{".gz": {"gzip", "zcat"}, ".bz2": {"bzip2", "bzcat"}, ".xz": {"xz", "xzcat"}}
)

func (d *pgDatabase) dump(ctx context.Context, params map[string]string, target string) (module.Result, error) {
	cmd, err := hostos.NeedBin("pg_dump")
	if err != nil {
		return nil, err
	}
	ending := filepath.Ext(target)
	cmd += " " + hostos.ShellQuote(d.name) + loginFlags(params)
	if f, ok := archives[ending]; ok {
		cmd += " --format=" + f.dump
	}
	if v := d.Str("dump_extra_args"); v != "" {
		cmd += " " + v + " "
	}
	if v := d.Str("target_opts"); v != "" {
		cmd += " " + v + " "
	}
	quoted := hostos.ShellQuote(target)
	if p, ok := packers[ending]; ok {
		packer := ""
		if ending == ".gz" {
			packer = hostos.FindBin("pigz")
		}
		if packer == "" {
			if packer, err = hostos.NeedBin(p.pack); err != nil {
				return nil, err
			}
		}
		// A pipe of the shell would hide the exit code of pg_dump.
		fifo := filepath.Join(d.TmpDir, "pg_fifo")
		if err := syscall.Mkfifo(fifo, 0o600); err != nil {
			return nil, fmt.Errorf("%s: %w", fifo, err)
		}
		cmd = packer + " <" + fifo + " > " + quoted + " & " + cmd + " >" + fifo
	} else if strings.Contains(cmd, " --format=d") {
		cmd += " -f " + quoted
	} else {
		cmd += " > " + quoted
	}
	return d.shell(ctx, params, cmd)
}

func (d *pgDatabase) restore(ctx context.Context, params map[string]string, target string) (module.Result, error) {
	ending := filepath.Ext(target)
	name := "psql"
	if _, ok := archives[ending]; ok {
		name = "pg_restore"
	}
	cmd, err := hostos.NeedBin(name)
	if err != nil {
		return nil, err
	}
	cmd += " --dbname=" + hostos.ShellQuote(d.name) + loginFlags(params)
	if ending == ".sql" {
		cmd += " --file=" + target
	} else if f, ok := archives[ending]; ok {
		cmd += " --format=" + f.restore
	}
	if v := d.Str("target_opts"); v != "" {
		cmd += " " + v + " "
	}
	p, packed := packers[ending]
	if !packed {
		if strings.Contains(cmd, "--format=Directory") {
			return d.shell(ctx, params, cmd+" "+hostos.ShellQuote(target))
		}
		return d.shell(ctx, params, cmd+" < "+hostos.ShellQuote(target))
	}
	unpacker, err := hostos.NeedBin(p.unpack)
	if err != nil {
		return nil, err
	}
	// The text goes through a pipe of the shell; its first part leaves its exit code in a file.
	failed := filepath.Join(d.TmpDir, "unpacker")
	line := "{ " + hostos.ShellQuote(unpacker) + " " + hostos.ShellQuote(target) + " 2>" + failed + ".err || echo $? >" + failed + "; } | " + cmd
	out, err := hostos.Run(ctx, hostos.Cmd{Args: []string{"/bin/sh", "-c", line}, Env: d.environment(params)})
	if err != nil {
		return nil, err
	}
	rc, stderr := out.RC, out.Stderr
	if text, err := os.ReadFile(failed); err == nil {
		if _, err := fmt.Sscan(string(text), &rc); err != nil {
			return nil, err
		}
		text, err = os.ReadFile(failed + ".err")
		if err != nil {
			return nil, err
		}
		stderr = string(text)
	}
	return d.outcome(rc, "", stderr, "cmd: ****")
}

func (d *pgDatabase) environment(params map[string]string) []string {
	if params["password"] == "" {
		return d.Env
	}
	return append(d.Env[:len(d.Env):len(d.Env)], "PGPASSWORD="+params["password"])
}

func (d *pgDatabase) shell(ctx context.Context, params map[string]string, cmd string) (module.Result, error) {
	d.executed = append(d.executed, cmd)
	out, err := hostos.Run(ctx, hostos.Cmd{Args: []string{"/bin/sh", "-c", cmd}, Env: d.environment(params)})
	if err != nil {
		return nil, err
	}
	return d.outcome(out.RC, out.Stdout, out.Stderr, cmd)
}

func (d *pgDatabase) outcome(rc int, stdout, stderr, cmd string) (module.Result, error) {
	if rc != 0 {
		return nil, module.Fail(stderr, module.Result{"stdout": stdout, "rc": rc, "cmd": cmd})
	}
	return module.Result{"changed": true, "msg": stdout, "stderr": stderr, "rc": rc, "cmd": cmd, "executed_commands": d.executed}, nil
}
