// Package hashivault speaks with a HashiCorp Vault server, or one that does as it: addresses, certificates, the ways to log in, and one
// request after the other over the documented HTTP API. The official client brings 18 modules and would cost a start a millisecond.
//
// Called by internal/server/external for credentials and by internal/engine/lookup for templates.
package hashivault

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Method is a way to log in, by the name of Vault's auth method.
type Method string

// The ways to log in.
const (
	None       Method = "none"
	Token      Method = "token"
	AppRole    Method = "approle"
	Userpass   Method = "userpass"
	LDAP       Method = "ldap"
	Kubernetes Method = "kubernetes"
	JWT        Method = "jwt"
	Cert       Method = "cert"
)

// Config says which server and who asks.
type Config struct {
	URL       string
	Namespace string
	// CACert, ClientCert and ClientKey are PEM; without CACert the system's authorities count.
	CACert, ClientCert, ClientKey string
	Insecure                      bool // take any certificate of the server
	Timeout                       time.Duration

	Method Method
	Mount  string // where the auth method is mounted, its own name when empty

	Token              string // Token
	RoleID, SecretID   string // AppRole
	Username, Password string // Userpass and LDAP
	Role, JWT          string // Kubernetes and JWT; Role alone for Cert
}

// Client asks one server as one client.
type Client struct {
	web       *http.Client
	url       string
	namespace string
	token     string
}

// StatusError is an answer that says no. Said is what the server gave as the reason; neither has anything of what was sent.
type StatusError struct {
	Status int
	Said   string
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("the Vault server refused (HTTP %d): %s", e.Status, e.Said)
}

const (
	maxAnswer = 32 << 20
	behind    = 412 // a server that does not have yet what was written: ask again
	tries     = 3
)

// ServiceToken is where Kubernetes puts the token of what runs in it.
const ServiceToken = "/var/run/secrets/kubernetes.io/serviceaccount/token" //nolint:gosec // a path

// Open makes a client and logs in.
func Open(ctx context.Context, c Config) (*Client, error) {
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the address of the Vault server is no URL")
	}
	trust := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.Insecure} //nolint:gosec // only where the user asks for it
	if c.CACert != "" {
		trust.RootCAs = x509.NewCertPool()
		if !trust.RootCAs.AppendCertsFromPEM([]byte(c.CACert)) {
			return nil, errors.New("the CA certificate is not PEM")
		}
	}
	if c.ClientCert != "" {
		pair, err := tls.X509KeyPair([]byte(c.ClientCert), []byte(c.ClientKey))
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		trust.Certificates = []tls.Certificate{pair}
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: trust, DisableKeepAlives: true}
	client := &Client{url: strings.TrimRight(c.URL, "/"), namespace: c.Namespace, web: &http.Client{Timeout: c.Timeout, Transport: transport}}
	if err := client.login(ctx, c); err != nil {
		return nil, err
	}
	return client, nil
}

// login gets the token to ask with.
func (c *Client) login(ctx context.Context, conf Config) error {
	mount := strings.Trim(conf.Mount, "/")
	if mount == "" {
		mount = string(conf.Method)
	}
	path, body := "auth/"+mount+"/login", map[string]string{}
	switch conf.Method {
	case None:
		return nil
	case Token:
		c.token = conf.Token
		return nil
	case AppRole:
		body["role_id"] = conf.RoleID
		if conf.SecretID != "" {
			body["secret_id"] = conf.SecretID
		}
	case Userpass, LDAP:
		path += "/" + url.PathEscape(conf.Username)
		body["password"] = conf.Password
	case Kubernetes, JWT:
		body["role"], body["jwt"] = conf.Role, conf.JWT
	case Cert:
		if conf.Role != "" {
			body["name"] = conf.Role
		}
	default:
		return fmt.Errorf("there is no way to log in that is called %q", conf.Method)
	}
	answer, err := c.Do(ctx, http.MethodPost, path, body)
	if err != nil {
		return err
	}
	var got struct {
		Auth struct {
			Token string `json:"client_token"`
		} `json:"auth"`
	}
	if json.Unmarshal(answer, &got) != nil || got.Auth.Token == "" {
		return fmt.Errorf("the Vault server gave no token for the authentication method %s", conf.Method)
	}
	c.token = got.Auth.Token
	return nil
}

// Do sends a request; path is below /v1/, body nil or what becomes JSON. It returns the answer's JSON. An answer of 400 or more is a
// *StatusError.
func (c *Client) Do(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		answer, status, err := c.once(ctx, method, path, sent)
		switch {
		case err != nil:
			return nil, err
		case status == behind && try < tries:
			wait := time.NewTimer(time.Duration(try) * 500 * time.Millisecond)
			select {
			case <-ctx.Done():
				wait.Stop()
				return nil, ctx.Err()
			case <-wait.C:
			}
		case status >= http.StatusBadRequest:
			return nil, &StatusError{status, reason(answer, status)}
		default:
			return answer, nil
		}
	}
}

func (c *Client) once(ctx context.Context, method, path string, sent []byte) (answer []byte, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+"/v1/"+path, bytes.NewReader(sent))
	if err != nil {
		return nil, 0, errors.New("the path is none of a Vault server") // err may hold it, and it a secret
	}
	req.Header.Set("X-Vault-Request", "true")
	if c.token != "" {
		req.Header.Set("X-Vault-Token", c.token)
	}
	if c.namespace != "" {
		req.Header.Set("X-Vault-Namespace", c.namespace)
	}
	res, err := c.web.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("the Vault server cannot be asked: %w", err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, 0, fmt.Errorf("the Vault server's answer cannot be read: %w", err)
	}
	return answer, res.StatusCode, nil
}

// reason is the first thing that a refusing server says.
func reason(answer []byte, status int) string {
	var said struct {
		Errors []string `json:"errors"`
	}
	if json.Unmarshal(answer, &said) == nil && len(said.Errors) > 0 {
		return strings.TrimSpace(said.Errors[0])
	}
	return http.StatusText(status)
}
