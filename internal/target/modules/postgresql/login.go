package postgresql

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// postgresOptions are the options of all modules about PostgreSQL, and own. Those of later releases of the collection run the
// collection's own module.
func postgresOptions(own ...module.Option) []module.Option {
	return append([]module.Option{
		{Name: "ca_cert", Aliases: []string{"ssl_rootcert"}},
		{Name: "connect_params", Type: module.TypeDict, Default: map[string]any{}},
		{Name: "login_host", Default: "", Aliases: []string{"host"}},
		{Name: "login_password", Default: "", NoLog: true},
		{Name: "login_unix_socket", Default: "", Aliases: []string{"unix_socket"}},
		{Name: "login_user", Aliases: []string{"login"}},                      // $PGUSER, else postgres
		{Name: "port", Type: module.TypeInt, Aliases: []string{"login_port"}}, // $PGPORT, else 5432
		{Name: "ssl_cert", Type: module.TypePath},
		{Name: "ssl_key", Type: module.TypePath},
		{Name: "ssl_mode", Default: "prefer", Choices: []any{"allow", "disable", "prefer", "require", "verify-ca", "verify-full"}},
	}, own...)
}

// postgresVariables are what libpq reads from the environment, by its names for them.
var postgresVariables = map[string]string{
	"PGHOST": "host", "PGPORT": "port", "PGDATABASE": "dbname", "PGUSER": "user", "PGPASSWORD": "password", "PGPASSFILE": "passfile",
	"PGAPPNAME": "application_name", "PGCONNECT_TIMEOUT": "connect_timeout", "PGSSLMODE": "sslmode", "PGSSLKEY": "sslkey",
	"PGSSLCERT": "sslcert", "PGSSLROOTCERT": "sslrootcert", "PGSSLPASSWORD": "sslpassword", "PGSSLSNI": "sslsni", "PGOPTIONS": "options",
	"PGSERVICE": "service", "PGSERVICEFILE": "servicefile", "PGTARGETSESSIONATTRS": "target_session_attrs", "PGTZ": "timezone",
	"PGCHANNELBINDING": "channel_binding",
}

// postgresLogin fills in the options whose defaults the environment gives, and returns the parameters of a connection to db, by libpq's names.
func postgresLogin(c *module.Call, db string) (map[string]string, error) {
	if !c.Has("login_user") {
		c.Args["login_user"] = "postgres"
		if user := hostos.Getenv(c.Env, "PGUSER"); user != "" {
			c.Args["login_user"] = user
		}
	}
	if !c.Has("port") {
		c.Args["port"] = int64(5432)
		if port := hostos.Getenv(c.Env, "PGPORT"); port != "" {
			n, err := strconv.ParseInt(strings.TrimSpace(port), 10, 64)
			if err != nil {
				return nil, module.Fail("PGPORT is no number: "+port, nil)
			}
			c.Args["port"] = n
		}
	}
	params := map[string]string{"port": strconv.FormatInt(c.Int("port"), 10)}
	for option, name := range map[string]string{"login_host": "host", "login_user": "user", "login_password": "password", "ssl_mode": "sslmode", "ca_cert": "sslrootcert", "ssl_cert": "sslcert", "ssl_key": "sslkey"} {
		if v := c.Str(option); v != "" {
			params[name] = v
		}
	}
	if db != "" {
		params["dbname"] = db
	}
	if socket := c.Str("login_unix_socket"); socket != "" && (params["host"] == "" || params["host"] == "localhost") {
		params["host"] = socket
	}
	more, _ := c.Args["connect_params"].(map[string]any)
	for k, v := range more {
		if v == nil {
			delete(params, k)
		} else {
			params[k] = module.Text(v)
		}
	}
	for _, name := range postgresVariables {
		delete(more, name)
	}
	for k := range more {
		return nil, &module.NotNative{Reason: "the parameter " + k + " of a connection to PostgreSQL"}
	}
	return params, nil
}

// postgres is a connection. Unless autocommit, the first statement begins a transaction.
type postgres struct {
	conn       *pgconn.PgConn
	autocommit bool
	begun      bool
	sent       any // the last statement as the server got it; nil when there was none
}

// pgDial is a try to connect.
type pgDial struct {
	host, network, address string
	err                    error
}

// openPostgres connects, and becomes session_role where the call has one.
func openPostgres(ctx context.Context, c *module.Call, params map[string]string, autocommit bool) (*postgres, error) {
	var words []string
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	given := maps.Clone(params)
	for variable, name := range postgresVariables { // those of the task; the library reads those of this process
		if _, ok := given[name]; !ok {
			for _, kv := range c.Env {
				if k, v, _ := strings.Cut(kv, "="); k == variable && v != "" {
					given[name] = v
				}
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(given)) {
		words = append(words, k+"='"+quoted.Replace(given[k])+"'")
	}
	cfg, err := pgconn.ParseConfig(strings.Join(words, " "))
	if err != nil {
		text := err.Error()
		if cause := errors.Unwrap(err); cause != nil {
			text = cause.Error()
		}
		return nil, module.Fail("unable to connect to database: "+text+"\n", nil)
	}
	cfg.RuntimeParams["client_encoding"] = "UTF8" // what is read here is text, whatever the database keeps
	cfg.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: 5 * time.Second}
	}
	var tries []pgDial
	host, dial, lookup := "", cfg.DialFunc, cfg.LookupFunc
	hosts := map[string]string{} // by address
	cfg.LookupFunc = func(ctx context.Context, h string) ([]string, error) {
		addresses, err := lookup(ctx, h)
		for _, a := range addresses {
			hosts[a] = h
		}
		if err != nil {
			host = h
		}
		return addresses, err
	}
	cfg.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		ip, _, _ := net.SplitHostPort(address)
		tries = append(tries, pgDial{hosts[ip], network, address, err})
		return conn, err
	}
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if strings.Contains(err.Error(), "GSS") || strings.Contains(err.Error(), "unsupported auth") {
			return nil, &module.NotNative{Reason: "how the server authenticates"}
		}
		return nil, module.Fail("unable to connect to database: "+connectError(err, host, tries, cfg.Password == ""), nil)
	}
	p := &postgres{conn: conn, autocommit: autocommit}
	if !strings.HasPrefix(conn.ParameterStatus("DateStyle"), "ISO") {
		if _, err := p.simple(ctx, "SET DATESTYLE TO 'ISO'"); err != nil {
			p.close()
			return nil, module.Fail("unable to connect to database: "+err.Error(), nil)
		}
	}
	if role := c.Str("session_role"); role != "" {
		if _, err := p.exec(ctx, `SET ROLE "`+role+`"`, nil); err != nil {
			p.close()
			return nil, module.Fail("Could not switch role: "+err.Error(), nil)
		}
	}
	return p, nil
}

// major is the first number of the server's version; those of the 9s, where two numbers name a release, count as 9.
func (p *postgres) major() int {
	n := 0
	for _, r := range p.conn.ParameterStatus("server_version") {
		if r < '0' || r > '9' {
			break
		}
		n = n*10 + int(r-'0')
	}
	return n
}

func (p *postgres) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = p.conn.Close(ctx) // the work is done, or undone by the server
}

// connectError says in libpq's words why no connection came about: a line for each try.
func connectError(err error, unknown string, tries []pgDial, noPassword bool) string {
	var causes []error
	if connect, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		causes = []error{connect.Unwrap()}
		if list, ok := connect.Unwrap().(interface{ Unwrap() []error }); ok { //nolint:errorlint // the tries are wanted, not a cause
			causes = list.Unwrap()
		}
	}
	if len(tries) == 0 || len(causes) < len(tries) {
		if unknown != "" {
			return `could not translate host name "` + unknown + `" to address: Name or service not known` + "\n"
		}
		return err.Error() + "\n"
	}
	causes = causes[len(causes)-len(tries):]
	var lines []string
	for i, t := range tries {
		at, hint := "", "\n\tIs the server running on that host and accepting TCP/IP connections?"
		if t.network == "unix" {
			at, hint = fmt.Sprintf("on socket %q", t.address), "\n\tIs the server running locally and accepting connections on that socket?"
		} else {
			ip, port, _ := net.SplitHostPort(t.address)
			at = fmt.Sprintf("at %q, port %s", ip, port)
			if t.host != "" && t.host != ip {
				at = fmt.Sprintf("at %q (%s), port %s", t.host, ip, port)
			}
		}
		why := causes[i].Error()
		if answer, ok := errors.AsType[*pgconn.PgError](causes[i]); ok {
			why = strings.TrimSuffix(pgErrorText(answer, "", true), "\n")
			if answer.Code == "28P01" && noPassword {
				why = "fe_sendauth: no password supplied"
			}
		} else if errno, ok := errors.AsType[syscall.Errno](t.err); ok {
			why = hostos.ErrText(errno) + hint
		} else if t.err != nil && errors.Is(causes[i], context.DeadlineExceeded) {
			why = "timeout expired"
		} else if strings.Contains(why, "server refused TLS connection") {
			if i+1 < len(tries) { // without it, then
				continue
			}
			why = "server does not support SSL, but SSL was required"
		}
		if line := "connection to server " + at + " failed: " + why + "\n"; !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

// pgResult is what the last statement of a text returned.
type pgResult struct {
	tag    string
	fields []pgproto3.FieldDescription // nil when it returns no rows
	rows   [][][]byte
}

// affected is the number of rows, or -1.
func (r *pgResult) affected() int64 {
	if r.fields != nil {
		return int64(len(r.rows))
	}
	words := strings.Fields(r.tag)
	if len(words) > 1 {
		if n, err := strconv.ParseInt(words[len(words)-1], 10, 64); err == nil {
			return n
		}
	}
	return -1
}

// exec runs statements with args in place of their placeholders.
func (p *postgres) exec(ctx context.Context, query string, args any) (*pgResult, error) {
	text, err := p.merge(query, args)
	if err != nil {
		return nil, err
	}
	if !p.autocommit && !p.begun {
		if _, err := p.simple(ctx, "BEGIN"); err != nil {
			return nil, err
		}
		p.begun = true
	}
	p.sent = text
	return p.simple(ctx, text)
}

func (p *postgres) end(ctx context.Context, how string) error {
	if p.autocommit || !p.begun {
		return nil
	}
	p.begun = false
	_, err := p.simple(ctx, how)
	return err
}

func (p *postgres) commit(ctx context.Context) error   { return p.end(ctx, "COMMIT") }
func (p *postgres) rollback(ctx context.Context) error { return p.end(ctx, "ROLLBACK") }

// simple sends a text of statements as it is and returns what the last one gave.
func (p *postgres) simple(ctx context.Context, text string) (*pgResult, error) {
	if strings.ContainsRune(text, 0) {
		return nil, driverError("a statement cannot contain NUL (0x00) characters")
	}
	f := p.conn.Frontend()
	f.Send(&pgproto3.Query{String: text})
	if err := f.Flush(); err != nil {
		return nil, err
	}
	result := &pgResult{}
	last, empty := result, true
	var failed error
	for {
		msg, err := p.conn.ReceiveMessage(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if fatal, ok := errors.AsType[*pgconn.PgError](err); ok {
				return nil, &pgFailure{fatal, text}
			}
			return nil, err
		}
		switch m := msg.(type) {
		case *pgproto3.RowDescription:
			fields := append([]pgproto3.FieldDescription{}, m.Fields...) // not nil, though there may be none
			for i := range fields {
				fields[i].Name = slices.Clone(fields[i].Name)
			}
			last = &pgResult{fields: fields}
		case *pgproto3.DataRow:
			row := make([][]byte, len(m.Values))
			for i, v := range m.Values {
				if v != nil {
					row[i] = append([]byte{}, v...)
				}
			}
			last.rows = append(last.rows, row)
		case *pgproto3.CommandComplete:
			last.tag, result, empty = string(m.CommandTag), last, false
			last = &pgResult{}
		case *pgproto3.CopyInResponse:
			failed = driverError("can't execute COPY FROM: use the copy_from() method instead")
			f.Send(&pgproto3.CopyFail{Message: "not here"})
			if err := f.Flush(); err != nil {
				return nil, err
			}
		case *pgproto3.CopyOutResponse:
			failed = driverError("can't execute COPY TO: use the copy_to() method instead")
		case *pgproto3.ErrorResponse:
			if failed == nil {
				failed = &pgFailure{pgconn.ErrorResponseToPgError(m), text}
			}
		case *pgproto3.ReadyForQuery:
			if failed == nil && empty {
				failed = driverError("can't execute an empty query")
			}
			if failed != nil {
				return nil, failed
			}
			return result, nil
		}
	}
}
