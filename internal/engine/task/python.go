package task

import (
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/value"
)

var _ action.PythonRemote = (*remote)(nil)

// Reach implements action.PythonRemote.
func (r *remote) Reach() action.Reach {
	return action.Reach{Connection: r.target.Connection, Options: r.target.Options, Become: r.becomeOptions(), Plugged: r.plugged(r.at)}
}

// becomeOptions are the options of the become plugin; nil when the task becomes nobody.
func (r *remote) becomeOptions() *value.Dict {
	b := r.become
	if b == nil {
		return nil
	}
	d := value.DictOf("become_method", value.Str(b.Method), "become_user", value.Str(b.User), "become_pass", value.Str(b.Pass), "become_exe", value.Str(b.Exe))
	if b.User == "" {
		d.SetStr("become_user", value.Str("root"))
	}
	if b.Flags != nil {
		d.SetStr("become_flags", value.Str(*b.Flags))
	}
	return d
}

// OpenPlugged implements action.PythonRemote.
func (r *remote) OpenPlugged(c *action.Context) error {
	if r.plugin == nil {
		return nil
	}
	_, err := r.use(c, "open")
	return err
}

// ConnectionOption implements action.PythonRemote.
func (r *remote) ConnectionOption(name string) (value.Value, bool, error) {
	src := config.Sources{Vars: r.variable, Keyword: r.keyword, CLI: r.flag}
	for _, s := range config.PluginOptions("connection", r.target.Connection) {
		if s.Name == name {
			v, _, err := r.x.Config.Option(&s, src)
			return v, true, err
		}
	}
	return nil, false, nil
}

// Kept implements action.PythonRemote.
func (r *remote) Kept() string { return r.kept }

// Command implements action.PythonRemote.
func (r *remote) Command(c *action.Context, command string, become bool) (int, string, string, error) {
	if r.plugin != nil {
		return r.plugCommand(c, command, become)
	}
	s, err := r.session(c)
	if err != nil {
		return 0, "", "", err
	}
	raw := session.RawCommand{Command: command}
	if become {
		raw.Become = r.become
	}
	got, err := r.raw(c, s, raw)
	if err != nil {
		return 0, "", "", r.callError(err)
	}
	return got.RC, got.Stdout, got.Stderr, nil
}
