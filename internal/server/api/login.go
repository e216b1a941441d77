package api

import (
	"crypto/subtle"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/server/auth"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

var loginForm = template.Must(template.New("login").Parse(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Troupe</title><form method="post" action="/api/login/">` +
	`<input type="hidden" name="csrfmiddlewaretoken" value="{{.Token}}"><input type="hidden" name="next" value="{{.Next}}">` +
	`<input name="username" aria-label="User" autocomplete="username"><input name="password" aria-label="Password" type="password" autocomplete="current-password"><button>Log in</button></form></html>` + "\n"))

func (q *request) loginPage() (*reply, error) {
	token := q.csrfCookie()
	var b strings.Builder
	if err := loginForm.Execute(&b, map[string]string{"Token": token, "Next": within(q.query.Get("next"))}); err != nil {
		return nil, err
	}
	q.framed()
	return ok(text{kind: "text/html; charset=utf-8", content: b.String()})
}

// loginPost begins a session. The token that the form repeats must be the cookie's, so that no other site can log a browser in.
func (q *request) loginPost() (*reply, error) {
	if err := q.r.ParseForm(); err != nil {
		return nil, detail(http.StatusBadRequest, "The form cannot be read.")
	}
	sent := q.r.Header.Get("X-CSRFToken")
	if sent == "" {
		sent = q.r.PostForm.Get("csrfmiddlewaretoken")
	}
	cookie, err := q.r.Cookie(auth.CSRFCookie)
	if err != nil || subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(sent)) != 1 {
		return nil, detail(http.StatusForbidden, "%s", auth.ErrCSRF)
	}
	who, found, err := q.Auth.Password(q.tx, q.r.PostForm.Get("username"), q.r.PostForm.Get("password"), auth.Address(q.r))
	if err == auth.ErrThrottled {
		return nil, detail(http.StatusTooManyRequests, "%s", err)
	}
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, detail(http.StatusUnauthorized, "Invalid username or password.")
	}
	if err := q.Auth.Login(q.w, q.r, who.ID); err != nil {
		return nil, err
	}
	q.header.Set("X-API-Session-Cookie-Name", auth.SessionCookie)
	return &reply{status: http.StatusFound, location: within(q.r.PostForm.Get("next"))}, nil
}

// within keeps a redirection on this server.
func within(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(next, "//") || strings.Contains(next, `\`) {
		return "/api/"
	}
	return u.String()
}

func (q *request) logout() (*reply, error) {
	if err := q.Auth.Logout(q.w, q.r); err != nil {
		return nil, err
	}
	return &reply{status: http.StatusFound, location: "/api/login/"}, nil
}

// tokenYears is how long tokens live; AWX's live a thousand years.
const tokenYears = 1000

func tokenEnd() string { return domain.Stamp(time.Now().AddDate(tokenYears, 0, 0)) }

// tokenHooks make tokens: the secret is shown once, and kept as a hash.
func tokenHooks() hooks {
	return hooks{
		check: func(q *request, old, rec domain.Record, w wrong) error {
			if s, given := rec["scope"].(string); given {
				for word := range strings.FieldsSeq(s) {
					if word != "read" && word != "write" {
						w.add("scope", "Must be a simple space-separated string with allowed scopes ['read', 'write'].")
					}
				}
			}
			if old != nil {
				return nil
			}
			if user, given := rec["user"]; given && user != q.actor.ID && !q.actor.Superuser {
				return errForbidden
			}
			rec["user"] = q.actor.ID
			rec["expires"] = tokenEnd()
			return nil
		},
		saved: func(q *request, tx *store.Tx, old, rec domain.Record) error {
			if old != nil {
				return nil
			}
			token, hash := auth.Token(24)
			q.fresh = map[string]any{"token": token, "refresh_token": nil}
			changes := domain.Record{"token": "************", "token_hash": hash}
			if rec.Has("application") {
				refresh, refreshHash := auth.Token(24)
				q.fresh["refresh_token"] = refresh
				changes["refresh_hash"] = refreshHash
			}
			return tx.Update("o_auth2_access_token", rec.ID(), changes)
		},
		created: func(q *request, _ domain.Record, o *object) {
			for k, v := range q.fresh {
				o.set(k, v)
			}
		},
		show: func(_ *request, rec domain.Record, o *object, _ bool) error {
			o.set("token", "************")
			if rec.Has("application") {
				o.set("refresh_token", "************")
			}
			return nil
		},
	}
}

func applicationHooks() hooks {
	return hooks{
		check: func(_ *request, old, rec domain.Record, w wrong) error {
			checkRedirects(merged(old, rec, "authorization_grant_type"), merged(old, rec, "redirect_uris"), w)
			return nil
		},
		saved: func(q *request, tx *store.Tx, old, rec domain.Record) error {
			if old != nil {
				return nil
			}
			id, _ := auth.Token(30)
			key, _ := auth.Token(60)
			q.fresh = map[string]any{"client_secret": key}
			return tx.Update("o_auth2_application", rec.ID(), domain.Record{"client_id": id, "client_secret": auth.Digest(key)})
		},
		created: func(q *request, rec domain.Record, o *object) {
			if rec.Str("client_type") == "confidential" {
				o.set("client_secret", q.fresh["client_secret"])
			}
		},
		show: func(_ *request, rec domain.Record, o *object, _ bool) error {
			if rec.Str("client_type") == "confidential" {
				o.set("client_secret", "************")
			} else {
				o.drop("client_secret")
			}
			return nil
		},
	}
}

// oauthToken gives tokens to applications: for a code, for a user's password, or for a refresh token.
func (q *request) oauthToken() (*reply, error) {
	refuse := func(what string) (*reply, error) { return nil, badRequest(map[string]string{"error": what}) }
	if err := q.r.ParseForm(); err != nil {
		return refuse("invalid_request")
	}
	form := q.r.PostForm
	id, key, basic := q.r.BasicAuth()
	if !basic {
		id, key = form.Get("client_id"), form.Get("client_secret")
	}
	app, err := q.tx.One("o_auth2_application", store.Is("client_id", id))
	if err != nil || id == "" || app.Str("client_type") == "confidential" && subtle.ConstantTimeCompare([]byte(auth.Digest(key)), []byte(app.Str("client_secret"))) != 1 {
		return &reply{status: http.StatusUnauthorized, body: map[string]string{"error": "invalid_client"}}, nil
	}
	times, err := q.oauthSeconds()
	if err != nil {
		return nil, err
	}
	token, hash := auth.Token(24)
	refresh, refreshHash := auth.Token(24)
	given := ""
	give := func(tx *store.Tx) func(int64, string) (int64, error) {
		return func(user int64, scope string) (int64, error) {
			given = scope
			rec := domain.Record{"user": user, "application": app.ID(), "scope": scope, "token": "************", "token_hash": hash, "refresh_hash": refreshHash,
				"expires": times.end(), "created_by": user}
			err := tx.Insert("o_auth2_access_token", rec)
			return rec.ID(), err
		}
	}
	granted := true
	switch form.Get("grant_type") {
	case "authorization_code":
		if app.Str("authorization_grant_type") != "authorization-code" {
			return refuse("unauthorized_client")
		}
		err = q.write(func(tx *store.Tx) (err error) {
			granted, err = redeem(tx, app, form, give(tx))
			return err
		})
	case "password":
		scope, good := scopeOf(form.Get("scope"))
		if !good {
			return refuse("invalid_scope")
		}
		who, found, err := q.Auth.Password(q.tx, form.Get("username"), form.Get("password"), auth.Address(q.r))
		if err != nil || !found || app.Str("authorization_grant_type") != "password" {
			return nil, badRequest(map[string]string{"error": "invalid_grant", "error_description": "Invalid credentials given."})
		}
		if err := q.write(func(tx *store.Tx) error {
			_, err := give(tx)(who.ID, scope)
			return err
		}); err != nil {
			return nil, err
		}
	case "refresh_token":
		err = q.write(func(tx *store.Tx) error {
			old, err := tx.One("o_auth2_access_token", store.All(store.Is("refresh_hash", auth.Digest(form.Get("refresh_token"))), store.Is("application", app.ID())))
			if errors.Is(err, store.ErrNotFound) {
				granted = false
				return nil
			}
			if err != nil {
				return err
			}
			n, err := tx.Exec("DELETE FROM o_auth2_access_token WHERE id = ?", old.ID())
			if granted = n > 0; err != nil || !granted { // somebody else came with it in this moment
				return err
			}
			_, err = give(tx)(old.Int("user"), old.Str("scope"))
			return err
		})
	default:
		return refuse("unsupported_grant_type")
	}
	if err != nil {
		return nil, err
	}
	if !granted {
		return refuse("invalid_grant")
	}
	o := newObject()
	o.set("access_token", token)
	o.set("expires_in", times.Token)
	o.set("token_type", "Bearer")
	o.set("scope", given)
	o.set("refresh_token", refresh)
	return ok(o)
}

func (q *request) oauthRevoke() (*reply, error) {
	if err := q.r.ParseForm(); err != nil {
		return nil, badRequest(map[string]string{"error": "invalid_request"})
	}
	hash := auth.Digest(q.r.PostForm.Get("token"))
	err := q.write(func(tx *store.Tx) error {
		_, err := tx.Exec("DELETE FROM o_auth2_access_token WHERE token_hash = ? OR refresh_hash = ?", hash, hash)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &reply{status: http.StatusOK, body: text{kind: "text/plain"}}, nil
}
