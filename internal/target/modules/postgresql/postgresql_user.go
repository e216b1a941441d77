package postgresql

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/module"
)

// postgresqlUser has the options of community.postgresql 2.
var postgresqlUser = &module.Module{
	Name: "community.postgresql.postgresql_user",
	Doc:  "Keeps users (roles that may log in) of PostgreSQL, with password, attributes and rights.",
	Spec: module.Spec{
		Options: postgresOptions(
			module.Option{Name: "comment"},
			module.Option{Name: "conn_limit", Type: module.TypeInt},
			module.Option{Name: "db", Default: "", Aliases: []string{"login_db"}},
			module.Option{Name: "encrypted", Type: module.TypeBool, Default: true},
			module.Option{Name: "expires"},
			module.Option{Name: "fail_on_user", Type: module.TypeBool, Default: true, Aliases: []string{"fail_on_role"}},
			module.Option{Name: "groups", Type: module.TypeList, Elements: module.TypeStr},
			module.Option{Name: "no_password_changes", Type: module.TypeBool, Default: false},
			module.Option{Name: "password", NoLog: true},
			module.Option{Name: "priv"},
			module.Option{Name: "role_attr_flags", Default: ""},
			module.Option{Name: "session_role"},
			module.Option{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			module.Option{Name: "trust_input", Type: module.TypeBool, Default: true},
			module.Option{Name: "user", Required: true, Aliases: []string{"name"}},
		),
		CheckMode: true,
	},
	Run: runPostgresqlUser,
}

func runPostgresqlUser(ctx context.Context, c *module.Call) (module.Result, error) {
	for _, option := range []string{"groups", "priv"} {
		if c.Has(option) {
			c.Deprecations = append(c.Deprecations, map[string]any{
				"msg":     "Param '" + option + "' is deprecated. See the module docs for more information",
				"version": "3.0.0", "collection_name": "community.postgreql",
			})
		}
	}
	u := &pgUser{Call: c, name: c.Str("user"), queries: []any{}}
	if c.Str("db") == "" && c.Has("priv") {
		return nil, module.Fail("privileges require a database to be specified", nil)
	}
	privs, err := parsePrivs(c.Str("priv"), c.Str("db"))
	if err != nil {
		return nil, err
	}
	for _, g := range c.Strings("groups") {
		u.groups = append(u.groups, strings.TrimSpace(g))
	}
	texts := append([]string{u.name, c.Str("password"), c.Str("expires"), c.Str("role_attr_flags"), c.Str("comment"), c.Str("session_role")}, u.groups...)
	for _, p := range privs {
		texts = append(texts, p.name, strings.Join(p.rights, " "))
	}
	if err := distrust(c, texts...); err != nil {
		return nil, err
	}
	params, err := postgresLogin(c, c.Str("db"))
	if err != nil {
		return nil, err
	}
	if u.postgres, err = openPostgres(ctx, c, params, false); err != nil {
		return nil, err
	}
	defer u.close()
	if u.flags, err = parseFlags(c.Str("role_attr_flags")); err != nil {
		return nil, err
	}
	r := module.Result{"user": u.name}
	changed := false
	if c.Str("state") == "present" {
		changed, err = u.present(ctx, privs)
	} else {
		changed, err = u.absent(ctx, privs, r)
	}
	if err != nil {
		return nil, err
	}
	if c.Check {
		err = u.rollback(ctx)
	} else {
		err = u.commit(ctx)
	}
	r["changed"], r["queries"] = changed, u.queries
	return r, err
}

// pgUser is the role that a call is about. Everything happens in one transaction, which check mode does not commit.
type pgUser struct {
	*module.Call
	*postgres
	name    string
	groups  []string
	flags   []string // as CREATE USER takes them
	queries []any
}

// rolColumns are where the server keeps the attributes that flags set.
var rolColumns = map[string]string{
	"SUPERUSER": "rolsuper", "CREATEROLE": "rolcreaterole", "CREATEDB": "rolcreatedb", "INHERIT": "rolinherit",
	"LOGIN": "rolcanlogin", "REPLICATION": "rolreplication", "BYPASSRLS": "rolbypassrls",
}

// parseFlags splits role_attr_flags.
func parseFlags(text string) ([]string, error) {
	var flags, wrong []string
	for f := range strings.SplitSeq(strings.ToUpper(text), ",") {
		switch {
		case f == "" || slices.Contains(flags, f) || slices.Contains(wrong, f):
		case rolColumns[f] == "" && (!strings.HasPrefix(f, "NO") || rolColumns[f[2:]] == ""):
			wrong = append(wrong, f)
		default:
			flags = append(flags, f)
		}
	}
	if len(wrong) > 0 {
		return nil, module.Fail("Invalid role_attr_flags specified: "+strings.Join(wrong, " "), nil)
	}
	return flags, nil
}

// run executes a statement that changes something, and tells it as it is, with placeholders.
func (u *pgUser) run(ctx context.Context, statement string, args any) error {
	u.queries = append(u.queries, statement)
	_, err := u.exec(ctx, statement, args)
	return err
}

func (u *pgUser) exists(ctx context.Context) (bool, error) {
	if u.name == "PUBLIC" {
		return true, nil
	}
	r, err := u.exec(ctx, "SELECT rolname FROM pg_roles WHERE rolname=%s", []any{u.name})
	return err == nil && len(r.rows) > 0, err
}

func (u *pgUser) present(ctx context.Context, privs []pgPriv) (bool, error) {
	there, err := u.exists(ctx)
	if err != nil {
		return false, err
	}
	changed := false
	if there {
		changed, err = u.alter(ctx)
	} else {
		changed, err = true, u.add(ctx)
	}
	if err != nil {
		return false, err
	}
	granted, err := u.grant(ctx, privs)
	if err != nil {
		return false, err
	}
	joined, err := u.join(ctx)
	if err != nil {
		return false, err
	}
	said := false
	if u.Has("comment") {
		if said, err = u.comment(ctx); err != nil {
			return false, module.Fail("Unable to add comment on role: "+err.Error(), nil)
		}
	}
	return changed || granted || joined || said, nil
}

// encryption is the word before PASSWORD.
func (u *pgUser) encryption() string {
	if u.Bool("encrypted") {
		return "ENCRYPTED"
	}
	return "UNENCRYPTED"
}

func (u *pgUser) values() map[string]any {
	return map[string]any{"password": u.Args["password"], "expires": u.Args["expires"]}
}

func (u *pgUser) add(ctx context.Context) error {
	words := []string{`CREATE USER "` + u.name + `"`}
	if u.Str("password") != "" {
		words = append(words, "WITH "+u.encryption(), "PASSWORD %(password)s")
	}
	words = append(words, u.limits()...)
	words = append(words, strings.Join(u.flags, " "))
	if err := u.run(ctx, strings.Join(words, " "), u.values()); err != nil {
		return module.Fail("Unable to add user with given requirement due to : "+err.Error(), nil)
	}
	return nil
}

func (u *pgUser) limits() []string {
	var words []string
	if u.Has("expires") {
		words = append(words, "VALID UNTIL %(expires)s")
	}
	if u.Has("conn_limit") {
		words = append(words, fmt.Sprintf("CONNECTION LIMIT %d", u.Int("conn_limit")))
	}
	return words
}

// pgRow is a row by its columns; nil for NULL.
type pgRow map[string]*string

// role reads the role's row of a catalog.
func (u *pgUser) role(ctx context.Context, catalog string) (pgRow, error) {
	r, err := u.exec(ctx, "SELECT * FROM "+catalog+" WHERE rolname=%s", []any{u.name})
	if err != nil || len(r.rows) == 0 {
		return nil, err
	}
	row := pgRow{}
	for i, f := range r.fields {
		if v := r.rows[0][i]; v != nil {
			text := string(v)
			row[string(f.Name)] = &text
		} else {
			row[string(f.Name)] = nil
		}
	}
	return row, nil
}

func (r pgRow) text(column string) string {
	if v := r[column]; v != nil {
		return *v
	}
	return ""
}

// flagsDiffer reports whether the role lacks what a flag says.
func (u *pgUser) flagsDiffer(have pgRow) bool {
	return slices.ContainsFunc(u.flags, func(f string) bool {
		want, column := "t", rolColumns[f]
		if column == "" {
			want, column = "f", rolColumns[f[2:]]
		}
		return have.text(column) != want
	})
}

func (u *pgUser) alter(ctx context.Context) (bool, error) {
	flags := strings.Join(u.flags, " ")
	if u.name == "PUBLIC" {
		switch {
		case u.Has("password"):
			return false, module.Fail("cannot change the password for PUBLIC user", nil)
		case flags != "":
			return false, module.Fail("cannot change the role_attr_flags for PUBLIC user", nil)
		}
		return false, nil
	}
	if u.Bool("no_password_changes") {
		if flags == "" {
			return false, nil
		}
		return u.alterFlags(ctx, flags)
	}
	if !u.Has("password") && flags == "" && !u.Has("expires") && !u.Has("conn_limit") {
		return false, nil
	}
	have, err := u.role(ctx, "pg_authid")
	if err != nil { // a hosted database shows it to nobody; what it shows has no password
		if failure, ok := err.(*pgFailure); !ok || !failure.programming() { //nolint:errorlint // exec returns it bare
			return false, err
		}
		if err := u.rollback(ctx); err != nil {
			return false, err
		}
		have = nil
	}
	newPassword := true
	if have != nil {
		newPassword = u.Has("password") && passwordDiffers(u.Str("password"), u.name, have["rolpassword"], u.Bool("encrypted"))
	} else if have, err = u.role(ctx, "pg_roles"); err != nil {
		return false, module.Fail("Failed to get role details for current user "+u.name+": "+err.Error(), nil)
	}
	changes := newPassword || u.flagsDiffer(have) || u.Has("conn_limit") && fmt.Sprint(u.Int("conn_limit")) != have.text("rolconnlimit")
	if u.Has("expires") {
		r, err := u.exec(ctx, "SELECT %s::timestamptz;", []any{u.Str("expires")})
		if err != nil {
			return false, err
		}
		changes = changes || have["rolvaliduntil"] == nil || string(r.rows[0][0]) != *have["rolvaliduntil"]
	}
	if !changes {
		return false, nil
	}
	words := []string{`ALTER USER "` + u.name + `"`}
	switch {
	case newPassword && (!u.Has("password") || u.Str("password") != ""):
		words = append(words, "WITH "+u.encryption(), "PASSWORD %(password)s", flags)
	case newPassword:
		words = append(words, "WITH PASSWORD NULL", flags)
	case flags != "":
		words = append(words, "WITH "+flags)
	}
	words = append(words, u.limits()...)
	if err := u.run(ctx, strings.Join(words, " "), u.values()); err != nil {
		return false, alterError(err)
	}
	return true, nil
}

// alterError is told with its severity where the server, not the statement, is to blame.
func alterError(err error) error {
	if f, ok := err.(*pgFailure); ok && (f.Code == "25006" || strings.HasPrefix(f.Code, "0A")) { //nolint:errorlint // exec returns it bare
		return module.Fail(pgErrorText(f.PgError, f.query, true), nil)
	}
	return err
}

// alterFlags changes flags alone, and looks at nothing that only superusers see.
func (u *pgUser) alterFlags(ctx context.Context, flags string) (bool, error) {
	before, err := u.role(ctx, "pg_roles")
	if err != nil || !u.flagsDiffer(before) {
		return false, err
	}
	if err := u.run(ctx, `ALTER USER "`+u.name+`" WITH `+flags, nil); err != nil {
		return false, alterError(err)
	}
	after, err := u.role(ctx, "pg_roles")
	if err != nil {
		return false, err
	}
	for column := range before {
		if before.text(column) != after.text(column) {
			return true, nil
		}
	}
	return false, nil
}

func (u *pgUser) comment(ctx context.Context) (bool, error) {
	r, err := u.exec(ctx, "SELECT pg_catalog.shobj_description(r.oid, 'pg_authid') FROM pg_catalog.pg_roles r WHERE r.rolname = %s", []any{u.name})
	if err != nil {
		return false, err
	}
	if len(r.rows) == 0 {
		return false, driverError("there is no role " + u.name)
	}
	if have := r.rows[0][0]; have != nil && string(have) == u.Str("comment") {
		return false, nil
	}
	if _, err := u.exec(ctx, `COMMENT ON ROLE "`+u.name+`" IS %(comment)s`, map[string]any{"comment": u.Str("comment")}); err != nil {
		return false, err
	}
	u.queries = append(u.queries, u.sent)
	return true, nil
}

// join makes the role a member of the groups.
func (u *pgUser) join(ctx context.Context) (bool, error) {
	if len(u.groups) == 0 {
		return false, nil
	}
	for _, name := range append(slices.Clone(u.groups), u.name) {
		r, err := u.exec(ctx, "SELECT 1 FROM pg_roles WHERE rolname = %s", []any{name})
		if err != nil {
			return false, err
		}
		if len(r.rows) == 0 {
			return false, module.Fail("Role "+name+" does not exist", nil)
		}
	}
	changed := false
	for _, g := range u.groups {
		r, err := u.exec(ctx, "SELECT 1 FROM pg_catalog.pg_auth_members m JOIN pg_catalog.pg_roles g ON g.oid = m.roleid JOIN pg_catalog.pg_roles r ON r.oid = m.member WHERE g.rolname = %s AND r.rolname = %s", []any{g, u.name})
		if err != nil {
			return false, err
		}
		if len(r.rows) > 0 {
			continue
		}
		statement := `GRANT "` + g + `" TO "` + u.name + `"`
		if _, err := u.exec(ctx, statement, nil); err != nil {
			return false, module.Fail("Cannot execute SQL '"+statement+"': "+err.Error(), nil)
		}
		u.queries = append(u.queries, statement)
		changed = true
	}
	return changed, nil
}

func (u *pgUser) absent(ctx context.Context, privs []pgPriv, r module.Result) (bool, error) {
	there, err := u.exists(ctx)
	if err != nil || !there {
		return false, err
	}
	if u.Check {
		r["user_removed"] = true
		return true, nil
	}
	changed, err := u.revoke(ctx, privs)
	if err != nil {
		return false, err
	}
	const point = "troupe_user"
	if _, err := u.exec(ctx, "SAVEPOINT "+point, nil); err != nil {
		return false, err
	}
	back := ""
	if err := u.run(ctx, `DROP USER "`+u.name+`"`, nil); err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		back = "ROLLBACK TO SAVEPOINT " + point + ";"
	}
	if _, err := u.exec(ctx, back+"RELEASE SAVEPOINT "+point, nil); err != nil {
		return false, err
	}
	if back != "" && u.Bool("fail_on_user") {
		return false, module.Fail("Unable to remove user", nil)
	}
	r["user_removed"] = back == ""
	return changed || back == "", nil
}
