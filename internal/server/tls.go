package server

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// listen opens the address of a configuration: with the certificate that was given, plain where only this machine can come or --plain says that
// something before the server has the certificate, and else with one that the server makes for itself. note is what people must know of it.
func listen(c Config) (l net.Listener, scheme, note string, err error) {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, "", "", fmt.Errorf("--listen %s: %w", c.Listen, err)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, "", "", errors.New("--tls-cert and --tls-key belong together")
	}
	if c.Plain && c.TLSCert != "" {
		return nil, "", "", errors.New("--plain and --tls-cert cannot go together")
	}
	pair := &keyPair{cert: c.TLSCert, key: c.TLSKey}
	if c.TLSCert == "" && !c.Plain && !loopback(host) {
		if pair, err = ownCertificate(filepath.Join(c.Dir, "tls"), host); err != nil {
			return nil, "", "", fmt.Errorf("making a certificate: %w", err)
		}
		own, err := pair.load()
		if err != nil {
			return nil, "", "", err
		}
		note = fmt.Sprintf("the certificate is the server's own, SHA-256 %x", sha256.Sum256(own.Certificate[0]))
	}
	if l, err = net.Listen("tcp", c.Listen); err != nil || pair.cert == "" {
		return l, "http", "", err
	}
	if _, err := pair.load(); err != nil {
		l.Close()
		return nil, "", "", err
	}
	return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.load() }}), "https", note, nil
}

func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// keyPair is a certificate in files, read again when they change: whoever renews it need not stop the server.
type keyPair struct {
	cert, key string

	mu     sync.Mutex
	read   time.Time // modification of what was read
	loaded *tls.Certificate
}

func (p *keyPair) load() (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	st, err := os.Stat(p.cert)
	if err == nil && (p.loaded == nil || !st.ModTime().Equal(p.read)) {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(p.cert, p.key); err == nil {
			p.loaded, p.read = &pair, st.ModTime()
		}
	}
	if p.loaded != nil { // a certificate that is being replaced is still good
		return p.loaded, nil
	}
	return nil, err
}

// ownCertificate makes a certificate for this machine's names and addresses, unless there is a good one.
func ownCertificate(dir, host string) (*keyPair, error) {
	p := &keyPair{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	if pair, err := p.load(); err == nil && time.Until(pair.Leaf.NotAfter) > 30*24*time.Hour {
		return p, nil
	}
	p.loaded = nil
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	form := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "Troupe"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true, DNSNames: []string{"localhost"}}
	if name, err := os.Hostname(); err == nil {
		form.DNSNames = append(form.DNSNames, name)
	}
	if ip := net.ParseIP(host); ip == nil && host != "" {
		form.DNSNames = append(form.DNSNames, host)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if n, is := a.(*net.IPNet); is {
			form.IPAddresses = append(form.IPAddresses, n.IP)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	for path, block := range map[string]*pem.Block{p.key: {Type: "PRIVATE KEY", Bytes: secret}, p.cert: {Type: "CERTIFICATE", Bytes: der}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, err
		}
	}
	return p, nil
}
