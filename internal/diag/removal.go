package diag

import "strings"

// Removal is something that goes away, or went.
type Removal struct {
	Text       string // what, and what to do instead
	Version    string // the release without it, or
	Date       string // the day after which a release comes without it
	Collection string // whose it is; "" is nobody's
}

// Deprecated is Ansible's sentence about what will go. The display adds how such warnings are switched off.
func (r Removal) Deprecated() string { return r.words("This feature will be removed") }

// Removed is Ansible's sentence about what went.
func (r Removal) Removed() string {
	return "[DEPRECATED]: " + r.words("This feature was removed") + " Please update your playbooks."
}

func (r Removal) words(fate string) string {
	text := strings.TrimSpace(r.Text)
	if text != "" && !strings.ContainsAny(text[len(text)-1:], "!?.") {
		text += "."
	}
	if r.Collection != "" {
		fate += " from " + strings.Replace(r.Collection, "ansible.builtin", "ansible-core", 1)
	}
	when := "in a future release."
	switch {
	case r.Date != "":
		when = "in a release after " + r.Date + "."
	case r.Version != "":
		when = "in version " + r.Version + "."
	}
	return strings.TrimPrefix(text+" "+fate+" "+when, " ")
}
