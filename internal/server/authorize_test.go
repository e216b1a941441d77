package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
	"github.com/troupe-automation/troupe/internal/server/store/sqlite"
)

// browser is a person before the server, who follows no redirections by themselves.
type browser struct {
	t      *testing.T
	s      *site
	client *http.Client
}

func (s *site) browser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t, s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// ask sends a form, or reads a page when there is none; it returns the status, the page, and where it redirects.
func (b *browser) ask(path string, form url.Values) (status int, page, next string) {
	b.t.Helper()
	var res *http.Response
	var err error
	if form == nil {
		res, err = b.client.Get(b.s.url + path)
	} else {
		res, err = b.client.PostForm(b.s.url+path, form)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res.StatusCode, string(text), res.Header.Get("Location")
}

var hidden = regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`)

// fields are those that a page's form sends.
func fields(page string) url.Values {
	out := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(page, -1) {
		out.Set(m[1], strings.NewReplacer("&amp;", "&", "&#43;", "+", "&#34;", `"`).Replace(m[2]))
	}
	return out
}

// token asks for one as a program does.
func (s *site) token(form url.Values, client ...string) (int, anyMap) {
	s.t.Helper()
	req, err := http.NewRequest("POST", s.url+"/api/o/token/", strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if client != nil {
		req.SetBasicAuth(client[0], client[1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	out := anyMap{}
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, out
}

func (s *site) as(token, path string) int {
	s.t.Helper()
	req, err := http.NewRequest("GET", s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

const (
	appURL   = "https://app.example.com/back?x=1"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

func challenge(v string) string {
	sum := sha256.Sum256([]byte(v))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// TestAuthorize goes the whole way of a program that acts for a user: question, login, consent, code, token.
func TestAuthorize(t *testing.T) {
	s := newSite(t)
	org := s.make("organizations", anyMap{"name": "Ops"})
	s.make("users", anyMap{"username": "ann", "password": "the-password-of-ann"})
	_, public := s.call(admin, "POST", "/api/v2/applications/", anyMap{"name": "<b>App</b>", "organization": org, "client_type": "public", "authorization_grant_type": "authorization-code", "redirect_uris": appURL + " http://127.0.0.1:9/cb"})
	_, secret := s.call(admin, "POST", "/api/v2/applications/", anyMap{"name": "Secret", "organization": org, "client_type": "confidential", "authorization_grant_type": "authorization-code", "redirect_uris": appURL, "skip_authorization": true})
	id, own, key := fmt.Sprint(public["client_id"]), fmt.Sprint(secret["client_id"]), fmt.Sprint(secret["client_secret"])
	question := func(client string, more ...string) url.Values {
		v := url.Values{"client_id": {client}, "response_type": {"code"}, "redirect_uri": {appURL}, "state": {"s t&a=te"}, "scope": {"read"}, "code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
			if more[i+1] == "" {
				v.Del(more[i])
			}
		}
		return v
	}
	const authorize = "/api/o/authorize/?"
	ann := s.browser(t)

	// Login first, and back to the question.
	status, _, next := ann.ask(authorize+question(id).Encode(), nil)
	if status != 302 || !strings.HasPrefix(next, "/api/login/?next=") {
		t.Fatalf("without a login: %d %s", status, next)
	}
	_, page, _ := ann.ask(next, nil)
	login := fields(page)
	login.Set("username", "ann")
	login.Set("password", "the-password-of-ann")
	if status, _, next = ann.ask("/api/login/", login); status != 302 || next != authorize+question(id).Encode() {
		t.Fatalf("after the login: %d %s", status, next)
	}
	status, page, _ = ann.ask(next, nil)
	if status != 200 || strings.Contains(page, "<b>App") || !strings.Contains(page, "app.example.com") || !strings.Contains(page, ">ann<") {
		t.Fatalf("the page: %d %s", status, page)
	}
	agree := func(q url.Values) string { // the code
		t.Helper()
		_, page, next := ann.ask(authorize+q.Encode(), nil)
		if next == "" {
			form := fields(page)
			form.Set("allow", "Authorize")
			_, _, next = ann.ask("/api/o/authorize/", form)
		}
		u, err := url.Parse(next)
		if err != nil || u.Query().Get("state") != "s t&a=te" || u.Query().Get("x") != "1" || u.Host != "app.example.com" || u.Query().Get("code") == "" {
			t.Fatalf("the answer goes to %s: %v", next, err)
		}
		return u.Query().Get("code")
	}
	exchange := func(code string, more ...string) url.Values {
		v := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {appURL}, "client_id": {id}, "code_verifier": {verifier}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
			if more[i+1] == "" {
				v.Del(more[i])
			}
		}
		return v
	}

	// The code gives a token once; who comes with it again loses that, too.
	code := agree(question(id))
	if b, err := os.ReadFile(filepath.Join(s.dir, "troupe.db-wal")); err == nil && bytes.Contains(b, []byte(code)) {
		t.Error("the code lies in the database as it is")
	}
	status, out := s.token(exchange(code))
	token, _ := out["access_token"].(string)
	if status != 200 || out["scope"] != "read" || out["token_type"] != "Bearer" || token == "" {
		t.Fatalf("the token: %d %v", status, out)
	}
	if s.as(token, "/api/v2/me/") != 200 {
		t.Error("the token opens nothing")
	}
	if status, out := s.token(exchange(code)); status != 400 || out["error"] != "invalid_grant" {
		t.Errorf("a code that was used: %d %v", status, out)
	}
	if s.as(token, "/api/v2/me/") != 401 {
		t.Error("the token of a code that came twice is still good")
	}

	// What does not belong to the code ends it.
	for name, wrong := range map[string]url.Values{
		"another verifier":   exchange("", "code_verifier", strings.Repeat("x", 43)),
		"no verifier":        exchange("", "code_verifier", ""),
		"a short verifier":   exchange("", "code_verifier", "x"),
		"another address":    exchange("", "redirect_uri", "http://127.0.0.1:9/cb"),
		"no address":         exchange("", "redirect_uri", ""),
		"another program":    exchange("", "client_id", own, "client_secret", key),
		"a challenge itself": exchange("", "code_verifier", challenge(verifier)),
	} {
		code := agree(question(id))
		wrong.Set("code", code)
		if status, out := s.token(wrong); status != 400 || out["error"] != "invalid_grant" {
			t.Errorf("%s: %d %v", name, status, out)
		}
		if status, _ := s.token(exchange(code)); status != 400 {
			t.Errorf("%s, and then the right one: %d", name, status)
		}
	}

	// Programs with a secret must show it; this one needs not ask, and may do without a challenge.
	code = agree(question(own))
	if status, out := s.token(exchange(code, "client_id", own)); status != 401 || out["error"] != "invalid_client" {
		t.Errorf("without the secret: %d %v", status, out)
	}
	if status, _ := s.token(exchange(code, "client_id", own, "client_secret", "wrong")); status != 401 {
		t.Errorf("with a wrong secret: %d", status)
	}
	if status, out = s.token(exchange(code, "client_id", ""), own, key); status != 200 {
		t.Errorf("with its secret: %d %v", status, out)
	}
	code = agree(question(own, "code_challenge", "", "code_challenge_method", "", "redirect_uri", ""))
	if status, _ := s.token(exchange(code, "redirect_uri", "", "code_verifier", verifier), own, key); status != 400 {
		t.Errorf("a verifier for a code without challenge: %d", status)
	}
	code = agree(question(own, "code_challenge", "", "code_challenge_method", "", "redirect_uri", "", "scope", ""))
	if status, out = s.token(exchange(code, "redirect_uri", "", "code_verifier", ""), own, key); status != 200 || out["scope"] != "write" {
		t.Errorf("without challenge: %d %v", status, out)
	}
	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {fmt.Sprint(out["refresh_token"])}}
	if status, out := s.token(refresh, own, key); status != 200 || out["scope"] != "write" {
		t.Errorf("the refresh token: %d %v", status, out)
	}
	if status, _ := s.token(refresh, own, key); status != 400 {
		t.Errorf("the refresh token again: %d", status)
	}

	// A code ends soon.
	code = agree(question(id))
	db, err := sqlite.Open(filepath.Join(s.dir, "troupe.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec("UPDATE authorization_code SET expires = ?", domain.Stamp(time.Now().Add(-time.Second)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := s.token(exchange(code)); status != 400 {
		t.Errorf("an old code: %d", status)
	}

	// Wrong questions. Where the address is not the program's, nothing is sent there.
	for _, c := range []struct {
		ask         url.Values
		status      int
		said, error string
	}{
		{question("nobody"), 400, "client_id", ""},
		{question(id, "client_id", ""), 400, "client_id", ""},
		{question(id, "redirect_uri", "https://app.example.com/back"), 400, "redirect", ""},
		{question(id, "redirect_uri", appURL+"/../evil"), 400, "redirect", ""},
		{question(id, "redirect_uri", "https://app.example.com.evil.com/back?x=1"), 400, "redirect", ""},
		{question(id, "redirect_uri", ""), 400, "redirect", ""},
		{url.Values{"client_id": {id, id}}, 400, "twice", ""},
		{question(id, "response_type", "token"), 302, "", "unsupported_response_type"},
		{question(id, "scope", "root"), 302, "", "invalid_scope"},
		{question(id, "code_challenge", ""), 302, "", "invalid_request"},
		{question(id, "code_challenge_method", "plain"), 302, "", "invalid_request"},
		{question(id, "code_challenge_method", ""), 302, "", "invalid_request"},
		{question(id, "code_challenge", "short"), 302, "", "invalid_request"},
	} {
		status, page, next := ann.ask(authorize+c.ask.Encode(), nil)
		u, _ := url.Parse(next)
		if status != c.status || !strings.Contains(page, c.said) || u.Query().Get("error") != c.error || c.error != "" && u.Query().Get("state") != "s t&a=te" {
			t.Errorf("%v: %d %s %s", c.ask, status, page, next)
		}
	}

	// The user says no; another site says yes for them; a token asks for more.
	_, page, _ = ann.ask(authorize+question(id).Encode(), nil)
	form := fields(page)
	form.Set("allow", "")
	if status, _, next := ann.ask("/api/o/authorize/", form); status != 302 || !strings.Contains(next, "error=access_denied") {
		t.Errorf("no: %d %s", status, next)
	}
	form.Set("allow", "Authorize")
	form.Set("csrfmiddlewaretoken", "guessed")
	if status, _, next := ann.ask("/api/o/authorize/", form); status != 403 || next != "" {
		t.Errorf("from another site: %d %s", status, next)
	}
	if status, _, _ := s.browser(t).ask("/api/o/authorize/", form); status != 403 && status != 401 {
		t.Errorf("nobody agrees: %d", status)
	}
	_, mine := s.call(admin, "POST", "/api/v2/tokens/", anyMap{"scope": "write"})
	if status := s.as(fmt.Sprint(mine["token"]), authorize+question(own).Encode()); status != 403 {
		t.Errorf("a token asks for another: %d", status)
	}

	for _, bad := range []string{"", "javascript:alert(1)", "https://a.example.com/#x", "app", "https://a.example.com data:x"} {
		body := anyMap{"name": "Bad", "organization": org, "client_type": "public", "authorization_grant_type": "authorization-code", "redirect_uris": bad}
		if status, out := s.call(admin, "POST", "/api/v2/applications/", body); status != 400 || out["redirect_uris"] == nil {
			t.Errorf("an application at %q: %d %v", bad, status, out)
		}
	}
}
