package postgresql

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/module"
)

// pgPriv are rights on a table or a database.
type pgPriv struct {
	kind   string // "table" or "database"
	name   string
	rights []string
}

// pgRights are the rights that objects have, as ALL means them.
var pgRights = map[string][]string{
	"table":    {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"},
	"database": {"CREATE", "CONNECT", "TEMPORARY"},
}

// parsePrivs reads the option priv: RIGHT,…/TABLE:RIGHT,…; rights without a table are those on the database.
func parsePrivs(text, db string) ([]pgPriv, error) {
	if text == "" {
		return nil, nil
	}
	var privs []pgPriv
	for token := range strings.SplitSeq(text, "/") {
		p := pgPriv{kind: "database", name: db}
		list := token
		if name, rest, ok := strings.Cut(token, ":"); ok {
			p.kind, p.name, list = "table", name, rest
		}
		var wrong []string
		for word := range strings.SplitSeq(list, ",") {
			word = strings.ToUpper(strings.TrimSpace(word))
			switch {
			case word == "":
			case word == "ALL":
				p.rights = append(p.rights, pgRights[p.kind]...)
			case word == "TEMP" && p.kind == "database":
				p.rights = append(p.rights, "TEMPORARY")
			case slices.Contains(pgRights[p.kind], word):
				p.rights = append(p.rights, word)
			default:
				wrong = append(wrong, word)
			}
		}
		if len(wrong) > 0 {
			return nil, module.Fail("Invalid privs specified for "+p.kind+": "+strings.Join(wrong, " "), nil)
		}
		slices.Sort(p.rights)
		p.rights = slices.Compact(p.rights)
		privs = slices.DeleteFunc(privs, func(o pgPriv) bool { return o.kind == p.kind && o.name == p.name }) // the last one counts
		privs = append(privs, p)
	}
	// Databases before tables.
	slices.SortStableFunc(privs, func(a, b pgPriv) int { return strings.Compare(a.kind, b.kind) })
	return privs, nil
}

// rights are those that the role has itself.
func (u *pgUser) rights(ctx context.Context, p pgPriv) ([]string, error) {
	if p.kind == "table" {
		schema, table, ok := strings.Cut(p.name, ".")
		if !ok {
			schema, table = "public", p.name
		}
		r, err := u.exec(ctx, "SELECT privilege_type FROM information_schema.role_table_grants WHERE grantee = %s AND table_name = %s AND table_schema = %s", []any{u.name, table, schema})
		if err != nil {
			return nil, err
		}
		var have []string
		for _, row := range r.rows {
			have = append(have, string(row[0]))
		}
		return have, nil
	}
	r, err := u.exec(ctx, "SELECT datacl FROM pg_database WHERE datname = %s", []any{p.name})
	if err != nil {
		return nil, err
	}
	if len(r.rows) == 0 {
		return nil, module.Fail("there is no database "+p.name, nil)
	}
	m := regexp.MustCompile(regexp.QuoteMeta(u.name) + `\\?"?=(C?T?c?)/[^,]+,?`).FindStringSubmatch(string(r.rows[0][0]))
	if m == nil {
		return nil, nil
	}
	var have []string
	for _, letter := range m[1] {
		have = append(have, map[rune]string{'C': "CREATE", 'T': "TEMPORARY", 'c': "CONNECT"}[letter])
	}
	return have, nil
}

// object is how a statement names what the rights are on, and who has them.
func (u *pgUser) object(p pgPriv, to string) (string, error) {
	parts := map[string]int{"table": 3, "database": 1}[p.kind]
	name, err := postgresName(p.name, p.kind, parts)
	if err != nil {
		return "", err
	}
	who := `"` + u.name + `"`
	if u.name == "PUBLIC" && p.kind == "database" {
		who = "PUBLIC"
	}
	return strings.Join(p.rights, ", ") + " ON " + strings.ToUpper(p.kind) + " " + name + " " + to + " " + who, nil
}

// grant gives all of the rights on an object when one is missing.
func (u *pgUser) grant(ctx context.Context, privs []pgPriv) (bool, error) {
	return u.each(ctx, privs, "GRANT", "TO", func(have, want []string) bool {
		return slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(have, w) })
	})
}

// revoke takes all of the rights on an object when one is there.
func (u *pgUser) revoke(ctx context.Context, privs []pgPriv) (bool, error) {
	return u.each(ctx, privs, "REVOKE", "FROM", func(have, want []string) bool {
		return slices.ContainsFunc(want, func(w string) bool { return slices.Contains(have, w) })
	})
}

func (u *pgUser) each(ctx context.Context, privs []pgPriv, verb, to string, needed func(have, want []string) bool) (bool, error) {
	changed := false
	for _, p := range privs {
		have, err := u.rights(ctx, p)
		if err != nil {
			return false, err
		}
		if !needed(have, p.rights) {
			continue
		}
		object, err := u.object(p, to)
		if err != nil {
			return false, err
		}
		if err := u.run(ctx, verb+" "+object, nil); err != nil {
			return false, err
		}
		changed = true
	}
	return changed, nil
}
