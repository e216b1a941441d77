package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
)

// Condition is a piece of SQL over the row t with its arguments.
type Condition struct {
	SQL  string
	Args []any
}

// Where makes a condition.
func Where(sql string, args ...any) Condition { return Condition{sql, args} }

// All joins conditions with AND; empty ones fall away.
func All(conditions ...Condition) Condition {
	var parts []string
	var args []any
	for _, c := range conditions {
		if c.SQL != "" {
			parts = append(parts, "("+c.SQL+")")
			args = append(args, c.Args...)
		}
	}
	return Condition{strings.Join(parts, " AND "), args}
}

// Is is the condition that a field has a value.
func Is(field string, value any) Condition {
	return Condition{"t." + quote(field) + " = ?", []any{raw(value)}}
}

// IDs is the condition that a field is one of the ids.
func IDs(field string, ids []int64) Condition {
	if len(ids) == 0 {
		return Condition{SQL: "1 = 0"}
	}
	c := Condition{SQL: "t." + quote(field) + " IN (" + strings.TrimSuffix(strings.Repeat("?, ", len(ids)), ", ") + ")"}
	for _, id := range ids {
		c.Args = append(c.Args, id)
	}
	return c
}

// Page is which part of a list is meant.
type Page struct {
	Order         string // SQL over t, "t.id" when empty
	Limit, Offset int
}

// kinds restricts a shared table to the resource's types.
func kinds(r *domain.Resource) Condition {
	if !r.Shared() {
		return Condition{}
	}
	types := r.Types
	if len(types) == 0 {
		types = []domain.Type{r.Type}
	}
	if len(types) == 1 {
		return Condition{SQL: "t.type = ?", Args: []any{string(types[0])}}
	}
	c := Condition{SQL: "t.type IN (" + strings.TrimSuffix(strings.Repeat("?, ", len(types)), ", ") + ")"}
	for _, t := range types {
		c.Args = append(c.Args, string(t))
	}
	return c
}

// raw is a value as the database takes it.
func raw(v any) any {
	switch v := v.(type) {
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case json.RawMessage:
		return string(v)
	case domain.J:
		return string(v)
	case domain.Type:
		return string(v)
	case int:
		return int64(v)
	case time.Time:
		return domain.Stamp(v)
	}
	return v
}

// List reads rows of a resource.
func (tx *Tx) List(r *domain.Resource, where Condition, page Page) ([]domain.Record, error) {
	fields := stored(r)
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = "t." + quote(f.Name)
	}
	own := kinds(r)
	if len(r.Types) > 1 { // nearly all rows are of them: the order counts
		own.SQL = strings.Replace(own.SQL, "t.type", tx.db.dialect.Unindexed("t.type"), 1)
	}
	where = All(own, where)
	query := "SELECT " + strings.Join(names, ", ") + " FROM " + quote(r.Storage()) + " t"
	if where.SQL != "" {
		query += " WHERE " + where.SQL
	}
	if page.Order == "" {
		page.Order = "t.id"
	}
	query += " ORDER BY " + page.Order
	if page.Limit > 0 {
		query += fmt.Sprintf(" LIMIT %d OFFSET %d", page.Limit, page.Offset)
	}
	var out []domain.Record
	err := tx.Query(query, where.Args, func(scan func(...any) error) error {
		values := make([]any, len(fields))
		dst := make([]any, len(fields))
		for i := range values {
			dst[i] = &values[i]
		}
		if err := scan(dst...); err != nil {
			return err
		}
		rec := make(domain.Record, len(fields))
		for i, f := range fields {
			rec[f.Name] = cooked(f, values[i])
		}
		out = append(out, rec)
		return nil
	})
	return out, err
}

// cooked is a value as records have it.
func cooked(f *domain.Field, v any) any {
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	switch v := v.(type) {
	case nil:
		if f.Null || f.To != "" {
			return nil
		}
		return f.Zero() // a column that is younger than the row
	case string:
		if f.Kind == domain.JSON && !f.Variables || f.Kind == domain.List || f.Kind == domain.Shown && f.To == "" {
			return json.RawMessage(v)
		}
	case int64:
		if f.Kind == domain.Boolean {
			return v != 0
		}
	}
	return v
}

// IDList reads the ids of rows.
func (tx *Tx) IDList(r *domain.Resource, where Condition) ([]int64, error) {
	where = All(kinds(r), where)
	query := "SELECT t.id FROM " + quote(r.Storage()) + " t"
	if where.SQL != "" {
		query += " WHERE " + where.SQL
	}
	var out []int64
	err := tx.Query(query+" ORDER BY t.id", where.Args, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		out = append(out, id)
		return err
	})
	return out, err
}

// Count counts rows.
func (tx *Tx) Count(r *domain.Resource, where Condition) (int64, error) {
	where = All(kinds(r), where)
	query := "SELECT COUNT(*) FROM " + quote(r.Storage()) + " t"
	if where.SQL != "" {
		query += " WHERE " + where.SQL
	}
	var n int64
	return n, tx.Value(&n, query, where.Args...)
}

// Get reads one row of the resource.
func (tx *Tx) Get(t domain.Type, id int64) (domain.Record, error) {
	return tx.One(t, Is("id", id))
}

// One reads the first row that meets a condition.
func (tx *Tx) One(t domain.Type, where Condition) (domain.Record, error) {
	rows, err := tx.List(domain.Of(t), where, Page{Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, ErrNotFound
	}
	return rows[0], nil
}

// TypeOf tells which resource a row of a shared table is.
func (tx *Tx) TypeOf(family domain.Type, id int64) (domain.Type, error) {
	var t string
	err := tx.Value(&t, "SELECT type FROM "+quote(domain.Of(family).Storage())+" WHERE id = ?", id)
	if err == nil && t == "" {
		err = ErrNotFound
	}
	return domain.Type(t), err
}

// Insert makes a row: what rec lacks is as the declaration says. It sets id, created and modified in rec.
func (tx *Tx) Insert(t domain.Type, rec domain.Record) error {
	r := domain.Of(t)
	names, args := filled(r, rec, domain.Stamp(time.Now()))
	var id int64
	err := tx.Value(&id, "INSERT INTO "+quote(r.Storage())+" ("+strings.Join(names, ", ")+") VALUES ("+marks(len(names))+") RETURNING id", args...)
	rec["id"] = id
	return err
}

// most is how many parameters one statement has at most.
const most = 900

// InsertAll makes many rows in few statements; their records get no ids.
func (tx *Tx) InsertAll(t domain.Type, recs []domain.Record) error {
	r := domain.Of(t)
	now := domain.Stamp(time.Now())
	for len(recs) > 0 {
		names, args := filled(r, recs[0], now)
		n := min(len(recs), max(1, most/len(names)))
		for _, rec := range recs[1:n] {
			_, more := filled(r, rec, now)
			args = append(args, more...)
		}
		row := "(" + marks(len(names)) + "), "
		if _, err := tx.Exec("INSERT INTO "+quote(r.Storage())+" ("+strings.Join(names, ", ")+") VALUES "+strings.TrimSuffix(strings.Repeat(row, n), ", "), args...); err != nil {
			return err
		}
		recs = recs[n:]
	}
	return nil
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// filled are the columns of a new row and their values.
func filled(r *domain.Resource, rec domain.Record, now string) (names []string, args []any) {
	for _, f := range stored(r) {
		if f.Name == "id" {
			continue
		}
		v, ok := rec[f.Name]
		if !ok {
			switch {
			case f.Name == "type":
				v = string(r.Type)
			case f.Name == "created" || f.Name == "modified" || f.Name == "timestamp":
				v = now
			default:
				v = f.Zero()
			}
			rec[f.Name] = cooked(f, raw(v))
		}
		names = append(names, quote(f.Name))
		args = append(args, raw(v))
	}
	return names, args
}

// Update changes fields of one row.
func (tx *Tx) Update(t domain.Type, id int64, changes domain.Record) error {
	n, err := tx.UpdateWhere(t, Is("id", id), changes)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// UpdateWhere changes fields of all rows that meet a condition and returns how many there were.
func (tx *Tx) UpdateWhere(t domain.Type, where Condition, changes domain.Record) (int64, error) {
	r := domain.Of(t)
	var set []string
	var args []any
	for _, f := range stored(r) {
		if v, ok := changes[f.Name]; ok && f.Name != "id" {
			set = append(set, quote(f.Name)+" = ?")
			args = append(args, raw(v))
		}
	}
	if len(set) == 0 {
		return 0, nil
	}
	where = All(kinds(r), where)
	return tx.Exec("UPDATE "+quote(r.Storage())+" AS t SET "+strings.Join(set, ", ")+" WHERE "+where.SQL, append(args, where.Args...)...)
}

// Delete removes one row, and the links and grants that name it.
func (tx *Tx) Delete(t domain.Type, id int64) error {
	n, err := tx.deleteSome(t, []int64{id})
	if err == nil && n == 0 {
		return ErrNotFound
	}
	return err
}

// DeleteAll removes rows, and the links and grants that name them.
func (tx *Tx) DeleteAll(t domain.Type, ids []int64) error {
	for part := range slices.Chunk(ids, most/2) {
		if _, err := tx.deleteSome(t, part); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) deleteSome(t domain.Type, ids []int64) (int64, error) {
	r := domain.Of(t)
	in := " IN (" + marks(len(ids)) + ")"
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	for rel, ends := range relations() {
		for i, end := range []string{"from_id", "to_id"} {
			if slices.Contains(ends[i], r.Storage()) {
				if _, err := tx.Exec("DELETE FROM link WHERE relation = ? AND "+end+in, append([]any{rel}, args...)...); err != nil {
					return 0, err
				}
			}
		}
	}
	if r.Roles != nil {
		if _, err := tx.Exec("DELETE FROM role_grant WHERE object_type = ? AND object_id"+in, append([]any{string(t)}, args...)...); err != nil {
			return 0, err
		}
	}
	return tx.Exec("DELETE FROM "+quote(r.Storage())+" WHERE id"+in, args...)
}

// IDs lists the ids of rows, the lowest first.
func (tx *Tx) IDs(r *domain.Resource, where Condition, limit int) ([]int64, error) {
	where = All(kinds(r), where)
	return tx.ids(fmt.Sprintf("SELECT t.id FROM %s t WHERE %s ORDER BY t.id LIMIT %d", quote(r.Storage()), where.SQL, limit), where.Args...)
}

// relations names, for every link, the tables at its two ends.
func relations() map[string][2][]string {
	out := map[string][2][]string{}
	for _, r := range domain.All {
		for _, rel := range r.Related {
			if rel.Link == "" {
				continue
			}
			ends := out[rel.Link]
			from, to := 0, 1
			if rel.Reverse {
				from, to = 1, 0
			}
			ends[from] = append(ends[from], r.Storage())
			ends[to] = append(ends[to], domain.Of(rel.To).Storage())
			out[rel.Link] = ends
		}
	}
	return out
}

// Link adds a link; one that is there already is left alone.
func (tx *Tx) Link(relation string, from, to int64) error {
	_, err := tx.Exec("INSERT INTO link (relation, from_id, to_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", relation, from, to)
	return err
}

// LinkAll adds links from one row to many; those that are there already are left alone.
func (tx *Tx) LinkAll(relation string, from int64, to []int64) error {
	for len(to) > 0 {
		n := min(len(to), most/3)
		args := make([]any, 0, 3*n)
		for _, id := range to[:n] {
			args = append(args, relation, from, id)
		}
		if _, err := tx.Exec("INSERT INTO link (relation, from_id, to_id) VALUES "+strings.TrimSuffix(strings.Repeat("(?, ?, ?), ", n), ", ")+" ON CONFLICT DO NOTHING", args...); err != nil {
			return err
		}
		to = to[n:]
	}
	return nil
}

// Unlink takes a link away.
func (tx *Tx) Unlink(relation string, from, to int64) error {
	_, err := tx.Exec("DELETE FROM link WHERE relation = ? AND from_id = ? AND to_id = ?", relation, from, to)
	return err
}

// Linked lists what is linked from a row, in the order in which it was added.
func (tx *Tx) Linked(relation string, from int64) ([]int64, error) {
	return tx.ids("SELECT to_id FROM link WHERE relation = ? AND from_id = ? ORDER BY id", relation, from)
}

// LinkedTo lists the rows that a row is linked from.
func (tx *Tx) LinkedTo(relation string, to int64) ([]int64, error) {
	return tx.ids("SELECT from_id FROM link WHERE relation = ? AND to_id = ? ORDER BY id", relation, to)
}

func (tx *Tx) ids(query string, args ...any) ([]int64, error) {
	var out []int64
	err := tx.Query(query, args, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		out = append(out, id)
		return err
	})
	return out, err
}
