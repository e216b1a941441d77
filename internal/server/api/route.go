package api

import (
	"errors"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/auth"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
)

func stack() string { return string(debug.Stack()) }

// view is something at a fixed address.
type view struct {
	open bool // may be read without login
	form bool // what is posted is a form of a page of ours, which repeats the token that proves that it was meant
	// rule is who may come in: "" everyone who is logged in, "superuser", "auditor".
	rule    string
	methods map[string]func(*request) (*reply, error)
	options func(*request) (*object, error) // nil: an empty description
}

// action is something below one object: /job_templates/5/launch/. Its rules are the resource's; a rule that is empty lets the
// superuser alone.
type action struct {
	// rules tell, for each method, what is needed on the object.
	rules map[string]string
	get   func(q *request, r *domain.Resource, rec domain.Record) (*reply, error)
	post  func(q *request, r *domain.Resource, rec domain.Record, body map[string]any) (*reply, error)
	put   func(q *request, r *domain.Resource, rec domain.Record, body map[string]any) (*reply, error)
	del   func(q *request, r *domain.Resource, rec domain.Record) (*reply, error)
	// fields describe what POST takes, for OPTIONS.
	fields func() []domain.Field
	open   bool // POST needs no login: the action checks a key of its own
}

func (a *action) methods() []string {
	var out []string
	for _, m := range []struct {
		name string
		has  bool
	}{{"GET", a.get != nil}, {"POST", a.post != nil}, {"PUT", a.put != nil}, {"PATCH", a.put != nil}, {"DELETE", a.del != nil}} {
		if m.has {
			out = append(out, m.name)
		}
	}
	return append(out, "HEAD", "OPTIONS")
}

// route finds what a request is for.
func (q *request) route() (*reply, error) {
	path := q.r.URL.Path
	if !strings.HasPrefix(path, "/api/") && path != "/api" {
		return nil, notFoundPage()
	}
	if !strings.HasSuffix(path, "/") {
		if q.r.Method == http.MethodGet || q.r.Method == http.MethodHead {
			target := path + "/"
			if q.r.URL.RawQuery != "" {
				target += "?" + q.r.URL.RawQuery
			}
			return &reply{status: http.StatusMovedPermanently, location: target}, nil
		}
		return nil, notFoundPage()
	}
	parts := strings.Split(strings.Trim(strings.TrimPrefix(path, "/api/"), "/"), "/")
	fixed := strings.Join(parts, "/")
	v, isView := views()[fixed]
	if isView && v.form && q.r.Method == http.MethodPost {
		if err := q.r.ParseForm(); err != nil {
			return nil, detail(http.StatusBadRequest, "The form cannot be read.")
		}
		if q.r.Header.Get("X-CSRFToken") == "" {
			q.r.Header.Set("X-CSRFToken", q.r.PostForm.Get("csrfmiddlewaretoken"))
		}
	}
	if err := q.login(isView && v.open); err != nil {
		if act := q.openAction(parts); act == nil {
			return nil, err
		}
	}
	if isView {
		return q.view(v)
	}
	if parts[0] != "v2" || len(parts) < 2 {
		return nil, notFoundPage()
	}
	if v, found := views()["v2/"+parts[1]+"/*"]; found && len(parts) == 3 {
		return q.view(v)
	}
	res := domain.AtPath(parts[1])
	if res == nil {
		return nil, notFoundPage()
	}
	switch len(parts) {
	case 2:
		if res.NoList {
			return nil, notFoundPage()
		}
		return q.collection(res)
	case 3:
		return q.detail(res, parts[2])
	case 4, 5:
		return q.below(res, parts[2], strings.Join(parts[3:], "/"))
	}
	return nil, notFoundPage()
}

func notFoundPage() error {
	return &problem{http.StatusNotFound, text{kind: "text/html; charset=utf-8", content: "<!doctype html><title>Not Found</title><h1>Not Found</h1>\n"}}
}

// login finds the actor. Nobody gets in without, but where open says so.
func (q *request) login(open bool) error {
	who, found, err := q.Auth.Request(q.tx, q.r)
	switch {
	case errors.Is(err, auth.ErrCSRF):
		return detail(http.StatusForbidden, "%s", err)
	case errors.Is(err, auth.ErrThrottled):
		return detail(http.StatusTooManyRequests, "%s", err)
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	}
	if !found {
		if open {
			return nil
		}
		return errLogin
	}
	q.actor = who
	if who.ReadOnly && !safe(q.r.Method) {
		return errForbidden
	}
	return nil
}

func safe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// openAction finds an action that lets strangers in.
func (q *request) openAction(parts []string) *action {
	if len(parts) != 4 || parts[0] != "v2" || q.r.Method != http.MethodPost {
		return nil
	}
	res := domain.AtPath(parts[1])
	if res == nil {
		return nil
	}
	if a := actionOf(res, parts[3]); a != nil && a.open {
		return a
	}
	return nil
}

func (q *request) view(v view) (*reply, error) {
	var names []string
	for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		if v.methods[m] != nil {
			names = append(names, m)
		}
	}
	q.allow(append(names, "HEAD", "OPTIONS")...)
	method := q.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if !v.open && (v.rule == "superuser" && !q.actor.Superuser || v.rule == "auditor" && !q.actor.Superuser && !q.actor.Auditor) {
		return nil, errForbidden
	}
	if method == http.MethodOptions {
		if v.options != nil {
			o, err := v.options(q)
			if err != nil {
				return nil, err
			}
			return ok(o)
		}
		return ok(describe("", "", newObject()))
	}
	f := v.methods[method]
	if f == nil {
		return nil, q.notAllowed()
	}
	return f(q)
}

func (q *request) allow(methods ...string) { q.header.Set("Allow", strings.Join(methods, ", ")) }

func (q *request) notAllowed() error {
	return detail(http.StatusMethodNotAllowed, "Method \"%s\" not allowed.", q.r.Method)
}

// collection is a list and what makes new objects.
func (q *request) collection(r *domain.Resource) (*reply, error) {
	methods := []string{"GET"}
	if !r.NoPost {
		methods = append(methods, "POST")
	}
	q.allow(append(methods, "HEAD", "OPTIONS")...)
	switch q.r.Method {
	case http.MethodGet, http.MethodHead:
		if h := hooksOf(r.Type); h.list != nil {
			return h.list(q, r)
		}
		return q.list(r, rbac.Read(q.actor, r))
	case http.MethodOptions:
		o, err := q.listOptions(r, nil)
		if err != nil {
			return nil, err
		}
		return ok(o)
	case http.MethodPost:
		if r.NoPost {
			return nil, q.notAllowed()
		}
		body, err := q.body()
		if err != nil {
			return nil, err
		}
		rec, err := q.create(r, body, nil)
		if err != nil {
			return nil, err
		}
		return q.created(r, rec)
	}
	return nil, q.notAllowed()
}

// created answers with a new object.
func (q *request) created(r *domain.Resource, rec domain.Record) (*reply, error) {
	o, err := q.show(r, rec, true)
	if err != nil {
		return nil, err
	}
	if h := hooksOf(r.Type); h.created != nil {
		h.created(q, rec, o)
	}
	return &reply{status: http.StatusCreated, body: o, location: href(r, rec.ID())}, nil
}

func detailMethods(r *domain.Resource) []string {
	methods := []string{"GET"}
	if !r.NoPut {
		methods = append(methods, "PUT", "PATCH")
	}
	if !r.NoDrop {
		methods = append(methods, "DELETE")
	}
	return append(methods, "HEAD", "OPTIONS")
}

// detail is one object.
func (q *request) detail(r *domain.Resource, name string) (*reply, error) {
	q.allow(detailMethods(r)...)
	if q.r.Method == http.MethodOptions { // clients ask about object 1, whether it exists or not
		o, err := q.detailOptions(r)
		if err != nil {
			return nil, err
		}
		return ok(o)
	}
	if r.Virtual() {
		return q.virtual(r, name, "")
	}
	rec, err := q.find(r, name)
	if err != nil {
		return nil, err
	}
	if err := q.may(r, r.Access.Read, rec.ID()); err != nil {
		return nil, err
	}
	switch q.r.Method {
	case http.MethodGet, http.MethodHead:
		o, err := q.show(r, rec, true)
		if err != nil {
			return nil, err
		}
		return ok(o)
	case http.MethodPut, http.MethodPatch:
		if r.NoPut {
			break
		}
		if err := q.may(r, r.Access.Change, rec.ID()); err != nil {
			return nil, err
		}
		body, err := q.body()
		if err != nil {
			return nil, err
		}
		if rec, err = q.change(r, rec, body, q.r.Method == http.MethodPatch); err != nil {
			return nil, err
		}
		o, err := q.show(r, rec, true)
		if err != nil {
			return nil, err
		}
		return ok(o)
	case http.MethodDelete:
		if r.NoDrop {
			break
		}
		if err := q.may(r, r.Access.Delete, rec.ID()); err != nil {
			return nil, err
		}
		return q.remove(r, rec)
	}
	return nil, q.notAllowed()
}

// may is errForbidden unless the rule lets the actor.
func (q *request) may(r *domain.Resource, rule string, id int64) error {
	yes, err := rbac.Check(q.tx, q.actor, r, rule, id)
	if err == nil && !yes {
		err = errForbidden
	}
	return err
}

// find reads the object of a URL: by id, or by its named URL.
func (q *request) find(r *domain.Resource, name string) (domain.Record, error) {
	missing := detail(http.StatusNotFound, "No %s matches the given query.", r.Model)
	var rec domain.Record
	if id, err := strconv.ParseInt(name, 10, 64); err == nil {
		rec, err = q.get(r.Type, id)
		if errors.Is(err, store.ErrNotFound) {
			return nil, missing
		}
		return rec, err
	}
	if r.Key == nil {
		return nil, notFoundPage()
	}
	rec, err := q.byKey(r, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, missing
	}
	return rec, err
}

// below is what belongs to one object: a sub-list or an action.
func (q *request) below(r *domain.Resource, name, sub string) (*reply, error) {
	if r.Virtual() {
		return q.virtual(r, name, sub)
	}
	act, rel := actionOf(r, sub), r.Relation(sub)
	if act == nil && (rel == nil || rel.URLPath() != sub) {
		return nil, notFoundPage()
	}
	if act != nil {
		q.allow(act.methods()...)
	} else {
		q.allow(subMethods(rel)...)
	}
	if q.r.Method == http.MethodOptions {
		var o *object
		var err error
		if act != nil {
			o, err = q.actionOptions(r, act)
		} else {
			o, err = q.listOptions(domain.Of(rel.To), rel)
		}
		if err != nil {
			return nil, err
		}
		return ok(o)
	}
	rec, err := q.find(r, name)
	if err != nil {
		return nil, err
	}
	if act != nil {
		return q.act(r, rec, act)
	}
	if err := q.may(r, r.Access.Read, rec.ID()); err != nil {
		return nil, err
	}
	return q.sublist(r, rec, rel)
}

func (q *request) act(r *domain.Resource, rec domain.Record, a *action) (*reply, error) {
	method := q.r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if method == http.MethodPatch {
		method = http.MethodPut
	}
	if !(a.open && method == http.MethodPost) {
		if err := q.may(r, r.Access.Read, rec.ID()); err != nil {
			return nil, err
		}
		if rule, has := a.rules[method]; has {
			if err := q.may(r, ruleOf(r, rule), rec.ID()); err != nil {
				return nil, err
			}
		} else if method != http.MethodGet {
			if err := q.may(r, r.Access.Change, rec.ID()); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case method == http.MethodGet && a.get != nil:
		return a.get(q, r, rec)
	case method == http.MethodDelete && a.del != nil:
		return a.del(q, r, rec)
	case method == http.MethodPost && a.post != nil, method == http.MethodPut && a.put != nil:
		body := map[string]any{}
		if !a.open {
			var err error
			if body, err = q.body(); err != nil {
				return nil, err
			}
		}
		if method == http.MethodPost {
			return a.post(q, r, rec, body)
		}
		return a.put(q, r, rec, body)
	}
	return nil, q.notAllowed()
}

// ruleOf reads the names of a resource's rules: ":start" is what starting it needs.
func ruleOf(r *domain.Resource, rule string) string {
	switch rule {
	case ":read":
		return r.Access.Read
	case ":change":
		return r.Access.Change
	case ":start":
		return r.Access.Start
	}
	return rule
}
