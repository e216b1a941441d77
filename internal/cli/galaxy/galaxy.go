// Package galaxy is `troupe galaxy`, also known as ansible-galaxy: it makes, builds, installs, lists, verifies and publishes
// collections and roles.
//
// Called by internal/cli.
package galaxy

import (
	"context"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/content/galaxy"
	"github.com/troupe-automation/troupe/internal/diag"
)

// action is one subcommand.
type action struct {
	name, summary string
	flags         []argparse.Flag
	args          []string
	run           func(*session) (int, error)
}

var (
	forceFlag   = argparse.Flag{Names: []string{"-f", "--force"}, Dest: "force", Kind: argparse.True, Help: "replace what is there"}
	ignoreFlag  = argparse.Flag{Names: []string{"-i", "--ignore-errors"}, Dest: "ignore_errors", Kind: argparse.True, Help: "go on with the next when one fails"}
	noDepsFlag  = argparse.Flag{Names: []string{"-n", "--no-deps"}, Dest: "no_deps", Kind: argparse.True, Help: "without what it depends on"}
	forceDeps   = argparse.Flag{Names: []string{"--force-with-deps"}, Dest: "force_with_deps", Kind: argparse.True, Help: "replace it and what it depends on"}
	preFlag     = argparse.Flag{Names: []string{"--pre"}, Dest: "allow_pre_release", Kind: argparse.True, Help: "pre-releases too"}
	offlineFlag = argparse.Flag{Names: []string{"--offline"}, Dest: "offline", Kind: argparse.True, Help: "ask no server"}
	initPath    = argparse.Flag{Names: []string{"--init-path"}, Dest: "init_path", Metavar: "DIR", Help: "where to make it (here)"}
	extraVars   = argparse.Flag{Names: []string{"-e", "--extra-vars"}, Dest: "extra_vars", Kind: argparse.Append, Metavar: "VARS", Help: "variables for a skeleton: key=value, YAML or JSON; @file reads a file"}
	rolesPath   = argparse.Flag{Names: []string{"-p", "--roles-path"}, Dest: "roles_path", Kind: argparse.Prepend, Metavar: "DIR", Help: "where roles are"}
	listPath    = argparse.Flag{Names: []string{"-p", "--collections-path"}, Dest: "collections_path", Kind: argparse.Prepend, Metavar: "DIR", Help: "more places with collections"}
	cacheFlags  = []argparse.Flag{
		{Names: []string{"--clear-response-cache"}, Dest: "clear_response_cache", Kind: argparse.True, Help: "forget answers of servers that were kept"},
		{Names: []string{"--no-cache"}, Dest: "no_cache", Kind: argparse.True, Help: "neither use kept answers of servers nor keep them"},
	}
	requirements   = argparse.Flag{Names: []string{"-r", "--requirements-file"}, Dest: "requirements", Metavar: "FILE", Help: "a file that lists collections"}
	signatureFlags = []argparse.Flag{
		{Names: []string{"--keyring"}, Dest: "keyring", Metavar: "FILE", Help: "keyring to check signatures with"},
		{Names: []string{"--signature"}, Dest: "signatures", Kind: argparse.Append, Metavar: "URL", Help: "a further signature"},
		{Names: []string{"--required-valid-signature-count"}, Dest: "required_valid_signature_count", Metavar: "N", Help: "how many signatures must be good: a number or all, with + in front at least one must be there"},
		{Names: []string{"--ignore-signature-status-code", "--ignore-signature-status-codes"}, Dest: "ignore_gpg_errors", Kind: argparse.Append, Choices: galaxy.SignatureCodes, Metavar: "CODE", Help: "a failure of gpg that does not count"},
	}
)

// server are the flags of all subcommands.
func server() []argparse.Flag {
	return []argparse.Flag{
		{Names: []string{"-s", "--server"}, Dest: "api_server", Metavar: "URL", Help: "the Galaxy server: an address, or a name of ansible.cfg"},
		{Names: []string{"--api-version"}, Dest: "api_version", Int: true, Choices: []string{"2", "3"}, Metavar: "N", Help: "accepted; the version is found out"},
		{Names: []string{"--token", "--api-key"}, Dest: "api_key", Metavar: "TOKEN", Help: "token for the server"},
		{Names: []string{"-c", "--ignore-certs"}, Dest: "ignore_certs", Kind: argparse.True, Help: "accept any certificate"},
		{Names: []string{"--timeout"}, Dest: "timeout", Int: true, Metavar: "SECONDS", Help: "how long to wait for the server (60)"},
	}
}

var collectionActions = []action{
	{"download", "downloads collections and what they depend on", slices.Concat(cacheFlags, []argparse.Flag{noDepsFlag, requirements, preFlag,
		{Names: []string{"-p", "--download-path"}, Dest: "download_path", Metavar: "DIR", Help: "where to put the archives (./collections)"}}), []string{"collection*"}, download},
	{"init", "makes the directory of a new collection", []argparse.Flag{forceFlag, initPath, extraVars,
		{Names: []string{"--collection-skeleton"}, Dest: "collection_skeleton", Metavar: "DIR", Help: "a directory to copy"}}, []string{"collection_name"}, initCollection},
	{"build", "makes the archive of a collection", []argparse.Flag{forceFlag,
		{Names: []string{"--output-path"}, Dest: "output_path", Metavar: "DIR", Help: "where to put it (here)"}}, []string{"collection*"}, build},
	{"publish", "uploads the archive of a collection", []argparse.Flag{
		{Names: []string{"--no-wait"}, Dest: "no_wait", Kind: argparse.True, Help: "do not wait for the import"},
		{Names: []string{"--import-timeout"}, Dest: "import_timeout", Int: true, Metavar: "SECONDS", Help: "how long to wait for the import"}}, []string{"collection_path"}, publish},
	{"install", "installs collections", slices.Concat(cacheFlags, signatureFlags, []argparse.Flag{forceFlag, ignoreFlag, noDepsFlag, forceDeps, requirements, preFlag, offlineFlag,
		{Names: []string{"-p", "--collections-path"}, Dest: "collections_path", Metavar: "DIR", Help: "where to install them"},
		{Names: []string{"-U", "--upgrade"}, Dest: "upgrade", Kind: argparse.True, Help: "newer versions of what is installed"},
		{Names: []string{"--disable-gpg-verify"}, Dest: "disable_gpg_verify", Kind: argparse.True, Help: "do not check signatures"}}), []string{"collection_name*"}, installCollections},
	{"list", "lists installed collections", []argparse.Flag{listPath,
		{Names: []string{"--format"}, Dest: "output_format", Choices: []string{"human", "yaml", "json"}, Help: "form of the output"}}, []string{"collection?"}, listCollections},
	{"verify", "compares installed collections with what a server has", slices.Concat(signatureFlags, []argparse.Flag{listPath, ignoreFlag, offlineFlag, requirements}), []string{"collection_name*"}, verify},
}

var roleActions = []action{
	{"init", "makes the directory of a new role", []argparse.Flag{forceFlag, offlineFlag, initPath, extraVars,
		{Names: []string{"--role-skeleton"}, Dest: "role_skeleton", Metavar: "DIR", Help: "a directory to copy"},
		{Names: []string{"--type"}, Dest: "role_type", Help: "accepted: default, container, network and apb make the same directory"}}, []string{"role_name"}, initRole},
	{"remove", "deletes installed roles", []argparse.Flag{rolesPath}, []string{"role+"}, removeRoles},
	{"delete", "removes a role from a server", nil, []string{"github_user", "github_repo"}, deleteRole},
	{"list", "lists installed roles", []argparse.Flag{rolesPath}, []string{"role?"}, listRoles},
	{"search", "searches a server for roles", []argparse.Flag{
		{Names: []string{"--platforms"}, Dest: "platforms", Help: "only for these platforms"},
		{Names: []string{"--galaxy-tags"}, Dest: "galaxy_tags", Help: "only with these tags"},
		{Names: []string{"--author"}, Dest: "author", Help: "only by this author"}}, []string{"searchterm*"}, searchRoles},
	{"import", "makes a server read a role from GitHub", []argparse.Flag{
		{Names: []string{"--no-wait"}, Dest: "no_wait", Kind: argparse.True, Help: "do not wait for the import"},
		{Names: []string{"--branch"}, Dest: "reference", Help: "branch to import"},
		{Names: []string{"--role-name"}, Dest: "role_name", Help: "name of the role on the server"},
		{Names: []string{"--status"}, Dest: "check_status", Kind: argparse.True, Help: "show how the last import went"}}, []string{"github_user", "github_repo"}, importRole},
	{"setup", "connects a server with a build service", []argparse.Flag{rolesPath,
		{Names: []string{"--remove"}, Dest: "remove_id", Metavar: "ID", Help: "remove this connection"},
		{Names: []string{"--list"}, Dest: "setup_list", Kind: argparse.True, Help: "list the connections"}}, []string{"source?", "github_user?", "github_repo?", "secret?"}, setupRole},
	{"info", "shows what is known of a role", []argparse.Flag{rolesPath, offlineFlag}, []string{"role_name+"}, roleInfo},
	{"install", "installs roles", []argparse.Flag{forceFlag, rolesPath, ignoreFlag, noDepsFlag, forceDeps,
		{Names: []string{"-r", "--role-file"}, Dest: "requirements", Metavar: "FILE", Help: "a file that lists roles"},
		{Names: []string{"-g", "--keep-scm-meta"}, Dest: "keep_scm_meta", Kind: argparse.True, Help: "keep the history of repositories"}}, []string{"role_name*"}, installRoles},
}

// session is one run of a subcommand.
type session struct {
	*launch.Session
	ctx      context.Context
	env      *launch.Env
	prog     string
	implicit bool // neither role nor collection was said
	opt      galaxy.Options
}

func group(prog, summary string, actions []action) *argparse.Command {
	c := &argparse.Command{Prog: prog, Summary: summary}
	for _, a := range actions {
		c.Sub = append(c.Sub, &argparse.Command{Prog: prog + " " + a.name, Summary: a.summary, Args: a.args, Flags: slices.Concat(launch.Common()[1:], server(), a.flags)})
	}
	return c
}

// Main runs the command.
func Main(ctx context.Context, env *launch.Env, prog string, args []string) (int, error) {
	collections, roles := group(prog+" collection", "Works with collections.", collectionActions), group(prog+" role", "Works with roles.", roleActions)
	root := &argparse.Command{Prog: prog, Summary: "Works with collections and roles.", Flags: launch.Common(), Sub: []*argparse.Command{collections, roles},
		Examples: "  " + prog + " collection install community.general\n  " + prog + " install -r requirements.yml\n  " + prog + " role init web"}
	// Without a word about roles or collections it is about roles, as it was before collections existed.
	first := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
	implicit := first >= 0 && args[first] != "role" && args[first] != "collection"
	if implicit {
		args = slices.Insert(slices.Clone(args), first, "role")
	}
	v, err := root.Parse(args)
	if err != nil {
		return 0, err
	}
	if v.Sub == nil {
		return 0, &argparse.UsageError{Prog: prog, Msg: "the following arguments are required: TYPE"}
	}
	kind, actions := v.Sub, collectionActions
	if kind.Command == roles {
		actions = roleActions
	}
	if kind.Sub == nil {
		return 0, &argparse.UsageError{Prog: kind.Command.Prog, Msg: "the following arguments are required: " + strings.ToUpper(kind.Command.Name()) + "_ACTION"}
	}
	at := slices.IndexFunc(actions, func(a action) bool { return a.name == kind.Sub.Command.Name() })
	base, err := launch.Start(env, kind.Sub)
	if err != nil {
		return 0, err
	}
	base.ConfigNote()
	s := &session{Session: base, ctx: ctx, env: env, prog: prog, implicit: implicit}
	tmp, err := os.MkdirTemp("", "troupe-galaxy-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(tmp)
	s.options(tmp)
	return actions[at].run(s)
}

func options(msg string) error {
	return &diag.Diagnostic{Code: diag.GalaxyContent, Summary: msg, Classic: msg, Exit: diag.ExitOptions}
}

func fail(msg string) error {
	return &diag.Diagnostic{Code: diag.GalaxyContent, Summary: strings.SplitN(msg, "\n", 2)[0], Classic: msg, Exit: diag.ExitError}
}

// options sets up what the operations need.
func (s *session) options(tmp string) {
	v, d := s.Values, s.Display
	s.opt = galaxy.Options{
		Tmp: tmp, Print: func(t string) { d.Print(t, "") }, PrintErr: func(t string) { d.Print(t, "") }, Verbose: func(n int, t string) { d.V(n, "", t) }, Warn: d.Warning,
		Error: func(t string) { d.PrintErr(" [ERROR]: "+t, "error") },
		Out:   s.env.Stdout, Err: s.env.Stderr, IgnoreCerts: v.Bool("ignore_certs") || s.Config.Bool("GALAXY_IGNORE_CERTS"), Pre: v.Bool("allow_pre_release"), NoDeps: v.Bool("no_deps"),
		Force: v.Bool("force"), ForceDeps: v.Bool("force_with_deps"), Upgrade: v.Bool("upgrade"), Offline: v.Bool("offline"), SkipErrors: v.Bool("ignore_errors"),
	}
	s.opt.Servers = s.servers()
	cache := &galaxy.Cache{Dir: s.Config.Str("GALAXY_CACHE_DIR"), Warn: d.Warning}
	if v.Bool("clear_response_cache") {
		if err := cache.Clear(); err != nil {
			d.Warning(err.Error())
		}
	}
	for _, one := range s.opt.Servers {
		if !v.Bool("no_cache") {
			one.Cache = cache
		}
	}
}

// servers are those of the flags, of galaxy_server_list, or the one that is the default.
func (s *session) servers() []*galaxy.Server {
	v, c := s.Values, s.Config
	timeout := time.Duration(c.Int("GALAXY_SERVER_TIMEOUT")) * time.Second
	if n := v.Int("timeout"); n > 0 {
		timeout = time.Duration(n) * time.Second
	}
	insecure := s.opt.IgnoreCerts
	var listed []*galaxy.Server
	for _, name := range c.List("GALAXY_SERVER_LIST") {
		if name == "" {
			continue
		}
		one := &galaxy.Server{Name: name, Timeout: timeout, Insecure: insecure}
		get := func(key string) string {
			if e, ok := os.LookupEnv("ANSIBLE_GALAXY_SERVER_" + strings.ToUpper(name) + "_" + strings.ToUpper(key)); ok {
				return e
			}
			t, _ := c.Ini("galaxy_server."+name, key)
			return t
		}
		one.URL, one.Token, one.AuthURL, one.ClientID = get("url"), get("token"), get("auth_url"), get("client_id")
		one.User, one.Password = get("username"), get("password")
		if t := get("validate_certs"); t != "" && !v.Has("ignore_certs") {
			one.Insecure = !truth(t)
		}
		if t, err := time.ParseDuration(get("timeout") + "s"); err == nil && v.Int("timeout") == 0 {
			one.Timeout = t
		}
		listed = append(listed, one)
	}
	token := v.Str("api_key")
	if token == "" {
		token = s.storedToken()
	}
	if at := v.Str("api_server"); at != "" {
		for _, one := range listed {
			if one.Name == at || strings.TrimSuffix(one.URL, "/") == strings.TrimSuffix(at, "/") {
				if v.Has("api_key") {
					one.Token = token
				}
				return []*galaxy.Server{one}
			}
		}
		return []*galaxy.Server{{Name: "cmd_arg", URL: at, Token: token, Timeout: timeout, Insecure: insecure}}
	}
	if len(listed) > 0 {
		return listed
	}
	return []*galaxy.Server{{Name: "default", URL: c.Str("GALAXY_SERVER"), Token: token, Timeout: timeout, Insecure: insecure}}
}

func truth(text string) bool {
	return slices.Contains([]string{"1", "y", "yes", "on", "true", "t"}, strings.ToLower(strings.TrimSpace(text)))
}

// storedToken reads the file that holds the token: `token: …`.
func (s *session) storedToken() string {
	data, err := os.ReadFile(s.Config.Str("GALAXY_TOKEN_PATH"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "token:"); ok {
			return strings.Trim(strings.TrimSpace(rest), `"'`)
		}
	}
	return ""
}

// paths are directories made absolute.
func (s *session) paths(list []string) []string {
	var out []string
	for _, p := range list {
		if p == "" {
			continue
		}
		p = s.Config.Path(p)
		if !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}
