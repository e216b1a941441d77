package mysql

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/sqlname"
	"github.com/troupe-automation/troupe/module"
)

// mysqlOptions are the options of all modules about MySQL and MariaDB, and own. Those of later releases of the collection run the
// collection's own module.
func mysqlOptions(own ...module.Option) []module.Option {
	return append([]module.Option{
		{Name: "ca_cert", Type: module.TypePath, Aliases: []string{"ssl_ca"}},
		{Name: "check_hostname", Type: module.TypeBool},
		{Name: "client_cert", Type: module.TypePath, Aliases: []string{"ssl_cert"}},
		{Name: "client_key", Type: module.TypePath, Aliases: []string{"ssl_key"}},
		{Name: "config_file", Type: module.TypePath, Default: "~/.my.cnf"},
		{Name: "connect_timeout", Type: module.TypeInt, Default: int64(30)},
		{Name: "login_host", Default: "localhost"},
		{Name: "login_password", NoLog: true},
		{Name: "login_port", Type: module.TypeInt, Default: int64(3306)},
		{Name: "login_unix_socket"},
		{Name: "login_user"},
	}, own...)
}

// myLogin is where and as whom to connect.
type myLogin struct {
	user, password string
	hasUser        bool // else the file of options, or the user of the process
	hasPassword    bool
	database       string
}

// mariadb is a connection to MySQL or MariaDB.
type mariadb struct {
	db          *sql.DB
	conn        *sql.Conn
	maria       bool
	major       int // of the server's version
	minor       int
	noBackslash bool // backslashes in texts are backslashes
}

// myFailure is an error of the server or on the way to it, in the words of Python's driver.
type myFailure struct {
	number int
	text   string
}

func (e *myFailure) Error() string { return fmt.Sprintf("(%d, %s)", e.number, module.Quote(e.text)) }

// clientFile reads the group client of a file of options, as Python's driver does.
func clientFile(path string) (map[string]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil //nolint:nilerr // as if it said nothing
	}
	options, group, any := map[string]string{}, "", false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[' && strings.Contains(line, "]"):
			group, any = line[1:strings.Index(line, "]")], true
		case !any:
			return nil, &module.NotNative{Reason: "the form of " + path}
		case group == "client":
			at := strings.IndexAny(line, "=:")
			if at < 0 {
				continue
			}
			v := strings.TrimSpace(line[at+1:])
			if len(v) > 1 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
				v = v[1 : len(v)-1]
			}
			options[strings.ToLower(strings.TrimSpace(line[:at]))] = v
		}
	}
	return options, nil
}

// openMySQL connects. What the call does not say, the file of options does.
func openMySQL(ctx context.Context, c *module.Call, login myLogin) (*mariadb, error) {
	file, err := clientFile(c.Str("config_file"))
	if err != nil {
		return nil, err
	}
	cfg := driver.NewConfig()
	cfg.Logger = &driver.NopLogger{}
	cfg.Timeout = time.Duration(c.Int("connect_timeout")) * time.Second
	cfg.User, cfg.Passwd, cfg.DBName = login.user, login.password, login.database
	if !login.hasUser || cfg.User == "" {
		cfg.User = file["user"]
	}
	if cfg.Passwd == "" {
		cfg.Passwd = file["password"]
	}
	if cfg.DBName == "" {
		cfg.DBName = file["database"]
	}
	if cfg.User == "" {
		cfg.User = processUser(c)
	}
	socket := c.Str("login_unix_socket")
	if socket == "" {
		socket = file["socket"]
	}
	host, port := "localhost", "3306"
	if c.Str("login_unix_socket") == "" {
		if h := c.Str("login_host"); h != "" {
			host = h
		} else if h := file["host"]; h != "" {
			host = h
		}
		if p := c.Int("login_port"); p != 0 {
			port = strconv.FormatInt(p, 10)
		} else if p := file["port"]; p != "" {
			port = p
		}
	}
	cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(host, port)
	if socket != "" {
		cfg.Net, cfg.Addr = "unix", socket
	}
	if cfg.TLS, err = mysqlTLS(c, file, host); err != nil {
		return nil, err
	}
	cfg.AllowFallbackToPlaintext = true // as Python's driver does
	connector, err := driver.NewConnector(cfg)
	if err != nil {
		return nil, err
	}
	m := &mariadb{db: sql.OpenDB(connector)}
	m.db.SetMaxOpenConns(1)
	if m.conn, err = m.db.Conn(ctx); err != nil {
		m.db.Close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, mysqlConnectError(err, host)
	}
	rows, err := m.query(ctx, "SELECT VERSION(), @@SESSION.sql_mode")
	if err != nil {
		m.close()
		return nil, err
	}
	version, mode := rows[0].text(0), rows[0].text(1)
	m.maria = strings.Contains(strings.ToLower(version), "mariadb")
	if _, err := fmt.Sscanf(version, "%d.%d", &m.major, &m.minor); err != nil {
		m.close()
		return nil, driverError("the server's version is " + version)
	}
	m.noBackslash = strings.Contains(mode, "NO_BACKSLASH_ESCAPES")
	return m, nil
}

// processUser is who Python takes the process's user to be.
func processUser(c *module.Call) string {
	for _, name := range []string{"LOGNAME", "USER", "LNAME", "USERNAME"} {
		if v := hostos.Getenv(c.Env, name); v != "" {
			return v
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// mysqlTLS is how to protect the connection, nil when nothing asks for it.
func mysqlTLS(c *module.Call, file map[string]string, host string) (*tls.Config, error) {
	value := func(option, key string) string {
		if v := c.Str(option); v != "" {
			return v
		}
		return file[key]
	}
	ca, cert, key := value("ca_cert", "ssl-ca"), value("client_cert", "ssl-cert"), value("client_key", "ssl-key")
	if file["ssl-cipher"] != "" || file["ssl-capath"] != "" {
		return nil, &module.NotNative{Reason: "ssl-cipher and ssl-capath of " + c.Str("config_file")}
	}
	if ca == "" && cert == "" && key == "" && !c.Has("check_hostname") {
		return nil, nil
	}
	t := &tls.Config{ServerName: host, InsecureSkipVerify: ca == ""} //nolint:gosec // without an authority there is nothing to check against, and the collection asks for none
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fileError(err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, driverError("there is no certificate in " + ca)
		}
		if c.Has("check_hostname") && !c.Bool("check_hostname") { // the chain alone
			t.InsecureSkipVerify = true
			t.VerifyConnection = func(s tls.ConnectionState) error {
				between := x509.NewCertPool()
				for _, crt := range s.PeerCertificates[1:] {
					between.AddCert(crt)
				}
				_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: t.RootCAs, Intermediates: between})
				return err
			}
		}
	}
	if cert != "" {
		if key == "" {
			key = cert
		}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fileError(err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

// driverError is what Python's driver, or its library for TLS, says without asking the server.
type driverError string

func (e driverError) Error() string { return string(e) }

// fileError is an error about a file as Python's library for TLS says it.
func fileError(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return driverError(fmt.Sprintf("[Errno %d] %s", int(errno), hostos.ErrText(errno)))
	}
	return err
}

// mysqlConnectError says in the words of Python's driver why no connection came about.
func mysqlConnectError(err error, host string) error {
	if answer, ok := errors.AsType[*driver.MySQLError](err); ok {
		return &myFailure{int(answer.Number), answer.Message}
	}
	for _, e := range []error{driver.ErrUnknownPlugin, driver.ErrCleartextPassword, driver.ErrOldPassword, driver.ErrOldProtocol} {
		if errors.Is(err, e) {
			return &module.NotNative{Reason: "how the server authenticates"}
		}
	}
	why := err.Error()
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		why = fmt.Sprintf("[Errno %d] %s", int(errno), hostos.ErrText(errno))
	} else if unknown, ok := errors.AsType[*net.DNSError](err); ok && unknown.IsNotFound {
		why = "[Errno -2] Name or service not known"
	} else if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		why = "timed out"
	}
	return &myFailure{2003, fmt.Sprintf("Can't connect to MySQL server on '%s' (%s)", host, why)}
}

func (m *mariadb) close() {
	if m.conn != nil {
		m.conn.Close()
	}
	m.db.Close()
}

// before reports whether the server's version is older.
func (m *mariadb) before(major, minor int) bool {
	return m.major < major || m.major == major && m.minor < minor
}

// oldUsers reports whether accounts are kept in the way of servers that know no ALTER USER … IDENTIFIED.
func (m *mariadb) oldUsers() bool {
	if m.maria {
		return m.before(10, 2)
	}
	return m.before(5, 7)
}

// myRow is a row; nil is NULL.
type myRow []*string

func (r myRow) text(i int) string {
	if r[i] == nil {
		return ""
	}
	return *r[i]
}

// exec runs a statement that returns nothing of interest.
func (m *mariadb) exec(ctx context.Context, statement string) error {
	_, err := m.conn.ExecContext(ctx, statement)
	return mysqlError(ctx, err)
}

func (m *mariadb) query(ctx context.Context, statement string) ([]myRow, error) {
	rows, err := m.conn.QueryContext(ctx, statement)
	if err != nil {
		return nil, mysqlError(ctx, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []myRow
	for rows.Next() {
		row, places := make(myRow, len(columns)), make([]any, len(columns))
		for i := range row {
			places[i] = &row[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, mysqlError(ctx, rows.Err())
}

func mysqlError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if answer, ok := errors.AsType[*driver.MySQLError](err); ok {
		return &myFailure{int(answer.Number), answer.Message}
	}
	return err
}

var mysqlEscapes = strings.NewReplacer("\x00", `\0`, "\n", `\n`, "\r", `\r`, "\x1a", `\Z`, `"`, `\"`, "'", `\'`, `\`, `\\`)

// literal is a value as SQL.
func (m *mariadb) literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		text := module.Text(v)
		if !strings.Contains(text, "e") {
			text += "e0"
		}
		return text
	}
	text := module.Text(v)
	if m.noBackslash {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	return "'" + mysqlEscapes.Replace(text) + "'"
}

// fill puts values into the place of each %s of a statement; %% is a percent sign.
func (m *mariadb) fill(statement string, values ...any) string {
	var b strings.Builder
	for {
		before, after, ok := strings.Cut(statement, "%")
		b.WriteString(before)
		if !ok || after == "" {
			return b.String()
		}
		if after[0] == '%' {
			b.WriteByte('%')
		} else {
			b.WriteString(m.literal(values[0]))
			values = values[1:]
		}
		statement = after[1:]
	}
}

// mysqlName quotes the name of a kind of object.
func mysqlName(name, kind string) (string, error) {
	list, err := sqlname.Quote(name, '`')
	if err == nil && len(list) > 2 {
		err = module.Fail(fmt.Sprintf("MySQL does not support %s with more than 1 dots", kind), nil)
	}
	for i, part := range list {
		if part == "`*`" {
			list[i] = "*"
		}
	}
	return strings.Join(list, "."), err
}
