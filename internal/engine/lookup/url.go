package lookup

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"context"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/value"
)

// maxBody bounds what a page may hold.
const maxBody = 256 << 20

// url gives pages of web servers, one element a line.
func url(c *Call) ([]value.Value, error) {
	client, err := c.httpClient()
	if err != nil {
		return nil, err
	}
	splitLines, err := c.boolOption("split_lines", nil)
	if err != nil {
		return nil, err
	}
	var out []value.Value
	for _, t := range c.Terms {
		address, err := text(t)
		if err != nil {
			return nil, err
		}
		body, err := c.fetch(client, address)
		if err != nil {
			return nil, err
		}
		if !splitLines {
			out = append(out, value.Str(body))
			continue
		}
		body = strings.TrimSuffix(strings.ReplaceAll(body, "\r\n", "\n"), "\n")
		if body != "" {
			out = append(out, texts(strings.Split(body, "\n"))...)
		}
	}
	return out, nil
}

func (c *Call) httpClient() (*http.Client, error) {
	verify, err := c.boolOption("validate_certs", nil)
	if err != nil {
		return nil, err
	}
	proxy, err := c.boolOption("use_proxy", nil)
	if err != nil {
		return nil, err
	}
	ca, err := c.textOption("ca_path", nil)
	if err != nil {
		return nil, err
	}
	socket, err := c.textOption("unix_socket", nil)
	if err != nil {
		return nil, err
	}
	follow, err := c.textOption("follow_redirects", nil)
	if err != nil {
		return nil, err
	}
	timeout, err := c.option("timeout", nil)
	if err != nil {
		return nil, err
	}
	seconds := 10.0
	switch v := timeout.(type) {
	case value.Float:
		seconds = float64(v)
	case value.Int:
		seconds = float64(v)
	}
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: !verify}} //nolint:gosec // validate_certs=false is the user's wish
	if proxy {
		tr.Proxy = http.ProxyFromEnvironment
	}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, errorf("%s", pyOSError(err, ca))
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		tr.TLSClientConfig.RootCAs = pool
	}
	if socket != "" {
		tr.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", socket)
		}
	}
	client := &http.Client{Transport: tr, Timeout: time.Duration(seconds * float64(time.Second))}
	if follow == "no" || follow == "none" {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return client, nil
}

func (c *Call) fetch(client *http.Client, address string) (string, error) {
	req, err := http.NewRequestWithContext(c.Context.Context(), http.MethodGet, address, nil)
	if err != nil {
		return "", errorf("Failed lookup url for %s : %s", address, err)
	}
	agent, err := c.textOption("http_agent", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", agent)
	if v, ok := c.given("force"); ok && config.Truth(v) {
		req.Header.Set("Cache-Control", "no-cache")
	}
	headers, err := c.option("headers", nil)
	if err != nil {
		return "", err
	}
	if d, ok := headers.(*value.Dict); ok {
		for k, v := range d.All() {
			name, _ := value.ToStr(k)
			val, _ := value.ToStr(v)
			req.Header.Set(name, val)
		}
	}
	user, err := c.textOption("username", nil)
	if err != nil {
		return "", err
	}
	if user != "" {
		pass, err := c.textOption("password", nil)
		if err != nil {
			return "", err
		}
		req.SetBasicAuth(user, pass)
	}
	resp, err := client.Do(req)
	if err != nil {
		var cert *tls.CertificateVerificationError
		if errors.As(err, &cert) {
			return "", errorf("Error validating the server's certificate for %s: %s", address, cert.Err)
		}
		return "", errorf("Failed lookup url for %s : <urlopen error %s>", address, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		return "", errorf("Received HTTP error for %s : HTTP Error %d: %s", address, resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return "", errorf("Error connecting to %s: %s", address, err)
	}
	return string(body), nil
}
