package packages

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

func rpmKey(fetch Fetch) *module.Module {
	return &module.Module{
		Name: "ansible.builtin.rpm_key",
		Doc:  "Adds and removes keys that rpm trusts.",
		Spec: module.Spec{
			Options: []module.Option{
				{Name: "fingerprint", Type: module.TypeList, Elements: module.TypeStr},
				{Name: "key", Required: true},
				{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
				{Name: "validate_certs", Type: module.TypeBool, Default: true},
			},
			CheckMode: true,
		},
		Run: func(ctx context.Context, c *module.Call) (module.Result, error) { return runRPMKey(ctx, c, fetch) },
	}
}

var keyNumber = regexp.MustCompile(`^(?:0[xX])?([0-9a-fA-F]{8,})$`)

func runRPMKey(ctx context.Context, c *module.Call, fetch Fetch) (module.Result, error) {
	run := hostos.RunnerOf(ctx, c)
	rpm, err := run.Need("rpm")
	if err != nil {
		return nil, err
	}
	key, file, id := c.Str("key"), "", ""
	if strings.Contains(key, "://") {
		data, err := fetchKey(ctx, c, key, fetch)
		if err != nil {
			return nil, module.Fail(fmt.Sprintf("failed to fetch key at %s , error was: Request failed: %s", key, err), nil)
		}
		file = filepath.Join(c.TmpDir, "key")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return nil, module.Fail(hostos.Errno(err), nil)
		}
	} else if m := keyNumber.FindStringSubmatch(key); m != nil {
		id = m[1]
	} else if info, err := os.Stat(key); err == nil && info.Mode().IsRegular() {
		file = key
	} else {
		return nil, module.Fail("Not a valid key "+key, nil)
	}
	var prints []string
	if file != "" {
		if id, prints, err = readKey(run, file); err != nil {
			return nil, err
		}
	}
	id = strings.ToLower(id)
	have, err := rpmHas(run, rpm, id)
	if err != nil {
		return nil, err
	}
	r := module.Result{"changed": false}
	switch {
	case c.Str("state") == "absent":
		if have {
			r["changed"] = true
			if !c.Check {
				_, err = run.Must(rpm, "--erase", "--allmatches", "gpg-pubkey-"+id[len(id)-8:])
			}
		}
	case have:
	case file == "":
		return nil, module.Fail("When importing a key, a valid file must be given", nil)
	default:
		if err := checkPrints(c.Strings("fingerprint"), prints); err != nil {
			return nil, err
		}
		r["changed"] = true
		if !c.Check {
			_, err = run.Must(rpm, "--import", file)
		}
	}
	return r, err
}

// readKey gives the number of the first key in a file and the fingerprints of all.
func readKey(run hostos.Runner, file string) (id string, prints []string, err error) {
	gpg := run.Find("gpg")
	if gpg == "" {
		if gpg, err = run.Need("gpg2"); err != nil {
			return "", nil, err
		}
	}
	out, err := run.Run(gpg, "--no-tty", "--batch", "--with-colons", "--fixed-list-mode", "--with-fingerprint", file)
	if err != nil {
		return "", nil, err
	}
	if out.RC != 0 {
		return "", nil, module.Fail(out.Stderr, nil)
	}
	main := false
	for line := range strings.Lines(out.Stdout) {
		f := strings.Split(line, ":")
		switch {
		case f[0] == "pub" && len(f) > 4:
			main = true
			if id == "" {
				id = f[4]
			}
		case f[0] == "sub":
			main = false
		case f[0] == "fpr" && main && len(f) > 9:
			prints = append(prints, f[9])
		}
	}
	if id == "" {
		return "", nil, module.Fail("Unexpected gpg output", nil)
	}
	return id, prints, nil
}

// rpmHas reports whether rpm's database has a key.
func rpmHas(run hostos.Runner, rpm, id string) (bool, error) {
	out, err := run.Run(rpm, "-q", "gpg-pubkey", "--qf", `%{version}\n`)
	if err != nil || out.RC != 0 { // no key at all
		return false, err
	}
	for number := range strings.FieldsSeq(out.Stdout) {
		number = strings.ToLower(number)
		if strings.HasSuffix(id, number) || strings.HasSuffix(number, id) {
			return true, nil
		}
	}
	return false, nil
}

func checkPrints(wanted, have []string) error {
	if len(wanted) == 0 {
		return nil
	}
	plain := make([]string, len(wanted))
	for i, w := range wanted {
		plain[i] = strings.ToUpper(strings.ReplaceAll(w, " ", ""))
		if slices.Contains(have, plain[i]) {
			return nil
		}
	}
	set := func(list []string) string {
		quoted := make([]string, len(list))
		for i, e := range list {
			quoted[i] = module.Quote(e)
		}
		return "{" + strings.Join(quoted, ", ") + "}"
	}
	return module.Fail(fmt.Sprintf("The specified fingerprint, '%s', does not match any key fingerprints in '%s'", set(plain), set(have)), nil)
}
