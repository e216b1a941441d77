// Package pull is `troupe pull`, also known as ansible-pull: a host fetches its playbooks from a repository and runs them on
// itself. It is the module of the repository as an ad-hoc command, and then the playbook command.
//
// Called by internal/cli.
package pull

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/value"
)

// modules are the modules that check repositories out.
var modules = []string{"git", "subversion", "hg", "bzr"}

func command(prog string) *argparse.Command {
	connect := launch.Connect()
	for i := range connect {
		connect[i].Mutex = "" // here Ansible lets both be given
	}
	flags := slices.Concat(launch.Common(), connect, launch.Vault(), []argparse.Flag{
		{Names: []string{"-e", "--extra-vars"}, Dest: "extra_vars", Kind: argparse.Append, Metavar: "VARS", Help: "variables as key=value, YAML or JSON; @file reads a file"},
		{Names: []string{"-t", "--tags"}, Dest: "tags", Kind: argparse.Append, Help: "only plays and tasks with these tags"},
		{Names: []string{"--skip-tags"}, Dest: "skip_tags", Kind: argparse.Append, Metavar: "TAGS", Help: "leave out plays and tasks with these tags"},
		{Names: []string{"-i", "--inventory", "--inventory-file"}, Dest: "inventory", Kind: argparse.Append, Help: "inventory file, directory, script, or comma separated hosts"},
		{Names: []string{"--list-hosts"}, Dest: "listhosts", Kind: argparse.True, Help: "list the matching hosts and do nothing else"},
		{Names: []string{"-l", "--limit"}, Dest: "subset", Metavar: "PATTERN", Help: "run only on hosts that match this too"},
		{Names: []string{"-M", "--module-path"}, Dest: "module_path", Kind: argparse.Prepend, Metavar: "PATH", Help: "more directories with modules"},
		{Names: []string{"-K", "--ask-become-pass"}, Dest: "become_ask_pass", Mutex: "becomepass", Kind: argparse.True, Help: "ask for the become password"},
		{Names: []string{"--become-password-file", "--become-pass-file"}, Dest: "become_password_file", Mutex: "becomepass", Metavar: "FILE", Help: "file with the become password"},
		{Names: []string{"--purge"}, Dest: "purge", Kind: argparse.True, Help: "delete the checkout afterwards"},
		{Names: []string{"-o", "--only-if-changed"}, Dest: "ifchanged", Kind: argparse.True, Help: "run only when the repository has something new"},
		{Names: []string{"-s", "--sleep"}, Dest: "sleep", Metavar: "SECONDS", Help: "wait for a random time up to this first"},
		{Names: []string{"-f", "--force"}, Dest: "force", Kind: argparse.True, Help: "run even when the repository cannot be fetched"},
		{Names: []string{"-d", "--directory"}, Dest: "dest", Metavar: "DIR", Help: "where to check it out"},
		{Names: []string{"-U", "--url"}, Dest: "url", Help: "address of the repository"},
		{Names: []string{"--full"}, Dest: "fullclone", Kind: argparse.True, Help: "fetch the whole history"},
		{Names: []string{"-C", "--checkout"}, Dest: "checkout", Metavar: "REV", Help: "branch, tag or commit"},
		{Names: []string{"--accept-host-key"}, Dest: "accept_host_key", Kind: argparse.True, Help: "trust the repository's host key when it is new"},
		{Names: []string{"-m", "--module-name"}, Dest: "module_name", Metavar: "MODULE", Help: "git, subversion, hg or bzr (git)"},
		{Names: []string{"--verify-commit"}, Dest: "verify", Kind: argparse.True, Help: "check the signature of the commit"},
		{Names: []string{"--clean"}, Dest: "clean", Kind: argparse.True, Help: "discard changes in the checkout"},
		{Names: []string{"--track-subs"}, Dest: "tracksubs", Kind: argparse.True, Help: "submodules follow their branches"},
		{Names: []string{"--check"}, Dest: "check", Kind: argparse.True, Help: "say what would change, change nothing"},
		{Names: []string{"--diff"}, Dest: "diff", Kind: argparse.True, Help: "show differences of changed files"},
	})
	return &argparse.Command{Prog: prog, Summary: "Fetches playbooks from a repository and runs them on this host.", Flags: flags, Args: []string{"playbook*"},
		Examples: "  " + prog + " -U https://git.example.com/site.git\n  " + prog + " -U /srv/site.git -d /var/lib/site -o site.yml"}
}

func options(msg string) error {
	return &diag.Diagnostic{Code: diag.NoPullRepository, Summary: msg, Classic: msg, Exit: diag.ExitOptions}
}

// Main runs the command.
func Main(ctx context.Context, env *launch.Env, prog string, args []string) (int, error) {
	v, err := command(prog).Parse(args)
	if err != nil {
		return 0, err
	}
	module := v.Str("module_name")
	if module == "" {
		module = "git"
	}
	switch {
	case v.Str("url") == "":
		return 0, options("URL for repository not specified, use -h for help")
	case !slices.Contains(modules, module):
		return 0, options(fmt.Sprintf("Unsupported repo module %s, choices are %s", module, strings.Join(modules, ",")))
	}
	s, err := launch.Start(env, v)
	if err != nil {
		return 0, err
	}
	s.ConfigNote()
	if err := pause(ctx, s); err != nil {
		return 0, err
	}
	return (&session{Session: s, env: env, module: module, hosts: names()}).run(ctx)
}

// pause waits for a random time, so that many hosts do not ask at once.
func pause(ctx context.Context, s *launch.Session) error {
	text := s.Values.Str("sleep")
	if text == "" {
		return nil
	}
	most, err := strconv.Atoi(text)
	if err != nil {
		return options(text + " is not a number.")
	}
	if most <= 0 {
		return nil
	}
	n := rand.IntN(most + 1)
	s.Display.Print(fmt.Sprintf("Sleeping for %d seconds...", n), "")
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(n) * time.Second):
		return nil
	}
}

// names are the names of this host: full, as the system has it, short.
func names() []string {
	node, err := os.Hostname()
	if err != nil {
		return []string{"localhost"}
	}
	full := node
	if !strings.Contains(node, ".") {
		if cname, err := net.LookupCNAME(node); err == nil && strings.HasPrefix(cname, node+".") {
			full = strings.TrimSuffix(cname, ".")
		}
	}
	short, _, _ := strings.Cut(node, ".")
	var out []string
	for _, n := range []string{full, node, short} {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

type session struct {
	*launch.Session
	env    *launch.Env
	module string
	hosts  []string
}

// limit is --limit of both steps: this host by any name.
func (s *session) limit() string {
	list := slices.Clone(s.hosts)
	return strings.Join(append(list, "localhost", "127.0.0.1"), ",")
}

func (s *session) dest() string {
	if d := s.Values.Str("dest"); d != "" {
		return s.Config.Path(d)
	}
	return filepath.Join(s.Config.Str("ANSIBLE_HOME"), "pull", s.hosts[0])
}

func (s *session) run(ctx context.Context) (int, error) {
	v := s.Values
	s.Display.Print("Starting Ansible Pull at "+time.Now().Format("2006-01-02 15:04:05"), "")
	said := slices.Clone(s.env.Args)
	if full, err := exec.LookPath(said[0]); err == nil {
		said[0] = full
	}
	s.Display.Print(strings.Join(said, " "), "")
	dest := s.dest()
	code, changed := s.fetch(ctx, dest)
	if ctx.Err() != nil {
		return 99, fmt.Errorf("User interrupted execution") //nolint:staticcheck // Ansible's words
	}
	switch {
	case code != 0 && !v.Bool("force"):
		return code, nil
	case code != 0:
		s.Display.Warning("Unable to update repository. Continuing with (forced) run of playbook.")
	case v.Bool("ifchanged") && !changed:
		s.Display.Print("Repository has not changed, quitting.", "")
		return 0, nil
	}
	books, err := s.playbooks(dest)
	if err != nil {
		return 1, err
	}
	args := slices.Repeat([]string{"-v"}, v.Int("verbosity"))
	args = append(args, s.inventory(dest)...)
	if !v.Has("connection") {
		args = append(args, "-c", "local")
	}
	for _, one := range []struct{ flag, dest string }{{"--private-key", "private_key_file"}, {"-u", "remote_user"}, {"-c", "connection"}, {"-T", "timeout"},
		{"--ssh-common-args", "ssh_common_args"}, {"--sftp-extra-args", "sftp_extra_args"}, {"--scp-extra-args", "scp_extra_args"}, {"--ssh-extra-args", "ssh_extra_args"},
		{"--connection-password-file", "connection_password_file"}, {"--become-password-file", "become_password_file"}} {
		if t := v.Str(one.dest); t != "" {
			args = append(args, one.flag+"="+t)
			if !strings.HasPrefix(one.flag, "--") {
				args = append(args[:len(args)-1], one.flag, t)
			}
		}
	}
	for _, one := range []struct{ flag, dest string }{{"--vault-password-file", "vault_password_files"}, {"--vault-id", "vault_ids"}, {"-e", "extra_vars"}, {"-t", "tags"}, {"--skip-tags", "skip_tags"}} {
		for _, t := range v.List(one.dest) {
			args = append(args, one.flag, t)
		}
	}
	for _, one := range []struct{ flag, dest string }{{"--ask-vault-pass", "ask_vault_pass"}, {"-K", "become_ask_pass"}, {"-k", "ask_pass"}, {"--check", "check"}, {"--diff", "diff"}, {"--list-hosts", "listhosts"}} {
		if v.Bool(one.dest) {
			args = append(args, one.flag)
		}
	}
	limit := v.Str("subset")
	if limit == "" {
		limit = s.limit()
	}
	args = append(args, "-l", limit)
	if v.Has("module_path") {
		args = append(args, "-M", strings.Join(v.List("module_path"), ":"))
	}
	back, err := os.Getwd()
	if err != nil {
		return 1, err
	}
	if err := os.Chdir(dest); err != nil {
		return 1, err
	}
	code = s.env.Run(ctx, s.env.Fork(append([]string{"ansible-playbook"}, append(args, books...)...)))
	if err := os.Chdir(back); err != nil {
		return 1, err
	}
	if v.Bool("purge") {
		if err := os.RemoveAll(dest); err != nil {
			s.Display.PrintErr("Could not remove "+dest+": "+err.Error(), "error")
		}
	}
	return code, nil
}

// inventory are the -i flags of the playbook: those given, relative ones from here.
func (s *session) inventory(dest string) []string {
	var out []string
	for _, i := range s.Values.List("inventory") {
		if !strings.Contains(i, ",") && !filepath.IsAbs(i) {
			if _, err := os.Stat(filepath.Join(dest, i)); err != nil {
				i = s.Config.Path(i)
			}
		}
		out = append(out, "-i", i)
	}
	return out
}

// fetch checks the repository out; it reports the exit code and whether something was new.
func (s *session) fetch(ctx context.Context, dest string) (code int, changed bool) {
	v := s.Values
	opts := value.NewDict()
	set := func(key, text string) { opts.SetStr(key, value.Str(text)) }
	set("dest", dest)
	on := func(flag, key string) {
		if v.Bool(flag) {
			opts.SetStr(key, value.True)
		}
	}
	switch s.module {
	case "git":
		set("name", v.Str("url"))
		if c := v.Str("checkout"); c != "" {
			set("version", c)
		}
		on("accept_host_key", "accept_hostkey")
		if k := v.Str("private_key_file"); k != "" {
			set("key_file", k)
		}
		on("verify", "verify_commit")
		on("tracksubs", "track_submodules")
		if !v.Bool("fullclone") {
			opts.SetStr("depth", value.Int(1))
		}
	default:
		set("repo", v.Str("url"))
		if c := v.Str("checkout"); c != "" {
			set("revision", c)
		}
	}
	if s.module == "bzr" {
		opts.DeleteStr("repo")
		set("name", v.Str("url"))
	}
	on("clean", "force")
	text, err := value.JSON(opts, value.JSONOptions{})
	if err != nil {
		return 1, false
	}
	args := []string{"ansible", "-i", "localhost,", "-c", "local", "all", "-m", s.module, "-a", text, "-l", s.limit()}
	if n := v.Int("verbosity"); n > 0 {
		args = append(args, "-"+strings.Repeat("v", n))
	}
	for _, e := range v.List("extra_vars") {
		args = append(args, "-e", e)
	}
	sub := s.env.Fork(args)
	var seen bytes.Buffer
	sub.Stdout = io.MultiWriter(s.env.Stdout, &seen)
	code = s.env.Run(ctx, sub)
	return code, bytes.Contains(seen.Bytes(), []byte(`"changed": true`)) || bytes.Contains(seen.Bytes(), []byte("CHANGED"))
}

// playbooks are those of the arguments, or the first of HOST.yml and local.yml that is there.
func (s *session) playbooks(dest string) ([]string, error) {
	var missing []string
	if len(s.Values.Args) > 0 {
		var out []string
		for _, a := range s.Values.Args {
			p := filepath.Join(dest, a)
			if filepath.IsAbs(a) {
				p = a
			}
			if _, err := os.Stat(p); err != nil {
				missing = append(missing, p+": File does not exist")
				continue
			}
			out = append(out, p)
		}
		if len(missing) == 0 {
			return out, nil
		}
	} else {
		for _, n := range append(slices.Clone(s.hosts), "local") {
			p := filepath.Join(dest, n+".yml")
			if _, err := os.Stat(p); err == nil {
				return []string{p}, nil
			}
			missing = append(missing, p+": File does not exist")
		}
	}
	s.Display.Warning(strings.Join(missing, "\n"))
	return nil, options("Could not find a playbook to run.")
}
