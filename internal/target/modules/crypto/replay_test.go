package crypto

import (
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
)

func TestOpensslPrivatekey(t *testing.T) {
	moduletest.Replay(t, All, "testdata/openssl_privatekey.json")
}

func TestOpensslCSR(t *testing.T) {
	moduletest.Replay(t, All, "testdata/openssl_csr.json")
}

func TestX509Certificate(t *testing.T) {
	moduletest.Replay(t, All, "testdata/x509_certificate.json")
}
