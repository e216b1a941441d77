package store

import (
	"regexp"
	"slices"
	"strings"
)

var jsonKey = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// textLookups are the comparisons of values in JSON columns.
var textLookups = []string{"exact", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "regex", "iregex"}

// JSON is the condition for a value inside of a JSON column. path is its keys, "__" between them, with a lookup behind or with "[]" for a list
// that has the value among its entries.
func (db *DB) JSON(column, path, value string) (Condition, error) {
	path, inList := strings.CutSuffix(path, "[]")
	keys := strings.Split(path, "__")
	lookup := "exact"
	if last := len(keys) - 1; last > 0 && slices.Contains(textLookups, keys[last]) {
		lookup, keys = keys[last], keys[:last]
	}
	for _, key := range keys {
		if !jsonKey.MatchString(key) {
			return Condition{}, refuse("%q is no key of %s", key, column)
		}
	}
	text := db.dialect.JSONText("t."+quote(column), keys)
	if inList {
		return Condition{db.dialect.Contains(text), []any{`"` + strings.ReplaceAll(value, `"`, `\"`) + `"`}}, nil
	}
	return db.compareText(text, lookup, value)
}
