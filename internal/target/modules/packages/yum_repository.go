package packages

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

var yumRepository = &module.Module{
	Name: "ansible.builtin.yum_repository",
	Doc:  "Adds and removes repositories of yum and dnf.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "async", Type: module.TypeBool},
			{Name: "bandwidth"},
			{Name: "baseurl", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "cost"},
			{Name: "countme", Type: module.TypeBool},
			{Name: "deltarpm_metadata_percentage"},
			{Name: "deltarpm_percentage"},
			{Name: "description"},
			{Name: "enabled", Type: module.TypeBool},
			{Name: "enablegroups", Type: module.TypeBool},
			{Name: "exclude", Type: module.TypeList, Elements: module.TypeStr, Aliases: []string{"excludepkgs"}},
			{Name: "failovermethod", Choices: []any{"roundrobin", "priority"}},
			{Name: "file"},
			{Name: "gpgcakey"},
			{Name: "gpgcheck", Type: module.TypeBool},
			{Name: "gpgkey", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "http_caching", Choices: []any{"all", "packages", "none"}},
			{Name: "include"},
			{Name: "includepkgs", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "ip_resolve", Choices: []any{"4", "6", "IPv4", "IPv6", "whatever"}},
			{Name: "keepalive", Type: module.TypeBool},
			{Name: "keepcache", Choices: []any{"0", "1"}},
			{Name: "metadata_expire"},
			{Name: "metadata_expire_filter", Choices: []any{"never", "read-only:past", "read-only:present", "read-only:future"}},
			{Name: "metalink"},
			{Name: "mirrorlist"},
			{Name: "mirrorlist_expire"},
			{Name: "module_hotfixes", Type: module.TypeBool},
			{Name: "name", Required: true},
			{Name: "password", NoLog: true},
			{Name: "priority"},
			{Name: "protect", Type: module.TypeBool},
			{Name: "proxy"},
			{Name: "proxy_password", NoLog: true},
			{Name: "proxy_username"},
			{Name: "repo_gpgcheck", Type: module.TypeBool},
			{Name: "reposdir", Type: module.TypePath, Default: "/etc/yum.repos.d"},
			{Name: "retries"},
			{Name: "s3_enabled", Type: module.TypeBool},
			{Name: "skip_if_unavailable", Type: module.TypeBool},
			{Name: "ssl_check_cert_permissions", Type: module.TypeBool},
			{Name: "sslcacert", Aliases: []string{"ca_cert"}},
			{Name: "sslclientcert", Aliases: []string{"client_cert"}},
			{Name: "sslclientkey", Aliases: []string{"client_key"}},
			{Name: "sslverify", Type: module.TypeBool, Aliases: []string{"validate_certs"}},
			{Name: "state", Default: "present", Choices: []any{"present", "absent"}},
			{Name: "throttle"},
			{Name: "timeout"},
			{Name: "ui_repoid_vars"},
			{Name: "username"},
		},
		Rules: module.Rules{RequiredIf: []module.RequiredIf{
			{Key: "state", Value: "present", Needs: []string{"baseurl", "mirrorlist", "metalink"}, OneOf: true},
			{Key: "state", Value: "present", Needs: []string{"description"}},
		}},
		FileArgs:  true,
		CheckMode: true,
	},
	Run: runYumRepository,
}

// repoFile is the text of a .repo file as sections in order.
type repoFile struct{ sections []*repoSection }

type repoSection struct {
	name string
	keys []repoKey
}

type repoKey struct{ name, value string }

func runYumRepository(ctx context.Context, c *module.Call) (module.Result, error) {
	dir, repo, state := c.Str("reposdir"), c.Str("name"), c.Str("state")
	name := c.Str("file")
	if name == "" {
		name = repo
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, module.Fail("Repo directory '"+dir+"' does not exist.", nil)
	}
	path := filepath.Join(dir, name+".repo")
	data, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return nil, module.Fail(hostos.Errno(err), nil)
	}
	file, err := parseRepoFile(string(data))
	if err != nil {
		return nil, module.Fail(path+": "+err.Error(), nil)
	}
	before := file.text("")
	file.drop(repo)
	if state == "present" {
		file.sections = append(file.sections, &repoSection{repo, repoKeys(c)})
	}
	after := file.text("")
	r := module.Result{
		"repo": repo, "state": state, "changed": sortedSections(before) != sortedSections(after),
		"diff": map[string]any{"before_header": path, "before": before, "after_header": path, "after": after},
	}
	if r["changed"] == true && !c.Check {
		if len(file.sections) == 0 {
			err = os.Remove(path)
		} else {
			err = hostos.WriteFile(path, []byte(file.text("\t")), c.Bool("unsafe_writes"))
		}
		if err != nil {
			return nil, module.Fail(hostos.Errno(err), nil)
		}
	}
	if _, err := os.Stat(path); err == nil {
		attrs, err := hostos.AttrsOf(c).Apply(ctx, path, c.Check, nil)
		if err != nil {
			return nil, err
		}
		r["changed"] = r["changed"] == true || attrs
	}
	return r, nil
}

// sortedSections makes texts comparable: the order of sections says nothing.
func sortedSections(text string) string {
	parts := strings.Split(text, "\n\n")
	slices.Sort(parts)
	return strings.Join(parts, "\n\n")
}

// notKeys are options that are not written to the file.
var notKeys = []string{"reposdir", "file", "state", "name", "description", "mode", "owner", "group", "seuser", "serole", "setype", "selevel", "attributes", "unsafe_writes"}

// repoKeys are the section's lines in order; the description is called name there.
func repoKeys(c *module.Call) []repoKey {
	keys := []repoKey{{"name", c.Str("description")}}
	for option, v := range c.Args {
		if v == nil || slices.Contains(notKeys, option) {
			continue
		}
		text := ""
		switch v := v.(type) {
		case bool:
			text = map[bool]string{true: "1", false: "0"}[v]
		case []any:
			separator := " "
			if option == "baseurl" || option == "gpgkey" {
				separator = "\n"
			}
			words := make([]string, len(v))
			for i, w := range v {
				words[i] = module.Text(w)
			}
			text = strings.Join(words, separator)
		default:
			text = module.Text(v)
		}
		keys = append(keys, repoKey{option, text})
	}
	slices.SortFunc(keys, func(a, b repoKey) int { return strings.Compare(a.name, b.name) })
	return keys
}

func (f *repoFile) drop(name string) {
	f.sections = slices.DeleteFunc(f.sections, func(s *repoSection) bool { return s.name == name })
}

// text writes the file. indent begins the further lines of a value.
func (f *repoFile) text(indent string) string {
	var b strings.Builder
	for _, s := range f.sections {
		b.WriteString("[" + s.name + "]\n")
		for _, k := range slices.SortedFunc(slices.Values(s.keys), func(a, b repoKey) int { return strings.Compare(a.name, b.name) }) {
			b.WriteString(k.name + " = " + strings.ReplaceAll(k.value, "\n", "\n"+indent) + "\n")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// parseRepoFile reads a file as Python's configparser does.
func parseRepoFile(text string) (*repoFile, error) {
	f := &repoFile{}
	var section *repoSection
	inValue := false
	for number, line := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n") {
		bare := strings.TrimSpace(line)
		switch {
		case bare == "" || bare[0] == '#' || bare[0] == ';':
			continue
		case inValue && (line[0] == ' ' || line[0] == '\t'):
			k := &section.keys[len(section.keys)-1]
			k.value += "\n" + bare
			continue
		case bare[0] == '[' && strings.Contains(bare, "]"):
			section = &repoSection{name: bare[1:strings.LastIndexByte(bare, ']')]}
			f.sections = append(f.sections, section)
			inValue = false
			continue
		}
		at := strings.IndexAny(bare, "=:")
		if section == nil || at <= 0 {
			return nil, &repoError{number + 1, bare, section == nil}
		}
		section.keys = append(section.keys, repoKey{strings.ToLower(strings.TrimSpace(bare[:at])), strings.TrimSpace(bare[at+1:])})
		inValue = true
	}
	return f, nil
}

// repoError is a line that is no setting.
type repoError struct {
	line     int
	text     string
	headless bool
}

func (e *repoError) Error() string {
	if e.headless {
		return "line " + module.Text(int64(e.line)) + " stands before the first [section]: " + module.Quote(e.text)
	}
	return "line " + module.Text(int64(e.line)) + " is no setting: " + module.Quote(e.text)
}
