package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/vault"
)

// Made by ansible-core 2.18 with fixed salts.
const (
	hello11 = `$ANSIBLE_VAULT;1.1;AES256
36313631363136313631363136313631363136313631363136313631363136313631363136313631
3631363136313631363136313631363136313631363136310a396239636565633566633162643132
62303365366632386465353434303235623032623461626333346566636461306137636237396362
6334613336303538300a386465623663363638336662306335626333393939363332393533323839
3565
`
	hello12 = `$ANSIBLE_VAULT;1.2;AES256;dev
36323632363236323632363236323632363236323632363236323632363236323632363236323632
3632363236323632363236323632363236323632363236320a656266613937313766303938323561
34303839303239623130326635656566613364643439383139643865616331323965646162613062
6362633637333134350a633134393530326136343564336538636233326261656132666363373866
3137
`
	empty11 = `$ANSIBLE_VAULT;1.1;AES256
36313631363136313631363136313631363136313631363136313631363136313631363136313631
3631363136313631363136313631363136313631363136310a346533633539313432373062363364
30666332396362646162393939343562316237343366613731623166633462356165393461363835
6265643539666561340a663539653130316166636531313634316439383338633238386632383933
3434
`
)

var (
	pw  = vault.Secret{Label: "default", Password: []byte("pw")}
	dev = vault.Secret{Label: "dev", Password: []byte("dpw")}
)

func TestEncryptIsAnsibles(t *testing.T) {
	for _, c := range []struct {
		name, plain, want string
		secret            vault.Secret
		salt              string
	}{
		{"1.1", "hello\n", hello11, pw, strings.Repeat("a", 32)},
		{"1.2 with a label", "hello\n", hello12, dev, strings.Repeat("b", 32)},
		{"empty text", "", empty11, pw, strings.Repeat("a", 32)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := vault.Encrypt([]byte(c.plain), c.secret, []byte(c.salt))
			if err != nil || string(got) != c.want {
				t.Fatalf("%v\n%s", err, got)
			}
			plain, err := (&vault.Secrets{List: []vault.Secret{c.secret}}).Decrypt(got, "")
			if err != nil || string(plain) != c.plain {
				t.Fatalf("%v %q", err, plain)
			}
		})
	}
}

// The messages are ansible-core 2.18's.
func TestDecryptErrors(t *testing.T) {
	both := &vault.Secrets{List: []vault.Secret{pw, dev}}
	bad := &vault.Secrets{List: []vault.Secret{{Label: "x", Password: []byte("bad")}}}
	for _, c := range []struct {
		name, data, file, want string
		secrets                *vault.Secrets
	}{
		{"no envelope", "foo", "", "input is not vault encrypted data. ", both},
		{"no envelope, with a file", "foo", "F", "input is not vault encrypted data. F is not a vault encrypted file", both},
		{"not hex", "$ANSIBLE_VAULT;1.1;AES256\nzz\n", "", "Vault format unhexlify error: Non-hexadecimal digit found", both},
		{"odd", "$ANSIBLE_VAULT;1.1;AES256\n313\n", "F", "Vault format unhexlify error: Odd-length string", both},
		{"one part", "$ANSIBLE_VAULT;1.1;AES256\n3132\n", "F", "Vault vaulttext format error: not enough values to unpack (expected 3, got 1)", both},
		{"short header", "$ANSIBLE_VAULT;1.1\n", "", "Vault envelope format error: list index out of range", both},
		{"unknown cipher", "$ANSIBLE_VAULT;1.1;AES\n3132\n", "", "AES cipher could not be found", both},
		{"wrong password", hello11, "F", "Decryption failed (no vault secrets were found that could decrypt) on F", bad},
		{"wrong password, no file", hello11, "", "Decryption failed (no vault secrets were found that could decrypt)", bad},
		{"no secrets", hello11, "F", "Attempting to decrypt but no vault secrets found", &vault.Secrets{}},
		{"nil secrets", hello11, "F", "Attempting to decrypt but no vault secrets found", nil},
		{"leading space", " " + hello11, "", "input is not vault encrypted data. ", both},
		{"changed text", hello11[:len(hello11)-3] + "9\n", "", "Vault format unhexlify error: Odd-length string", both},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := c.secrets.Decrypt([]byte(c.data), c.file)
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestDecryptTriesOthersUnlessToldNotTo(t *testing.T) {
	s := &vault.Secrets{List: []vault.Secret{{Label: "other", Password: []byte("dpw")}}}
	if plain, err := s.Decrypt([]byte(hello12), ""); err != nil || string(plain) != "hello\n" {
		t.Errorf("%v %q", err, plain)
	}
	s.MatchOnly = true
	if _, err := s.Decrypt([]byte(hello12), ""); !errors.Is(err, vault.ErrDecrypt) {
		t.Errorf("%v", err)
	}
	if plain, err := s.Decrypt([]byte(strings.ReplaceAll(hello12, "\n", "\r\n")), ""); err == nil {
		t.Errorf("matched %q", plain)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return p
	}
	plain := write("pw", " pw \n", 0o600)
	script := write("s.sh", "#!/bin/sh\necho \"pw $@\"\n", 0o700)
	client := write("x-client.sh", "#!/bin/sh\necho \"pw $@\"\n", 0o700)
	fail := write("fail.sh", "#!/bin/sh\nexit 3\n", 0o700)
	none := write("f-client", "#!/bin/sh\nexit 2\n", 0o700)
	empty := write("empty", "", 0o600)
	for _, c := range []struct{ name, label, file, want, err string }{
		{"file", "", plain, "pw", ""},
		{"script", "lab", script, "pw ", ""},
		{"client script", "lab", client, "pw --vault-id lab", ""},
		{"failing script", "dev", fail, "", "Vault password script " + fail + " returned non-zero (3): None"},
		{"client without a secret", "", none, "", "Vault password client script " + none + " did not find a secret for vault-id=None: b''"},
		{"empty file", "dev", empty, "", "Invalid vault password was provided from file (" + empty + ")"},
		{"directory", "dev", dir, "", "The vault password file provided '" + dir + "' can not be a directory"},
		{"missing", "dev", dir + "/no", "", "The vault password file " + dir + "/no was not found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := vault.Load(context.Background(), c.label, c.file)
			if c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Fatalf("got %v, want %s", err, c.err)
				}
				return
			}
			if err != nil || string(s.Password) != c.want {
				t.Fatalf("got %v %q, want %q", err, s.Password, c.want)
			}
		})
	}
}

func FuzzDecrypt(f *testing.F) {
	f.Add([]byte(hello11))
	f.Add([]byte(hello12))
	f.Add([]byte("$ANSIBLE_VAULT;1.1;AES256\n3132\n"))
	s := &vault.Secrets{List: []vault.Secret{pw}}
	f.Fuzz(func(t *testing.T, data []byte) {
		plain, err := s.Decrypt(data, "")
		if err == nil && plain == nil && !strings.HasPrefix(string(data), "$ANSIBLE_VAULT") {
			t.Error("opened what is no envelope")
		}
	})
}
