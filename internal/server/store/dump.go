package store

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// A dump is the rows of all tables, compressed: lines of JSON, for each table a line that names its columns and then a line for each row.
// It says nothing of the kind of database, so it moves an installation from one to another. What is encrypted in the database is
// encrypted in it.

const dumpFormat = "troupe-database-1"

type dumpHead struct {
	Format  string   `json:"format,omitempty"`
	Table   string   `json:"table,omitempty"`
	Columns []string `json:"columns,omitempty"`
	Rows    int64    `json:"rows,omitempty"` // of the whole dump, in its last line
	End     bool     `json:"end,omitempty"`
}

// left are the tables whose rows mean something to running servers only.
var left = []string{"session", "lease", "outbox", "authorization_code"}

// Dump writes all rows as they are at one moment and returns their number.
func (db *DB) Dump(ctx context.Context, w io.Writer) (rows int64, err error) {
	tables, err := wanted()
	if err != nil {
		return 0, err
	}
	options := &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
	if db.dialect.Serial() {
		options = nil // one writer at a time: what a transaction sees does not change
	}
	tx, err := db.read.BeginTx(ctx, options)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }()
	z, err := zstd.NewWriter(w)
	if err != nil {
		return 0, err
	}
	out := json.NewEncoder(z)
	out.SetEscapeHTML(false)
	if err := out.Encode(dumpHead{Format: dumpFormat}); err != nil {
		return 0, err
	}
	for _, t := range tables {
		if slices.Contains(left, t.name) {
			continue
		}
		n, err := db.dumpTable(ctx, tx, t, out)
		if err != nil {
			return 0, fmt.Errorf("table %s: %w", t.name, err)
		}
		rows += n
	}
	return rows, errors.Join(out.Encode(dumpHead{Rows: rows, End: true}), z.Close())
}

func (db *DB) dumpTable(ctx context.Context, tx *sql.Tx, t table, out *json.Encoder) (n int64, err error) {
	head := dumpHead{Table: t.name}
	var names []string
	for _, c := range t.columns {
		head.Columns = append(head.Columns, c.name)
		names = append(names, quote(c.name))
	}
	if err := out.Encode(head); err != nil {
		return 0, err
	}
	rows, err := tx.QueryContext(ctx, "SELECT "+strings.Join(names, ", ")+" FROM "+quote(t.name)+" ORDER BY id")
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	values := make([]any, len(names))
	at := make([]any, len(names))
	for i := range values {
		at[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(at...); err != nil {
			return n, err
		}
		for i, v := range values {
			if b, is := v.([]byte); is {
				if t.columns[i].kind == "BLOB" {
					values[i] = base64.StdEncoding.EncodeToString(b)
				} else {
					values[i] = string(b)
				}
			}
		}
		if err := out.Encode(values); err != nil {
			return n, err
		}
		n++
	}
	return n, rows.Err()
}

// Restore fills a database that has no tables with what Dump wrote, all of it or, with an error, nothing. It returns the number of rows.
func (db *DB) Restore(ctx context.Context, r io.Reader) (rows int64, err error) {
	plan, err := db.plan(ctx)
	if err != nil {
		return 0, err
	}
	tables, err := wanted()
	if err != nil {
		return 0, err
	}
	if len(plan.create) != len(tables) {
		return 0, errors.New("there is a database already: a dump is read into an empty one only")
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderMaxMemory(256<<20))
	if err != nil {
		return 0, err
	}
	defer z.Close()
	err = db.Write(ctx, func(tx *Tx) error {
		for _, s := range append(db.dialect.DeferReferences(), plan.create...) {
			if _, err := tx.Exec(s); err != nil {
				return err
			}
		}
		if rows, err = restoreRows(tx, tables, bufio.NewReaderSize(z, 1<<20)); err != nil {
			return err
		}
		for _, s := range slices.Concat(plan.alter, plan.index) {
			if _, err := tx.Exec(s); err != nil {
				return err
			}
		}
		for _, t := range tables {
			if s := db.dialect.Advance(t.name); s != "" {
				if err := tx.Value(new(int64), s); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return rows, err
}

// longest is how many bytes a row may have: a segment of events, and a text beside it.
const longest = 64 << 20

func restoreRows(tx *Tx, tables []table, in *bufio.Reader) (rows int64, err error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 1<<20), longest)
	broken := func(why string) error { return fmt.Errorf("this is no whole dump: %s after %d rows", why, rows) }
	var head dumpHead
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &head) != nil || head.Format != dumpFormat {
		return 0, errors.Join(broken("no "+dumpFormat), lines.Err())
	}
	var insert string
	var kinds []string
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) > 0 && line[0] == '{' {
			head = dumpHead{}
			if err := json.Unmarshal(line, &head); err != nil {
				return rows, broken(err.Error())
			}
			if head.End {
				if head.Rows != rows {
					return rows, broken(fmt.Sprintf("%d are promised", head.Rows))
				}
				return rows, nil
			}
			if insert, kinds, err = insertInto(tables, head); err != nil {
				return rows, err
			}
			continue
		}
		values, err := rowOf(line, kinds)
		if err != nil {
			return rows, broken(err.Error())
		}
		if _, err := tx.Exec(insert, values...); err != nil {
			return rows, fmt.Errorf("table %s: %w", head.Table, err)
		}
		rows++
	}
	return rows, errors.Join(broken("its end is missing"), lines.Err())
}

// insertInto is the statement for the rows of a table, and the kinds of its columns. Only what the declarations know gets in.
func insertInto(tables []table, head dumpHead) (statement string, kinds []string, err error) {
	i := slices.IndexFunc(tables, func(t table) bool { return t.name == head.Table })
	if i < 0 || slices.Contains(left, head.Table) {
		return "", nil, fmt.Errorf("the dump has a table %q, which this server does not know: it was written by a newer one", head.Table)
	}
	var names, marks []string
	for _, name := range head.Columns {
		j := slices.IndexFunc(tables[i].columns, func(c column) bool { return c.name == name })
		if j < 0 {
			return "", nil, fmt.Errorf("the dump has a column %q of %s, which this server does not know: it was written by a newer one", name, head.Table)
		}
		names, marks, kinds = append(names, quote(name)), append(marks, "?"), append(kinds, tables[i].columns[j].kind)
	}
	return "INSERT INTO " + quote(head.Table) + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")", kinds, nil
}

func rowOf(line []byte, kinds []string) ([]any, error) {
	d := json.NewDecoder(strings.NewReader(string(line)))
	d.UseNumber()
	var values []any
	if err := d.Decode(&values); err != nil {
		return nil, err
	}
	if len(values) != len(kinds) {
		return nil, fmt.Errorf("a row has %d values for %d columns", len(values), len(kinds))
	}
	for i, v := range values {
		switch v := v.(type) {
		case json.Number:
			if n, err := v.Int64(); err == nil {
				values[i] = n
			} else if f, err := v.Float64(); err == nil {
				values[i] = f
			} else {
				return nil, err
			}
		case string:
			if kinds[i] == "BLOB" {
				b, err := base64.StdEncoding.DecodeString(v)
				if err != nil {
					return nil, err
				}
				values[i] = b
			}
		case nil:
		default:
			return nil, fmt.Errorf("a value is a %T", v)
		}
	}
	return values, nil
}
