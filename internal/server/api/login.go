package api

import (
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/server/auth"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

func (q *request) loginPage() (*reply, error) {
	return ok(text{kind: "text/html; charset=utf-8", content: `<!doctype html><title>Troupe</title><form method="post">` +
		`<input name="username" autocomplete="username"><input name="password" type="password" autocomplete="current-password"><button>Log in</button></form>` + "\n"})
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

// oauthToken gives tokens to applications: for a user's password, or for a refresh token.
func (q *request) oauthToken() (*reply, error) {
	if err := q.r.ParseForm(); err != nil {
		return nil, badRequest(map[string]string{"error": "invalid_request"})
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
	var user int64
	var old domain.Record
	scope := form.Get("scope")
	switch form.Get("grant_type") {
	case "password":
		who, found, err := q.Auth.Password(q.tx, form.Get("username"), form.Get("password"), auth.Address(q.r))
		if err != nil || !found || app.Str("authorization_grant_type") != "password" {
			return nil, badRequest(map[string]string{"error": "invalid_grant", "error_description": "Invalid credentials given."})
		}
		user = who.ID
	case "refresh_token":
		old, err = q.tx.One("o_auth2_access_token", store.All(store.Is("refresh_hash", auth.Digest(form.Get("refresh_token"))), store.Is("application", app.ID())))
		if err != nil {
			return nil, badRequest(map[string]string{"error": "invalid_grant"})
		}
		user, scope = old.Int("user"), old.Str("scope")
	default:
		return nil, badRequest(map[string]string{"error": "unsupported_grant_type"})
	}
	if scope == "" {
		scope = "write"
	}
	if scope != "read" && scope != "write" && scope != "read write" {
		return nil, badRequest(map[string]string{"error": "invalid_scope"})
	}
	token, hash := auth.Token(24)
	refresh, refreshHash := auth.Token(24)
	err = q.write(func(tx *store.Tx) error {
		if old != nil {
			if err := tx.Delete("o_auth2_access_token", old.ID()); err != nil {
				return err
			}
		}
		return tx.Insert("o_auth2_access_token", domain.Record{"user": user, "application": app.ID(), "scope": scope, "token": "************", "token_hash": hash, "refresh_hash": refreshHash,
			"expires": tokenEnd(), "created_by": user})
	})
	if err != nil {
		return nil, err
	}
	o := newObject()
	o.set("access_token", token)
	o.set("expires_in", int64(tokenYears*365*24*3600))
	o.set("token_type", "Bearer")
	o.set("scope", scope)
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
