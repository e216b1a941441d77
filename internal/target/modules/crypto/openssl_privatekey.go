package crypto

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/pem"

	"github.com/troupe-automation/troupe/module"
)

// opensslPrivatekey has the options of community.crypto 2. Keys with a passphrase, and of types that Go's library does not have, are
// left to the collection's own module.
var opensslPrivatekey = &module.Module{
	Name: "community.crypto.openssl_privatekey",
	Doc:  "Generates private keys of OpenSSL.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "cipher"},
			{Name: "curve", Choices: []any{
				"secp224r1", "secp256k1", "secp256r1", "secp384r1", "secp521r1", "secp192r1", "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1",
				"sect163k1", "sect163r2", "sect233k1", "sect233r1", "sect283k1", "sect283r1", "sect409k1", "sect409r1", "sect571k1", "sect571r1",
			}},
			{Name: "force", Type: module.TypeBool, Default: false},
			{Name: "format", Default: "auto_ignore", Choices: []any{"pkcs1", "pkcs8", "raw", "auto", "auto_ignore"}},
			{Name: "format_mismatch", Default: "regenerate", Choices: []any{"regenerate", "convert"}},
			{Name: "passphrase", NoLog: true},
			{Name: "path", Type: module.TypePath, Required: true},
			{Name: "regenerate", Default: "full_idempotence", Choices: []any{"never", "fail", "partial_idempotence", "full_idempotence", "always"}},
			{Name: "return_content", Type: module.TypeBool, Default: false},
			{Name: "select_crypto_backend", Default: "auto", Choices: []any{"auto", "cryptography"}},
			{Name: "size", Type: module.TypeInt, Default: int64(4096)},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}},
			{Name: "type", Default: "RSA", Choices: []any{"DSA", "ECC", "Ed25519", "Ed448", "RSA", "X25519", "X448"}},
		},
		Rules: module.Rules{
			RequiredTogether: [][]string{{"cipher", "passphrase"}},
			RequiredIf:       []module.RequiredIf{{Key: "type", Value: "ECC", Needs: []string{"curve"}}},
		},
		FileArgs:  true,
		CheckMode: true,
	},
	Run: runOpensslPrivatekey,
}

func runOpensslPrivatekey(ctx context.Context, c *module.Call) (module.Result, error) {
	path := c.Str("path")
	if err := checkDirectory(path); err != nil {
		return nil, err
	}
	k := &privateKey{Call: c, path: path, kind: c.Str("type"), size: int(c.Int("size"))}
	if err := k.native(); err != nil {
		return nil, err
	}
	if !c.Has("mode") {
		c.Args["mode"] = "0600"
	}
	var err error
	if k.data, err = load(path); err != nil {
		return nil, err
	}
	if k.key, err = parseKey(k.data, k.kind); err != nil {
		return nil, err
	}
	r := module.Result{"type": k.kind, "size": k.size, "filename": path, "fingerprint": nil}
	if k.kind == "ECC" {
		r["curve"] = c.Str("curve")
	}
	before := keyInfo(k.data)
	if c.Str("state") == "absent" {
		return k.absent(r)
	}
	changed, err := k.present(ctx, r)
	if err != nil {
		return nil, err
	}
	if r["changed"], err = attributes(ctx, c, path, changed); err != nil {
		return nil, err
	}
	if k.key != nil {
		half, err := public(k.key)
		if err != nil {
			return nil, err
		}
		r["fingerprint"] = fingerprints(half)
	}
	r["diff"] = map[string]any{"before": before, "after": keyInfo(k.data)}
	if c.Bool("return_content") {
		r["privatekey"] = content(k.data)
	}
	return r, nil
}

// privateKey is the key that a call is about, as the file has it and later as it has become.
type privateKey struct {
	*module.Call
	path, kind string
	size       int
	data       []byte            // of the file; nil when there is none
	key        crypto.PrivateKey // nil when nothing could be read
}

// native reports what cannot be done here.
func (k *privateKey) native() error {
	switch {
	case k.Str("passphrase") != "" || k.Has("passphrase"):
		return &module.NotNative{Reason: "a passphrase"}
	case k.kind == "RSA" && k.size < 1024:
		return &module.NotNative{Reason: "keys as short as that"}
	case k.kind == "ECC" && curves[k.Str("curve")] == nil:
		return &module.NotNative{Reason: "the curve " + k.Str("curve")}
	case k.kind == "DSA" || k.kind == "Ed448" || k.kind == "X448":
		return &module.NotNative{Reason: "keys of type " + k.kind}
	}
	return nil
}

// content is a key's file in a result.
func content(data []byte) any {
	switch {
	case len(data) == 0:
		return nil
	case formatOf(data) == "raw":
		return base64.StdEncoding.EncodeToString(data)
	}
	return string(data)
}

// keyInfo is what a diff says about a file.
func keyInfo(data []byte) map[string]any {
	if data == nil {
		return map[string]any{}
	}
	key, err := pemKey(data)
	if err != nil || key == nil {
		return map[string]any{"can_parse_key": false, "key_is_consistent": nil}
	}
	half, err := public(key)
	if err != nil {
		return map[string]any{"can_parse_key": false, "key_is_consistent": nil}
	}
	kind, numbers := describe(key)
	return map[string]any{
		"can_parse_key": true, "key_is_consistent": nil, "type": kind, "public_data": numbers,
		"public_key":              string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: half})),
		"public_key_fingerprints": map[string]any{"sha256": fingerprints(half)["sha256"]},
	}
}

func (k *privateKey) absent(r module.Result) (module.Result, error) {
	if !k.Check {
		if err := backup(k.Call, k.path, r); err != nil {
			return nil, err
		}
	}
	changed, err := remove(k.Call, k.path)
	r["changed"], r["diff"] = changed, map[string]any{"before": map[string]any{}, "after": map[string]any{}}
	if k.Bool("return_content") {
		r["privatekey"] = nil
	}
	return r, err
}

// wantedFormat is the format for a new file.
func (k *privateKey) wantedFormat() string {
	switch f := k.Str("format"); {
	case f != "auto" && f != "auto_ignore":
		return f
	case k.kind == "X25519" || k.kind == "Ed25519":
		return "pkcs8"
	}
	return "pkcs1"
}

func (k *privateKey) formatFits() bool {
	return k.Str("format") == "auto_ignore" || formatOf(k.data) == k.wantedFormat()
}

func (k *privateKey) kindFits() bool {
	kind, numbers := describe(k.key)
	switch kind {
	case "RSA":
		return k.kind == kind && numbers["size"] == k.size
	case "ECC":
		return k.kind == kind && numbers["curve"] == k.Str("curve")
	}
	return k.kind == kind
}

// unfit says whether there must be another key, or why the call does not allow it.
func (k *privateKey) unfit() (bool, error) {
	mode := k.Str("regenerate")
	if k.Bool("force") {
		mode = "always"
	}
	const hint = " Will not proceed. To force regeneration, call the module with `generate` set to "
	switch {
	case mode == "always" || k.data == nil:
		return true, nil
	case k.key == nil:
		if mode == "full_idempotence" {
			return true, nil
		}
		return false, module.Fail("Unable to read the key. The key is protected with a another passphrase / no passphrase or broken."+hint+"`full_idempotence` or `always`, or with `force=true`.", nil)
	case mode == "never":
		return false, nil
	case !k.kindFits():
		if mode != "fail" {
			return true, nil
		}
		return false, module.Fail("Key has wrong type and/or size."+hint+"`partial_idempotence`, `full_idempotence` or `always`, or with `force=true`.", nil)
	case k.Str("format_mismatch") == "regenerate" && !k.formatFits():
		if mode != "fail" {
			return true, nil
		}
		return false, module.Fail("Key has wrong format."+hint+"`partial_idempotence`, `full_idempotence` or `always`, or with `force=true`. To convert the key, set `format_mismatch` to `convert`.", nil)
	}
	return false, nil
}

func (k *privateKey) present(ctx context.Context, r module.Result) (bool, error) {
	another, err := k.unfit()
	if err != nil {
		return false, err
	}
	convert := !another && k.Str("format_mismatch") == "convert" && !k.formatFits()
	if !another && !convert || k.Check {
		return another || convert, nil
	}
	if err := backup(k.Call, k.path, r); err != nil {
		return false, err
	}
	key := k.key
	if another {
		if key, err = generate(k.kind, k.size, k.Str("curve")); err != nil {
			return false, err
		}
	}
	data, ok := encode(key, k.wantedFormat())
	if !ok {
		return false, module.Fail(`Cryptography backend cannot serialize the private key in the required format "`+k.Str("format")+`"`, nil)
	}
	if err := store(ctx, k.Call, k.path, data); err != nil {
		return false, module.Fail("Error while writing result: "+err.Error(), nil)
	}
	k.key, k.data = key, data
	return true, nil
}
