// Package store keeps the server's rows: tables made from the declarations in internal/server/domain, in SQLite or PostgreSQL.
// It knows rows, links between rows, role grants and events; it knows nothing of HTTP, and decides nothing about permissions:
// a list takes the condition that rbac made.
//
// Used by every service of internal/server; the two siblings below it are the dialects.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
)

// Dialect is what SQLite and PostgreSQL do differently.
type Dialect interface {
	Name() string
	// Identity and Blob are column types.
	Identity() string
	Blob() string
	// ForwardReferences tells whether a table may refer to one that is made later.
	ForwardReferences() bool
	// DeferReferences are statements after which references are checked when the transaction ends; Advance makes new ids of a table follow
	// those that were given, "" when they do anyway.
	DeferReferences() []string
	Advance(table string) string
	// Rebind rewrites ? into the dialect's parameters.
	Rebind(query string) string
	// Columns lists the columns of all tables, and Indexes the names of all indexes.
	Columns(ctx context.Context, q Querier) (map[string]map[string]bool, error)
	Indexes(ctx context.Context, q Querier) (map[string]bool, error)
	// Contains and Regex are conditions on a text with one parameter each.
	Contains(expr string) string
	// JSONText is the text of what lies at a path of keys, each of letters, digits, "_", "-" and ".", in a column of JSON.
	JSONText(expr string, path []string) string
	Regex(expr string, ignoreCase bool) string
	// Conflict tells whether an error says that a unique index refused the row.
	Conflict(err error) bool
	// Away tells whether an error says that the database cannot be asked now, and may be later.
	Away(err error) bool
	// Lock is a statement that waits until no other transaction holds the lock of that number, "" where writers are alone anyway.
	Lock(number int) string
	// Unindexed is an expression that the planner does not look up in an index, where it would choose badly.
	Unindexed(expr string) string
	// Serial tells whether one writer at a time is allowed.
	Serial() bool
}

// Querier is what connections and transactions share.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// ErrNotFound says that there is no such row.
var ErrNotFound = errors.New("no such row")

// ErrConflict says that a unique index refused the row.
var ErrConflict = errors.New("a row like this exists")

// DB is one open database.
type DB struct {
	dialect Dialect
	write   *sql.DB
	read    *sql.DB
	mu      sync.Mutex // holds writers back where the database takes one at a time
}

// New makes a DB of two pools; they may be the same.
func New(d Dialect, write, read *sql.DB) *DB {
	domain.Load()
	return &DB{dialect: d, write: write, read: read}
}

// Dialect is the dialect's name, "sqlite" or "postgres".
func (db *DB) Dialect() string { return db.dialect.Name() }

// Close closes the pools.
func (db *DB) Close() error {
	err := db.write.Close()
	if db.read != db.write {
		err = errors.Join(err, db.read.Close())
	}
	return err
}

// Tx is a transaction or, from Read, a view outside of one.
type Tx struct {
	db    *DB
	q     Querier
	ctx   context.Context
	after []func()
}

// Read is the database for reading.
func (db *DB) Read(ctx context.Context) *Tx { return &Tx{db: db, q: db.read, ctx: ctx} }

// Write runs f in a transaction. What f gave to After runs once the transaction is durable.
func (db *DB) Write(ctx context.Context, f func(*Tx) error) error {
	tx, err := db.commit(ctx, f)
	if err != nil {
		return err
	}
	for _, hook := range tx.after {
		hook()
	}
	return nil
}

func (db *DB) commit(ctx context.Context, f func(*Tx) error) (*Tx, error) {
	if db.dialect.Serial() {
		db.mu.Lock()
		defer db.mu.Unlock()
	}
	sqlTx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	tx := &Tx{db: db, q: sqlTx, ctx: ctx}
	if err := f(tx); err != nil {
		sqlTx.Rollback()
		return nil, err
	}
	return tx, sqlTx.Commit()
}

// Persist is Write for what must not be lost: while the database is away it is tried again, until ctx is done. A transaction whose
// commit was not answered may have happened: f must find that out.
func (db *DB) Persist(ctx context.Context, f func(*Tx) error) error {
	return db.Patiently(ctx, func() error { return db.Write(ctx, f) })
}

// Patiently runs f again and again while the database is away, until ctx is done.
func (db *DB) Patiently(ctx context.Context, f func() error) error {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := f()
		if err == nil || !db.dialect.Away(err) {
			return err
		}
		again := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			again.Stop()
			return err
		case <-again.C:
		}
	}
}

// Away tells whether an error says that the database cannot be asked now, and may be later.
func (db *DB) Away(err error) bool { return db.dialect.Away(err) }

// Lock keeps other transactions with the same lock out until this one ends.
func (tx *Tx) Lock(number int) error {
	if s := tx.db.dialect.Lock(number); s != "" {
		_, err := tx.Exec(s)
		return err
	}
	return nil
}

// Numbers of locks.
const (
	LockSchema = 71001 + iota // one process changes tables and makes what every installation has
)

// After runs f when the transaction has been committed.
func (tx *Tx) After(f func()) { tx.after = append(tx.after, f) }

// Context is what the transaction was begun with.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Exec runs a statement with ? as parameters and returns how many rows it touched.
func (tx *Tx) Exec(query string, args ...any) (int64, error) {
	res, err := tx.q.ExecContext(tx.ctx, tx.db.dialect.Rebind(query), args...)
	if err != nil {
		if tx.db.dialect.Conflict(err) {
			return 0, ErrConflict
		}
		return 0, fmt.Errorf("%w (in %s)", err, shorten(query))
	}
	return res.RowsAffected()
}

// Query runs f for each row; scan reads its columns.
func (tx *Tx) Query(query string, args []any, f func(scan func(...any) error) error) error {
	rows, err := tx.q.QueryContext(tx.ctx, tx.db.dialect.Rebind(query), args...)
	if err != nil {
		if tx.db.dialect.Conflict(err) {
			return ErrConflict
		}
		return fmt.Errorf("%w (in %s)", err, shorten(query))
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		if tx.db.dialect.Conflict(err) {
			return ErrConflict
		}
		return err
	}
	return nil
}

// Value reads one value; it is left alone when there is no row.
func (tx *Tx) Value(dst any, query string, args ...any) error {
	return tx.Query(query, args, func(scan func(...any) error) error { return scan(dst) })
}

func shorten(query string) string {
	query = strings.Join(strings.Fields(query), " ")
	if len(query) > 200 {
		query = query[:200] + "…"
	}
	return query
}

// quote makes an identifier: group and user are words of SQL.
func quote(name string) string { return `"` + name + `"` }

// Names reads pairs of names, for dialects.
func Names(ctx context.Context, q Querier, query string) (map[string]map[string]bool, error) {
	rows, err := q.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]map[string]bool{}
	for rows.Next() {
		var t, c string
		if err := rows.Scan(&t, &c); err != nil {
			return nil, err
		}
		if out[t] == nil {
			out[t] = map[string]bool{}
		}
		out[t][c] = true
	}
	return out, rows.Err()
}
