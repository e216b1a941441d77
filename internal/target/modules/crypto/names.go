package crypto

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"net/netip"
	"strings"

	"github.com/troupe-automation/troupe/module"
)

// attribute is a part of a subject.
type attribute struct {
	oid, value string
}

// subjectNames are the names of parts of subjects, the one that results show first. Those of others are the business of the
// collection's module.
var subjectNames = map[string][]string{
	"2.5.4.6": {"countryName", "C"}, "2.5.4.8": {"stateOrProvinceName", "ST"}, "2.5.4.7": {"localityName", "L"},
	"2.5.4.10": {"organizationName", "O"}, "2.5.4.11": {"organizationalUnitName", "OU"}, "2.5.4.3": {"commonName", "CN"},
	"1.2.840.113549.1.9.1": {"emailAddress"}, "2.5.4.5": {"serialNumber"}, "2.5.4.4": {"surname", "SN"}, "2.5.4.42": {"givenName", "GN"},
	"2.5.4.12": {"title"}, "0.9.2342.19200300.100.1.25": {"domainComponent", "DC"}, "0.9.2342.19200300.100.1.1": {"userId", "UID", "userID"},
	"2.5.4.9": {"streetAddress", "street"}, "2.5.4.17": {"postalCode"},
}

// purposeNames are those of extended key usages.
var purposeNames = map[string][]string{
	"1.3.6.1.5.5.7.3.1": {"TLS Web Server Authentication", "serverAuth"}, "1.3.6.1.5.5.7.3.2": {"TLS Web Client Authentication", "clientAuth"},
	"1.3.6.1.5.5.7.3.3": {"Code Signing", "codeSigning"}, "1.3.6.1.5.5.7.3.4": {"E-mail Protection", "emailProtection"},
	"1.3.6.1.5.5.7.3.8": {"Time Stamping", "timeStamping"}, "1.3.6.1.5.5.7.3.9": {"OCSP Signing", "OCSPSigning"},
	"2.5.29.37.0": {"Any Extended Key Usage", "anyExtendedKeyUsage"},
}

// numberOf is the number of a named object.
func numberOf(names map[string][]string, name string) (string, error) {
	for oid, list := range names {
		for _, n := range list {
			if n == name {
				return oid, nil
			}
		}
	}
	return "", &module.NotNative{Reason: "the name " + name}
}

// nameOf is the name of a number that results show.
func nameOf(names map[string][]string, oid string) (string, error) {
	if list := names[oid]; list != nil {
		return list[0], nil
	}
	return "", &module.NotNative{Reason: "the object " + oid}
}

// parseOID reads 1.2.3.
func parseOID(text string) asn1.ObjectIdentifier {
	var oid asn1.ObjectIdentifier
	for part := range strings.SplitSeq(text, ".") {
		n := 0
		for _, r := range part {
			n = n*10 + int(r-'0')
		}
		oid = append(oid, n)
	}
	return oid
}

// Kinds of texts in ASN.1, and which parts of a subject have another than UTF-8.
const (
	utf8Text, printableText, ia5Text = asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String
)

var textKinds = map[string]int{
	"2.5.4.6": printableText, "2.5.4.5": printableText, "1.2.840.113549.1.9.1": ia5Text, "0.9.2342.19200300.100.1.25": ia5Text,
}

// encodeSubject is a subject with each part in a set of its own.
func encodeSubject(subject []attribute) ([]byte, error) {
	type part struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}
	type set []part
	sets := []asn1.RawValue{}
	for _, a := range subject {
		if a.oid == "2.5.4.6" && len([]rune(a.value)) != 2 {
			return nil, module.Fail("Country name must be a 2 character country code", nil)
		}
		kind := textKinds[a.oid]
		if kind == 0 {
			kind = utf8Text
		}
		if kind != utf8Text && !isASCII(a.value) {
			return nil, &module.NotNative{Reason: "the characters of " + a.value}
		}
		b, err := asn1.MarshalWithParams(set{{parseOID(a.oid), asn1.RawValue{Tag: kind, Bytes: []byte(a.value)}}}, "set")
		if err != nil {
			return nil, err
		}
		sets = append(sets, asn1.RawValue{FullBytes: b})
	}
	return asn1.Marshal(sets)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 126 })
}

// decodeSubject reads a subject.
func decodeSubject(raw []byte) ([]attribute, error) {
	var sequence pkix.RDNSequence
	if rest, err := asn1.Unmarshal(raw, &sequence); err != nil || len(rest) > 0 {
		return nil, &module.NotNative{Reason: "the form of the subject"}
	}
	var subject []attribute
	for _, set := range sequence {
		text, ok := set[0].Value.(string)
		if len(set) != 1 || !ok {
			return nil, &module.NotNative{Reason: "the form of the subject"}
		}
		oid := set[0].Type.String()
		if _, err := nameOf(subjectNames, oid); err != nil {
			return nil, err
		}
		subject = append(subject, attribute{oid, text})
	}
	return subject, nil
}

// altName reads a name as options have it, KIND:VALUE, and returns its encoding and how results show it.
func altName(name string) (raw asn1.RawValue, shown string, err error) {
	kind, value, _ := strings.Cut(name, ":")
	other := &module.NotNative{Reason: "the name " + name}
	if !isASCII(value) || value == "" {
		return raw, "", other
	}
	implicit := func(tag int, b []byte) asn1.RawValue {
		return asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: b}
	}
	switch kind {
	case "DNS":
		return implicit(2, []byte(value)), name, nil
	case "email":
		if strings.Count(value, "@") != 1 || strings.ContainsAny(value, " <>\"(),;:") {
			return raw, "", other
		}
		return implicit(1, []byte(value)), name, nil
	case "URI":
		_, rest, ok := strings.Cut(value, "://")
		host, _, _ := strings.Cut(rest, "/")
		if !ok || host == "" || strings.ToLower(host) != host || strings.ContainsAny(host, "[]@") || strings.ContainsAny(value, " ?#;") {
			return raw, "", other
		}
		return implicit(6, []byte(value)), name, nil
	case "IP":
		ip, err := netip.ParseAddr(value)
		if err != nil || ip.Zone() != "" || ip.Is4In6() {
			return raw, "", other
		}
		return implicit(7, ip.AsSlice()), "IP:" + ip.String(), nil
	}
	return raw, "", other
}

// altNames reads names of an extension.
func altNames(raw []byte) ([]string, error) {
	var list []asn1.RawValue
	if rest, err := asn1.Unmarshal(raw, &list); err != nil || len(rest) > 0 {
		return nil, &module.NotNative{Reason: "the form of the alternative names"}
	}
	var names []string
	for _, v := range list {
		kind := map[int]string{1: "email", 2: "DNS", 6: "URI", 7: "IP"}[v.Tag]
		value := string(v.Bytes)
		if ip, ok := netip.AddrFromSlice(v.Bytes); kind == "IP" && ok {
			value = ip.String()
		} else if kind == "IP" || kind == "" || !isASCII(value) {
			return nil, &module.NotNative{Reason: "the kind of an alternative name"}
		}
		names = append(names, kind+":"+value)
	}
	return names, nil
}
