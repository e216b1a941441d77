package crypto

import (
	"bytes"
	"crypto"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/module"
)

// Numbers of the extensions known here.
const (
	oidKeyUsage, oidAltName, oidPurpose = "2.5.29.15", "2.5.29.17", "2.5.29.37"
	oidConstraints, oidSubjectKey       = "2.5.29.19", "2.5.29.14"
	oidAuthorityKey, oidFeature         = "2.5.29.35", "1.3.6.1.5.5.7.1.24"
)

// mustStaple is the feature that a server shall show an answer of OCSP.
var mustStaple = []byte{0x30, 0x03, 0x02, 0x01, 0x05}

// usageNames are the bits of a key usage, and their short names.
var usageNames = [][2]string{
	{"Digital Signature", "digitalSignature"}, {"Non Repudiation", "nonRepudiation"}, {"Key Encipherment", "keyEncipherment"},
	{"Data Encipherment", "dataEncipherment"}, {"Key Agreement", "keyAgreement"}, {"Certificate Sign", "keyCertSign"}, {"CRL Sign", "cRLSign"},
	{"Encipher Only", "encipherOnly"}, {"Decipher Only", "decipherOnly"},
}

// extensions is what a request asks for beyond a name. What is nil or empty is not there.
type extensions struct {
	altNames                                                []string
	usage                                                   []string // by long names, in the order of the bits
	purposes                                                []string // by numbers
	constraints                                             bool
	ca                                                      bool
	path                                                    int // -1 is none
	staple                                                  bool
	subjectKey, authorityKey                                []byte
	altCritical, usageCritical, purposeCritical, bcCritical bool
	stapleCritical                                          bool
}

// sameSet compares without order.
func sameSet(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) }) &&
		!slices.ContainsFunc(b, func(s string) bool { return !slices.Contains(a, s) })
}

// same compares what is wanted with what is there.
func (e *extensions) same(have *extensions) bool {
	return sameSet(e.altNames, have.altNames) && e.altCritical == have.altCritical &&
		slices.Equal(e.usage, have.usage) && e.usageCritical == have.usageCritical &&
		sameSet(e.purposes, have.purposes) && e.purposeCritical == have.purposeCritical &&
		e.constraints == have.constraints && e.ca == have.ca && e.path == have.path && e.bcCritical == have.bcCritical &&
		e.staple == have.staple && e.stapleCritical == have.stapleCritical && bytes.Equal(e.subjectKey, have.subjectKey) &&
		have.authorityKey == nil // which is never wanted
}

// encode are the extensions in their order.
func (e *extensions) encode() ([]pkix.Extension, error) {
	var out []pkix.Extension
	add := func(oid string, critical bool, value []byte, err error) error {
		out = append(out, pkix.Extension{Id: parseOID(oid), Critical: critical, Value: value})
		return err
	}
	if len(e.altNames) > 0 {
		var list []asn1.RawValue
		for _, n := range e.altNames {
			raw, _, err := altName(n)
			if err != nil {
				return nil, err
			}
			list = append(list, raw)
		}
		b, err := asn1.Marshal(list)
		if err := add(oidAltName, e.altCritical, b, err); err != nil {
			return nil, err
		}
	}
	if len(e.usage) > 0 {
		b, err := asn1.Marshal(usageBits(e.usage))
		if err := add(oidKeyUsage, e.usageCritical, b, err); err != nil {
			return nil, err
		}
	}
	if len(e.purposes) > 0 {
		var list []asn1.ObjectIdentifier
		for _, p := range e.purposes {
			list = append(list, parseOID(p))
		}
		b, err := asn1.Marshal(list)
		if err := add(oidPurpose, e.purposeCritical, b, err); err != nil {
			return nil, err
		}
	}
	if e.constraints {
		b, err := asn1.Marshal(basicConstraints{e.ca, e.path})
		if err := add(oidConstraints, e.bcCritical, b, err); err != nil {
			return nil, err
		}
	}
	if e.staple {
		_ = add(oidFeature, e.stapleCritical, mustStaple, nil)
	}
	if e.subjectKey != nil {
		b, err := asn1.Marshal(e.subjectKey)
		if err := add(oidSubjectKey, false, b, err); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// authorityIdentifier names the key of an authority.
type authorityIdentifier struct {
	Key []byte `asn1:"tag:0"`
}

type basicConstraints struct {
	CA   bool `asn1:"optional"`
	Path int  `asn1:"optional,default:-1"`
}

// usageBits are the bits of names, without zeros at the end.
func usageBits(names []string) asn1.BitString {
	var b [2]byte
	last := 0
	for i, n := range usageNames {
		if slices.Contains(names, n[0]) {
			b[i/8] |= 0x80 >> (i % 8)
			last = i + 1
		}
	}
	return asn1.BitString{Bytes: b[:(last+7)/8], BitLength: last}
}

// decodeExtensions reads the extensions of a request.
func decodeExtensions(list []pkix.Extension) (*extensions, error) {
	e := &extensions{path: -1}
	for _, x := range list {
		var err error
		switch x.Id.String() {
		case oidAltName:
			e.altCritical = x.Critical
			e.altNames, err = altNames(x.Value)
		case oidKeyUsage:
			e.usageCritical = x.Critical
			var bits asn1.BitString
			if _, err = asn1.Unmarshal(x.Value, &bits); err == nil {
				for i, n := range usageNames {
					if bits.At(i) == 1 {
						e.usage = append(e.usage, n[0])
					}
				}
			}
		case oidPurpose:
			e.purposeCritical = x.Critical
			var oids []asn1.ObjectIdentifier
			_, err = asn1.Unmarshal(x.Value, &oids)
			for _, o := range oids {
				e.purposes = append(e.purposes, o.String())
			}
		case oidConstraints:
			bc := basicConstraints{Path: -1}
			_, err = asn1.Unmarshal(x.Value, &bc)
			e.constraints, e.bcCritical, e.ca, e.path = true, x.Critical, bc.CA, bc.Path
		case oidFeature:
			if !bytes.Equal(x.Value, mustStaple) {
				return nil, &module.NotNative{Reason: "TLS features of the request"}
			}
			e.staple, e.stapleCritical = true, x.Critical
		case oidSubjectKey:
			if x.Critical {
				return nil, &module.NotNative{Reason: "a critical key identifier"}
			}
			_, err = asn1.Unmarshal(x.Value, &e.subjectKey)
		case oidAuthorityKey:
			if x.Critical {
				return nil, &module.NotNative{Reason: "a critical key identifier"}
			}
			var id authorityIdentifier
			_, err = asn1.Unmarshal(x.Value, &id)
			if again, merr := asn1.Marshal(id); err == nil && (merr != nil || !bytes.Equal(again, x.Value)) { // there is more in it
				return nil, &module.NotNative{Reason: "the form of the authority's key"}
			}
			e.authorityKey = id.Key
		default:
			return nil, &module.NotNative{Reason: "the extension " + x.Id.String() + " of the request"}
		}
		if err != nil {
			return nil, &module.NotNative{Reason: "the form of the extension " + x.Id.String()}
		}
	}
	return e, nil
}

// keyIdentifier is the usual sum over a public key.
func keyIdentifier(half []byte) ([]byte, error) {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(half, &info); err != nil {
		return nil, err
	}
	sum := sha1.Sum(info.Key.Bytes) //nolint:gosec // what RFC 5280 says
	return sum[:], nil
}

// request is a certificate signing request that was read.
type request struct {
	*x509.CertificateRequest
	subject    []attribute
	extensions *extensions
}

// parseRequest reads a request; nil is none that could be read.
func parseRequest(data []byte) (*request, error) {
	block, _ := pem.Decode(data)
	if block == nil || block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" {
		return nil, nil
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, &module.NotNative{Reason: "the request in the file: " + err.Error()}
	}
	if csr.SignatureAlgorithm == x509.UnknownSignatureAlgorithm || csr.SignatureAlgorithm == x509.MD5WithRSA || csr.PublicKey == nil {
		return nil, &module.NotNative{Reason: "the algorithms of the request"}
	}
	r := &request{CertificateRequest: csr}
	if r.subject, err = decodeSubject(csr.RawSubject); err != nil {
		return nil, err
	}
	r.extensions, err = decodeExtensions(csr.Extensions)
	return r, err
}

// info is what a diff says about a request.
func (r *request) info() (map[string]any, error) {
	out, err := describeSigned(r.subject, r.extensions, r.Extensions, r.PublicKey)
	if err != nil {
		return nil, err
	}
	out["can_parse_csr"], out["signature_valid"] = true, r.CheckSignature() == nil
	out["name_constraints_permitted"], out["name_constraints_excluded"], out["name_constraints_critical"] = nil, nil, false
	return out, nil
}

// shownSubject is a subject as results show it: by names, and in its order.
func shownSubject(list []attribute) (subject map[string]any, ordered []any, err error) {
	subject, ordered = map[string]any{}, []any{}
	for _, a := range list {
		name, err := nameOf(subjectNames, a.oid)
		if err != nil {
			return nil, nil, err
		}
		subject[name] = a.value
		ordered = append(ordered, []any{name, a.value})
	}
	return subject, ordered, nil
}

// describeSigned is what results say about requests and certificates alike.
func describeSigned(names []attribute, e *extensions, raw []pkix.Extension, key crypto.PublicKey) (map[string]any, error) {
	subject, ordered, err := shownSubject(names)
	if err != nil {
		return nil, err
	}
	out := map[string]any{
		"subject": subject, "subject_ordered": ordered,
		"subject_alt_name": nil, "subject_alt_name_critical": e.altCritical, "key_usage": nil, "key_usage_critical": e.usageCritical,
		"extended_key_usage": nil, "extended_key_usage_critical": e.purposeCritical, "basic_constraints": nil, "basic_constraints_critical": e.bcCritical,
		"ocsp_must_staple": nil, "ocsp_must_staple_critical": e.stapleCritical,
		"subject_key_identifier": nil, "authority_key_identifier": nil, "authority_cert_issuer": nil, "authority_cert_serial_number": nil,
	}
	if e.altNames != nil {
		out["subject_alt_name"] = e.altNames
	}
	if e.usage != nil {
		out["key_usage"] = slices.Sorted(slices.Values(e.usage))
	}
	if e.purposes != nil {
		var names []string
		for _, p := range e.purposes {
			name, err := nameOf(purposeNames, p)
			if err != nil {
				return nil, err
			}
			names = append(names, name)
		}
		slices.Sort(names)
		out["extended_key_usage"] = names
	}
	if e.constraints {
		list := []string{"CA:" + strings.ToUpper(strconv.FormatBool(e.ca))}
		if e.path >= 0 {
			list = append(list, "pathlen:"+strconv.Itoa(e.path))
		}
		out["basic_constraints"] = list
	}
	if e.staple {
		out["ocsp_must_staple"] = true
	}
	if e.subjectKey != nil {
		out["subject_key_identifier"] = colons(e.subjectKey)
	}
	if e.authorityKey != nil {
		out["authority_key_identifier"] = colons(e.authorityKey)
	}
	byOID := map[string]any{}
	for _, x := range raw {
		byOID[x.Id.String()] = map[string]any{"critical": x.Critical, "value": base64.StdEncoding.EncodeToString(x.Value)}
	}
	out["extensions_by_oid"] = byOID
	half, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	kind, numbers := describePublic(key)
	out["public_key"] = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: half}))
	out["public_key_type"], out["public_key_data"] = kind, numbers
	out["public_key_fingerprints"] = map[string]any{"sha256": fingerprints(half)["sha256"]}
	return out, nil
}

// basicOf reads the option basic_constraints.
func basicOf(list []string) (ca bool, path int, err error) {
	path = -1
	for _, c := range list {
		kind, value, _ := strings.Cut(c, ":")
		switch kind {
		case "CA":
			if value != "TRUE" && value != "FALSE" {
				return false, 0, module.Fail(`Unknown basic constraint value "`+value+`" for CA`, nil)
			}
			ca = value == "TRUE"
		case "pathlen":
			n, ok := new(big.Int).SetString(strings.TrimSpace(value), 10)
			if !ok {
				return false, 0, module.Fail(`Cannot parse path length constraint "`+value+`" (invalid literal for int() with base 10: `+module.Quote(value)+`)`, nil)
			}
			if !n.IsInt64() || n.Sign() < 0 || n.Int64() > 1<<30 {
				return false, 0, &module.NotNative{Reason: "the path length " + value}
			}
			path = int(n.Int64())
		default:
			return false, 0, module.Fail(`Unknown basic constraint "`+c+`"`, nil)
		}
	}
	return ca, path, nil
}
