// Package sqlite is the store's default dialect: one file, write-ahead log, one writer and many readers.
//
// Opened by internal/server when no other database is named.
package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"modernc.org/sqlite"

	"github.com/troupe-automation/troupe/internal/server/store"
)

// Open opens or makes the database in a file.
func Open(path string) (*store.DB, error) {
	register.Do(registerFunctions)
	q := url.Values{"_pragma": {"journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)", "busy_timeout(10000)", "cache_size(-16000)", "temp_store(MEMORY)"}}
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
	write, err := sql.Open("sqlite", dsn+"&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := write.Ping(); err != nil {
		write.Close()
		return nil, err
	}
	read, err := sql.Open("sqlite", dsn+"&_pragma=query_only(1)")
	if err != nil {
		write.Close()
		return nil, err
	}
	read.SetMaxOpenConns(8)
	read.SetMaxIdleConns(4)
	return store.New(dialect{}, write, read), nil
}

var register sync.Once

// registerFunctions gives SQLite regular expressions: Go's, which take linear time whatever the pattern.
func registerFunctions() {
	var cache sync.Map
	sqlite.MustRegisterDeterministicScalarFunction("regexp", 2, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		pattern, _ := args[0].(string)
		s, _ := args[1].(string)
		re, ok := cache.Load(pattern)
		if !ok {
			compiled, err := regexp.Compile(pattern)
			if err != nil {
				return nil, err
			}
			cache.Clear() // one pattern at a time is enough for a list
			cache.Store(pattern, compiled)
			re = compiled
		}
		return re.(*regexp.Regexp).MatchString(s), nil
	})
}

type dialect struct{}

func (dialect) Name() string               { return "sqlite" }
func (dialect) Identity() string           { return "INTEGER PRIMARY KEY AUTOINCREMENT" }
func (dialect) Blob() string               { return "BLOB" }
func (dialect) ForwardReferences() bool    { return true }
func (dialect) DeferReferences() []string  { return []string{"PRAGMA defer_foreign_keys = ON"} }
func (dialect) Advance(string) string      { return "" }
func (dialect) Rebind(query string) string { return query }
func (dialect) Serial() bool               { return true }
func (dialect) Contains(expr string) string {
	return "instr(" + expr + ", ?) > 0"
}
func (dialect) JSONText(expr string, path []string) string {
	return "trim(" + expr + ` -> '$."` + strings.Join(path, `"."`) + `"', '"')`
}
func (dialect) Regex(expr string, ignoreCase bool) string {
	if ignoreCase {
		return expr + " REGEXP ('(?i)' || ?)"
	}
	return expr + " REGEXP ?"
}
func (dialect) Conflict(err error) bool {
	return strings.Contains(err.Error(), "UNIQUE constraint failed")
}

// Away knows a file that another process holds for longer than the driver waits.
func (dialect) Away(err error) bool {
	return err != nil && strings.Contains(err.Error(), "SQLITE_BUSY")
}
func (dialect) Lock(int) string              { return "" }
func (dialect) Unindexed(expr string) string { return "+" + expr }

func (dialect) Columns(ctx context.Context, q store.Querier) (map[string]map[string]bool, error) {
	return store.Names(ctx, q, `SELECT m.name, p.name FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table'`)
}

func (dialect) Indexes(ctx context.Context, q store.Querier) (map[string]bool, error) {
	m, err := store.Names(ctx, q, `SELECT 'index', name FROM sqlite_master WHERE type = 'index'`)
	return m["index"], err
}
