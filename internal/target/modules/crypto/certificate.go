package crypto

import (
	"crypto/x509"
	"encoding/pem"
	"time"

	"github.com/troupe-automation/troupe/module"
)

// certificate is a certificate that was read.
type certificate struct {
	*x509.Certificate
	subject, issuer []attribute
	extensions      *extensions
}

// signatureNames are the names of the ways to sign that are known here.
var signatureNames = map[x509.SignatureAlgorithm]string{
	x509.SHA256WithRSA: "sha256WithRSAEncryption", x509.SHA384WithRSA: "sha384WithRSAEncryption", x509.SHA512WithRSA: "sha512WithRSAEncryption",
	x509.ECDSAWithSHA256: "ecdsa-with-SHA256", x509.ECDSAWithSHA384: "ecdsa-with-SHA384", x509.ECDSAWithSHA512: "ecdsa-with-SHA512",
	x509.PureEd25519: "ED25519",
}

// parseCertificate reads a certificate; nil is none that could be read.
func parseCertificate(data []byte) (*certificate, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, nil
	}
	crt, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, &module.NotNative{Reason: "the certificate in the file: " + err.Error()}
	}
	if signatureNames[crt.SignatureAlgorithm] == "" || crt.PublicKey == nil {
		return nil, &module.NotNative{Reason: "the algorithms of the certificate"}
	}
	c := &certificate{Certificate: crt}
	if c.subject, err = decodeSubject(crt.RawSubject); err != nil {
		return nil, err
	}
	if c.issuer, err = decodeSubject(crt.RawIssuer); err != nil {
		return nil, err
	}
	c.extensions, err = decodeExtensions(crt.Extensions)
	return c, err
}

// certificateInfo is what a diff says about a file.
func certificateInfo(data []byte) (map[string]any, error) {
	if data == nil {
		return map[string]any{}, nil
	}
	c, err := parseCertificate(data)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return map[string]any{"can_parse_certificate": false}, nil
	}
	out, err := describeSigned(c.subject, c.extensions, c.Extensions, c.PublicKey)
	if err != nil {
		return nil, err
	}
	issuer, ordered, err := shownSubject(c.issuer)
	if err != nil {
		return nil, err
	}
	more := map[string]any{
		"can_parse_certificate": true, "issuer": issuer, "issuer_ordered": ordered, "signature_algorithm": signatureNames[c.SignatureAlgorithm],
		"version": c.Version, "not_before": stamp(c.NotBefore), "not_after": stamp(c.NotAfter), "expired": c.NotAfter.Before(time.Now()),
		"fingerprints": map[string]any{"sha256": fingerprints(c.Raw)["sha256"]}, "serial_number": number(c.SerialNumber), "ocsp_uri": nil, "issuer_uri": nil,
	}
	for k, v := range more {
		out[k] = v
	}
	return out, nil
}
