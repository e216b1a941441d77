package task

import (
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/value"
)

// implied adds to the variables of a task those that say how its host is reached when nobody set them: ansible_host is the
// host's name, ansible_user what the command line or the keyword says. They are no variables of the host: hostvars, vars and
// the options of connections do not see them (test/oracle/testdata/plays/reached).
type implied struct {
	template.Vars
	x *exec
}

// impliedVars are the variables with the function that says what they are; nil is undefined.
var impliedVars = map[string]func(i *implied) value.Value{
	"ansible_host":                 func(i *implied) value.Value { return i.address("ansible_ssh_host") },
	"ansible_ssh_host":             func(i *implied) value.Value { return i.address("ansible_host") },
	"ansible_connection":           (*implied).connection,
	"ansible_user":                 func(i *implied) value.Value { return i.user("ansible_ssh_user") },
	"ansible_ssh_user":             func(i *implied) value.Value { return i.user("ansible_user") },
	"ansible_port":                 func(i *implied) value.Value { return i.own("ansible_ssh_port") },
	"ansible_ssh_port":             func(i *implied) value.Value { return i.own("ansible_port") },
	"ansible_password":             (*implied).password,
	"ansible_ssh_pass":             (*implied).password,
	"ansible_timeout":              (*implied).timeout,
	"ansible_ssh_timeout":          (*implied).timeout,
	"ansible_private_key_file":     (*implied).privateKey,
	"ansible_ssh_private_key_file": (*implied).privateKey,
	"ansible_shell_executable":     func(i *implied) value.Value { return value.Str(i.x.Config.Str("DEFAULT_EXECUTABLE")) },
	"ansible_pipelining":           (*implied).pipelining,
	"ansible_ssh_pipelining":       (*implied).pipelining,
	"ansible_module_compression":   func(i *implied) value.Value { return value.Str(i.x.Config.Str("DEFAULT_MODULE_COMPRESSION")) },
}

// Lookup implements template.Vars.
func (i *implied) Lookup(name string) (v value.Value, data, ok bool) {
	v, data, ok = i.Vars.Lookup(name)
	if ok {
		return v, data, true
	}
	if f := impliedVars[name]; f != nil {
		v = f(i)
	}
	return v, false, v != nil
}

// TextKind implements template.Kinds.
func (i *implied) TextKind(name string) template.TextKind {
	if k, ok := i.Vars.(template.Kinds); ok {
		return k.TextKind(name)
	}
	return template.YAMLText
}

// own is a variable that was set, or nil.
func (i *implied) own(name string) value.Value {
	v, _, ok := i.Vars.Lookup(name)
	if !ok {
		return nil
	}
	return v
}

func (i *implied) address(alias string) value.Value {
	if v := i.own(alias); v != nil {
		return v
	}
	return value.Str(i.x.Host)
}

// written is a keyword of the task or what it stands in, not rendered, or nil.
func (i *implied) written(keyword string) value.Value {
	if v := i.x.Task.Inherited(keyword); v != value.None {
		return v
	}
	return nil
}

func (i *implied) connection() value.Value {
	if v := i.written("connection"); v != nil {
		return v
	}
	name := i.x.CLI.Connection
	if name == "" {
		name = i.x.Config.Str("DEFAULT_TRANSPORT")
	}
	if name == "" || name == "smart" {
		name = "ssh"
	}
	return value.Str(name)
}

func (i *implied) user(alias string) value.Value {
	if v := i.own(alias); v != nil {
		return v
	}
	if v := i.written("remote_user"); v != nil {
		return v
	}
	return text(i.x.CLI.RemoteUser, i.x.Config.Str("DEFAULT_REMOTE_USER"))
}

// password is what --ask-pass was answered.
func (i *implied) password() value.Value { return text(i.x.CLI.ConnPass, "") }

func (i *implied) timeout() value.Value {
	if n := i.x.CLI.Timeout; n > 0 {
		return value.Int(n)
	}
	return value.Int(i.x.Config.Int("DEFAULT_TIMEOUT"))
}

func (i *implied) privateKey() value.Value {
	return text(i.x.CLI.PrivateKey, i.x.Config.Str("DEFAULT_PRIVATE_KEY_FILE"))
}

func (i *implied) pipelining() value.Value { return value.Bool(i.x.Config.Bool("ANSIBLE_PIPELINING")) }

// text is the first of two texts that is not empty, or nil.
func text(a, b string) value.Value {
	if a == "" {
		a = b
	}
	if a == "" {
		return nil
	}
	return value.Str(a)
}
