package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
)

// fixed are the tables that are no resources. BLOB and IDENTITY stand for the dialect's types.
var fixed = []table{
	{name: "role_grant", columns: []column{{"id", "IDENTITY", ""}, {"object_type", "TEXT NOT NULL", ""}, {"object_id", "BIGINT NOT NULL", ""}, {"role", "TEXT NOT NULL", ""},
		{"user_id", "BIGINT", "user"}, {"team_id", "BIGINT", "team"}, {"definition", "BIGINT", "role_definition"}, {"created_by", "BIGINT", ""}, {"created", "TEXT", ""}},
		unique: []string{"object_type, object_id, role, COALESCE(user_id, 0), COALESCE(team_id, 0), COALESCE(definition, 0)"}, index: []string{"user_id", "team_id"}, cascade: true},
	{name: "link", columns: []column{{"id", "IDENTITY", ""}, {"relation", "TEXT NOT NULL", ""}, {"from_id", "BIGINT NOT NULL", ""}, {"to_id", "BIGINT NOT NULL", ""}},
		unique: []string{"relation, from_id, to_id"}, index: []string{"relation, to_id"}},
	{name: "session", columns: []column{{"id", "IDENTITY", ""}, {"token_hash", "TEXT NOT NULL", ""}, {"user_id", "BIGINT", "user"}, {"csrf", "TEXT NOT NULL", ""}, {"expires", "TEXT NOT NULL", ""}},
		unique: []string{"token_hash"}, cascade: true},
	{name: "authorization_code", columns: []column{{"id", "IDENTITY", ""}, {"code_hash", "TEXT NOT NULL", ""}, {"application", "BIGINT NOT NULL", "o_auth2_application"}, {"user_id", "BIGINT NOT NULL", "user"},
		{"redirect", "TEXT NOT NULL", ""}, {"scope", "TEXT NOT NULL", ""}, {"challenge", "TEXT NOT NULL", ""}, {"expires", "TEXT NOT NULL", ""}, {"token", "BIGINT NOT NULL", ""}},
		unique: []string{"code_hash"}, index: []string{"application", "user_id"}, cascade: true},
	{name: "setting", columns: []column{{"id", "IDENTITY", ""}, {"name", "TEXT NOT NULL", ""}, {"value", "TEXT NOT NULL", ""}}, unique: []string{"name"}},
	{name: "outbox", columns: []column{{"id", "IDENTITY", ""}, {"subject", "TEXT NOT NULL", ""}, {"message_id", "TEXT NOT NULL", ""}, {"body", "TEXT NOT NULL", ""}}, unique: []string{"message_id"}},
	{name: "lease", columns: []column{{"id", "IDENTITY", ""}, {"name", "TEXT NOT NULL", ""}, {"holder", "TEXT NOT NULL", ""}, {"expires", "TEXT NOT NULL", ""}}, unique: []string{"name"}},
	{name: "event_segment", columns: []column{{"id", "IDENTITY", ""}, {"job", "BIGINT NOT NULL", "unified_job"}, {"first", "BIGINT NOT NULL", ""}, {"last", "BIGINT NOT NULL", ""}, {"data", "BLOB", ""}},
		unique: []string{"job, first"}, cascade: true},
	{name: "event_index", columns: []column{{"id", "IDENTITY", ""}, {"job", "BIGINT NOT NULL", "unified_job"}, {"counter", "BIGINT NOT NULL", ""}, {"event", "TEXT NOT NULL", ""}, {"host", "BIGINT", ""},
		{"host_name", "TEXT", ""}, {"task", "TEXT", ""}, {"failed", "BIGINT NOT NULL", ""}, {"changed", "BIGINT NOT NULL", ""}, {"start_line", "BIGINT NOT NULL", ""}, {"end_line", "BIGINT NOT NULL", ""}, {"parent", "BIGINT NOT NULL", ""}},
		unique: []string{"job, counter"}, index: []string{"host"}, cascade: true},
}

type column struct{ name, kind, to string }

type table struct {
	name    string
	columns []column
	unique  []string // expressions
	index   []string
	cascade bool
	where   map[string]string // condition of a unique expression
}

func columnType(f *domain.Field) string {
	switch f.Kind {
	case domain.Integer, domain.ID, domain.Boolean:
		return "BIGINT"
	case domain.Decimal:
		if _, text := f.Default.(string); text {
			return "TEXT"
		}
		return "DOUBLE PRECISION"
	case domain.Choice:
		for _, c := range f.Choices {
			if _, number := c.(int64); number {
				return "BIGINT"
			}
		}
	}
	if f.To != "" {
		return "BIGINT"
	}
	return "TEXT"
}

// stored lists the columns of a resource's table.
func stored(r *domain.Resource) []*domain.Field {
	var out []*domain.Field
	for i := range r.Fields {
		if r.Fields[i].Column() {
			out = append(out, &r.Fields[i])
		}
	}
	return out
}

// wanted are the tables that the declarations ask for.
func wanted() ([]table, error) {
	var out []table
	at := map[string]int{}
	for _, r := range domain.All {
		if r.Table == "-" {
			continue
		}
		name := r.Storage()
		i, known := at[name]
		if !known {
			i = len(out)
			at[name] = i
			out = append(out, table{name: name, where: map[string]string{}})
		}
		t := &out[i]
		for _, f := range stored(r) {
			kind, to := columnType(f), ""
			if f.To != "" {
				to = domain.Of(f.To).Storage()
			}
			if f.Name == "id" {
				kind = "IDENTITY"
			}
			j := slices.IndexFunc(t.columns, func(c column) bool { return c.name == f.Name })
			if j >= 0 {
				if t.columns[j].kind != kind {
					return nil, fmt.Errorf("%s.%s is declared as %s and as %s", name, f.Name, t.columns[j].kind, kind)
				}
				if to != "" && t.columns[j].to == "" {
					t.columns[j].to = to
				}
				continue
			}
			t.columns = append(t.columns, column{f.Name, kind, to})
			if to != "" {
				t.index = append(t.index, quote(f.Name))
			}
		}
		for _, u := range r.Unique {
			expr := uniqueExpr(r, u)
			if !slices.Contains(t.unique, expr) || r.Shared() {
				if r.Shared() {
					expr = "type, " + expr
				}
				if !slices.Contains(t.unique, expr) {
					t.unique = append(t.unique, expr)
				}
				if r.Shared() { // types that do not declare it are left out
					list := t.where[expr]
					if list != "" {
						list += ", "
					}
					t.where[expr] = list + "'" + string(r.Type) + "'"
				}
			}
		}
		if !known && r.Shared() {
			t.index = append(t.index, "type, id")
		}
	}
	for i := range out {
		if out[i].name == "unified_job" {
			out[i].index = append(out[i].index, "status", "finished", "type, finished", "type, status, id")
		}
		if out[i].name == "host" {
			out[i].index = append(out[i].index, "name")
		}
	}
	return append(out, fixed...), nil
}

func uniqueExpr(r *domain.Resource, fields []string) string {
	var parts []string
	for _, name := range fields {
		if f := r.Field(name); f.To != "" {
			parts = append(parts, "COALESCE("+quote(name)+", 0)")
		} else {
			parts = append(parts, quote(name))
		}
	}
	return strings.Join(parts, ", ")
}

// Plan lists the statements that bring the database to what the declarations say. Columns are only ever added: a database
// of a newer server is one that an older server can still read.
func (db *DB) Plan(ctx context.Context) ([]string, error) {
	p, err := db.plan(ctx)
	return slices.Concat(p.create, p.alter, p.index), err
}

// plan is the statements for tables, for columns and references, and for indexes.
type plan struct{ create, alter, index []string }

func (db *DB) plan(ctx context.Context) (plan, error) {
	tables, err := wanted()
	if err != nil {
		return plan{}, err
	}
	have, err := db.dialect.Columns(ctx, db.write)
	if err != nil {
		return plan{}, err
	}
	indexes, err := db.dialect.Indexes(ctx, db.write)
	if err != nil {
		return plan{}, err
	}
	var create, alter, index []string
	for _, t := range tables {
		references := func(c column) string {
			if c.to == "" {
				return ""
			}
			action := "SET NULL"
			if t.cascade || owns(t.name, c.name) {
				action = "CASCADE"
			}
			return " REFERENCES " + quote(c.to) + "(id) ON DELETE " + action
		}
		if have[t.name] == nil {
			var cols []string
			for _, c := range t.columns {
				def := quote(c.name) + " " + db.kind(c.kind)
				if db.dialect.ForwardReferences() {
					def += references(c)
				} else if ref := references(c); ref != "" {
					alter = append(alter, "ALTER TABLE "+quote(t.name)+" ADD FOREIGN KEY ("+quote(c.name)+")"+ref)
				}
				cols = append(cols, def)
			}
			create = append(create, "CREATE TABLE "+quote(t.name)+" (\n  "+strings.Join(cols, ",\n  ")+"\n)")
		} else {
			for _, c := range t.columns {
				if !have[t.name][c.name] {
					alter = append(alter, "ALTER TABLE "+quote(t.name)+" ADD COLUMN "+quote(c.name)+" "+strings.ReplaceAll(db.kind(c.kind), " NOT NULL", "")+references(c))
				}
			}
		}
		for i, u := range t.unique {
			name := fmt.Sprintf("%s_unique_%d", t.name, i+1)
			if !indexes[name] {
				where := ""
				if list := t.where[u]; list != "" {
					where = " WHERE type IN (" + list + ")"
				}
				index = append(index, "CREATE UNIQUE INDEX "+quote(name)+" ON "+quote(t.name)+" ("+u+")"+where)
			}
		}
		for _, expr := range t.index {
			name := t.name + "_" + strings.NewReplacer(`"`, "", ", ", "_").Replace(expr)
			if !indexes[name] {
				index = append(index, "CREATE INDEX "+quote(name)+" ON "+quote(t.name)+" ("+expr+")")
			}
		}
	}
	return plan{create, alter, index}, nil
}

// Migrate runs what Plan lists, in one transaction.
func (db *DB) Migrate(ctx context.Context) error {
	steps, err := db.Plan(ctx)
	if err != nil || len(steps) == 0 {
		return err
	}
	return db.Write(ctx, func(tx *Tx) error {
		if err := tx.Lock(LockSchema); err != nil {
			return err
		}
		if db.Dialect() != "sqlite" { // another process may have been faster
			if steps, err = db.Plan(ctx); err != nil {
				return err
			}
		}
		for _, s := range steps {
			if _, err := tx.Exec(s); err != nil {
				return err
			}
		}
		return nil
	})
}

func (db *DB) kind(k string) string {
	return strings.NewReplacer("IDENTITY", db.dialect.Identity(), "BLOB", db.dialect.Blob()).Replace(k)
}

// owns tells whether rows of the table go with the row that the column points to.
func owns(table, column string) bool {
	for _, r := range domain.All {
		if r.Storage() == table {
			if f := r.Field(column); f != nil && f.OnDelete == domain.Cascade {
				return true
			}
		}
	}
	return false
}
