package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestLocale: answers of the program locale, as glibc's gives them, and what ansible-core 2.18 says of such locales.
func TestLocale(t *testing.T) {
	bin := t.TempDir()
	program := `#!/bin/sh
case $LC_ALL in
de_DE) echo ISO-8859-1 ;;
de_DE@euro) echo ISO-8859-15 ;;
ja_JP.eucJP) echo EUC-JP ;;
hi_IN) echo UTF-8 ;;
*) echo "locale: Cannot set LC_ALL to default locale: No such file or directory" >&2; echo ANSI_X3.4-1968 ;;
esac
`
	if err := os.WriteFile(filepath.Join(bin, "locale"), []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("/bin/sh"); err != nil {
		t.Skip("no /bin/sh on this machine")
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	const unsupported = "ERROR: Ansible could not initialize the preferred locale: unsupported locale setting"
	const other = "ERROR: Ansible requires the locale encoding to be UTF-8; Detected "
	for _, c := range []struct {
		all, ctype, lang, want string
	}{
		{},
		{all: "en_US.UTF-8"},
		{all: "en_US.utf8@euro"},
		{all: "C"},
		{ctype: "POSIX", lang: "ham_sandwich"},
		{all: "not_THERE.UTF-8"},
		{lang: "hi_IN"},
		{all: "ham_sandwich", ctype: "en_US.UTF-8", want: unsupported},
		{lang: "ham_sandwich", want: unsupported},
		{ctype: "ham_sandwich"},
		{all: "de_DE", want: other + "ISO8859-1."},
		{ctype: "de_DE@euro", lang: "en_US.UTF-8", want: other + "ISO8859-15."},
		{lang: "ja_JP.eucJP", want: other + "EUC-JP."},
	} {
		vars := map[string]string{"LC_ALL": c.all, "LC_CTYPE": c.ctype, "LANG": c.lang}
		got := ""
		if err := checkLocale(t.Context(), func(name string) string { return vars[name] }); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%v: %q, want %q", vars, got, c.want)
		}
	}
	t.Setenv("PATH", filepath.Join(bin, "nothing"))
	if err := checkLocale(t.Context(), func(string) string { return "de_DE" }); err != nil {
		t.Errorf("nobody knows: %v", err)
	}
}
