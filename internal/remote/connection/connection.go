// Package connection is how hosts are reached: the Conn interface, what every kind of connection shares, and its
// errors. The kinds are sibling packages (ssh, local …), listed in connection/all.
//
// Called by internal/remote/session, which runs one agent over one Process and everything else over that.
package connection

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Options are the settings of one connection by the names of Ansible's connection plugin options (remote_user, host,
// port, private_key_file, ssh_common_args …). Values are text as a user would write them. An option that is absent
// has the plugin's default.
type Options map[string]string

// String returns an option, or the default when it is not set.
func (o Options) String(name, def string) string {
	if v, ok := o[name]; ok {
		return v
	}
	return def
}

// Bool returns an option as a boolean in Ansible's spelling.
func (o Options) Bool(name string, def bool) bool {
	switch strings.ToLower(strings.TrimSpace(o[name])) {
	case "y", "yes", "on", "1", "true", "t", "1.0":
		return true
	case "n", "no", "off", "0", "false", "f", "0.0":
		return false
	}
	return def
}

// Int returns an option as a number.
func (o Options) Int(name string, def int) int {
	if n, err := strconv.Atoi(strings.TrimSpace(o[name])); err == nil {
		return n
	}
	return def
}

// Seconds returns an option that is a number of seconds.
func (o Options) Seconds(name string, def time.Duration) time.Duration {
	if f, err := strconv.ParseFloat(strings.TrimSpace(o[name]), 64); err == nil && f > 0 {
		return time.Duration(f * float64(time.Second))
	}
	return def
}

// Key is a text that is equal for equal options.
func (o Options) Key() string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(o)) {
		fmt.Fprintf(&b, "%q=%q ", k, o[k])
	}
	return b.String()
}

// Log takes messages about the way to a host, at Ansible's verbosity levels (1 is -v). Never nil.
type Log func(verbosity int, msg string)

// Kind is one way to reach hosts.
type Kind struct {
	Name    string   // as ansible_connection names it
	Aliases []string // other names of it
	Options []string // the options it knows
	// Vars are, for kinds that are not part of ansible-core, the variables that set options; the last one that is set wins.
	Vars map[string][]string
	// Here says that all hosts of this kind are this machine, so that one connection may serve them all.
	Here bool
	// Dial connects and authenticates. Its error is an *UnreachableError, or ctx's.
	Dial func(ctx context.Context, o Options, log Log) (Conn, error)
}

// FromVars adds the options that variables set. lookup returns a rendered variable as text.
func (k *Kind) FromVars(o Options, lookup func(name string) (string, bool)) {
	for option, names := range k.Vars {
		for _, name := range names {
			if v, ok := lookup(name); ok {
				o[option] = v
			}
		}
	}
}

// Conn is an open connection to one host. It may be used by several goroutines.
type Conn interface {
	// Start runs a command line with the login user's shell. The command ends, with all that it started in its
	// process group or session, when ctx ends or the Conn is closed.
	Start(ctx context.Context, command string, o StartOptions) (Process, error)
	// Close ends everything that runs over the connection.
	Close() error
}

// StartOptions are the choices of Start.
type StartOptions struct {
	PTY bool // with a terminal; stderr then comes with stdout
}

// Process is a started command.
type Process interface {
	Stdin() io.WriteCloser
	Stdout() io.Reader
	Stderr() io.Reader
	// Wait returns the exit code once the command has ended and its output has been read. An error means that the
	// code is not known because the connection was lost.
	Wait() (int, error)
	// Kill ends the command.
	Kill()
}

// Phase is the step of reaching a host that failed.
type Phase string

// The phases.
const (
	PhaseResolve   Phase = "resolve"   // the name has no address
	PhaseConnect   Phase = "connect"   // no TCP connection
	PhaseHandshake Phase = "handshake" // no common algorithms, not an SSH server …
	PhaseHostKey   Phase = "host key"  // unknown or changed
	PhaseAuth      Phase = "auth"      // no accepted key or password
	PhaseStart     Phase = "start"     // logged in, but nothing can be run
	PhaseAgent     Phase = "agent"     // the agent cannot be brought or started
	PhaseLost      Phase = "lost"      // was connected; the connection broke
)

// UnreachableError is a failure to reach a host, or the loss of it. Its text is what Ansible's result has as msg.
type UnreachableError struct {
	Phase Phase
	Msg   string
	Hints []string // what the user can do about it
	Err   error    // cause, or nil
}

func (e *UnreachableError) Error() string { return e.Msg }

func (e *UnreachableError) Unwrap() error { return e.Err }

// Quote quotes a word for a POSIX shell, as Python's shlex.quote does.
func Quote(word string) string {
	if word != "" && strings.IndexFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("@%+=:,./-_", r))
	}) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'"'"'`) + "'"
}
