package task

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/engine/pyhost"
	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/remote/connection/all"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/value"
)

// findPlugin notes that the connection is a plugin written in Python.
func (r *remote) findPlugin(name string, src config.Sources, opts connection.Options) error {
	if r.x.Plugins == nil || all.Find(name) != nil {
		return nil
	}
	p, err := r.x.Plugins.Search.Find("connection", name, r.x.Task.Collections)
	if err != nil || p == nil {
		return err
	}
	r.plugin = p
	for option, from := range map[string][]string{
		"remote_user": {"ansible_user", "ansible_ssh_user"}, "port": {"ansible_port", "ansible_ssh_port"}, "host": {"ansible_host", "ansible_ssh_host"},
		"password": {"ansible_password", "ansible_ssh_pass"},
	} {
		for _, name := range from {
			if v, ok := src.Vars(name); ok {
				opts[option] = plain(v)
			}
		}
		if _, set := opts[option]; !set && option != "host" {
			if v, ok := src.Keyword(option); ok {
				opts[option] = plain(v)
			}
		}
	}
	if r.x.CLI.RemoteUser != "" && opts["remote_user"] == "" {
		opts["remote_user"] = r.x.CLI.RemoteUser
	}
	return nil
}

// plugged describes the connection for Python; nil when it is one of ours.
func (r *remote) plugged(host string) *value.Dict {
	if r.plugin == nil {
		return nil
	}
	keywords := value.NewDict()
	for _, k := range []string{"remote_user", "port", "timeout", "connection"} {
		if v, ok := r.keyword(k); ok {
			keywords.SetStr(k, v)
		}
	}
	if pass := r.x.CLI.ConnPass; pass != "" {
		keywords.SetStr("password", value.Str(pass))
	}
	var as value.Value = value.None
	if d := r.becomeOptions(); d != nil {
		as = d
	}
	return value.DictOf(
		"plugin", value.DictOf("path", value.Str(r.plugin.Path), "name", value.Str(r.plugin.Name), "collection", value.Str(r.plugin.Collection)),
		"name", value.Str(r.plugin.Name), "key", value.Str(fmt.Sprintf("%p %s", r.x.Info, host)), "host_key", value.Str(host), "keywords", keywords, "become", as)
}

// use asks the connection plugin for something.
func (r *remote) use(ctx context.Context, op string, pairs ...any) (*value.Dict, error) {
	args := value.DictOf(append([]any{"info", r.plugged(r.at), "context", action.PlayContext(r.Reach(), r.t, r.check, r.diff, r.x.Verbosity), "op", value.Str(op)}, pairs...)...)
	v, err := r.x.Plugins.Call(ctx, pyhost.TaskSide, "connection", args, &pyhost.Scope{Templar: r.conn}, false)
	var e *pyhost.Error
	if errors.As(err, &e) {
		if e.IsA("AnsibleConnectionFailure") {
			return nil, &session.UnreachableError{Phase: connection.PhaseConnect, Msg: e.Msg}
		}
		if e.IsA("AnsibleError") {
			return nil, errors.New(e.Msg)
		}
		return nil, &action.Failure{Msg: "Unexpected failure during module execution: " + e.Msg, Keys: value.DictOf("stdout", value.Str("")), Bare: true, Exception: strings.TrimSuffix(e.Traceback, "\n")}
	}
	d, _ := v.(*value.Dict)
	return d, err
}

// becomePlugin is the method of a plugin in Python: one beside the playbook, or one that Troupe has no row for. nil: there is none.
func (r *remote) becomePlugin(method string) (*become.Spec, error) {
	search := r.x.Plugins.Search
	p := search.Adjacent("become", method)
	if p == nil && !become.Known(method) {
		var err error
		if p, err = search.Find("become", method, r.x.Task.Collections); err != nil {
			return nil, err
		}
	}
	if p == nil {
		return nil, nil
	}
	keywords := value.NewDict()
	for _, k := range []string{"become_user", "become_exe", "become_flags"} {
		if v, ok := r.keyword(k); ok {
			keywords.SetStr(k, v)
		}
	}
	if pass := r.x.CLI.BecomePass; pass != "" {
		keywords.SetStr("become_pass", value.Str(pass))
	}
	return r.x.Plugins.Become(p, r.conn, keywords)
}

// BecomeCommand implements action.PythonRemote.
func (r *remote) BecomeCommand(command string) (string, error) {
	if r.become == nil {
		return command, nil
	}
	c, err := become.Build(*r.become, command)
	if err != nil {
		return "", err
	}
	words := make([]string, len(c.Argv))
	for i, w := range c.Argv {
		words[i] = connection.Quote(w)
	}
	return strings.Join(words, " "), nil
}

// plugCommand runs a command line over a connection plugin.
func (r *remote) plugCommand(ctx context.Context, command string, as bool) (int, string, string, error) {
	if as {
		var err error
		if command, err = r.BecomeCommand(command); err != nil {
			return 0, "", "", err
		}
	}
	d, err := r.use(ctx, "exec", "cmd", value.Str(command), "sudoable", value.Bool(as))
	if err != nil || d == nil {
		return 0, "", "", err
	}
	out, _ := d.GetStr("stdout")
	stderr, _ := d.GetStr("stderr")
	return number(d, "rc"), plain(out), plain(stderr), nil
}
