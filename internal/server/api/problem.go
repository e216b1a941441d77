package api

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/troupe-automation/troupe/internal/server/store"
)

// problem is an error that the client is told, in AWX's shape.
type problem struct {
	status int
	body   any
}

func (p *problem) Error() string { return fmt.Sprintf("%d %v", p.status, p.body) }

// detail is the shape {"detail": …} of general errors.
func detail(status int, format string, args ...any) error {
	return &problem{status, map[string]string{"detail": fmt.Sprintf(format, args...)}}
}

// wrong is the shape {"field": ["…"]} of a field's error; several fields make one answer.
type wrong map[string][]string

func (w wrong) Error() string { return fmt.Sprint(map[string][]string(w)) }

func (w wrong) add(field, format string, args ...any) {
	w[field] = append(w[field], fmt.Sprintf(format, args...))
}

// err is nil when nothing is wrong.
func (w wrong) err() error {
	if len(w) == 0 {
		return nil
	}
	return w
}

func fieldError(field, format string, args ...any) error {
	return wrong{field: {fmt.Sprintf(format, args...)}}
}

// badRequest has a body of its own shape.
func badRequest(body any) error { return &problem{http.StatusBadRequest, body} }

var (
	errForbidden = detail(http.StatusForbidden, "You do not have permission to perform this action.")
	errLogin     = detail(http.StatusUnauthorized, "Authentication credentials were not provided. To establish a login session, visit /api/login/.")
)

// answer is what an error tells the client; known is false for those that are none of the client's.
func answer(err error) (status int, body any, known bool) {
	var p *problem
	var w wrong
	var f *store.FilterError
	switch {
	case errors.As(err, &p):
		return p.status, p.body, true
	case errors.As(err, &w):
		return http.StatusBadRequest, map[string][]string(w), true
	case errors.As(err, &f):
		if f.Forbidden {
			return http.StatusForbidden, map[string]string{"detail": f.Message}, true
		}
		return http.StatusBadRequest, map[string]string{"error": f.Message}, true
	case errors.Is(err, store.ErrNotFound):
		return http.StatusNotFound, map[string]string{"detail": "Not found."}, true
	case errors.Is(err, store.ErrConflict):
		return http.StatusBadRequest, map[string][]string{"__all__": {"An object with these values already exists."}}, true
	}
	return http.StatusInternalServerError, map[string]string{"detail": "A server error has occurred."}, false
}
