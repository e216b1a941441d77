package api

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// read takes the fields of a resource from a body, as their declarations say. old is nil for a new object; partial keeps what
// the body does not name.
func (q *request) read(r *domain.Resource, old domain.Record, body map[string]any, partial bool, w wrong) domain.Record {
	rec := domain.Record{}
	for i := range r.Fields {
		f := &r.Fields[i]
		if f.ReadOnly || f.Computed {
			continue
		}
		v, given := body[f.Name]
		if !given {
			switch {
			case partial:
			case f.Required && !f.Default0:
				w.add(f.Name, "This field is required.")
			case old == nil && !f.Write && f.Name != "password":
				rec[f.Name] = normal(f.Zero())
			}
			continue
		}
		x, err := q.value(r, f, v)
		if err != "" {
			w.add(f.Name, "%s", err)
			continue
		}
		rec[f.Name] = x
	}
	return rec
}

func normal(v any) any {
	if j, is := v.(domain.J); is {
		return json.RawMessage(j)
	}
	return v
}

// value checks one value against its field; problem is what to tell the client.
func (q *request) value(r *domain.Resource, f *domain.Field, v any) (out any, problem string) {
	if v == nil {
		switch {
		case f.Null:
			return nil, ""
		case f.Kind == domain.Choice && len(f.Choices) > 0 && f.Choices[0] == "":
			return "", ""
		case f.Variables:
			return "", ""
		case f.Default0: // clients that name every field send null for what they do not mean
			return normal(f.Default), ""
		}
		return nil, "This field may not be null."
	}
	switch f.Kind {
	case domain.Boolean:
		switch v := v.(type) {
		case bool:
			return v, ""
		case int64:
			if v == 0 || v == 1 {
				return v == 1, ""
			}
		case string:
			switch strings.ToLower(v) {
			case "true", "t", "yes", "y", "on", "1":
				return true, ""
			case "false", "f", "no", "n", "off", "0":
				return false, ""
			}
		}
		return nil, "Must be a valid boolean."
	case domain.Integer:
		if f.To != "" {
			break
		}
		n, is := integer(v)
		if !is {
			return nil, "A valid integer is required."
		}
		if f.Min != nil && n < *f.Min {
			return nil, fmt.Sprintf("Ensure this value is greater than or equal to %d.", *f.Min)
		}
		if f.Max != nil && n > *f.Max {
			return nil, fmt.Sprintf("Ensure this value is less than or equal to %d.", *f.Max)
		}
		return n, ""
	case domain.Decimal:
		x, err := strconv.ParseFloat(fmt.Sprint(v), 64)
		if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, "A valid number is required."
		}
		if _, isText := f.Default.(string); isText {
			return strconv.FormatFloat(x, 'f', 2, 64), ""
		}
		return x, ""
	case domain.Choice:
		if slices.Contains(f.Choices, v) {
			return v, ""
		}
		if n, is := integer(v); is && slices.Contains(f.Choices, any(n)) {
			return n, ""
		}
		return nil, fmt.Sprintf("\"%v\" is not a valid choice.", v)
	case domain.JSON, domain.List:
		if f.Variables {
			return variables(f, v)
		}
		switch x := v.(type) {
		case string:
			var parsed any
			if x == "" {
				parsed = map[string]any{}
			} else if err := json.Unmarshal([]byte(x), &parsed); err != nil {
				return nil, "Value must be valid JSON."
			}
			v = parsed
		}
		if f.Kind == domain.List {
			if _, isList := v.([]any); !isList {
				return nil, fmt.Sprintf("Expected a list of items but got type \"%s\".", domain.KindOf(v))
			}
		}
		return domain.Encode(v), ""
	}
	if f.To != "" {
		id, is := integer(v)
		if s, isText := v.(string); isText && s == "" && f.Null {
			return nil, ""
		}
		if !is {
			return nil, fmt.Sprintf("Incorrect type. Expected pk value, received %s.", domain.KindOf(v))
		}
		if _, err := q.concreteRecord(f.To, id); err != nil {
			return nil, fmt.Sprintf("Invalid pk \"%d\" - object does not exist.", id)
		}
		return id, ""
	}
	if f.Variables {
		return variables(f, v)
	}
	var s string
	switch v := v.(type) {
	case string:
		s = v
	case int64, float64:
		s = fmt.Sprint(v)
	default:
		return nil, "Not a valid string."
	}
	if f.Name == "name" || f.Name == "username" {
		s = strings.TrimSpace(s)
	}
	if f.Required && s == "" {
		return nil, "This field may not be blank."
	}
	if f.MaxLen > 0 && utf8.RuneCountInString(s) > f.MaxLen {
		return nil, fmt.Sprintf("Ensure this field has no more than %d characters.", f.MaxLen)
	}
	if strings.ContainsRune(s, 0) {
		return nil, "Null characters are not allowed."
	}
	return s, ""
}

func (q *request) concreteRecord(to domain.Type, id int64) (domain.Record, error) {
	r, err := q.concrete(to, id)
	if err != nil {
		return nil, err
	}
	return q.get(r.Type, id)
}

func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		return int64(v), v == math.Trunc(v)
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// variables checks a text that must hold a dictionary; what comes as a dictionary is kept as its JSON.
func variables(_ *domain.Field, v any) (any, string) {
	if m, isMap := v.(map[string]any); isMap {
		b, err := encode(m)
		if err != nil {
			return nil, err.Error()
		}
		return string(b), ""
	}
	s, isText := v.(string)
	if !isText {
		return nil, fmt.Sprintf("Input type `%s` is not a dictionary", domain.KindOf(v))
	}
	if _, err := launch.ParseVars(s); err != nil {
		return nil, err.Error()
	}
	return s, ""
}

// create makes a new object. given are fields that the server sets, whatever the body says.
func (q *request) create(r *domain.Resource, body map[string]any, given domain.Record) (domain.Record, error) {
	w := wrong{}
	if rbac.None(rbac.May(q.actor, r, r.Access.Add)) && hooksOf(r.Type).add == nil {
		return nil, errForbidden
	}
	rec := q.read(r, nil, body, false, w)
	for k, v := range given {
		rec[k] = v
		delete(w, k)
	}
	if err := q.save(r, nil, rec, w); err != nil {
		return nil, err
	}
	return q.get(r.Type, rec.ID())
}

// change alters an object.
func (q *request) change(r *domain.Resource, old domain.Record, body map[string]any, partial bool) (domain.Record, error) {
	if old.Bool("managed") && r.Type != "execution_environment" && r.Type != "instance" {
		return nil, errForbidden
	}
	w := wrong{}
	changes := q.read(r, old, body, partial, w)
	if err := q.save(r, old, changes, w); err != nil {
		return nil, err
	}
	return q.get(r.Type, old.ID())
}

// save checks and stores a new object or the changes of one.
func (q *request) save(r *domain.Resource, old, rec domain.Record, w wrong) error {
	if err := w.err(); err != nil {
		return err
	}
	h := hooksOf(r.Type)
	if h.check != nil {
		if err := h.check(q, old, rec, w); err != nil {
			return err
		}
		if err := w.err(); err != nil {
			return err
		}
	}
	if err := q.mayName(r, old, rec); err != nil {
		return err
	}
	now := domain.Stamp(time.Now())
	rec["modified"] = now
	if q.actor.ID != 0 {
		rec["modified_by"] = q.actor.ID
	}
	if old == nil {
		rec["created"] = now
		if q.actor.ID != 0 {
			rec["created_by"] = q.actor.ID
		}
	}
	return q.write(func(tx *store.Tx) error {
		if err := unique(tx, r, old, rec); err != nil {
			return err
		}
		if old == nil {
			if err := tx.Insert(r.Type, rec); err != nil {
				return err
			}
			if !q.actor.Superuser && r.Role("admin_role") != nil { // who makes something may manage it
				if o, has := rbac.RoleOn(r, rec.ID(), "admin_role"); has {
					if err := rbac.Grant(tx, o, q.actor.ID, 0); err != nil {
						return err
					}
				}
			}
		} else if err := tx.Update(r.Type, old.ID(), rec); err != nil {
			return err
		}
		if h.saved != nil {
			if err := h.saved(q, tx, old, rec); err != nil {
				return err
			}
		}
		if q.also != nil {
			id := rec.ID()
			if old != nil {
				id = old.ID()
			}
			if err := q.also(tx, id); err != nil {
				return err
			}
		}
		return q.recordSave(tx, r, old, rec)
	})
}

// mayName checks that the actor may make the object where it is to be, and may use what it names.
func (q *request) mayName(r *domain.Resource, old, rec domain.Record) error {
	if q.actor.Superuser {
		return nil
	}
	if old == nil {
		found, allowed := false, false
		if f := hooksOf(r.Type).add; f != nil {
			var err error
			if found, allowed, err = f(q, rec); err != nil {
				return err
			}
		}
		if !found {
			var err error
			if allowed, err = q.mayAdd(r, rec); err != nil {
				return err
			}
		}
		if !allowed {
			return errForbidden
		}
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		v, given := rec[f.Name]
		if f.To == "" || f.ReadOnly || !given || v == nil || f.Write || old != nil && old.Int(f.Name) == rec.Int(f.Name) {
			continue
		}
		to, err := q.concrete(f.To, rec.Int(f.Name))
		if err != nil {
			return err
		}
		rule := to.Access.Use
		if strings.HasPrefix(r.Access.Add, f.Name+".") { // the Add rule has looked at it already
			if old == nil {
				continue
			}
			rule = strings.TrimPrefix(r.Access.Add, f.Name+".")
		}
		if rule == "" {
			rule = to.Access.Read
		}
		if err := q.may(to, rule, rec.Int(f.Name)); err != nil {
			return err
		}
	}
	return nil
}

// mayAdd evaluates the Add rule on an object that does not exist yet: its paths begin at the references of the new object.
func (q *request) mayAdd(r *domain.Resource, rec domain.Record) (bool, error) {
	for rule := range strings.SplitSeq(r.Access.Add, "|") {
		switch rule {
		case "anyone":
			return true, nil
		case "anyorgadmin":
			n, err := q.tx.Count(domain.Of("organization"), rbac.May(q.actor, domain.Of("organization"), "admin_role"))
			if err != nil || n > 0 {
				return n > 0, err
			}
			continue
		}
		field, rest, found := strings.Cut(rule, ".")
		if !found || !rec.Has(field) {
			continue
		}
		to, err := q.concrete(r.Field(field).To, rec.Int(field))
		if err != nil {
			return false, err
		}
		if to.Role(rest) == nil && !strings.Contains(rest, ".") { // a reference to several kinds: each has a rule of its own
			rest = map[string]string{"admin_role": to.Access.Change, "execute_role": to.Access.Start, "read_role": to.Access.Read}[rest]
		}
		allowed, err := rbac.Check(q.tx, q.actor, to, rest, rec.Int(field))
		if err != nil || allowed {
			return allowed, err
		}
	}
	return false, nil
}

// unique refuses an object that is like another one, in words; the database's indexes are the net below.
func unique(tx *store.Tx, r *domain.Resource, old, rec domain.Record) error {
	for _, set := range r.Unique {
		c := store.Condition{}
		touched := old == nil
		for _, name := range set {
			v, given := rec[name]
			if !given {
				if v = old[name]; old == nil {
					v = normal(r.Field(name).Zero())
				}
			} else {
				touched = true
			}
			if v == nil {
				c = store.All(c, store.Where(`t."`+name+`" IS NULL`))
			} else {
				c = store.All(c, store.Is(name, v))
			}
		}
		if !touched {
			continue
		}
		if old != nil {
			c = store.All(c, store.Where("t.id <> ?", old.ID()))
		}
		n, err := tx.Count(r, c)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if len(set) == 1 {
			return fieldError(set[0], "%s with this %s already exists.", r.Title, fieldTitle(set[0]))
		}
		names := make([]string, len(set))
		for i, name := range set {
			names[i] = fieldTitle(name)
		}
		return fieldError("__all__", "%s with this %s already exists.", r.Title, list(names))
	}
	return nil
}

// list joins words as a sentence does.
func list(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// fieldTitle is a field's name in words: "credential_type" is "Credential type".
func fieldTitle(name string) string {
	s := strings.ReplaceAll(name, "_", " ")
	return strings.ToUpper(s[:1]) + s[1:]
}

// remove deletes an object.
func (q *request) remove(r *domain.Resource, rec domain.Record) (*reply, error) {
	h := hooksOf(r.Type)
	if rec.Bool("managed") {
		return nil, errForbidden
	}
	if h.removable != nil {
		if err := h.removable(q, rec); err != nil {
			return nil, err
		}
	}
	if h.remove != nil {
		return h.remove(q, rec)
	}
	err := q.write(func(tx *store.Tx) error {
		if err := q.record(tx, "delete", r, rec.ID(), publicFields(r, rec), nil, 0, ""); err != nil {
			return err
		}
		if err := tx.Delete(r.Type, rec.ID()); err != nil || h.removed == nil {
			return err
		}
		return h.removed(tx, rec)
	})
	if err != nil {
		return nil, err
	}
	return noContent, nil
}

// inUse refuses to delete what running jobs need.
func (q *request) inUse(where store.Condition) error {
	rows, err := q.tx.List(domain.Of("unified_job"), store.All(where, store.Where("t.status IN ('new', 'pending', 'waiting', 'running')")), store.Page{Limit: 50})
	if err != nil || len(rows) == 0 {
		return err
	}
	active := []map[string]any{}
	for _, rec := range rows {
		active = append(active, map[string]any{"id": rec.ID(), "type": rec.Str("type")})
	}
	return &problem{http.StatusConflict, map[string]any{"error": "Resource is being used by running jobs.", "active_jobs": active}}
}

// sealFields encrypts the texts of a dictionary that secretField names, keeping the stored ones where the client sent the mark.
func (q *request) sealFields(place string, values, stored map[string]any, secretField func(string) bool) {
	for k, v := range values {
		if !secretField(k) {
			continue
		}
		s, isText := v.(string)
		switch {
		case !isText:
		case s == secret.Mark:
			if old, has := stored[k]; has {
				values[k] = old
			} else {
				delete(values, k)
			}
		case s != "":
			values[k] = q.Box.Seal(place+"."+k, s)
		}
	}
}
