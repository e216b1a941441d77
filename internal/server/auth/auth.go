// Package auth finds out who asks: by password, by session cookie or by token. Passwords are kept as bcrypt hashes, sessions and
// tokens as SHA-256 of what the client holds.
//
// Called by internal/server/api at the start of every request.
package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// SessionCookie and CSRFCookie are the names that clients of AWX know.
const (
	SessionCookie = "awx_sessionid"
	CSRFCookie    = "csrftoken"
	sessionLife   = 14 * 24 * time.Hour
)

// ErrCSRF says that a request by session lacks the token that proves it was meant.
var ErrCSRF = errors.New("CSRF Failed: CSRF token missing or incorrect.")

// ErrThrottled says that a name or an address failed too often lately.
var ErrThrottled = errors.New("too many failed logins; try again later")

// Auth checks credentials.
type Auth struct {
	db  *store.DB
	key [32]byte // of the memory of passwords that were right

	mu     sync.Mutex
	known  map[[32]byte]verified
	failed map[string]failures
}

type verified struct {
	hash  string
	until time.Time
}

type failures struct {
	n     int
	until time.Time
}

// New makes an Auth.
func New(db *store.DB) *Auth {
	a := &Auth{db: db, known: map[[32]byte]verified{}, failed: map[string]failures{}}
	rand.Read(a.key[:])
	return a
}

// Hash is a password as it is stored.
func Hash(password string) (string, error) {
	digest := sha256.Sum256([]byte(password)) // bcrypt alone ignores what follows 72 bytes
	b, err := bcrypt.GenerateFromPassword([]byte(base64.StdEncoding.EncodeToString(digest[:])), 10)
	return string(b), err
}

// nobody is a hash that no password has.
var nobody = sync.OnceValue(func() string {
	token, _ := Token(16)
	h, _ := Hash(token)
	return h
})

// Token makes a random secret and its hash.
func Token(n int) (token, hash string) {
	b := make([]byte, n)
	rand.Read(b)
	token = base64.RawURLEncoding.EncodeToString(b)
	return token, Digest(token)
}

// Digest is how a token is stored.
func Digest(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Password checks a name and a password; from is the client's address. A right pair is remembered for a short while, because
// clients send it with every request and a hash is meant to be slow.
func (a *Auth) Password(tx *store.Tx, name, password, from string) (rbac.Actor, bool, error) {
	if a.throttled(name + "@" + from) {
		return rbac.Actor{}, false, ErrThrottled
	}
	u, err := tx.One("user", store.Is("username", name))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return rbac.Actor{}, false, err
	}
	hash := u.Str("password")
	mac := hmac.New(sha256.New, a.key[:])
	mac.Write([]byte(name + "\x00" + password))
	var sum [32]byte
	mac.Sum(sum[:0])
	a.mu.Lock()
	seen, ok := a.known[sum]
	a.mu.Unlock()
	if ok && seen.hash == hash && hash != "" && time.Now().Before(seen.until) {
		return actor(u), true, nil
	}
	if hash == "" { // as slow as with a hash, so that names cannot be found out
		hash = nobody()
	}
	digest := sha256.Sum256([]byte(password))
	if bcrypt.CompareHashAndPassword([]byte(hash), []byte(base64.StdEncoding.EncodeToString(digest[:]))) != nil {
		a.fail(name + "@" + from)
		return rbac.Actor{}, false, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) > 1000 {
		clear(a.known)
	}
	a.known[sum] = verified{hash, time.Now().Add(5 * time.Minute)}
	delete(a.failed, name+"@"+from)
	return actor(u), true, nil
}

const maxFailures = 20

func (a *Auth) throttled(who string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	f, ok := a.failed[who]
	if ok && time.Now().After(f.until) {
		delete(a.failed, who)
		return false
	}
	return ok && f.n >= maxFailures
}

func (a *Auth) fail(who string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.failed) > 10000 {
		clear(a.failed)
	}
	f := a.failed[who]
	a.failed[who] = failures{f.n + 1, time.Now().Add(5 * time.Minute)}
}

func actor(u domain.Record) rbac.Actor {
	return rbac.Actor{ID: u.ID(), Name: u.Str("username"), Superuser: u.Bool("is_superuser"), Auditor: u.Bool("is_system_auditor")}
}

// User is the actor of a user's id.
func User(tx *store.Tx, id int64) (rbac.Actor, error) {
	u, err := tx.Get("user", id)
	return actor(u), err
}

// Request finds out who sent a request. ok is false when nobody can be told.
func (a *Auth) Request(tx *store.Tx, r *http.Request) (who rbac.Actor, ok bool, err error) {
	header := r.Header.Get("Authorization")
	if name, password, basic := r.BasicAuth(); basic {
		return a.Password(tx, name, password, Address(r))
	}
	if token, bearer := strings.CutPrefix(header, "Bearer "); bearer {
		return a.bearer(tx, token)
	}
	cookie, err := r.Cookie(SessionCookie)
	if err != nil {
		return who, false, nil
	}
	var user int64
	var csrf, expires string
	err = tx.Query("SELECT user_id, csrf, expires FROM session WHERE token_hash = ?", []any{Digest(cookie.Value)}, func(scan func(...any) error) error {
		return scan(&user, &csrf, &expires)
	})
	if err != nil || user == 0 || expires < domain.Stamp(time.Now()) {
		return who, false, err
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("X-CSRFToken")), []byte(csrf)) != 1 {
			return who, false, ErrCSRF
		}
	}
	who, err = User(tx, user)
	return who, err == nil, err
}

func (a *Auth) bearer(tx *store.Tx, token string) (who rbac.Actor, ok bool, err error) {
	t, err := tx.One("o_auth2_access_token", store.Is("token_hash", Digest(token)))
	if errors.Is(err, store.ErrNotFound) {
		return who, false, nil
	}
	if err != nil {
		return who, false, err
	}
	if t.Has("expires") && t.Str("expires") < domain.Stamp(time.Now()) {
		return who, false, nil
	}
	if who, err = User(tx, t.Int("user")); err != nil {
		return who, false, err
	}
	who.ReadOnly = t.Str("scope") == "read"
	who.Token = t.ID()
	return who, true, nil
}

// Login begins a session and sets its cookies.
func (a *Auth) Login(w http.ResponseWriter, r *http.Request, user int64) error {
	token, hash := Token(32)
	csrf, _ := Token(24)
	now := time.Now()
	err := a.db.Write(r.Context(), func(tx *store.Tx) error {
		if _, err := tx.Exec("DELETE FROM session WHERE expires < ?", domain.Stamp(now)); err != nil {
			return err
		}
		if _, err := tx.Exec("INSERT INTO session (token_hash, user_id, csrf, expires) VALUES (?, ?, ?, ?)", hash, user, csrf, domain.Stamp(now.Add(sessionLife))); err != nil {
			return err
		}
		return tx.Update("user", user, domain.Record{"last_login": domain.Stamp(now)})
	})
	if err != nil {
		return err
	}
	secure := r.TLS != nil
	for _, c := range []*http.Cookie{
		{Name: SessionCookie, Value: token, HttpOnly: true, MaxAge: int(sessionLife.Seconds())},
		{Name: CSRFCookie, Value: csrf, MaxAge: int(sessionLife.Seconds())},
		{Name: "userLoggedIn", Value: "true"},
	} {
		c.Path, c.SameSite, c.Secure = "/", http.SameSiteLaxMode, secure
		http.SetCookie(w, c)
	}
	return nil
}

// Logout ends the session of a request.
func (a *Auth) Logout(w http.ResponseWriter, r *http.Request) error {
	if c, err := r.Cookie(SessionCookie); err == nil {
		err := a.db.Write(r.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec("DELETE FROM session WHERE token_hash = ?", Digest(c.Value))
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, name := range []string{SessionCookie, CSRFCookie, "userLoggedIn"} {
		http.SetCookie(w, &http.Cookie{Name: name, Path: "/", MaxAge: -1})
	}
	return nil
}

// Address is the client's address without its port.
func Address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
