package ssh

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// endpoint is everything that is known about how to reach one SSH server.
type endpoint struct {
	view     *hostView
	set      settings
	host     string // name or address to connect to
	port     string
	user     string
	password string // secret
	prompt   string // what the text that asks for the password has to contain; "" is anything
	phrase   string // secret: passphrase of private keys
	timeout  time.Duration
	openssh  string   // why only the OpenSSH client can do it; "" when this package can
	args     []string // ssh_args, ssh_common_args, ssh_extra_args, split
}

// resolve combines the connection options with the config files, in OpenSSH's order: what is given explicitly, the
// arguments, the user's file, the system's.
func resolve(ctx context.Context, o connection.Options) (*endpoint, error) {
	host := o["host"]
	if host == "" {
		return nil, fmt.Errorf("no host name")
	}
	e := &endpoint{password: o["password"], prompt: o["sshpass_prompt"], phrase: o["private_key_passphrase"], timeout: o.Seconds("timeout", 10*time.Second)}
	set := settings{}
	file := ""
	args := func(name string) error {
		words, err := connection.Split(o[name])
		if err != nil {
			return fmt.Errorf("%s %q: %w", name, o[name], err)
		}
		e.args = append(e.args, words...)
		f, err := set.parseArgs(words)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if f != "" {
			file = f
		}
		return nil
	}
	given := func(key, value string) {
		if value != "" {
			set.set(key, value)
		}
	}
	// The order of Ansible's ssh command line: the first value counts.
	if err := args("ssh_args"); err != nil {
		return nil, err
	}
	if v, ok := o["host_key_checking"]; ok && v != "" && !o.Bool("host_key_checking", true) {
		given("stricthostkeychecking", "no")
	}
	given("port", o["port"])
	given("identityfile", o["private_key_file"])
	given("user", o["remote_user"])
	given("connecttimeout", o["timeout"])
	for _, name := range []string{"ssh_common_args", "ssh_extra_args"} {
		if err := args(name); err != nil {
			return nil, err
		}
	}
	given("pkcs11provider", o["pkcs11_provider"])
	given("controlpath", o["control_path"])
	return e, e.finish(ctx, host, set, file)
}

// finish reads the config files and works out host, port and user.
func (e *endpoint) finish(ctx context.Context, host string, set settings, file string) error {
	local, home := whoami()
	e.set = set
	e.view = &hostView{original: host, user: set.get("user"), home: home, local: local, set: set}
	if file != "" {
		if file != "none" && file != "/dev/null" {
			if err := e.view.readConfig(ctx, e.view.expandHome(file), false); err != nil {
				return err
			}
		}
	} else {
		if err := e.view.readConfig(ctx, home+"/.ssh/config", false); err != nil {
			return err
		}
		if err := e.view.readConfig(ctx, "/etc/ssh/ssh_config", true); err != nil {
			return err
		}
	}
	e.host, e.port, e.user = host, set.get("port"), set.get("user")
	if h := set.get("hostname"); h != "" {
		e.host = strings.ReplaceAll(strings.ReplaceAll(h, "%h", host), "%%", "%")
	}
	if e.port == "" {
		e.port = "22"
	}
	if e.user == "" {
		e.user = local
	}
	if n, err := strconv.ParseFloat(set.get("connecttimeout"), 64); err == nil && n > 0 {
		e.timeout = time.Duration(n * float64(time.Second))
	}
	e.openssh = e.needsOpenSSH()
	return nil
}

// needsOpenSSH says what is asked for that only the OpenSSH client has, or "".
func (e *endpoint) needsOpenSSH() string {
	for _, k := range []string{"localforward", "remoteforward", "dynamicforward", "tunneldevice", "bindinterface", "knownhostscommand", "pkcs11provider", "securitykeyprovider"} {
		if v := e.set.get(k); v != "" && v != "none" && v != "internal" {
			return fmt.Sprintf("%s=%s", k, v)
		}
	}
	for _, k := range []string{"proxyusefdpass", "tunnel", "verifyhostkeydns", "canonicalizehostname"} {
		switch v := strings.ToLower(e.set.get(k)); v {
		case "", "no", "false", "none":
		default:
			return fmt.Sprintf("%s=%s", k, v)
		}
	}
	if p := e.set.get("controlpath"); p != "" && p != "none" && !strings.Contains(p, "%C") {
		p = e.view.expandHome(e.view.expand(p))
		if st, err := os.Stat(p); err == nil && st.Mode()&os.ModeSocket != 0 {
			return "a control master listens on " + p
		}
	}
	return ""
}

func (e *endpoint) address() string { return net.JoinHostPort(e.host, e.port) }

// knownAs is the name under which known_hosts lists the server.
func (e *endpoint) knownAs() string {
	if alias := e.set.get("hostkeyalias"); alias != "" {
		return alias
	}
	if e.port == "22" {
		return strings.ToLower(e.host)
	}
	return "[" + strings.ToLower(e.host) + "]:" + e.port
}

// jumps returns the hops of ProxyJump, first one first.
func (e *endpoint) jumps() []string {
	j := e.set.get("proxyjump")
	if j == "" || strings.EqualFold(j, "none") {
		return nil
	}
	return strings.Split(j, ",")
}

// hop resolves one [user@]host[:port] or ssh:// of ProxyJump. Like OpenSSH it takes the rest from the config files alone,
// but trusts the same known_hosts files as the target when those were given.
func (e *endpoint) hop(ctx context.Context, spec string) (*endpoint, error) {
	spec = strings.TrimSuffix(strings.TrimPrefix(spec, "ssh://"), "/")
	set := settings{}
	host := spec
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		set.set("user", host[:i])
		host = host[i+1:]
	}
	if h, p, err := net.SplitHostPort(host); err == nil {
		host = h
		set.set("port", p)
	}
	host = strings.Trim(host, "[]")
	if host == "" {
		return nil, fmt.Errorf("ProxyJump %q names no host", spec)
	}
	hop := &endpoint{phrase: e.phrase, timeout: e.timeout} // the password is for the target alone
	file, err := settings{}.parseArgs(e.args)
	if err != nil {
		return nil, err
	}
	if err := hop.finish(ctx, host, set, file); err != nil {
		return nil, err
	}
	for _, k := range []string{"stricthostkeychecking", "userknownhostsfile", "globalknownhostsfile", "identityfile", "identityagent"} {
		if v := e.set[k]; len(v) > 0 && len(set[k]) == 0 {
			set[k] = v
		}
	}
	return hop, nil
}
