package crypto

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// x509Certificate has the options of community.crypto 2, and the providers selfsigned and ownca. The others, and what is rare, are left
// to the collection's own module.
var x509Certificate = &module.Module{
	Name: "community.crypto.x509_certificate",
	Doc:  "Generates certificates.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "acme_accountkey_path", Type: module.TypePath},
			{Name: "acme_chain", Type: module.TypeBool, Default: false},
			{Name: "acme_challenge_path", Type: module.TypePath},
			{Name: "acme_directory", Default: "https://acme-v02.api.letsencrypt.org/directory"},
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "csr_content"},
			{Name: "csr_path", Type: module.TypePath},
			{Name: "entrust_api_client_cert_key_path", Type: module.TypePath, NoLog: true},
			{Name: "entrust_api_client_cert_path", Type: module.TypePath},
			{Name: "entrust_api_key", NoLog: true},
			{Name: "entrust_api_specification_path", Type: module.TypePath, Default: "https://cloud.entrust.net/EntrustCloud/documentation/cms-api-2.1.0.yaml"},
			{Name: "entrust_api_user"},
			{Name: "entrust_cert_type", Default: "STANDARD_SSL", Choices: []any{"STANDARD_SSL", "ADVANTAGE_SSL", "UC_SSL", "EV_SSL", "WILDCARD_SSL", "PRIVATE_SSL", "PD_SSL", "CDS_ENT_LITE", "CDS_ENT_PRO", "SMIME_ENT"}},
			{Name: "entrust_not_after", Default: "+365d"},
			{Name: "entrust_requester_email"},
			{Name: "entrust_requester_name"},
			{Name: "entrust_requester_phone"},
			{Name: "force", Type: module.TypeBool, Default: false},
			{Name: "ignore_timestamps", Type: module.TypeBool, Default: true},
			{Name: "ownca_content"},
			{Name: "ownca_create_authority_key_identifier", Type: module.TypeBool, Default: true},
			{Name: "ownca_create_subject_key_identifier", Default: "create_if_not_provided", Choices: []any{"create_if_not_provided", "always_create", "never_create"}},
			{Name: "ownca_digest", Default: "sha256"},
			{Name: "ownca_not_after", Default: "+3650d"},
			{Name: "ownca_not_before", Default: "+0s"},
			{Name: "ownca_path", Type: module.TypePath},
			{Name: "ownca_privatekey_content", NoLog: true},
			{Name: "ownca_privatekey_passphrase", NoLog: true},
			{Name: "ownca_privatekey_path", Type: module.TypePath},
			{Name: "ownca_version", Type: module.TypeInt, Default: int64(3)},
			{Name: "path", Type: module.TypePath, Required: true},
			{Name: "privatekey_content", NoLog: true},
			{Name: "privatekey_passphrase", NoLog: true},
			{Name: "privatekey_path", Type: module.TypePath},
			{Name: "provider", Choices: []any{"acme", "entrust", "ownca", "selfsigned"}},
			{Name: "return_content", Type: module.TypeBool, Default: false},
			{Name: "select_crypto_backend", Default: "auto", Choices: []any{"auto", "cryptography"}},
			{Name: "selfsigned_create_subject_key_identifier", Default: "create_if_not_provided", Choices: []any{"create_if_not_provided", "always_create", "never_create"}},
			{Name: "selfsigned_digest", Default: "sha256"},
			{Name: "selfsigned_not_after", Default: "+3650d", Aliases: []string{"selfsigned_notAfter"}},
			{Name: "selfsigned_not_before", Default: "+0s", Aliases: []string{"selfsigned_notBefore"}},
			{Name: "selfsigned_version", Type: module.TypeInt, Default: int64(3)},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"csr_path", "csr_content"}, {"privatekey_path", "privatekey_content"}, {"ownca_path", "ownca_content"}, {"ownca_privatekey_path", "ownca_privatekey_content"}},
			RequiredIf: []module.RequiredIf{
				{Key: "provider", Value: "entrust", Needs: []string{"entrust_requester_email", "entrust_requester_name", "entrust_requester_phone", "entrust_api_user", "entrust_api_key", "entrust_api_client_cert_path", "entrust_api_client_cert_key_path"}},
				{Key: "state", Value: "present", Needs: []string{"provider"}},
			},
		},
		FileArgs:  true,
		CheckMode: true,
	},
	Run: runX509Certificate,
}

func runX509Certificate(ctx context.Context, c *module.Call) (module.Result, error) {
	path := c.Str("path")
	r := module.Result{"filename": path, "privatekey": c.Args["privatekey_path"], "csr": c.Args["csr_path"]}
	if c.Str("state") == "absent" {
		if c.Bool("return_content") {
			r["certificate"] = nil
		}
		if !c.Check {
			if err := backup(c, path, r); err != nil {
				return nil, err
			}
		}
		var err error
		r["changed"], err = remove(c, path)
		return r, err
	}
	if err := checkDirectory(path); err != nil {
		return nil, err
	}
	i := &issue{Call: c, path: path, provider: c.Str("provider")}
	if err := i.prepare(); err != nil {
		return nil, err
	}
	data, err := load(path)
	if err != nil {
		return nil, err
	}
	if i.have, err = parseCertificate(data); err != nil {
		return nil, err
	}
	before, err := certificateInfo(data)
	if err != nil {
		return nil, err
	}
	another, err := i.unfit()
	if err != nil {
		return nil, err
	}
	if another && !c.Check {
		made, err := i.make()
		if err != nil {
			return nil, err
		}
		if err := backup(c, path, r); err != nil {
			return nil, err
		}
		if err := store(ctx, c, path, made); err != nil {
			return nil, module.Fail("Error while writing result: "+err.Error(), nil)
		}
		data = made
		if i.have, err = parseCertificate(made); err != nil {
			return nil, err
		}
	}
	if r["changed"], err = attributes(ctx, c, path, another); err != nil {
		return nil, err
	}
	if err := tell(c, r, "certificate", before, data, certificateInfo); err != nil {
		return nil, err
	}
	if i.provider == "ownca" {
		r["ca_cert"], r["ca_privatekey"] = c.Args["ownca_path"], c.Args["ownca_privatekey_path"]
	}
	start, end, serial := i.start, i.end, i.serial
	if !c.Check {
		start, end, serial = i.have.NotBefore, i.have.NotAfter, i.have.SerialNumber
	}
	r["notBefore"], r["notAfter"], r["serial_number"] = stamp(start), stamp(end), number(serial)
	return r, nil
}

func stamp(t time.Time) string { return t.UTC().Format("20060102150405Z") }

// issue is a certificate that a call asks for.
type issue struct {
	*module.Call
	path, provider string
	request        *x509.CertificateRequest // nil of a certificate without one
	own            crypto.Signer            // the key that the certificate must be for, or nil
	signer         crypto.Signer
	authority      *x509.Certificate // nil when the certificate signs itself
	public         crypto.PublicKey
	subject        []byte
	wanted         []pkix.Extension // of the request
	start, end     time.Time
	serial         *big.Int
	have           *certificate // nil when there is none
}

// option is one of the provider's own options.
func (i *issue) option(name string) string { return i.Str(i.provider + "_" + name) }

// prepare reads the files that a certificate is made of, and leaves to others what is not known here.
func (i *issue) prepare() error {
	if i.provider != "selfsigned" && i.provider != "ownca" {
		return &module.NotNative{Reason: "the provider " + i.provider}
	}
	for _, rare := range []string{"privatekey_passphrase", "ownca_privatekey_passphrase"} {
		if i.Has(rare) {
			return &module.NotNative{Reason: "the option " + rare}
		}
	}
	if err := i.sources(); err != nil {
		return err
	}
	var err error
	if i.start, err = timeOption(i.option("not_before"), i.provider+"_not_before"); err != nil {
		return err
	}
	if i.end, err = timeOption(i.option("not_after"), i.provider+"_not_after"); err != nil {
		return err
	}
	if i.serial, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 159)); err != nil {
		return err
	}
	if err := i.files(); err != nil {
		return err
	}
	i.subject = []byte{0x30, 0} // nobody
	if i.request != nil {
		i.subject, i.wanted = i.request.RawSubject, i.request.Extensions
		if _, err := decodeSubject(i.subject); err != nil {
			return err
		}
		if _, err := decodeExtensions(i.wanted); err != nil {
			return err
		}
	}
	if _, _, err := algorithmOf(i.signer, i.option("digest")); err != nil {
		return err
	}
	return nil
}

// sources refuses calls that do not say where to find what the provider needs.
func (i *issue) sources() error {
	if i.provider == "selfsigned" {
		if !i.Has("privatekey_path") && !i.Has("privatekey_content") {
			return module.Fail("One of privatekey_path and privatekey_content must be specified for the selfsigned provider.", nil)
		}
	} else {
		if !i.Has("ownca_path") && !i.Has("ownca_content") {
			return module.Fail("One of ownca_path and ownca_content must be specified for the ownca provider.", nil)
		}
		if !i.Has("ownca_privatekey_path") && !i.Has("ownca_privatekey_content") {
			return module.Fail("One of ownca_privatekey_path and ownca_privatekey_content must be specified for the ownca provider.", nil)
		}
	}
	if i.Int(i.provider+"_version") == 2 {
		return module.Fail("The cryptography backend does not support v2 certificates", nil)
	}
	return nil
}

// missing is a file that an option names and that is not there.
func (i *issue) missing(path, content, what string) error {
	if i.Has(content) || !i.Has(path) {
		return nil
	}
	if _, err := os.Stat(i.Str(path)); err != nil {
		return module.Fail("The "+what+" file "+i.Str(path)+" does not exist", nil)
	}
	return nil
}

func (i *issue) files() error {
	if i.provider == "ownca" && !i.Has("csr_path") && !i.Has("csr_content") {
		return module.Fail("csr_path or csr_content is required for ownca provider", nil)
	}
	if err := i.missing("csr_path", "csr_content", "certificate signing request"); err != nil {
		return err
	}
	for _, f := range [][3]string{{"ownca_path", "ownca_content", "CA certificate"}, {"ownca_privatekey_path", "ownca_privatekey_content", "CA private key"}, {"privatekey_path", "privatekey_content", "private key"}} {
		if (i.provider == "ownca") != strings.HasPrefix(f[0], "ownca") {
			continue
		}
		if err := i.missing(f[0], f[1], f[2]); err != nil {
			return err
		}
	}
	if i.Has("csr_path") || i.Has("csr_content") {
		data, err := i.source("csr_path", "csr_content")
		if err != nil {
			return err
		}
		request, err := parseRequest(data)
		if err != nil {
			return err
		}
		if request == nil {
			return &module.NotNative{Reason: "a request that cannot be read"}
		}
		i.request = request.CertificateRequest
	}
	if i.Has("privatekey_path") || i.Has("privatekey_content") {
		var err error
		if i.own, err = i.key("privatekey_path", "privatekey_content"); err != nil {
			return err
		}
	}
	if i.provider == "selfsigned" {
		i.signer, i.public = i.own, i.own.Public()
		return nil
	}
	i.public = i.request.PublicKey
	data, err := i.source("ownca_path", "ownca_content")
	if err != nil {
		return err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE" {
		return &module.NotNative{Reason: "a certificate of the authority that cannot be read"}
	}
	if i.authority, err = x509.ParseCertificate(block.Bytes); err != nil {
		return &module.NotNative{Reason: "the certificate of the authority: " + err.Error()}
	}
	if i.signer, err = i.key("ownca_privatekey_path", "ownca_privatekey_content"); err != nil {
		return err
	}
	if !samePublic(i.authority.PublicKey, i.signer.Public()) {
		return module.Fail("The CA private key does not belong to the CA certificate", nil)
	}
	return nil
}

// source is the content of one of two options.
func (i *issue) source(path, content string) ([]byte, error) {
	if i.Has(content) {
		return []byte(i.Str(content)), nil
	}
	data, err := os.ReadFile(i.Str(path))
	if err != nil {
		return nil, module.Fail(strings.Replace(hostos.Errno(err), ": b'", ": '", 1), nil)
	}
	return data, nil
}

func (i *issue) key(path, content string) (crypto.Signer, error) {
	data, err := i.source(path, content)
	if err != nil {
		return nil, err
	}
	return signerOf(data)
}

func samePublic(a, b crypto.PublicKey) bool {
	key, ok := a.(interface{ Equal(x crypto.PublicKey) bool })
	return ok && key.Equal(b)
}

// timeOption reads a point of time: from now, or YYYYMMDDHHMM[SS]Z.
func timeOption(text, name string) (time.Time, error) {
	if strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") {
		span, ok := relative(text[1:])
		if !ok {
			return time.Time{}, &module.NotNative{Reason: "the time " + text}
		}
		if text[0] == '-' {
			span = -span
		}
		return time.Now().UTC().Add(span), nil
	}
	for _, format := range []string{"20060102150405Z", "200601021504Z"} {
		if t, err := time.Parse(format, text); err == nil {
			return t, nil
		}
	}
	if len(text) > 5 && strings.ContainsAny(text[len(text)-5:], "+-") {
		return time.Time{}, &module.NotNative{Reason: "the time " + text}
	}
	return time.Time{}, module.Fail(`The time spec "`+text+`" for `+name+" is invalid", nil)
}

// relative reads 1w2d3h4m5s; each part may be left out, but not all.
func relative(text string) (time.Duration, bool) {
	var span time.Duration
	units := "wdhms"
	for rest := text; rest != ""; {
		n := int64(0)
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			n = n*10 + int64(rest[digits]-'0')
			if digits++; digits > 9 {
				return 0, false
			}
		}
		unit := "s" // which may be left out
		if digits < len(rest) {
			unit = strings.ToLower(rest[digits : digits+1])
		}
		at := strings.Index(units, unit)
		if digits == 0 || at < 0 {
			return 0, false
		}
		span += time.Duration(n) * map[string]time.Duration{"w": 7 * 24 * time.Hour, "d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "s": time.Second}[unit]
		units, rest = units[at+1:], rest[min(digits+1, len(rest)):]
	}
	return span, text != ""
}

// algorithmOf is the way to sign with a key.
func algorithmOf(key crypto.Signer, digest string) (algorithm x509.SignatureAlgorithm, hashed bool, err error) {
	ways, known := algorithms[digest]
	switch key.(type) {
	case *rsa.PrivateKey:
		algorithm = ways[0]
	case *ecdsa.PrivateKey:
		algorithm = ways[1]
	case ed25519.PrivateKey:
		return x509.PureEd25519, false, nil
	}
	switch {
	case known:
		return algorithm, true, nil
	case digest == "sha1" || digest == "md5":
		return 0, false, &module.NotNative{Reason: "the digest " + digest}
	}
	return 0, false, module.Fail("The digest "+digest+" is not supported with the cryptography backend", nil)
}

// identifiers says which key identifiers the provider adds: of the subject in any case or where the request has none, of the authority.
func (i *issue) identifiers() (subject string, authority bool) {
	return i.option("create_subject_key_identifier"), i.provider == "ownca" && i.Bool("ownca_create_authority_key_identifier")
}

// authorityKey is how the certificate names the authority's key.
func (i *issue) authorityKey() ([]byte, error) {
	if len(i.authority.SubjectKeyId) > 0 {
		return i.authority.SubjectKeyId, nil
	}
	return keyIdentifier(i.authority.RawSubjectPublicKeyInfo)
}

// subjectKey is the usual identifier of the certificate's key.
func (i *issue) subjectKey() ([]byte, error) {
	half, err := x509.MarshalPKIXPublicKey(i.public)
	if err != nil {
		return nil, err
	}
	return keyIdentifier(half)
}

// extensionOf is an extension of a list, nil when it is not there.
func extensionOf(list []pkix.Extension, oid string) *pkix.Extension {
	at := slices.IndexFunc(list, func(x pkix.Extension) bool { return x.Id.String() == oid })
	if at < 0 {
		return nil
	}
	return &list[at]
}

// unfit says whether there must be another certificate.
func (i *issue) unfit() (bool, error) {
	if i.Bool("force") || i.have == nil {
		return true, nil
	}
	have := i.have
	if i.own != nil && !samePublic(have.PublicKey, i.own.Public()) || !i.requestFits() {
		return true, nil
	}
	if create, _ := i.identifiers(); create != "never_create" {
		want, err := keyIdentifier(have.RawSubjectPublicKeyInfo)
		if err != nil {
			return false, err
		}
		if x := extensionOf(i.wanted, oidSubjectKey); x != nil && create == "create_if_not_provided" {
			if _, err := asn1.Unmarshal(x.Value, &want); err != nil {
				return false, err
			}
		}
		if !bytes.Equal(have.SubjectKeyId, want) {
			return true, nil
		}
	}
	if !i.Bool("ignore_timestamps") && (!have.NotBefore.Equal(i.start) || !have.NotAfter.Equal(i.end)) {
		return true, nil
	}
	signer := &x509.Certificate{PublicKey: i.signer.Public()}
	switch signer.PublicKey.(type) {
	case *rsa.PublicKey:
		signer.PublicKeyAlgorithm = x509.RSA
	case *ecdsa.PublicKey:
		signer.PublicKeyAlgorithm = x509.ECDSA
	default:
		signer.PublicKeyAlgorithm = x509.Ed25519
	}
	if signer.CheckSignature(have.SignatureAlgorithm, have.RawTBSCertificate, have.Signature) != nil {
		return true, nil
	}
	if i.authority == nil {
		return false, nil
	}
	if !bytes.Equal(i.authority.RawSubject, have.RawIssuer) {
		return true, nil
	}
	if _, create := i.identifiers(); create {
		want, err := i.authorityKey()
		return !bytes.Equal(have.AuthorityKeyId, want), err
	}
	return false, nil
}

// requestFits says whether the certificate that is there is what the request asks for.
func (i *issue) requestFits() bool {
	request := i.request
	if request == nil { // an empty one, made with the key
		if !samePublic(i.own.Public(), i.have.PublicKey) {
			return false
		}
	} else if request.CheckSignature() != nil || !samePublic(request.PublicKey, i.have.PublicKey) {
		return false
	}
	subject, err := decodeSubject(i.subject)
	if err != nil || !slices.Equal(subject, i.have.subject) {
		return false
	}
	create, authority := i.identifiers()
	relevant := func(list []pkix.Extension) []pkix.Extension {
		return slices.DeleteFunc(slices.Clone(list), func(x pkix.Extension) bool {
			oid := x.Id.String()
			return oid == oidSubjectKey && create != "never_create" || oid == oidAuthorityKey && authority
		})
	}
	have, want := relevant(i.have.Extensions), relevant(i.wanted)
	if len(have) != len(want) {
		return false
	}
	for _, x := range have {
		other := extensionOf(want, x.Id.String())
		if other == nil || other.Critical != x.Critical || !bytes.Equal(other.Value, x.Value) {
			return false
		}
	}
	return true
}

// make signs a certificate.
func (i *issue) make() ([]byte, error) {
	create, authority := i.identifiers()
	algorithm, _, err := algorithmOf(i.signer, i.option("digest"))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{RawSubject: i.subject, SerialNumber: i.serial, NotBefore: i.start, NotAfter: i.end, SignatureAlgorithm: algorithm}
	given := false
	for _, x := range i.wanted {
		oid := x.Id.String()
		if oid == oidSubjectKey && create == "always_create" || oid == oidAuthorityKey && authority {
			continue
		}
		given = given || oid == oidSubjectKey
		template.ExtraExtensions = append(template.ExtraExtensions, x)
	}
	add := func(oid string, value any, err error) error {
		if err != nil {
			return err
		}
		b, err := asn1.Marshal(value)
		template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{Id: parseOID(oid), Value: b})
		return err
	}
	if !given && create != "never_create" {
		id, err := i.subjectKey()
		if err := add(oidSubjectKey, id, err); err != nil {
			return nil, err
		}
	}
	if authority {
		id, err := i.authorityKey()
		if err := add(oidAuthorityKey, authorityIdentifier{Key: id}, err); err != nil {
			return nil, err
		}
	}
	issuer := &x509.Certificate{RawSubject: i.subject}
	if i.authority != nil {
		issuer.RawSubject = i.authority.RawSubject
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, i.public, i.signer)
	if err != nil {
		return nil, module.Fail("Error while creating the certificate: "+err.Error(), nil)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), nil
}
