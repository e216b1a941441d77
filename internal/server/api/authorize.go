package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/server/auth"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// oauthSeconds are the times of tokens and codes that an installation may set, in OAUTH2_PROVIDER.
type oauthSeconds struct {
	Token int64 `json:"ACCESS_TOKEN_EXPIRE_SECONDS"`
	Code  int64 `json:"AUTHORIZATION_CODE_EXPIRE_SECONDS"`
}

// longestCode is how long a code lives at most, whatever the setting says: a program fetches its token at once.
const longestCode = 600

func (q *request) oauthSeconds() (oauthSeconds, error) {
	s := oauthSeconds{Token: tokenYears * 365 * 24 * 3600, Code: longestCode}
	err := q.readSetting("OAUTH2_PROVIDER", &s)
	if s.Code <= 0 || s.Code > longestCode {
		s.Code = longestCode
	}
	if s.Token <= 0 || s.Token > tokenYears*365*24*3600 {
		s.Token = tokenYears * 365 * 24 * 3600
	}
	return s, err
}

// end is when a token that is made now ends: more years than a time.Duration has.
func (s oauthSeconds) end() string {
	const day = 24 * 3600
	return domain.Stamp(time.Now().AddDate(0, 0, int(s.Token/day)).Add(time.Duration(s.Token%day) * time.Second))
}

// scopeOf is what an application asks for, "write" when it does not say; false for what there is not.
func scopeOf(s string) (string, bool) {
	if s == "" {
		return "write", true
	}
	return s, slices.Contains([]string{"read", "write", "read write", "write read"}, s)
}

// checkRedirects looks at the addresses that an application may have codes sent to.
func checkRedirects(grant, uris string, w wrong) {
	if grant == "authorization-code" && strings.TrimSpace(uris) == "" {
		w.add("redirect_uris", "redirect_uris cannot be empty with grant_type %s", grant)
	}
	for uri := range strings.FieldsSeq(uris) {
		u, err := url.Parse(uri)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Fragment != "" || strings.HasSuffix(uri, "#") {
			w.add("redirect_uris", "Enter a valid URL.")
		}
	}
}

// consent is a question that an application asks a user: may it act for them?
type consent struct {
	app      domain.Record
	redirect string // where the answer goes
	given    string // what the question said of that; the program must say the same when it comes with the code

	state, scope, challenge string
}

// challenges are SHA-256 in base64url: the only method that hides the verifier from who sees the question.
var (
	challenges = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	verifiers  = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
)

// asksFor reads the question. An answer that cannot be sent to the application, because it is not known or the address is not its own, is an error;
// what else is wrong is told to the application.
func (q *request) asksFor(form url.Values) (c consent, refused string, err error) {
	for name, values := range form {
		if len(values) > 1 {
			return c, "", detail(http.StatusBadRequest, "The parameter %s is there twice.", name)
		}
	}
	id := form.Get("client_id")
	if c.app, err = q.tx.One("o_auth2_application", store.Is("client_id", id)); err != nil || id == "" {
		return c, "", detail(http.StatusBadRequest, "Invalid client_id parameter value.")
	}
	known := strings.Fields(c.app.Str("redirect_uris"))
	c.given = form.Get("redirect_uri")
	c.redirect = c.given
	if c.given == "" && len(known) == 1 {
		c.redirect = known[0]
	}
	if !slices.Contains(known, c.redirect) {
		return c, "", detail(http.StatusBadRequest, "Mismatching redirect URI.")
	}
	c.state, c.challenge = form.Get("state"), form.Get("code_challenge")
	var good bool
	c.scope, good = scopeOf(form.Get("scope"))
	switch {
	case c.app.Str("authorization_grant_type") != "authorization-code":
		return c, "unauthorized_client", nil
	case form.Get("response_type") != "code":
		return c, "unsupported_response_type", nil
	case !good:
		return c, "invalid_scope", nil
	case c.challenge == "" && c.app.Str("client_type") == "public": // nothing else proves that the code is the one's who asked
		return c, "invalid_request", nil
	case c.challenge != "" && (form.Get("code_challenge_method") != "S256" || !challenges.MatchString(c.challenge)):
		return c, "invalid_request", nil
	}
	return c, "", nil
}

// back sends the browser to the application with an answer.
func (c *consent) back(answer string, value string) (*reply, error) {
	u, err := url.Parse(c.redirect)
	if err != nil {
		return nil, err
	}
	v := u.Query()
	v.Set(answer, value)
	if c.state != "" {
		v.Set("state", c.state)
	}
	u.RawQuery = v.Encode()
	return &reply{status: http.StatusFound, location: u.String()}, nil
}

var consentPage = template.Must(template.New("consent").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Authorize {{.App}}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:32em;margin:4em auto;padding:0 1em}button{font:inherit;padding:.4em 1em;margin-right:.5em}</style>
<h1>Authorize {{.App}}?</h1>
<p>The application <b>{{.App}}</b> wants to {{.Wants}} as <b>{{.User}}</b>. You are sent back to <code>{{.Host}}</code>.</p>
<form method="post">{{range .Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">{{end}}
<button name="allow" value="Authorize">Authorize</button><button name="allow" value="">Cancel</button></form></html>
`))

// asked are the parameters of the question, which the page's form repeats.
var asked = []string{"client_id", "redirect_uri", "response_type", "state", "scope", "code_challenge", "code_challenge_method"}

// session tells whether a browser asks, whose user has logged in. Who has a token or a password by another way must not give away more than that.
func (q *request) session() bool { return q.actor.ID != 0 && q.r.Header.Get("Authorization") == "" }

// authorizePage asks the user, unless the application is one that needs not ask.
func (q *request) authorizePage() (*reply, error) {
	c, refused, err := q.asksFor(q.query)
	if err != nil {
		return nil, err
	}
	if !q.session() {
		if q.r.Header.Get("Authorization") != "" {
			return nil, errForbidden
		}
		return &reply{status: http.StatusFound, location: "/api/login/?next=" + url.QueryEscape(q.r.URL.RequestURI())}, nil
	}
	switch {
	case refused != "":
		return c.back("error", refused)
	case c.app.Bool("skip_authorization"):
		return q.answerCode(c)
	}
	cookie, err := q.r.Cookie(auth.CSRFCookie)
	if err != nil {
		return nil, detail(http.StatusForbidden, "%s", auth.ErrCSRF)
	}
	type field struct{ Name, Value string }
	fields := []field{{"csrfmiddlewaretoken", cookie.Value}}
	for _, name := range asked {
		if v := q.query.Get(name); v != "" {
			fields = append(fields, field{name, v})
		}
	}
	u, err := url.Parse(c.redirect)
	if err != nil {
		return nil, err
	}
	wants := "read and change what you may read and change"
	if c.scope == "read" {
		wants = "read what you may read"
	}
	var b strings.Builder
	err = consentPage.Execute(&b, map[string]any{"App": c.app.Str("name"), "User": q.actor.Name, "Wants": wants, "Host": u.Host, "Fields": fields})
	if err != nil {
		return nil, err
	}
	q.framed()
	return ok(text{kind: "text/html; charset=utf-8", content: b.String()})
}

// framed keeps a page with a button from being shown inside another one, and its address from being told.
func (q *request) framed() {
	q.header.Set("X-Frame-Options", "DENY")
	q.header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'")
	q.header.Set("Referrer-Policy", "no-referrer")
}

// authorizePost is the user's answer.
func (q *request) authorizePost() (*reply, error) {
	if !q.session() {
		return nil, errForbidden
	}
	c, refused, err := q.asksFor(q.r.PostForm)
	if err != nil {
		return nil, err
	}
	switch {
	case refused != "":
		return c.back("error", refused)
	case q.r.PostForm.Get("allow") == "":
		return c.back("error", "access_denied")
	}
	return q.answerCode(c)
}

// answerCode makes a code and sends it to the application.
func (q *request) answerCode(c consent) (*reply, error) {
	code, hash := auth.Token(32)
	times, err := q.oauthSeconds()
	if err != nil {
		return nil, err
	}
	now := time.Now()
	err = q.write(func(tx *store.Tx) error {
		if _, err := tx.Exec("DELETE FROM authorization_code WHERE expires < ?", domain.Stamp(now)); err != nil {
			return err
		}
		_, err := tx.Exec("INSERT INTO authorization_code (code_hash, application, user_id, redirect, scope, challenge, expires, token) VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
			hash, c.app.ID(), q.actor.ID, c.given, c.scope, c.challenge, domain.Stamp(now.Add(time.Duration(times.Code)*time.Second)))
		return err
	})
	if err != nil {
		return nil, err
	}
	q.header.Set("Referrer-Policy", "no-referrer")
	return c.back("code", code)
}

// code is what is stored of a code.
type code struct {
	id, app, user, token                int64
	redirect, scope, challenge, expires string
}

// used marks a code whose token is being made, or that nobody gets a token for.
const used = -1

// redeem gives a token for a code, once: whoever comes with it again, or without what belongs to it, ends it, and the token that it gave.
func redeem(tx *store.Tx, app domain.Record, form url.Values, give func(user int64, scope string) (int64, error)) (granted bool, err error) {
	var c code
	err = tx.Query("SELECT id, application, user_id, redirect, scope, challenge, expires, token FROM authorization_code WHERE code_hash = ?", []any{auth.Digest(form.Get("code"))}, func(scan func(...any) error) error {
		return scan(&c.id, &c.app, &c.user, &c.redirect, &c.scope, &c.challenge, &c.expires, &c.token)
	})
	if err != nil || c.id == 0 {
		return false, err
	}
	n, err := tx.Exec("UPDATE authorization_code SET token = ? WHERE id = ? AND token = 0", used, c.id)
	if err != nil {
		return false, err
	}
	if n == 0 { // it was stolen, before or now
		_, err := tx.Exec("DELETE FROM o_auth2_access_token WHERE id = ?", c.token)
		return false, err
	}
	proof := sha256.Sum256([]byte(form.Get("code_verifier")))
	switch verifier := form.Get("code_verifier"); {
	case c.app != app.ID(), c.redirect != form.Get("redirect_uri"), c.expires < domain.Stamp(time.Now()), (c.challenge == "") != (verifier == ""):
		return false, nil
	case c.challenge != "" && (!verifiers.MatchString(verifier) || subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(proof[:])), []byte(c.challenge)) != 1):
		return false, nil
	}
	token, err := give(c.user, c.scope)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec("UPDATE authorization_code SET token = ? WHERE id = ?", token, c.id)
	return err == nil, err
}
