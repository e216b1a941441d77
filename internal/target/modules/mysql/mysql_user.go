package mysql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// mysqlUser has the options of community.mysql 3.7.
var mysqlUser = &module.Module{
	Name: "community.mysql.mysql_user",
	Doc:  "Keeps accounts of MySQL and MariaDB, with password, rights and limits.",
	Spec: module.Spec{
		Options: mysqlOptions(
			module.Option{Name: "append_privs", Type: module.TypeBool, Default: false},
			module.Option{Name: "check_implicit_admin", Type: module.TypeBool, Default: false},
			module.Option{Name: "encrypted", Type: module.TypeBool, Default: false},
			module.Option{Name: "force_context", Type: module.TypeBool, Default: false},
			module.Option{Name: "host", Default: "localhost"},
			module.Option{Name: "host_all", Type: module.TypeBool, Default: false},
			module.Option{Name: "password", NoLog: true},
			module.Option{Name: "plugin"},
			module.Option{Name: "plugin_auth_string"},
			module.Option{Name: "plugin_hash_string"},
			module.Option{Name: "priv", Type: module.TypeRaw},
			module.Option{Name: "resource_limits", Type: module.TypeDict},
			module.Option{Name: "session_vars", Type: module.TypeDict},
			module.Option{Name: "sql_log_bin", Type: module.TypeBool, Default: true},
			module.Option{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			module.Option{Name: "subtract_privs", Type: module.TypeBool, Default: false},
			module.Option{Name: "tls_requires", Type: module.TypeDict},
			module.Option{Name: "update_password", Default: "always", Choices: []any{"always", "on_create", "on_new_username"}},
			module.Option{Name: "user", Required: true, Aliases: []string{"name"}},
		),
		Rules:     module.Rules{MutuallyExclusive: [][]string{{"append_privs", "subtract_privs"}}},
		CheckMode: true,
	},
	Run: runMysqlUser,
}

func runMysqlUser(ctx context.Context, c *module.Call) (module.Result, error) {
	u := &myUser{Call: c, name: c.Str("user"), host: strings.ToLower(c.Str("host")), tls: requiresOf(c)}
	priv, hasPriv := "", c.Has("priv")
	switch p := c.Args["priv"].(type) {
	case nil:
	case string:
		priv = p
	case map[string]any:
		var list []string
		for _, k := range slices.Sorted(maps.Keys(p)) {
			list = append(list, k+":"+module.Text(p[k]))
		}
		priv = strings.Join(list, "/")
	case []any:
		return nil, module.Fail("priv parameter must be str or dict but <class 'list'> was passed", nil)
	default:
		return nil, module.Fail("priv parameter must be str or dict but "+module.Repr(p)+" was passed", nil)
	}
	login := myLogin{user: c.Str("login_user"), hasUser: c.Has("login_user"), password: c.Str("login_password"), hasPassword: c.Has("login_password")}
	if c.Bool("force_context") {
		login.database = "mysql"
	}
	var err error
	if u.mariadb, err = implicitAdmin(ctx, c, login); err != nil {
		if _, ok := errors.AsType[*module.NotNative](err); ok || ctx.Err() != nil {
			return nil, err
		}
		return nil, module.Fail("unable to connect to database, check login_user and login_password are correct or "+c.Str("config_file")+" has the credentials. Exception message: "+err.Error(), nil)
	}
	defer u.close()
	if err := u.session(ctx); err != nil {
		return nil, err
	}
	if hasPriv {
		rows, err := u.query(ctx, "SELECT @@GLOBAL.sql_mode")
		if err != nil {
			return nil, err
		}
		if u.wanted, err = parseGrants(priv, strings.Contains(rows[0].text(0), "ANSI"), !c.Bool("subtract_privs")); err != nil {
			return nil, err
		}
		u.rights = true
	}
	there, err := u.exists(ctx)
	if err != nil {
		return nil, err
	}
	o := &myOutcome{password: false}
	if c.Str("state") == "present" {
		err = u.present(ctx, there, o)
	} else {
		o.msg = "User doesn't exist"
		if there {
			o.changed, o.msg = true, "User deleted"
			err = u.remove(ctx)
		}
	}
	if err != nil {
		return nil, err
	}
	return module.Result{"changed": o.changed, "user": u.name, "msg": o.msg, "password_changed": o.password}, nil
}

// implicitAdmin connects, where that is wanted first as root without a password.
func implicitAdmin(ctx context.Context, c *module.Call, login myLogin) (*mariadb, error) {
	if c.Bool("check_implicit_admin") {
		m, err := openMySQL(ctx, c, myLogin{user: "root", hasUser: true, hasPassword: true, database: login.database})
		if err == nil || ctx.Err() != nil {
			return m, err
		}
	}
	return openMySQL(ctx, c, login)
}

// myUser is the account that a call is about.
type myUser struct {
	*module.Call
	*mariadb
	name, host string
	tls        tlsRequires
	wanted     []myGrant
	rights     bool // wanted was given
}

// myOutcome is what has become of it.
type myOutcome struct {
	changed  bool
	msg      string
	password any // whether it is another now; nil when nobody can say
}

// session sets what holds for this connection.
func (u *myUser) session(ctx context.Context) error {
	if !u.Bool("sql_log_bin") {
		if err := u.exec(ctx, "SET SQL_LOG_BIN=0;"); err != nil {
			return err
		}
	}
	vars, _ := u.Args["session_vars"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		quoted, err := mysqlName(name, "vars")
		if err != nil {
			return err
		}
		if err := u.exec(ctx, "SET SESSION "+quoted+" = "+u.literal(vars[name])); err != nil {
			return module.Fail("Failed to execute SET SESSION "+quoted+" = "+module.Text(vars[name])+": "+err.Error(), nil)
		}
	}
	return nil
}

func (u *myUser) exists(ctx context.Context) (bool, error) {
	statement := u.fill("SELECT 1 FROM mysql.user WHERE user = %s", u.name)
	if !u.Bool("host_all") {
		statement += u.fill(" AND host = %s", u.host)
	}
	rows, err := u.query(ctx, statement)
	return len(rows) > 0, err
}

// hosts are those of the accounts that are meant.
func (u *myUser) hosts(ctx context.Context) ([]string, error) {
	if !u.Bool("host_all") {
		return []string{u.host}, nil
	}
	rows, err := u.query(ctx, u.fill("SELECT Host FROM mysql.user WHERE user = %s", u.name))
	var hosts []string
	for _, r := range rows {
		hosts = append(hosts, r.text(0))
	}
	return hosts, err
}

func (u *myUser) present(ctx context.Context, there bool, o *myOutcome) error {
	if there {
		o.msg = "User unchanged"
		hosts, err := u.hosts(ctx)
		if err != nil {
			return err
		}
		for _, host := range hosts {
			if done, err := u.modify(ctx, host, o); err != nil {
				return err
			} else if done {
				break
			}
		}
	} else {
		if u.Bool("host_all") {
			return module.Fail("host_all parameter cannot be used when adding a user", nil)
		}
		o.changed, o.msg = true, "User added"
		if err := u.add(ctx, o); err != nil {
			return err
		}
	}
	limited, err := u.limit(ctx)
	o.changed = o.changed || limited
	return err
}

func (u *myUser) add(ctx context.Context, o *myOutcome) error {
	if u.Check {
		o.password = nil
		return nil
	}
	password, plugin, hash, auth := u.Str("password"), u.Str("plugin"), u.Str("plugin_hash_string"), u.Str("plugin_auth_string")
	o.password = true
	if u.Str("update_password") == "on_new_username" {
		have, err := u.authentication(ctx)
		if err != nil {
			return err
		}
		if have != nil {
			password, plugin, hash, o.password = "", have.text(0), have.text(1), false
		}
	}
	statement, values := "CREATE USER %s@%s", []any{u.name, u.host}
	with := func(words string, more ...any) {
		statement += words
		values = append(values, more...)
	}
	switch {
	case password != "" && u.Bool("encrypted"):
		if u.maria || u.before(8, 0) {
			with(" IDENTIFIED BY PASSWORD %s", password)
		} else {
			with(" IDENTIFIED WITH mysql_native_password AS %s", password)
		}
	case password != "" && u.oldUsers():
		with(" IDENTIFIED BY %s", password)
	case password != "":
		sum, err := u.hash(ctx, password)
		if err != nil {
			return err
		}
		with(" IDENTIFIED WITH mysql_native_password AS %s", sum)
	default:
		words, more := identifiedWith(plugin, hash, auth)
		with(words, more...)
	}
	if !u.oldUsers() {
		statement, values = u.tls.add(statement, values)
	}
	if err := u.exec(ctx, u.fill(statement, values...)); err != nil {
		return err
	}
	if u.rights && !u.Bool("subtract_privs") {
		for _, g := range u.wanted {
			if err := u.grant(ctx, u.name, u.host, g, u.tls); err != nil {
				return err
			}
		}
	}
	if u.tls.any() {
		have, err := u.global(ctx, u.host)
		if err != nil {
			return err
		}
		return u.grant(ctx, u.name, u.host, myGrant{"*.*", have}, u.tls)
	}
	return nil
}

// identifiedWith is how a statement names a plugin, and its values.
func identifiedWith(plugin, hash, auth string) (words string, values []any) {
	switch {
	case plugin == "":
		return "", nil
	case hash != "":
		return " IDENTIFIED WITH %s AS %s", []any{plugin, hash}
	case auth != "" && plugin == "pam": // which MariaDB has, with a word of its own
		return " IDENTIFIED WITH %s USING %s", []any{plugin, auth}
	case auth != "":
		return " IDENTIFIED WITH %s BY %s", []any{plugin, auth}
	}
	return " IDENTIFIED WITH %s", []any{plugin}
}

// authentication is the plugin and the text that all accounts of the name share; nil when they share none.
func (u *myUser) authentication(ctx context.Context) (myRow, error) {
	statement := "SELECT plugin, authentication_string FROM mysql.user WHERE user = %s GROUP BY plugin, authentication_string LIMIT 2"
	values := []any{u.name}
	if u.maria {
		statement = "SELECT plugin, auth FROM (SELECT plugin, password AS auth FROM mysql.user WHERE user = %s UNION SELECT plugin, authentication_string FROM mysql.user WHERE user = %s) x GROUP BY plugin, auth LIMIT 2"
		values = append(values, u.name)
	}
	rows, err := u.query(ctx, u.fill(statement, values...))
	if err != nil || len(rows) != 1 {
		return nil, err
	}
	return rows[0], nil
}

// hash is a password in the form in which the server keeps it.
func (u *myUser) hash(ctx context.Context, password string) (string, error) {
	rows, err := u.query(ctx, u.fill("SELECT CONCAT('*', UCASE(SHA1(UNHEX(SHA1(%s)))))", password))
	if err != nil {
		return "", err
	}
	return rows[0].text(0), nil
}

// modify makes an account what it shall be. done says that no other account is looked at: check mode knows enough.
func (u *myUser) modify(ctx context.Context, host string, o *myOutcome) (done bool, err error) {
	if u.Str("update_password") == "always" {
		if done, err = u.setPassword(ctx, host, o); err != nil || done {
			return done, err
		}
		if err := u.setPlugin(ctx, host, o); err != nil {
			return false, err
		}
	}
	if u.rights {
		if done, err = u.setRights(ctx, host, o); err != nil || done {
			return done, err
		}
	}
	have, err := u.requires(ctx, host)
	if err != nil || reflect.DeepEqual(have, u.tls) {
		return false, err
	}
	o.msg = "TLS requires updated"
	o.changed = true
	if u.Check {
		return true, nil
	}
	statement, values := "ALTER USER", []any{u.name, host}
	if u.oldUsers() {
		rights, err := u.global(ctx, host)
		if err != nil {
			return false, err
		}
		statement = "GRANT " + strings.Join(rights, ",") + " ON *.* TO"
	}
	statement += " %s@%s"
	if u.tls.any() {
		statement, values = u.tls.add(statement, values)
	} else {
		statement += " REQUIRE NONE"
	}
	return false, u.exec(ctx, u.fill(statement, values...))
}

var nativeHash = regexp.MustCompile(`^\*[0-9A-Fa-f]{40}$`)

func (u *myUser) setPassword(ctx context.Context, host string, o *myOutcome) (done bool, err error) {
	password := u.Str("password")
	if password == "" {
		return false, nil
	}
	// Servers keep it in one of these columns, or in both.
	rows, err := u.query(ctx, "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'mysql' AND TABLE_NAME = 'user' AND COLUMN_NAME IN ('Password', 'authentication_string') ORDER BY COLUMN_NAME DESC")
	if err != nil {
		return false, err
	}
	var columns []string
	for _, r := range rows {
		columns = append(columns, "NULLIF("+r.text(0)+", '')")
	}
	rows, err = u.query(ctx, "SELECT COALESCE("+strings.Join(append(columns, "NULL"), ", ")+") FROM mysql.user "+u.fill("WHERE user = %s AND host = %s", u.name, host))
	if err != nil {
		return false, err
	}
	want := password
	switch {
	case u.Bool("encrypted"):
		if !nativeHash.MatchString(password) {
			return false, module.Fail("encrypted was specified however it does not appear to be a valid hash expecting: *SHA1(SHA1(your_password))", nil)
		}
	case u.oldUsers():
		sums, err := u.query(ctx, u.fill("SELECT PASSWORD(%s)", password))
		if err != nil {
			return false, err
		}
		want = sums[0].text(0)
	default:
		if want, err = u.hash(ctx, password); err != nil {
			return false, err
		}
	}
	if len(rows) > 0 && rows[0][0] != nil && *rows[0][0] == want {
		return false, nil
	}
	o.changed, o.password, o.msg = true, true, "Password updated"
	if u.Check {
		return true, nil
	}
	if u.oldUsers() {
		o.msg = "Password updated (old style)"
		return false, u.exec(ctx, u.fill("SET PASSWORD FOR %s@%s = %s", u.name, host, want))
	}
	o.msg = "Password updated (new style)"
	err = u.exec(ctx, u.fill("ALTER USER %s@%s IDENTIFIED WITH mysql_native_password AS %s", u.name, host, want))
	if f, ok := errors.AsType[*myFailure](err); ok && f.number == 1396 { // an empty password of root in a way that ALTER USER cannot leave
		o.msg = "Password forced update"
		if err = u.exec(ctx, u.fill("UPDATE mysql.user SET plugin = %s, authentication_string = %s, Password = '' WHERE User = %s AND Host = %s", "mysql_native_password", want, u.name, host)); err == nil {
			err = u.exec(ctx, "FLUSH PRIVILEGES")
		}
	}
	return false, err
}

func (u *myUser) setPlugin(ctx context.Context, host string, o *myOutcome) error {
	plugin, hash, auth := u.Str("plugin"), u.Str("plugin_hash_string"), u.Str("plugin_auth_string")
	if plugin == "" {
		return nil
	}
	rows, err := u.query(ctx, u.fill("SELECT plugin, authentication_string FROM mysql.user WHERE user = %s AND host = %s", u.name, host))
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return module.Fail("there is no account "+u.name+"@"+host, nil)
	}
	have := rows[0]
	// A plugin may keep the text in any form, so it is set again when it is not found as it is.
	if have.text(0) == plugin && (hash == "" || have.text(1) == hash) && (auth == "" || have.text(1) == auth) {
		return nil
	}
	o.changed, o.password = true, true
	if u.Check {
		return nil
	}
	words, values := identifiedWith(plugin, hash, auth)
	return u.exec(ctx, u.fill("ALTER USER %s@%s"+words, append([]any{u.name, host}, values...)...))
}

// missing are the rights of a that b lacks.
func missing(a, b []string) []string {
	var out []string
	for _, r := range a {
		if !slices.Contains(b, r) && !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

func (u *myUser) setRights(ctx context.Context, host string, o *myOutcome) (done bool, err error) {
	have, err := u.grants(ctx, u.name, host)
	if err != nil {
		return false, err
	}
	adding, subtracting := u.Bool("append_privs"), u.Bool("subtract_privs")
	if !adding && !subtracting {
		for _, g := range have {
			if findGrant(u.wanted, g.object) >= 0 || u.name == "root" || slices.Contains(g.rights, "PROXY") {
				continue
			}
			o.msg, o.changed = "Privileges updated", true
			if u.Check {
				return true, nil
			}
			if err := u.revoke(ctx, u.name, host, g, slices.Contains(g.rights, "GRANT")); err != nil {
				return false, err
			}
		}
	}
	if !subtracting {
		for _, g := range u.wanted {
			if findGrant(have, g.object) >= 0 {
				continue
			}
			o.msg = "New privileges granted"
			if u.Check {
				o.changed = true
				return true, nil
			}
			if err := u.grant(ctx, u.name, host, g, u.tls); err != nil {
				return false, err
			}
			o.changed = true
		}
	}
	for _, want := range u.wanted {
		at := findGrant(have, want.object)
		if at < 0 {
			continue
		}
		var give, take []string
		option := false
		switch {
		case adding:
			give = missing(want.rights, have[at].rights)
		case subtracting:
			take = missing(want.rights, missing(want.rights, have[at].rights))
		default:
			give, take = missing(want.rights, have[at].rights), missing(have[at].rights, want.rights)
			if slices.Contains(give, "ALL") || slices.Contains(give, "ALL PRIVILEGES") { // which says it all
				take = slices.DeleteFunc(take, func(r string) bool { return r != "GRANT" && r != "PROXY" })
			}
			option = slices.Contains(take, "GRANT")
		}
		if slices.Equal(give, []string{"GRANT"}) { // needs a right to stand with
			give = append(give, "USAGE")
		}
		if len(give)+len(take) == 0 {
			continue
		}
		o.msg = "Privileges updated: granted " + pythonList(give) + ", revoked " + pythonList(take)
		if u.Check {
			o.changed = true
			return true, nil
		}
		if len(take) > 0 {
			if err := u.revoke(ctx, u.name, host, myGrant{want.object, take}, option); err != nil {
				return false, err
			}
		}
		if len(give) > 0 {
			if err := u.grant(ctx, u.name, host, myGrant{want.object, give}, u.tls); err != nil {
				return false, err
			}
		}
	}
	after, err := u.grants(ctx, u.name, host)
	if !reflect.DeepEqual(have, after) {
		o.changed = true
	}
	return false, err
}

func pythonList(list []string) string {
	values := make([]any, len(list))
	for i, s := range list {
		values[i] = s
	}
	return module.Repr(values)
}

// global are the rights of an account on everything.
func (u *myUser) global(ctx context.Context, host string) ([]string, error) {
	rows, err := u.query(ctx, u.fill("SHOW GRANTS FOR %s@%s", u.name, host))
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if before, _, ok := strings.Cut(r.text(0), " ON *.*"); ok {
			return strings.Split(strings.TrimPrefix(before, "GRANT "), ", "), nil
		}
	}
	return []string{"USAGE"}, nil
}

func (u *myUser) remove(ctx context.Context) error {
	if u.Check {
		return nil
	}
	hosts, err := u.hosts(ctx)
	if err != nil {
		return err
	}
	for _, host := range hosts {
		if err := u.exec(ctx, u.fill("DROP USER IF EXISTS %s@%s", u.name, host)); err == nil {
			continue
		}
		if err := u.exec(ctx, u.fill("DROP USER %s@%s", u.name, host)); err != nil { // servers before 5.7
			return err
		}
	}
	return nil
}

// limitNames are the limits in the order of their columns; only MariaDB has the last.
var limitNames = []string{"MAX_QUERIES_PER_HOUR", "MAX_UPDATES_PER_HOUR", "MAX_CONNECTIONS_PER_HOUR", "MAX_USER_CONNECTIONS", "MAX_STATEMENT_TIME"}

// limit sets the limits of the account that are not as wanted.
func (u *myUser) limit(ctx context.Context) (bool, error) {
	limits, _ := u.Args["resource_limits"].(map[string]any)
	if len(limits) == 0 {
		return false, nil
	}
	if u.maria && u.before(10, 2) || !u.maria && u.before(5, 6) {
		return false, module.Fail("The server version does not match the requirements for resource_limits parameter. See module's documentation.", nil)
	}
	if _, ok := limits["MAX_STATEMENT_TIME"]; ok && !u.maria {
		return false, module.Fail("MAX_STATEMENT_TIME resource limit is only supported by MariaDB.", nil)
	}
	columns, names := "max_questions, max_updates, max_connections, max_user_connections", limitNames[:4]
	if u.maria {
		columns, names = columns+", max_statement_time", limitNames
	}
	rows, err := u.query(ctx, u.fill("SELECT "+columns+" FROM mysql.user WHERE User = %s AND Host = %s", u.name, u.host))
	if err != nil {
		return false, err
	}
	var changes []string
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		value := module.Text(limits[name])
		if len(rows) > 0 { // else check mode has added no account, and all would be set
			at := slices.Index(names, name)
			if at < 0 {
				return false, module.Fail("resource_limits: key '"+name+"' is unsupported.", nil)
			}
			n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			if f, isFloat := limits[name].(float64); isFloat {
				n, err = int64(f), nil
			}
			if err != nil {
				return false, module.Fail("Can't convert value '"+value+"' to integer.", nil)
			}
			value = strconv.FormatInt(n, 10)
			if have, err := strconv.ParseFloat(rows[0].text(at), 64); err == nil && have == float64(n) {
				continue
			}
		}
		changes = append(changes, name+" "+value)
	}
	if len(changes) == 0 || u.Check {
		return len(changes) > 0, nil
	}
	return true, u.exec(ctx, u.fill("ALTER USER %s@%s", u.name, u.host)+" WITH "+strings.Join(changes, " "))
}

// tlsRequires is what a connection of the account must have: a word, or values by words.
type tlsRequires struct {
	word   string // SSL or X509
	values map[string]string
}

func (t tlsRequires) any() bool { return t.word != "" || len(t.values) > 0 }

// requiresOf reads the option tls_requires.
func requiresOf(c *module.Call) tlsRequires {
	given, _ := c.Args["tls_requires"].(map[string]any)
	if len(given) == 0 {
		return tlsRequires{}
	}
	values := map[string]string{}
	special, x509 := false, false
	for k, v := range given {
		k = strings.ToUpper(k)
		special = special || k == "CIPHER" || k == "ISSUER" || k == "SUBJECT"
		x509 = x509 || k == "X509"
		values[k] = module.Text(v)
	}
	switch {
	case special:
		delete(values, "SSL")
		delete(values, "X509")
		return tlsRequires{values: values}
	case x509:
		return tlsRequires{word: "X509"}
	}
	return tlsRequires{word: "SSL"}
}

// add puts it at the end of a statement.
func (t tlsRequires) add(statement string, values []any) (string, []any) {
	if !t.any() {
		return statement, values
	}
	if t.word != "" {
		return statement + " REQUIRE " + t.word, values
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(t.values)) {
		parts = append(parts, k+" %s")
		values = append(values, t.values[k])
	}
	return statement + " REQUIRE " + strings.Join(parts, " AND "), values
}

var requireText = regexp.MustCompile(`\bREQUIRE\b(.*?)(?:\bPASSWORD\b|$)`)

// requires is what the server asks of connections of the account.
func (u *myUser) requires(ctx context.Context, host string) (tlsRequires, error) {
	none := tlsRequires{}
	if u.name == "" {
		return none, nil
	}
	statement := "SHOW CREATE USER %s@%s"
	if u.oldUsers() {
		statement = "SHOW GRANTS FOR %s@%s"
	}
	rows, err := u.query(ctx, u.fill(statement, u.name, host))
	if err != nil {
		return none, err
	}
	for _, r := range rows {
		if !strings.Contains(r.text(0), "REQUIRE") {
			continue
		}
		m := requireText.FindStringSubmatch(r.text(0))
		if m == nil {
			return none, nil
		}
		text := strings.TrimSpace(m[1])
		for _, word := range []string{"SSL", "X509", "NONE"} {
			if strings.HasPrefix(text, word) {
				if word == "NONE" {
					return none, nil
				}
				return tlsRequires{word: strings.Fields(text)[0]}, nil
			}
		}
		words, err := hostos.SplitWords(text)
		if err != nil {
			return none, fmt.Errorf("read %s: %w", text, err)
		}
		values := map[string]string{}
		for i := 0; i+1 < len(words); i += 2 {
			values[words[i]] = words[i+1]
		}
		if len(values) == 0 {
			return none, nil
		}
		return tlsRequires{values: values}, nil
	}
	return none, nil
}
