package server

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestListen opens addresses in all ways that a configuration may ask for.
func TestListen(t *testing.T) {
	dir := t.TempDir()
	serve := func(c Config) (address, scheme, note string) {
		t.Helper()
		l, scheme, note, err := listen(c)
		if err != nil {
			t.Fatal(err)
		}
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if (r.TLS != nil) != (scheme == "https") {
				t.Error("the handler does not see how the request came")
			}
			io.WriteString(w, "ok")
		})}
		go srv.Serve(l)
		t.Cleanup(func() { srv.Close() })
		_, port, _ := net.SplitHostPort(l.Addr().String())
		return net.JoinHostPort("127.0.0.1", port), scheme, note
	}
	get := func(url string, roots *x509.CertPool) error {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
		res, err := client.Get(url)
		if err == nil {
			res.Body.Close()
		}
		return err
	}
	if address, scheme, _ := serve(Config{Dir: dir, Listen: "127.0.0.1:0"}); scheme != "http" || get("http://"+address, nil) != nil {
		t.Error("this machine alone: not plain")
	}
	if _, err := os.Stat(filepath.Join(dir, "tls")); err == nil {
		t.Error("a certificate was made that nobody needs")
	}
	if _, scheme, _ := serve(Config{Dir: dir, Listen: "0.0.0.0:0", Plain: true}); scheme != "http" {
		t.Error("--plain is not plain")
	}
	address, scheme, note := serve(Config{Dir: dir, Listen: "0.0.0.0:0"})
	if scheme != "https" || !strings.Contains(note, "SHA-256 ") {
		t.Fatal(scheme, note)
	}
	cert, key := filepath.Join(dir, "tls", "cert.pem"), filepath.Join(dir, "tls", "key.pem")
	pem, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(key); err != nil || st.Mode().Perm() != 0o600 {
		t.Error("others can read the key", err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	if err := get("https://"+address, roots); err != nil {
		t.Error(err)
	}
	if err := get("https://"+address, x509.NewCertPool()); err == nil {
		t.Error("a client that does not know the certificate takes it")
	}
	if _, _, again := serve(Config{Dir: dir, Listen: "0.0.0.0:0"}); again != note {
		t.Error("each start has another certificate")
	}

	// A certificate that is renewed while the server runs.
	address, _, _ = serve(Config{Dir: dir, Listen: "127.0.0.1:0", TLSCert: cert, TLSKey: key})
	other := t.TempDir()
	if _, err := ownCertificate(other, ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"key.pem", "cert.pem"} {
		b, err := os.ReadFile(filepath.Join(other, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "tls", name), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(dir, "tls", name), time.Time{}, time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if err := get("https://"+address, roots); err == nil {
		t.Error("the old certificate is shown")
	}
	for _, c := range []Config{{Listen: "127.0.0.1:0", TLSCert: "x"}, {Listen: "127.0.0.1:0", TLSCert: "x", TLSKey: "y", Plain: true}, {Listen: "127.0.0.1:0", TLSCert: "/none", TLSKey: "/none"}, {Listen: "nowhere"}} {
		if _, _, _, err := listen(c); err == nil {
			t.Errorf("%+v was opened", c)
		}
	}
}
