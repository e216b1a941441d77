// Package launch is what all commands that work with hosts share: the flags of Ansible's commands by group, and the way
// from a command line to a loaded project (configuration, vault secrets, inventory, extra variables).
//
// Called by the command packages of internal/cli.
package launch

import "github.com/troupe-automation/troupe/internal/cli/argparse"

// The groups of flags. Each function returns fresh flags; names, destinations and kinds are ansible-core 2.18's.

// Common are the flags of every command.
func Common() []argparse.Flag {
	return []argparse.Flag{
		{Names: []string{"--version"}, Dest: "version", Kind: argparse.True, Help: "show the version and where things were found"},
		{Names: []string{"-v", "--verbose"}, Dest: "verbosity", Kind: argparse.Count, Help: "say more; repeat for more still (-vvv)"},
	}
}

// Inventory are the flags that choose hosts.
func Inventory() []argparse.Flag {
	return []argparse.Flag{
		{Names: []string{"-i", "--inventory", "--inventory-file"}, Dest: "inventory", Kind: argparse.Append, Help: "inventory file, directory, script, or comma separated hosts"},
		{Names: []string{"--list-hosts"}, Dest: "listhosts", Kind: argparse.True, Help: "list the matching hosts and do nothing else"},
		{Names: []string{"-l", "--limit"}, Dest: "subset", Metavar: "PATTERN", Help: "run only on hosts that match this too"},
	}
}

// Vault are the flags that give secrets.
func Vault() []argparse.Flag {
	return []argparse.Flag{
		{Names: []string{"--vault-id"}, Dest: "vault_ids", Kind: argparse.Append, Metavar: "ID", Help: "vault identity: label@file, label@prompt"},
		{Names: []string{"-J", "--ask-vault-password", "--ask-vault-pass"}, Dest: "ask_vault_pass", Mutex: "vault", Kind: argparse.True, Help: "ask for the vault password"},
		{Names: []string{"--vault-password-file", "--vault-pass-file"}, Dest: "vault_password_files", Mutex: "vault", Kind: argparse.Append, Metavar: "FILE", Help: "file or program that gives the vault password"},
	}
}

// Connect are the flags about reaching hosts.
func Connect() []argparse.Flag {
	return []argparse.Flag{
		{Names: []string{"--private-key", "--key-file"}, Dest: "private_key_file", Metavar: "FILE", Help: "authenticate with this key", Group: "connection"},
		{Names: []string{"-u", "--user"}, Dest: "remote_user", Metavar: "USER", Help: "connect as this user", Group: "connection"},
		{Names: []string{"-c", "--connection"}, Dest: "connection", Help: "connection type (ssh)", Group: "connection"},
		{Names: []string{"-T", "--timeout"}, Dest: "timeout", Int: true, Metavar: "SECONDS", Help: "connection timeout", Group: "connection"},
		{Names: []string{"--ssh-common-args"}, Dest: "ssh_common_args", Metavar: "ARGS", Help: "extra arguments for ssh, scp and sftp", Group: "connection"},
		{Names: []string{"--sftp-extra-args"}, Dest: "sftp_extra_args", Metavar: "ARGS", Help: "extra arguments for sftp", Group: "connection"},
		{Names: []string{"--scp-extra-args"}, Dest: "scp_extra_args", Metavar: "ARGS", Help: "extra arguments for scp", Group: "connection"},
		{Names: []string{"--ssh-extra-args"}, Dest: "ssh_extra_args", Metavar: "ARGS", Help: "extra arguments for ssh", Group: "connection"},
		{Names: []string{"-k", "--ask-pass"}, Dest: "ask_pass", Mutex: "connpass", Kind: argparse.True, Help: "ask for the connection password", Group: "connection"},
		{Names: []string{"--connection-password-file", "--conn-pass-file"}, Dest: "connection_password_file", Mutex: "connpass", Metavar: "FILE", Help: "file with the connection password", Group: "connection"},
	}
}

// Become are the flags about becoming another user.
func Become() []argparse.Flag {
	return []argparse.Flag{
		{Names: []string{"-b", "--become"}, Dest: "become", Kind: argparse.True, Help: "run as another user", Group: "become"},
		{Names: []string{"--become-method"}, Dest: "become_method", Metavar: "METHOD", Help: "how to become the user (sudo)", Group: "become"},
		{Names: []string{"--become-user"}, Dest: "become_user", Metavar: "USER", Help: "the user to become (root)", Group: "become"},
		{Names: []string{"-K", "--ask-become-pass"}, Dest: "become_ask_pass", Mutex: "becomepass", Kind: argparse.True, Help: "ask for the become password", Group: "become"},
		{Names: []string{"--become-password-file", "--become-pass-file"}, Dest: "become_password_file", Mutex: "becomepass", Metavar: "FILE", Help: "file with the become password", Group: "become"},
	}
}

// Run are the flags about how tasks run.
func Run() []argparse.Flag {
	return []argparse.Flag{
		{Names: []string{"-e", "--extra-vars"}, Dest: "extra_vars", Kind: argparse.Append, Metavar: "VARS", Help: "variables as key=value, YAML or JSON; @file reads a file"},
		{Names: []string{"-f", "--forks"}, Dest: "forks", Int: true, Metavar: "N", Help: "hosts to work on at once (50)"},
		{Names: []string{"-M", "--module-path"}, Dest: "module_path", Kind: argparse.Prepend, Metavar: "PATH", Help: "more directories with modules"},
		{Names: []string{"-C", "--check"}, Dest: "check", Kind: argparse.True, Help: "say what would change, change nothing"},
		{Names: []string{"-D", "--diff"}, Dest: "diff", Kind: argparse.True, Help: "show differences of changed files"},
	}
}
