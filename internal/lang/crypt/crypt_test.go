package crypt

import (
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestRecorded compares with what crypt(3) of glibc and libxcrypt gave.
func TestRecorded(t *testing.T) {
	b, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var records [][3]string
	if err := json.Unmarshal(b, &records); err != nil {
		t.Fatal(err)
	}
	if len(records) < 20 {
		t.Fatalf("only %d records", len(records))
	}
	for _, r := range records {
		password, want := []byte(r[0]), r[2]
		f := strings.Split(r[1], "$")
		rounds, salt := DefaultRounds, f[2]
		if n, ok := strings.CutPrefix(f[2], "rounds="); ok {
			rounds, _ = strconv.Atoi(n)
			salt = f[3]
		}
		got := ""
		switch f[1] {
		case "1":
			got = MD5(password, salt)
		case "5":
			got = SHA256(password, salt, rounds)
		case "6":
			got = SHA512(password, salt, rounds)
		case "2b":
			got, _ = Bcrypt(password, f[3], "2b", 4)
		}
		if got != want {
			t.Errorf("%q with %s\n got  %s\n want %s", r[0], r[1], got, want)
		}
	}
}
