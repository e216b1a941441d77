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
	"encoding/hex"
	"encoding/pem"
	"os"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// opensslCSR has the options of community.crypto 2. Rare extensions, names and keys are left to the collection's own module.
var opensslCSR = &module.Module{
	Name: "community.crypto.openssl_csr",
	Doc:  "Generates requests for certificates.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "authority_cert_issuer", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "authority_cert_serial_number", Type: module.TypeInt},
			{Name: "authority_key_identifier"},
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "basic_constraints", Type: module.TypeList, Elements: module.TypeStr, Aliases: []string{"basicConstraints"}},
			{Name: "basic_constraints_critical", Type: module.TypeBool, Default: false, Aliases: []string{"basicConstraints_critical"}},
			{Name: "common_name", Aliases: []string{"CN", "commonName"}},
			{Name: "country_name", Aliases: []string{"C", "countryName"}},
			{Name: "create_subject_key_identifier", Type: module.TypeBool, Default: false},
			{
				Name: "crl_distribution_points", Type: module.TypeList, Elements: module.TypeDict,
				Options: []module.Option{
					{Name: "crl_issuer", Type: module.TypeList, Elements: module.TypeStr},
					{Name: "full_name", Type: module.TypeList, Elements: module.TypeStr},
					{Name: "reasons", Type: module.TypeList, Elements: module.TypeStr, Choices: []any{
						"key_compromise", "ca_compromise", "affiliation_changed", "superseded", "cessation_of_operation", "certificate_hold", "privilege_withdrawn", "aa_compromise",
					}},
					{Name: "relative_name", Type: module.TypeList, Elements: module.TypeStr},
				},
				Rules: module.Rules{MutuallyExclusive: [][]string{{"full_name", "relative_name"}}, RequiredOneOf: [][]string{{"full_name", "relative_name", "crl_issuer"}}},
			},
			{Name: "digest", Default: "sha256"},
			{Name: "email_address", Aliases: []string{"E", "emailAddress"}},
			{Name: "extended_key_usage", Type: module.TypeList, Elements: module.TypeStr, Aliases: []string{"extKeyUsage", "extendedKeyUsage"}},
			{Name: "extended_key_usage_critical", Type: module.TypeBool, Default: false, Aliases: []string{"extKeyUsage_critical", "extendedKeyUsage_critical"}},
			{Name: "force", Type: module.TypeBool, Default: false},
			{Name: "key_usage", Type: module.TypeList, Elements: module.TypeStr, Aliases: []string{"keyUsage"}},
			{Name: "key_usage_critical", Type: module.TypeBool, Default: false, Aliases: []string{"keyUsage_critical"}},
			{Name: "locality_name", Aliases: []string{"L", "localityName"}},
			{Name: "name_constraints_critical", Type: module.TypeBool, Default: false},
			{Name: "name_constraints_excluded", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "name_constraints_permitted", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "ocsp_must_staple", Type: module.TypeBool, Default: false, Aliases: []string{"ocspMustStaple"}},
			{Name: "ocsp_must_staple_critical", Type: module.TypeBool, Default: false, Aliases: []string{"ocspMustStaple_critical"}},
			{Name: "organization_name", Aliases: []string{"O", "organizationName"}},
			{Name: "organizational_unit_name", Aliases: []string{"OU", "organizationalUnitName"}},
			{Name: "path", Type: module.TypePath, Required: true},
			{Name: "privatekey_content", NoLog: true},
			{Name: "privatekey_passphrase", NoLog: true},
			{Name: "privatekey_path", Type: module.TypePath},
			{Name: "return_content", Type: module.TypeBool, Default: false},
			{Name: "select_crypto_backend", Default: "auto", Choices: []any{"auto", "cryptography"}},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "state_or_province_name", Aliases: []string{"ST", "stateOrProvinceName"}},
			{Name: "subject", Type: module.TypeDict},
			{Name: "subject_alt_name", Type: module.TypeList, Elements: module.TypeStr, Aliases: []string{"subjectAltName"}},
			{Name: "subject_alt_name_critical", Type: module.TypeBool, Default: false, Aliases: []string{"subjectAltName_critical"}},
			{Name: "subject_key_identifier"},
			{Name: "subject_ordered", Type: module.TypeList, Elements: module.TypeDict},
			{Name: "use_common_name_for_san", Type: module.TypeBool, Default: true, Aliases: []string{"useCommonNameForSAN"}},
			{Name: "version", Type: module.TypeInt, Default: int64(1), Choices: []any{int64(1)}},
		},
		Rules: module.Rules{
			RequiredTogether:  [][]string{{"authority_cert_issuer", "authority_cert_serial_number"}},
			MutuallyExclusive: [][]string{{"privatekey_path", "privatekey_content"}, {"subject", "subject_ordered"}},
			RequiredIf:        []module.RequiredIf{{Key: "state", Value: "present", Needs: []string{"privatekey_path", "privatekey_content"}, OneOf: true}},
		},
		FileArgs:  true,
		CheckMode: true,
	},
	Run: runOpensslCSR,
}

func runOpensslCSR(ctx context.Context, c *module.Call) (module.Result, error) {
	path := c.Str("path")
	if err := checkDirectory(path); err != nil {
		return nil, err
	}
	q := &csrCall{Call: c, path: path}
	if err := q.read(); err != nil {
		return nil, err
	}
	data, err := load(path)
	if err != nil {
		return nil, err
	}
	if c.Str("state") == "absent" {
		data = nil
	}
	if q.have, err = parseRequest(data); err != nil {
		return nil, err
	}
	before, err := requestInfo(data)
	if err != nil {
		return nil, err
	}
	r := q.result()
	if c.Str("state") == "absent" {
		if !c.Check {
			if err := backup(c, path, r); err != nil {
				return nil, err
			}
		}
		r["changed"], err = remove(c, path)
	} else {
		var changed bool
		if changed, err = q.present(ctx, r, &data); err == nil {
			r["changed"], err = attributes(ctx, c, path, changed)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := tell(c, r, "csr", before, data, requestInfo); err != nil {
		return nil, err
	}
	return r, nil
}

// requestInfo is what a diff says about a file.
func requestInfo(data []byte) (map[string]any, error) {
	if data == nil {
		return map[string]any{}, nil
	}
	r, err := parseRequest(data)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return map[string]any{"can_parse_csr": false}, nil
	}
	return r.info()
}

// csrCall is what a call asks for.
type csrCall struct {
	*module.Call
	path     string
	subject  []attribute
	shown    []any // the subject as the result has it
	ordered  bool
	altNames []string
	want     *extensions
	have     *request // nil when there is none
}

// read takes the options in, and leaves to others what is not known here.
func (q *csrCall) read() error {
	for _, rare := range []string{"authority_cert_issuer", "authority_cert_serial_number", "authority_key_identifier", "crl_distribution_points", "name_constraints_excluded", "name_constraints_permitted", "privatekey_passphrase"} {
		if q.Has(rare) {
			return &module.NotNative{Reason: "the option " + rare}
		}
	}
	if q.Bool("create_subject_key_identifier") && q.Has("subject_key_identifier") {
		return module.Fail("subject_key_identifier cannot be specified if create_subject_key_identifier is true", nil)
	}
	if err := q.readSubject(); err != nil {
		return err
	}
	q.altNames = q.Strings("subject_alt_name")
	if len(q.altNames) == 0 && q.Bool("use_common_name_for_san") {
		for _, a := range q.subject {
			if a.oid == "2.5.4.3" {
				q.altNames = []string{"DNS:" + a.value}
				break
			}
		}
	}
	return q.readExtensions()
}

func (q *csrCall) readSubject() error {
	add := func(name, value string) error {
		oid, err := numberOf(subjectNames, name)
		q.subject = append(q.subject, attribute{oid, value})
		q.shown = append(q.shown, []any{name, value})
		return err
	}
	for _, f := range [][2]string{{"C", "country_name"}, {"ST", "state_or_province_name"}, {"L", "locality_name"}, {"O", "organization_name"}, {"OU", "organizational_unit_name"}, {"CN", "common_name"}, {"emailAddress", "email_address"}} {
		if v := q.Str(f[1]); v != "" {
			if err := add(f[0], v); err != nil {
				return err
			}
		}
	}
	field := func(dict map[string]any) error {
		for name, value := range dict {
			values, isList := value.([]any)
			if !isList {
				values = []any{value}
			}
			for _, v := range values {
				text, ok := v.(string)
				if !ok || text == "" {
					return &module.NotNative{Reason: "the value of " + name}
				}
				if err := add(name, text); err != nil {
					return err
				}
			}
		}
		return nil
	}
	dict, _ := q.Args["subject"].(map[string]any)
	if len(dict) > 1 {
		return &module.NotNative{Reason: "the order of the subject"} // in which it was written
	}
	if err := field(dict); err != nil {
		return err
	}
	list, _ := q.Args["subject_ordered"].([]any)
	if len(list) > 0 && len(q.subject) > 0 {
		return module.Fail("subject_ordered cannot be combined with any other subject field", nil)
	}
	q.ordered = len(list) > 0
	for _, e := range list {
		one, _ := e.(map[string]any)
		if len(one) != 1 {
			return &module.NotNative{Reason: "an entry of subject_ordered"}
		}
		if err := field(one); err != nil {
			return err
		}
	}
	return nil
}

func (q *csrCall) readExtensions() error {
	w := &extensions{path: -1, staple: q.Bool("ocsp_must_staple")}
	w.stapleCritical = w.staple && q.Bool("ocsp_must_staple_critical")
	for _, n := range q.altNames {
		_, shown, err := altName(n)
		if err != nil {
			return err
		}
		w.altNames = append(w.altNames, shown)
		w.altCritical = q.Bool("subject_alt_name_critical")
	}
	given := q.Strings("key_usage")
	for _, u := range given {
		if !slices.ContainsFunc(usageNames, func(n [2]string) bool { return n[0] == u || n[1] == u }) {
			return &module.NotNative{Reason: "the key usage " + u}
		}
		w.usageCritical = q.Bool("key_usage_critical")
	}
	for _, n := range usageNames { // in the order of the bits
		if slices.Contains(given, n[0]) || slices.Contains(given, n[1]) {
			w.usage = append(w.usage, n[0])
		}
	}
	if !slices.Contains(w.usage, "Key Agreement") && (slices.Contains(w.usage, "Encipher Only") || slices.Contains(w.usage, "Decipher Only")) {
		return &module.NotNative{Reason: "encipherOnly and decipherOnly without keyAgreement"}
	}
	for _, p := range q.Strings("extended_key_usage") {
		oid, err := numberOf(purposeNames, p)
		if err != nil {
			return err
		}
		w.purposes = append(w.purposes, oid)
		w.purposeCritical = q.Bool("extended_key_usage_critical")
	}
	if list := q.Strings("basic_constraints"); len(list) > 0 {
		w.constraints, w.bcCritical = true, q.Bool("basic_constraints_critical")
		var err error
		if w.ca, w.path, err = basicOf(list); err != nil {
			return err
		}
		if !w.ca && w.path >= 0 {
			return &module.NotNative{Reason: "a path length without CA:TRUE"}
		}
	}
	if q.Has("subject_key_identifier") {
		var err error
		if w.subjectKey, err = hex.DecodeString(strings.ReplaceAll(q.Str("subject_key_identifier"), ":", "")); err != nil {
			return &module.NotNative{Reason: "the form of subject_key_identifier"}
		}
	}
	q.want = w
	return nil
}

// result is what the call was about.
func (q *csrCall) result() module.Result {
	list := func(values []string) any {
		if values == nil {
			return nil
		}
		return values
	}
	shown := q.shown
	if shown == nil {
		shown = []any{}
	}
	return module.Result{
		"filename": q.path, "privatekey": q.Args["privatekey_path"], "subject": shown, "subjectAltName": list(q.altNames), "keyUsage": list(q.Strings("key_usage")),
		"extendedKeyUsage": list(q.Strings("extended_key_usage")), "basicConstraints": list(q.Strings("basic_constraints")), "ocspMustStaple": q.Bool("ocsp_must_staple"),
		"name_constraints_permitted": []any{}, "name_constraints_excluded": []any{},
	}
}

// signer loads the private key.
func (q *csrCall) signer() (crypto.Signer, error) {
	data := []byte(q.Str("privatekey_content"))
	if !q.Has("privatekey_content") {
		var err error
		if data, err = os.ReadFile(q.Str("privatekey_path")); err != nil {
			return nil, module.Fail(strings.Replace(hostos.Errno(err), ": b'", ": '", 1), nil)
		}
	}
	signer, err := signerOf(data)
	if err != nil {
		return nil, err
	}
	if q.Bool("create_subject_key_identifier") {
		half, err := public(signer)
		if err != nil {
			return nil, err
		}
		if q.want.subjectKey, err = keyIdentifier(half); err != nil {
			return nil, err
		}
	}
	return signer, nil
}

// signerOf reads a private key that signs.
func signerOf(data []byte) (crypto.Signer, error) {
	key, err := pemKey(data)
	if err != nil {
		return nil, err
	}
	if key == nil {
		if block, _ := pem.Decode(data); block != nil {
			return nil, module.Fail("Wrong or empty passphrase provided for private key", nil)
		}
		return nil, module.Fail("Wrong passphrase provided for private key", nil)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, &module.NotNative{Reason: "a key that cannot sign"}
	}
	return signer, nil
}

// fits says whether the request that is there is what the call asks for.
func (q *csrCall) fits(key crypto.Signer) (bool, error) {
	asText := func(list []attribute) []string {
		var out []string
		for _, a := range list {
			out = append(out, a.oid+"="+a.value)
		}
		return out
	}
	want, have := asText(q.subject), asText(q.have.subject)
	if q.ordered && !slices.Equal(want, have) || !sameSet(want, have) || !q.want.same(q.have.extensions) || q.have.CheckSignature() != nil {
		return false, nil
	}
	half, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return false, err
	}
	return bytes.Equal(half, q.have.RawSubjectPublicKeyInfo), nil
}

// algorithms are the ways to sign.
var algorithms = map[string][2]x509.SignatureAlgorithm{ // with RSA, with ECDSA
	"sha256": {x509.SHA256WithRSA, x509.ECDSAWithSHA256}, "sha384": {x509.SHA384WithRSA, x509.ECDSAWithSHA384}, "sha512": {x509.SHA512WithRSA, x509.ECDSAWithSHA512},
}

func (q *csrCall) present(ctx context.Context, r module.Result, data *[]byte) (bool, error) {
	if q.have != nil && !q.Bool("force") {
		key, err := q.signer()
		if err != nil {
			return false, err
		}
		if fits, err := q.fits(key); err != nil || fits {
			return false, err
		}
	}
	if q.Check {
		return true, nil
	}
	key, err := q.signer()
	if err != nil {
		return false, err
	}
	made, err := q.make(key)
	if err != nil {
		return false, err
	}
	if err := backup(q.Call, q.path, r); err != nil {
		return false, err
	}
	if err := store(ctx, q.Call, q.path, made); err != nil {
		return false, module.Fail("Error while writing result: "+err.Error(), nil)
	}
	*data = made
	return true, nil
}

// make signs a request.
func (q *csrCall) make(key crypto.Signer) ([]byte, error) {
	template := &x509.CertificateRequest{}
	var err error
	if template.RawSubject, err = encodeSubject(q.subject); err != nil {
		return nil, err
	}
	if template.ExtraExtensions, err = q.want.encode(); err != nil {
		return nil, err
	}
	digest := q.Str("digest")
	ways, known := algorithms[digest]
	switch key.(type) {
	case *rsa.PrivateKey:
		template.SignatureAlgorithm = ways[0]
	case *ecdsa.PrivateKey:
		template.SignatureAlgorithm = ways[1]
	case ed25519.PrivateKey:
		template.SignatureAlgorithm, known = x509.PureEd25519, true
	}
	if !known {
		if digest == "sha1" || digest == "md5" {
			return nil, &module.NotNative{Reason: "the digest " + digest}
		}
		return nil, module.Fail(`Unsupported digest "`+digest+`"`, nil)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		return nil, module.Fail("Error while creating CSR: "+err.Error(), nil)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), nil
}
