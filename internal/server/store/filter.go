package store

import (
	"fmt"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
)

// FilterError is a query string that makes no sense; Forbidden says that it asks for what nobody may ask.
type FilterError struct {
	Message   string
	Forbidden bool
}

func (e *FilterError) Error() string { return e.Message }

func refuse(format string, args ...any) error {
	return &FilterError{Message: fmt.Sprintf(format, args...)}
}

// reserved are parameters of a list that are no filters.
var reserved = []string{"page", "page_size", "format", "order_by", "order", "search", "type", "host_filter", "count_disabled", "no_truncate", "limit", "validate", "role_level",
	"start_line", "end_line", "content_encoding", "hostvars", "towervars", "all"}

var lookups = []string{"exact", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "regex", "iregex", "gt", "gte", "lt", "lte", "in", "isnull", "search"}

// Filter turns a query string into a condition over the resource's rows.
func (db *DB) Filter(r *domain.Resource, q url.Values) (Condition, error) {
	var and, or []Condition
	keys := make([]string, 0, len(q))
	for k := range q {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, key := range keys {
		if slices.Contains(reserved, key) {
			continue
		}
		for _, value := range q[key] {
			c, alternative, err := db.filterOne(r, key, value)
			if err != nil {
				return Condition{}, err
			}
			if alternative {
				or = append(or, c)
			} else {
				and = append(and, c)
			}
		}
	}
	for _, value := range q["search"] {
		for term := range strings.SplitSeq(value, ",") {
			c, err := db.search(r, term)
			if err != nil {
				return Condition{}, err
			}
			and = append(and, c)
		}
	}
	if types := q.Get("type"); types != "" && r.Shared() {
		c := Condition{SQL: "1 = 0"}
		for t := range strings.SplitSeq(types, ",") {
			c.SQL += " OR t.type = ?"
			c.Args = append(c.Args, t)
		}
		and = append(and, c)
	}
	if len(or) > 0 {
		and = append(and, anyOf(or))
	}
	return All(and...), nil
}

func anyOf(list []Condition) Condition {
	var parts []string
	var args []any
	for _, c := range list {
		parts = append(parts, "("+c.SQL+")")
		args = append(args, c.Args...)
	}
	return Condition{strings.Join(parts, " OR "), args}
}

func (db *DB) filterOne(r *domain.Resource, key, value string) (c Condition, alternative bool, err error) {
	negate := false
	for {
		if rest, ok := strings.CutPrefix(key, "or__"); ok {
			key, alternative = rest, true
		} else if rest, ok := strings.CutPrefix(key, "not__"); ok {
			key, negate = rest, !negate
		} else if rest, ok := strings.CutPrefix(key, "chain__"); ok {
			key = rest
		} else {
			break
		}
	}
	key = strings.TrimSuffix(key, "__int")
	path := strings.Split(key, "__")
	if len(path) > 6 {
		return c, false, refuse("%s has no field named '%s'", r.Model, key)
	}
	if c, err = db.walk(r, path, value); err != nil {
		return c, false, err
	}
	if negate {
		c.SQL = "(" + c.SQL + ") IS NOT TRUE"
	}
	return c, alternative, nil
}

// walk follows a path of relations to a field and makes the condition there: a chain of IN over sub-queries, which every
// index of a reference serves.
func (db *DB) walk(r *domain.Resource, path []string, value string) (Condition, error) {
	name, rest := path[0], path[1:]
	if name == "pk" {
		name = "id"
	}
	if name == "search" && len(rest) == 0 {
		return db.search(r, value)
	}
	f := r.Field(name)
	if f != nil && (f.Secret || name == "password" || name == "token" || name == "client_secret" || f.Hidden && f.To == "") {
		return Condition{}, &FilterError{Message: "Filtering on " + name + " is not allowed.", Forbidden: true}
	}
	if f != nil && f.To != "" && len(rest) > 0 && !slices.Contains(lookups, rest[0]) {
		to := domain.Of(f.To)
		c, err := db.walk(to, rest, value)
		if err != nil {
			if len(rest) == 1 && !knownField(to, rest[0]) {
				return c, refuse("%s has no field named '%s'", to.Model, rest[0])
			}
			return c, err
		}
		return inside("t."+quote(name)+" IN (SELECT t.id FROM "+quote(to.Storage())+" t WHERE %s)", All(kinds(to), c)), nil
	}
	if f == nil || !f.Column() {
		if c, ok, err := db.back(r, name, rest, value); ok || err != nil {
			return c, err
		}
		return Condition{}, refuse("%s has no field named '%s'", r.Model, name)
	}
	lookup := "exact"
	if len(rest) > 0 {
		lookup = rest[0]
	}
	if len(rest) > 1 || !slices.Contains(lookups, lookup) {
		return Condition{}, refuse("No related model for field %s.", rest[0])
	}
	return db.compare(f, lookup, value)
}

func knownField(r *domain.Resource, name string) bool { return r.Field(name) != nil }

func inside(format string, c Condition) Condition {
	if c.SQL == "" {
		c.SQL = "1 = 1"
	}
	return Condition{strings.Replace(format, "%s", c.SQL, 1), c.Args}
}

// back follows a relation that other rows have to this one.
func (db *DB) back(r *domain.Resource, name string, rest []string, value string) (Condition, bool, error) {
	var to *domain.Resource
	var format string
	if rel := r.Relation(name); rel != nil && !rel.Custom {
		to = domain.Of(rel.To)
		switch {
		case rel.By != "":
			format = "t.id IN (SELECT t." + quote(rel.By) + " FROM " + quote(to.Storage()) + " t WHERE %s)"
		case rel.Reverse:
			format = "t.id IN (SELECT to_id FROM link WHERE relation = '" + rel.Link + "' AND from_id IN (SELECT t.id FROM " + quote(to.Storage()) + " t WHERE %s))"
		default:
			format = "t.id IN (SELECT from_id FROM link WHERE relation = '" + rel.Link + "' AND to_id IN (SELECT t.id FROM " + quote(to.Storage()) + " t WHERE %s))"
		}
	} else if by := pointing(r, name); by != nil {
		to = by.resource
		format = "t.id IN (SELECT t." + quote(by.field) + " FROM " + quote(to.Storage()) + " t WHERE %s)"
	} else {
		return Condition{}, false, nil
	}
	if len(rest) == 0 {
		rest = []string{"id"}
	}
	if rest[0] == "isnull" {
		yes, err := truth(value)
		c := inside(format, kinds(to))
		if yes {
			c.SQL = "NOT (" + c.SQL + ")"
		}
		return c, true, err
	}
	if slices.Contains(lookups, rest[0]) && rest[0] != "search" {
		rest = append([]string{"id"}, rest...)
	}
	c, err := db.walk(to, rest, value)
	if err != nil {
		return c, true, err
	}
	return inside(format, All(kinds(to), c)), true, nil
}

type pointer struct {
	resource *domain.Resource
	field    string
}

// pointing finds the resource of a name that has a reference to r: "workflow_job_node", "unified_job_node".
func pointing(r *domain.Resource, name string) *pointer {
	if name == "unified_job_node" && r.Storage() == "unified_job" {
		return &pointer{domain.Of("workflow_job_node"), "job"}
	}
	for _, other := range domain.All {
		if other.Table == "-" || string(other.Type) != name && other.Path != name && strings.ReplaceAll(string(other.Type), "_", "") != name {
			continue
		}
		for i := range other.Fields {
			if f := &other.Fields[i]; f.To != "" && f.Column() && !f.Hidden && domain.Of(f.To).Storage() == r.Storage() {
				return &pointer{other, f.Name}
			}
		}
	}
	return nil
}

func (db *DB) search(r *domain.Resource, term string) (Condition, error) {
	term = strings.TrimSpace(term)
	var alternatives []Condition
	for _, name := range r.Searched() {
		c, err := db.walk(r, append(strings.Split(name, "__"), "icontains"), term)
		if err != nil {
			return c, err
		}
		alternatives = append(alternatives, c)
	}
	if len(alternatives) == 0 {
		return Condition{SQL: "1 = 0"}, nil
	}
	return anyOf(alternatives), nil
}

var null = []string{"null", "none"}

// compare makes the condition of one field, lookup and value.
func (db *DB) compare(f *domain.Field, lookup, value string) (Condition, error) {
	col := "t." + quote(f.Name)
	if lookup == "isnull" {
		yes, err := truth(value)
		if err != nil {
			return Condition{}, err
		}
		if yes {
			return Condition{SQL: col + " IS NULL"}, nil
		}
		return Condition{SQL: col + " IS NOT NULL"}, nil
	}
	if lookup == "in" {
		if value == "" {
			return Condition{}, refuse("cannot provide empty value for __in")
		}
		c := Condition{}
		var marks []string
		for part := range strings.SplitSeq(value, ",") {
			v, err := convert(f, part)
			if err != nil {
				return c, err
			}
			marks = append(marks, "?")
			c.Args = append(c.Args, v)
		}
		if len(marks) > 5000 {
			return c, refuse("too many values for __in")
		}
		c.SQL = col + " IN (" + strings.Join(marks, ", ") + ")"
		return c, nil
	}
	if (f.Kind == domain.ID || f.Null) && lookup == "exact" && slices.Contains(null, strings.ToLower(value)) {
		return Condition{SQL: col + " IS NULL"}, nil
	}
	switch lookup {
	case "exact", "gt", "gte", "lt", "lte":
		v, err := convert(f, value)
		op := map[string]string{"exact": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}[lookup]
		return Condition{col + " " + op + " ?", []any{v}}, err
	}
	return db.compareText("CAST("+col+" AS TEXT)", lookup, value)
}

// compareText makes the condition of an expression that is a text.
func (db *DB) compareText(txt, lookup, value string) (Condition, error) {
	lower := "lower(" + txt + ")"
	folded := strings.ToLower(value)
	switch lookup {
	case "exact":
		return Condition{txt + " = ?", []any{value}}, nil
	case "iexact":
		return Condition{lower + " = ?", []any{folded}}, nil
	case "contains":
		return Condition{db.dialect.Contains(txt), []any{value}}, nil
	case "icontains", "search":
		return Condition{db.dialect.Contains(lower), []any{folded}}, nil
	case "startswith":
		return Condition{"substr(" + txt + ", 1, length(CAST(? AS TEXT))) = ?", []any{value, value}}, nil
	case "istartswith":
		return Condition{"substr(" + lower + ", 1, length(CAST(? AS TEXT))) = ?", []any{folded, folded}}, nil
	case "endswith":
		return Condition{txt + " LIKE ? ESCAPE '!' AND " + db.dialect.Contains(txt), []any{"%" + escapeLike(value), value}}, nil
	case "iendswith":
		return Condition{lower + " LIKE ? ESCAPE '!'", []any{"%" + escapeLike(folded)}}, nil
	}
	if err := checkRegex(value); err != nil {
		return Condition{}, err
	}
	return Condition{db.dialect.Regex(txt, lookup == "iregex"), []any{value}}, nil
}

func escapeLike(s string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s)
}

// checkRegex refuses what is no regular expression, or one that costs too much, in the words clients know.
func checkRegex(pattern string) error {
	if len(pattern) > 1000 {
		return refuse("regular expression too long")
	}
	_, err := regexp.Compile(pattern)
	if e, ok := err.(*syntax.Error); ok {
		if e.Code == syntax.ErrMissingParen {
			return refuse("missing ), unterminated subpattern at position %d", max(0, strings.Index(pattern, "(")))
		}
		return refuse("%s", e.Code)
	}
	return nil
}

func truth(value string) (bool, error) {
	switch strings.ToLower(value) {
	case "true", "t", "yes", "y", "1", "on":
		return true, nil
	case "false", "f", "no", "n", "0", "off":
		return false, nil
	}
	return false, refuse("Unable to convert %q to boolean", value)
}

var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999", "2006-01-02 15:04:05.999999", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02"}

// convert reads a value as the field's type.
func convert(f *domain.Field, value string) (any, error) {
	switch {
	case f.Kind == domain.Boolean:
		b, err := truth(value)
		return raw(b), err
	case f.Kind == domain.DateTime:
		for _, layout := range timeLayouts {
			if t, err := time.Parse(layout, value); err == nil {
				return domain.Stamp(t), nil
			}
		}
		return nil, refuse("[\"“%s” value has an invalid format. It must be in YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ] format.\"]", value)
	case f.Kind == domain.Decimal:
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, refuse("[\"“%s” value must be a float.\"]", value)
		}
		return n, nil
	case columnType(f) == "BIGINT":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, refuse("[\"“%s” value must be an integer.\"]", value)
		}
		return n, nil
	}
	return value, nil
}

// Order turns ?order_by= into SQL. Equal rows come in the order of their ids.
func (db *DB) Order(r *domain.Resource, orderBy string) (string, error) {
	if orderBy == "" {
		orderBy = r.Order
	}
	var parts []string
	direction := ""
	for name := range strings.SplitSeq(orderBy, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		direction = ""
		if rest, ok := strings.CutPrefix(name, "-"); ok {
			name, direction = rest, " DESC"
		}
		expr, err := db.orderExpr(r, strings.Split(name, "__"))
		if err != nil {
			return "", err
		}
		parts = append(parts, expr+direction)
	}
	return strings.Join(append(parts, "t.id"+direction), ", "), nil // in the same direction: one index gives both
}

func (db *DB) orderExpr(r *domain.Resource, path []string) (string, error) {
	f := r.Field(path[0])
	if path[0] == "pk" {
		f = r.Field("id")
	}
	if f == nil || !f.Filterable() && f.Name != "created" {
		return "", refuse("%s has no field named '%s'", r.Model, path[0])
	}
	if len(path) == 1 {
		return "t." + quote(f.Name), nil
	}
	if f.To == "" || len(path) > 3 {
		return "", refuse("No related model for field %s.", path[1])
	}
	to := domain.Of(f.To)
	sub, err := db.orderExpr(to, path[1:])
	if err != nil {
		return "", err
	}
	return "(SELECT " + strings.ReplaceAll(sub, "t.", "o.") + " FROM " + quote(to.Storage()) + " o WHERE o.id = t." + quote(f.Name) + ")", nil
}
