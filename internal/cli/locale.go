package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
)

// checkLocale refuses what Ansible refuses: a locale that the system does not have, and one of another encoding than UTF-8, in which
// names of files and output would be misread. Troupe itself is in UTF-8 always: C and POSIX, and a locale that says that it is in
// UTF-8 but is not installed, do no harm.
func checkLocale(ctx context.Context, getenv func(string) string) error {
	name, needed := getenv("LC_ALL"), true
	if name == "" {
		name, needed = getenv("LC_CTYPE"), false
	}
	if name == "" {
		name, needed = getenv("LANG"), true
	}
	_, encoding, _ := strings.Cut(name, ".")
	encoding, _, _ = strings.Cut(encoding, "@")
	switch strings.ToLower(encoding) {
	case "utf-8", "utf8":
		return nil
	}
	if name == "" || name == "C" || name == "POSIX" {
		return nil
	}
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "locale", "charmap")
	cmd.Env = append(os.Environ(), "LC_ALL="+name)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if cmd.Run() != nil {
		return nil // nobody here knows
	}
	if errs.Len() > 0 {
		if needed { // Python does without LC_CTYPE
			return errors.New("ERROR: Ansible could not initialize the preferred locale: unsupported locale setting")
		}
		return nil
	}
	if found := strings.TrimSpace(out.String()); !strings.EqualFold(found, "UTF-8") {
		return errors.New("ERROR: Ansible requires the locale encoding to be UTF-8; Detected " + strings.Replace(found, "ISO-", "ISO", 1) + ".")
	}
	return nil
}
