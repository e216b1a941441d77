package mysql

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/module"
)

// myGrant are rights on an object, which is written as in a GRANT.
type myGrant struct {
	object string
	rights []string
}

// findGrant is the place of an object; -1 when it is not there.
func findGrant(list []myGrant, object string) int {
	return slices.IndexFunc(list, func(g myGrant) bool { return g.object == object })
}

// parseGrants reads the option priv: OBJECT:RIGHT,…/OBJECT:RIGHT,…. usage adds that a user may connect.
func parseGrants(text string, ansi, usage bool) ([]myGrant, error) {
	quote := "`"
	if ansi {
		quote = `"`
	}
	var grants []myGrant
	for item := range strings.SplitSeq(strings.TrimSpace(text), "/") {
		item = strings.TrimSpace(item)
		colon := strings.LastIndexByte(item, ':')
		if colon < 0 {
			return nil, module.Fail("invalid priv string: there is no ':' in "+module.Quote(item), nil)
		}
		object, rights := item[:colon], strings.ToUpper(item[colon+1:])
		parts := []string{object}
		if dot := strings.LastIndexByte(object, '.'); dot >= 0 {
			parts = []string{object[:dot], object[dot+1:]}
		}
		kind := ""
		if k, rest, ok := strings.Cut(parts[0], " "); ok && (k == "FUNCTION" || k == "PROCEDURE") {
			kind, parts[0] = k+" ", rest
		}
		for i, p := range parts {
			if bare := strings.Trim(p, "`"); bare != "*" {
				parts[i] = quote + bare + quote
			}
		}
		g := myGrant{object: kind + strings.Join(parts, ".")}
		if strings.Contains(rights, "(") {
			g.rights = splitRights(rights)
		} else {
			g.rights = strings.Split(rights, ",")
		}
		g.rights = joinColumns(g.rights)
		if at := findGrant(grants, g.object); at >= 0 {
			grants[at] = g
		} else {
			grants = append(grants, g)
		}
	}
	if usage && findGrant(grants, "*.*") < 0 {
		grants = append(grants, myGrant{"*.*", []string{"USAGE"}})
	}
	return grants, nil
}

// splitRights splits at the commas that are not between parentheses.
func splitRights(text string) []string {
	var out []string
	depth, from := 0, 0
	for i, r := range text {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			out = append(out, text[from:i])
			from = i + 1 + len(text[i+1:]) - len(strings.TrimLeft(text[i+1:], " \t\r\n"))
		}
	}
	return append(out, text[min(from, len(text)):])
}

// joinColumns puts rights on columns together again where a split at commas tore them apart, with their columns in order.
func joinColumns(rights []string) []string {
	for _, right := range []string{"SELECT", "UPDATE", "INSERT", "REFERENCES"} {
		start, end := -1, -1
		for i, r := range rights {
			if strings.Contains(r, right+" (") {
				start = i
			}
			if start >= 0 && strings.Contains(r, ")") {
				end = i
				break
			}
		}
		if start < 0 || end < 0 {
			continue
		}
		name, columns, _ := strings.Cut(strings.Join(rights[start:end+1], ", "), "(")
		list := strings.Split(strings.TrimRight(columns, ")"), ",")
		for i, c := range list {
			list[i] = strings.Trim(strings.TrimSpace(c), "`")
		}
		slices.Sort(list)
		rights = slices.Replace(slices.Clone(rights), start, end+1, name+"("+strings.Join(list, ", ")+")")
	}
	return rights
}

var (
	grantLine = regexp.MustCompile("^GRANT (.+) ON (.+) TO (?:'.*'|`.*`|\".*\")@(?:'.*'|`.*`|\".*\")(?: IDENTIFIED BY PASSWORD (?:'.+'|`.+`|\".+\"))? ?(.*)")
	roleLine  = regexp.MustCompile("^GRANT (.+) TO ['`\"]")
)

// grants are the rights that an account has.
func (m *mariadb) grants(ctx context.Context, user, host string) ([]myGrant, error) {
	rows, err := m.query(ctx, m.fill("SHOW GRANTS FOR %s@%s", user, host))
	if err != nil {
		return nil, err
	}
	var grants []myGrant
	for _, row := range rows {
		line := row.text(0)
		found := grantLine.FindStringSubmatch(line)
		if found == nil {
			if roleLine.MatchString(line) {
				continue
			}
			return nil, module.Fail("unable to parse the MySQL grant string: "+line, nil)
		}
		rights := strings.Split(found[1], ",")
		for i, r := range rights {
			if rights[i] = strings.TrimSpace(r); rights[i] == "ALL PRIVILEGES" {
				rights[i] = "ALL"
			}
		}
		rights = joinColumns(rights)
		if strings.Contains(found[3], "WITH GRANT OPTION") {
			rights = append(rights, "GRANT")
		}
		if at := findGrant(grants, found[2]); at >= 0 {
			grants[at].rights = append(grants[at].rights, rights...)
		} else {
			grants = append(grants, myGrant{found[2], rights})
		}
	}
	return grants, nil
}

// withoutGrant is a list of rights for a statement, which says GRANT in another place.
func withoutGrant(rights []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(rights), func(r string) bool { return r == "GRANT" }), ",")
}

// grant gives rights. tls is what the account must use, where a server keeps that with the rights.
func (m *mariadb) grant(ctx context.Context, user, host string, g myGrant, tls tlsRequires) error {
	rights := withoutGrant(g.rights)
	statement, values := "GRANT "+rights+" ON "+strings.ReplaceAll(g.object, "%", "%%")+" TO %s@%s", []any{user, host}
	if m.oldUsers() {
		statement, values = tls.add(statement, values)
	}
	if slices.Contains(g.rights, "GRANT") {
		statement += " WITH GRANT OPTION"
	}
	err := m.exec(ctx, m.fill(statement, values...))
	if err == nil || ctx.Err() != nil {
		return err
	}
	params := strings.TrimPrefix(strings.TrimSuffix(module.Repr(values), "]"), "[")
	return module.Fail("Error granting privileges, invalid priv string: "+rights+" , params: ("+params+"), query: "+statement+" , exception: "+err.Error()+".", nil)
}

func (m *mariadb) revoke(ctx context.Context, user, host string, g myGrant, option bool) error {
	object := strings.ReplaceAll(g.object, "%", "%%")
	if option {
		if err := m.exec(ctx, m.fill("REVOKE GRANT OPTION ON "+object+" FROM %s@%s", user, host)); err != nil {
			return err
		}
	}
	if rights := withoutGrant(g.rights); rights != "" {
		if err := m.exec(ctx, m.fill("REVOKE "+rights+" ON "+object+" FROM %s@%s", user, host)); err != nil {
			return err
		}
	}
	return m.exec(ctx, "FLUSH PRIVILEGES")
}
