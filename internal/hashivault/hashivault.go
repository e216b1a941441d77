// Package hashivault opens a session with a HashiCorp Vault server, or one that speaks as it does: address, certificates and the
// ways to log in. What is read then goes through the official client.
//
// Called by internal/server/external; templates' lookups are meant to come here, too.
package hashivault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hashicorp/vault/api"
)

// Method is a way to log in, by the name of Vault's auth method.
type Method string

// The ways to log in.
const (
	Token      Method = "token"
	AppRole    Method = "approle"
	Userpass   Method = "userpass"
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
	Username, Password string // Userpass
	Role, JWT          string // Kubernetes and JWT; Role alone for Cert
}

// Open makes a client and logs in. Nothing of the process's environment counts.
func Open(ctx context.Context, c Config) (*api.Client, error) {
	if c.URL == "" {
		return nil, errors.New("the address of the Vault server is missing")
	}
	web, err := c.web()
	if err != nil {
		return nil, err
	}
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, config.Error
	}
	config.Address, config.HttpClient, config.Timeout, config.AgentAddress = c.URL, web, c.Timeout, ""
	client, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	client.ClearToken()
	client.ClearNamespace()
	if c.Namespace != "" {
		client.SetNamespace(c.Namespace)
	}
	token, err := c.login(ctx, client)
	if err != nil {
		return nil, err
	}
	client.SetToken(token)
	return client, nil
}

// web is the HTTP client for the certificates.
func (c Config) web() (*http.Client, error) {
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
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: trust, DisableKeepAlives: true}}, nil
}

// login returns the token to read with.
func (c Config) login(ctx context.Context, client *api.Client) (string, error) {
	mount := c.Mount
	if mount == "" {
		mount = string(c.Method)
	}
	path, body := "auth/"+mount+"/login", map[string]any{}
	need := func(name, v string) error {
		if v == "" {
			return fmt.Errorf("login with %s needs %s", c.Method, name)
		}
		body[name] = v
		return nil
	}
	var err error
	switch c.Method {
	case Token:
		err = need("token", c.Token)
		if err == nil {
			return c.Token, nil
		}
	case AppRole:
		if err = need("role_id", c.RoleID); err == nil && c.SecretID != "" {
			body["secret_id"] = c.SecretID
		}
	case Userpass:
		path += "/" + c.Username
		err = errors.Join(need("username", c.Username), need("password", c.Password))
		delete(body, "username")
	case Kubernetes, JWT:
		err = errors.Join(need("role", c.Role), need("jwt", c.JWT))
	case Cert:
		if c.Role != "" {
			body["name"] = c.Role
		}
	default:
		err = fmt.Errorf("there is no way to log in that is called %q", c.Method)
	}
	if err != nil {
		return "", err
	}
	answer, err := client.Logical().WriteWithContext(ctx, path, body)
	if err != nil {
		return "", err
	}
	if answer == nil || answer.Auth == nil || answer.Auth.ClientToken == "" {
		return "", errors.New("the Vault server gave no token")
	}
	return answer.Auth.ClientToken, nil
}
