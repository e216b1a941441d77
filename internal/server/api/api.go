// Package api is the server's REST interface, as clients of AWX 24 know it: /api/v2/. Lists, details, validation, OPTIONS, links
// and permission checks are made from the declarations in internal/server/domain; what a resource has beyond that stands in the
// file of its name, as hooks and actions.
//
// Mounted by internal/server.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/server/auth"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Version is the version of AWX whose interface this is; clients compare its first number with their own.
const Version = "24.6.1"

const (
	maxBody     = 16 << 20
	defaultPage = 25
	maxPage     = 200
)

// Dispatcher is what the API asks of internal/server/dispatch.
type Dispatcher interface {
	// Wake says that a transaction left a pending job behind.
	Wake()
	// Cancel stops a job that has not ended.
	Cancel(ctx context.Context, job int64) error
	// Capacity is how many forks this installation runs at once, and how many are taken.
	Capacity() (total, used int)
}

// Config is what the API is made of.
type Config struct {
	DB         *store.DB
	Box        *secret.Box
	Auth       *auth.Auth
	Dispatcher Dispatcher
	// Notifications is told when some were left.
	Notifications interface{ Wake() }
	Node          string // this instance's name
	InstallID     string
	Release       string // our own version
	Log           *slog.Logger
	Projects      string // directory of manual projects
}

// Server answers requests.
type Server struct{ Config }

// New makes a Server.
func New(c Config) *Server {
	domain.Load()
	return &Server{c}
}

// request is one request on its way.
type request struct {
	*Server
	w       http.ResponseWriter
	r       *http.Request
	ctx     context.Context
	tx      *store.Tx // for reading
	actor   rbac.Actor
	query   url.Values
	cache   map[cacheKey]domain.Record
	header  http.Header
	fresh   map[string]any                     // secrets that the reply to their making shows, and no other
	changed bool                               // what an update must follow
	also    func(tx *store.Tx, id int64) error // what is stored with an object, in its transaction
}

type cacheKey struct {
	t  domain.Type
	id int64
}

// reply is an answer: a status and a body that is written as JSON; nil for none.
type reply struct {
	status   int
	body     any
	location string
}

func ok(body any) (*reply, error) { return &reply{status: http.StatusOK, body: body}, nil }

var noContent = &reply{status: http.StatusNoContent}

// text is a body that is not JSON.
type text struct {
	kind       string
	content    string
	attachment string
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	q := &request{Server: s, w: w, r: r, ctx: r.Context(), tx: s.DB.Read(r.Context()), query: r.URL.Query(), cache: map[cacheKey]domain.Record{}, header: w.Header()}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	rep, err := q.safely()
	if err != nil {
		status, body, known := answer(err)
		if !known && !errors.Is(err, context.Canceled) {
			s.Log.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		}
		rep = &reply{status: status, body: body}
	}
	if rep == nil {
		return // the handler wrote the answer itself
	}
	h := w.Header()
	if rep.status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer realm=api authorization_url=/api/o/authorize/")
	}
	if q.actor.ID != 0 {
		h.Set("X-API-Product-Name", "AWX")
		h.Set("X-API-Product-Version", Version)
		h.Set("X-Troupe-Version", s.Release)
	}
	h.Set("X-API-Node", s.Node)
	h.Set("X-API-Time", fmt.Sprintf("%.3fs", time.Since(start).Seconds()))
	h.Set("X-API-Total-Time", fmt.Sprintf("%.3fs", time.Since(start).Seconds()))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept, Cookie, Authorization")
	if rep.location != "" {
		h.Set("Location", rep.location)
	}
	write(w, rep)
}

func write(w http.ResponseWriter, rep *reply) {
	if t, isText := rep.body.(text); isText {
		w.Header().Set("Content-Type", t.kind)
		if t.attachment != "" {
			w.Header().Set("Content-Disposition", "attachment; filename="+strconv.Quote(t.attachment))
		}
		w.WriteHeader(rep.status)
		io.WriteString(w, t.content)
		return
	}
	if rep.body == nil {
		w.WriteHeader(rep.status)
		return
	}
	b, err := encode(rep.body)
	if err != nil {
		http.Error(w, `{"detail":"A server error has occurred."}`, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(rep.status)
	w.Write(b)
}

// safely keeps a mistake in one handler from taking the process with it.
func (q *request) safely() (rep *reply, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			err = fmt.Errorf("panic: %v", p)
			q.Log.Error("panic", "value", p, "stack", stack())
		}
	}()
	return q.route()
}

// body decodes the request's JSON object.
func (q *request) body() (map[string]any, error) {
	kind, _, _ := strings.Cut(q.r.Header.Get("Content-Type"), ";")
	b, err := io.ReadAll(q.r.Body)
	if err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) {
			return nil, detail(http.StatusRequestEntityTooLarge, "The request is larger than %d bytes.", tooBig.Limit)
		}
		return nil, err
	}
	if len(strings.TrimSpace(string(b))) == 0 {
		return map[string]any{}, nil
	}
	if kind != "application/json" {
		return nil, detail(http.StatusUnsupportedMediaType, "Unsupported media type %q in request.", q.r.Header.Get("Content-Type"))
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, detail(http.StatusBadRequest, "JSON parse error - %s\nPossible cause: trailing comma.", domain.JSONMistake(b, err))
	}
	if d.More() {
		return nil, detail(http.StatusBadRequest, "JSON parse error - Extra data: %s\nPossible cause: trailing comma.", domain.JSONPlace(b, d.InputOffset()))
	}
	m, isMap := domain.Plain(v).(map[string]any)
	if !isMap {
		return nil, detail(http.StatusBadRequest, "Invalid data. Expected a dictionary, but got %s.", domain.KindOf(domain.Plain(v)))
	}
	return m, nil
}

// get reads a row once in a request.
func (q *request) get(t domain.Type, id int64) (domain.Record, error) {
	key := cacheKey{t, id}
	if rec, ok := q.cache[key]; ok {
		if rec == nil {
			return nil, store.ErrNotFound
		}
		return rec, nil
	}
	rec, err := q.tx.Get(t, id)
	if err == nil || errors.Is(err, store.ErrNotFound) {
		q.cache[key] = rec
	}
	return rec, err
}

// write runs f in a transaction; what was read before is forgotten.
func (q *request) write(f func(tx *store.Tx) error) error {
	err := q.DB.Write(q.ctx, f)
	clear(q.cache)
	return err
}

// href is the address of an object.
func href(r *domain.Resource, id int64) string {
	return "/api/v2/" + r.Path + "/" + strconv.FormatInt(id, 10) + "/"
}

// concrete is the resource of a row that a reference points to, for references to several kinds.
func (q *request) concrete(to domain.Type, id int64) (*domain.Resource, error) {
	r := domain.Of(to)
	if len(r.Types) == 0 {
		return r, nil
	}
	key := cacheKey{to + ":type", id}
	if rec, ok := q.cache[key]; ok {
		return domain.Of(rec.Type()), nil
	}
	t, err := q.tx.TypeOf(to, id)
	if err != nil {
		return nil, err
	}
	q.cache[key] = domain.Record{"type": string(t)}
	return domain.Of(t), nil
}
