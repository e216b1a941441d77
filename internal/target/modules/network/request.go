package network

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// request is an HTTP request in the words of the options that uri and get_url share.
type request struct {
	method, url   string
	body          []byte
	contentType   string // of the body, unless headers say so
	headers       map[string]any
	modifiedSince time.Time
	follow        string        // none, safe, all
	timeout       time.Duration // of each wait for the other side, not of all together
	unixSocket    string
	save          func(io.Reader) error // takes the body of a good answer, which may be too large for response.body
}

// response is what came back. status is -1 when nothing did; err then says why.
type response struct {
	status  int
	reason  string
	url     string
	header  http.Header
	body    []byte
	cookies []*http.Cookie
	err     string
}

// failed says whether Ansible's client treats the answer as an error: no answer, or none of 2xx.
func (r *response) failed() bool { return r.status < 200 || r.status >= 300 }

// msg is the answer in Ansible's words.
func (r *response) msg() string {
	switch {
	case r.status == -1:
		return r.err
	case r.failed():
		return fmt.Sprintf("HTTP Error %d: %s", r.status, r.reason)
	}
	size := r.header.Get("Content-Length")
	if size == "" {
		size = "unknown"
	}
	return fmt.Sprintf("OK (%s bytes)", size)
}

// requestOf takes the shared options of a call.
func requestOf(c *module.Call) request {
	r := request{method: "GET", url: c.Str("url"), follow: "safe", timeout: time.Duration(c.Int("timeout")) * time.Second, unixSocket: c.Str("unix_socket")}
	r.headers, _ = c.Args["headers"].(map[string]any)
	return r
}

// do sends the request. Only a cancelled ctx and unusable options are errors.
func (q request) do(ctx context.Context, c *module.Call) (*response, error) {
	u, err := url.Parse(q.url)
	if err != nil || u.Host == "" && q.unixSocket == "" || u.Scheme != "http" && u.Scheme != "https" {
		why := "unknown url type: " + module.Quote(q.url)
		if err == nil && u.Scheme == "ftp" && u.Host == "" {
			why = "<urlopen error ftp error: no host given>"
		} else if err == nil && u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" {
			why = "<urlopen error unknown url type: " + u.Scheme + ">"
		}
		return &response{status: -1, url: q.url, err: "Request failed: " + why, header: http.Header{}}, nil
	}
	user, password := c.Str("url_username"), c.Str("url_password")
	if u.User != nil && user == "" {
		user = u.User.Username()
		password, _ = u.User.Password()
	}
	u.User = nil
	if user == "" && c.Bool("use_netrc") {
		user, password = netrc(c.Env, u.Hostname())
	}
	transport, err := q.transport(c)
	if no := syscall.Errno(0); errors.As(err, &no) {
		return &response{status: -1, url: q.url, err: fmt.Sprintf("Connection failure: [Errno %d] %s", int(no), hostos.ErrText(no)), header: http.Header{}}, nil
	} else if err != nil {
		return nil, err
	}
	defer transport.CloseIdleConnections()
	ctx, patience := newPatience(ctx, q.timeout)
	defer patience.stop()
	client := &http.Client{Transport: transport, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		first := via[0].Method
		next.Header.Del("Referer")
		next.Close = true
		for _, h := range c.Strings("unredirected_headers") {
			next.Header.Del(h)
		}
		if q.follow == "none" || q.follow == "safe" && first != "GET" && first != "HEAD" {
			return http.ErrUseLastResponse
		}
		if len(via) > 10 {
			return errors.New("too many redirects")
		}
		return nil
	}}
	send := func(auth bool) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, q.method, u.String(), bytes.NewReader(q.body))
		if err != nil {
			return nil, err
		}
		req.Close = true // as urllib asks for
		if len(q.body) == 0 {
			req.Body, req.ContentLength = http.NoBody, 0
		} else {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		agent := c.Str("http_agent")
		if agent == "" {
			agent = "ansible-httpget"
		}
		req.Header.Set("User-Agent", agent)
		req.Header.Set("Accept-Encoding", "identity")
		if c.Args["decompress"] == true {
			req.Header.Set("Accept-Encoding", "gzip")
		}
		if q.contentType != "" {
			req.Header.Set("Content-Type", q.contentType)
		}
		if !q.modifiedSince.IsZero() {
			req.Header.Set("If-Modified-Since", q.modifiedSince.UTC().Format(http.TimeFormat))
		}
		if c.Bool("force") {
			req.Header.Set("Cache-Control", "no-cache")
		}
		for k, v := range q.headers {
			if strings.EqualFold(k, "host") {
				req.Host = module.Text(v)
			}
			req.Header.Set(k, module.Text(v))
		}
		if auth && user != "" {
			req.SetBasicAuth(user, password)
		}
		return client.Do(req)
	}
	res, err := send(c.Bool("force_basic_auth") || c.Args["force_basic_auth"] == nil)
	if err == nil && res.StatusCode == http.StatusUnauthorized && user != "" && !c.Bool("force_basic_auth") {
		res.Body.Close()
		res, err = send(true)
	}
	lost := func(err error) (*response, error) {
		if e := context.Cause(ctx); e != nil {
			if err = e; !errors.Is(e, context.DeadlineExceeded) {
				return nil, e
			}
		}
		return &response{status: -1, url: q.url, err: explain(err), header: http.Header{}}, nil
	}
	if err != nil {
		return lost(err)
	}
	defer res.Body.Close()
	out := &response{status: res.StatusCode, url: res.Request.URL.String(), header: res.Header, cookies: res.Cookies()}
	_, out.reason, _ = strings.Cut(res.Status, " ")
	if res.Close && res.ProtoAtLeast(1, 1) { // net/http keeps it to itself
		res.Header.Set("Connection", "close")
	}
	if res.ContentLength > 0 && res.Header.Get("Content-Length") == "" {
		res.Header.Set("Content-Length", fmt.Sprint(res.ContentLength))
	}
	body := &incoming{from: res.Body, patience: patience}
	var text io.Reader = body
	if res.Header.Get("Content-Encoding") == "gzip" && c.Args["decompress"] == true {
		packed := bufio.NewReader(body)
		if _, err := packed.Peek(1); err == nil { // the answer to HEAD is empty
			if text, err = gzip.NewReader(packed); err != nil {
				return &response{status: -1, url: q.url, err: "cannot decompress the answer: " + err.Error(), header: http.Header{}}, nil
			}
		}
	}
	if q.save != nil && !out.failed() {
		err = q.save(text)
	} else {
		out.body, err = io.ReadAll(text)
	}
	if body.err != nil {
		return lost(body.err)
	}
	if err != nil && q.save == nil {
		return &response{status: -1, url: q.url, err: "cannot decompress the answer: " + err.Error(), header: http.Header{}}, nil
	}
	return out, err
}

// incoming is a body on its way.
type incoming struct {
	from     io.Reader
	patience *patience
	err      error // what went wrong at the other side
}

func (b *incoming) Read(p []byte) (int, error) {
	b.patience.renew()
	n, err := b.from.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// patience cancels a context when nothing came for too long.
type patience struct {
	limit  time.Duration // 0: for ever
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func newPatience(ctx context.Context, limit time.Duration) (context.Context, *patience) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &patience{limit: limit, cancel: cancel}
	if limit > 0 {
		p.timer = time.AfterFunc(limit, func() { cancel(context.DeadlineExceeded) })
	}
	return ctx, p
}

func (p *patience) renew() {
	if p.timer != nil {
		p.timer.Reset(p.limit)
	}
}

func (p *patience) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.cancel(nil)
}

func (q request) transport(c *module.Call) (*http.Transport, error) {
	config := &tls.Config{}
	if c.Args["validate_certs"] == false {
		config.InsecureSkipVerify = true
	}
	if ca := c.Str("ca_path"); ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(pem)
	}
	if cert := c.Str("client_cert"); cert != "" {
		key := c.Str("client_key")
		if key == "" {
			key = cert
		}
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, module.Fail("cannot use the client certificate: "+err.Error(), nil)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if names := c.Strings("ciphers"); len(names) > 0 {
		suites, err := cipherSuites(names)
		if err != nil {
			return nil, err
		}
		config.CipherSuites, config.MaxVersion = suites, tls.VersionTLS12
	}
	t := &http.Transport{TLSClientConfig: config, DisableCompression: true, ForceAttemptHTTP2: false}
	if c.Args["use_proxy"] != false {
		t.Proxy = proxyFrom(c.Env)
	}
	if q.unixSocket != "" {
		t.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, "unix", q.unixSocket)
			if no := syscall.Errno(0); errors.As(err, &no) {
				err = fmt.Errorf("Invalid Socket File (%s): [Errno %d] %s", q.unixSocket, int(no), hostos.ErrText(no)) //nolint:staticcheck // urllib's words
			}
			return conn, err
		}
	}
	return t, nil
}

var openSSLNames = strings.NewReplacer("_WITH_", "-", "AES_", "AES", "CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305", "_", "-")

// cipherSuites finds what OpenSSL's names mean. Lists in OpenSSL's language are for Python.
func cipherSuites(names []string) ([]uint16, error) {
	var ids []uint16
	for _, name := range names {
		found := false
		for _, s := range slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()) {
			openSSL := openSSLNames.Replace(strings.TrimPrefix(s.Name, "TLS_"))
			if strings.HasSuffix(openSSL, "-CBC-SHA") || strings.HasSuffix(openSSL, "-CBC-SHA256") {
				openSSL = strings.Replace(openSSL, "-CBC", "", 1)
			}
			if openSSL = strings.TrimPrefix(openSSL, "RSA-"); openSSL == name {
				ids, found = append(ids, s.ID), true
			}
		}
		if !found {
			return nil, &module.NotNative{Reason: "the cipher " + name}
		}
	}
	return ids, nil
}

// proxyFrom finds the proxy in the task's environment, then in this process's.
func proxyFrom(env []string) func(*http.Request) (*url.URL, error) {
	get := func(names ...string) string {
		for _, n := range names {
			for _, kv := range env {
				if v, ok := strings.CutPrefix(kv, n+"="); ok {
					return v
				}
			}
		}
		for _, n := range names {
			if v := os.Getenv(n); v != "" {
				return v
			}
		}
		return ""
	}
	return func(r *http.Request) (*url.URL, error) {
		host := r.URL.Hostname()
		for n := range strings.SplitSeq(get("no_proxy", "NO_PROXY"), ",") {
			n = strings.TrimPrefix(strings.TrimSpace(n), ".")
			if n == "*" || n != "" && (host == n || strings.HasSuffix(host, "."+n)) {
				return nil, nil
			}
		}
		p := get(r.URL.Scheme+"_proxy", strings.ToUpper(r.URL.Scheme)+"_PROXY")
		if p == "" {
			return nil, nil
		}
		if !strings.Contains(p, "://") {
			p = "http://" + p
		}
		return url.Parse(p)
	}
}

// netrc is the login of a machine in ~/.netrc.
func netrc(env []string, host string) (user, password string) {
	home := os.Getenv("HOME")
	for _, kv := range env {
		if v, ok := strings.CutPrefix(kv, "HOME="); ok {
			home = v
		}
	}
	data, err := os.ReadFile(filepath.Join(home, ".netrc"))
	if err != nil {
		return "", ""
	}
	words := strings.Fields(string(data))
	in := false
	for i := 0; i+1 < len(words); i++ {
		switch words[i] {
		case "machine":
			if in {
				return user, password
			}
			in = words[i+1] == host
			i++
		case "login":
			if in {
				user = words[i+1]
			}
			i++
		case "password":
			if in {
				password = words[i+1]
			}
			i++
		}
	}
	return user, password
}

// tlsTrouble is an error of Python's ssl, which names the line of its source, here that of Python 3.11.
func tlsTrouble(kind, what string) string {
	return fmt.Sprintf("Request failed: <urlopen error [SSL: %s] %s (_ssl.c:992)>", kind, what)
}

// explain words a connection error as Python's urllib does.
func explain(err error) string {
	var dns *net.DNSError
	var no syscall.Errno
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var name x509.HostnameError
	switch {
	case errors.As(err, &unknown):
		return tlsTrouble("CERTIFICATE_VERIFY_FAILED", "certificate verify failed: unable to get local issuer certificate")
	case errors.As(err, &invalid), errors.As(err, &name):
		return tlsTrouble("CERTIFICATE_VERIFY_FAILED", "certificate verify failed: "+strings.TrimPrefix(err.Error(), "x509: "))
	case strings.HasSuffix(err.Error(), "remote error: tls: handshake failure"):
		return tlsTrouble("SSLV3_ALERT_HANDSHAKE_FAILURE", "sslv3 alert handshake failure")
	case errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err):
		return "Connection failure: The read operation timed out"
	case errors.As(err, &dns):
		return "Request failed: <urlopen error [Errno -2] Name or service not known>"
	case errors.As(err, &no):
		return fmt.Sprintf("Request failed: <urlopen error [Errno %d] %s>", int(no), hostos.ErrText(no))
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "Connection failure: Remote end closed connection without response"
	}
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err
	}
	return "Request failed: <urlopen error " + err.Error() + ">"
}
