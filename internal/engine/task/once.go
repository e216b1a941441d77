package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/internal/wire"
	"github.com/troupe-automation/troupe/value"
)

// plugModule runs a module over a connection plugin, which knows single commands and files only: the agent and one file with
// everything that the call needs are sent, the agent runs once and prints the result (wire.Once).
func (r *remote) plugModule(ctx context.Context, call action.ModuleCall) (*value.Dict, error) {
	c, err := r.describe(call)
	if err != nil {
		return nil, err
	}
	as := r.become
	c.Become = nil
	if !call.Become {
		r.become = nil
	}
	defer func() { r.become = as }()
	rc, out, stderr, err := r.plugCommand(ctx, "/bin/sh -c "+connection.Quote(`umask 077 && d="${TMPDIR:-/tmp}/troupe-$$-$(date +%s)" && mkdir "$d" && chmod 755 "$d" && echo "$d" && uname -sm && echo ~`), false)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if rc != 0 {
		return nil, &session.UnreachableError{Phase: connection.PhaseStart, Msg: "Failed to create temporary directory: " + strings.TrimSpace(stderr+out)}
	}
	dir, machine := lines[0], "Linux x86_64"
	if len(lines) >= 2 {
		machine = lines[1]
	}
	image, err := r.x.Sessions.Image(machine)
	if err != nil {
		return nil, err
	}
	agent := dir + "/agent"
	if image.File != "" && r.sameMachine(ctx, image.File) {
		agent = image.File
	} else if err := r.sendBytes(ctx, image.Data, agent); err != nil {
		return nil, err
	}
	once, err := session.Once(c)
	if err != nil {
		return nil, err
	}
	if err := r.sendBytes(ctx, once, dir+"/call"); err != nil {
		return nil, err
	}
	words := []string{"chmod", "755", connection.Quote(agent), "2>/dev/null;", connection.Quote(agent)}
	for _, a := range image.Args {
		words = append(words, connection.Quote(a))
	}
	words = append(words, wire.OnceWord, connection.Quote(dir+"/call"))
	if r.become != nil {
		words = append([]string{"chmod", "644", connection.Quote(dir+"/call") + ";"}, words...)
		if _, _, _, err := r.plugCommand(ctx, "/bin/sh -c "+connection.Quote("chmod 644 "+connection.Quote(dir+"/call")+"; chmod 755 "+connection.Quote(agent)), false); err != nil {
			return nil, err
		}
	}
	rc, out, stderr, err = r.plugCommand(ctx, "/bin/sh -c "+connection.Quote(strings.Join(words, " ")), true)
	if err != nil {
		return nil, err
	}
	_, _, _, _ = r.plugCommand(ctx, "/bin/sh -c "+connection.Quote("rm -rf "+connection.Quote(dir)), false) // what stays is in a temporary directory
	return r.onceResult(rc, out, stderr, call.Receive)
}

// onceResult reads what the agent printed.
func (r *remote) onceResult(rc int, out, stderr string, receive io.Writer) (*value.Dict, error) {
	at := strings.IndexByte(out, '{')
	var reply wire.OnceReply
	if at >= 0 && json.Unmarshal([]byte(out[at:]), &reply) == nil && (reply.Result != nil || reply.Failure != nil) {
		if reply.Failure != nil {
			return nil, r.callError(&session.TaskError{Code: reply.Failure.Code, Msg: reply.Failure.Msg})
		}
		if receive != nil && reply.File != nil {
			if _, err := receive.Write(reply.File); err != nil {
				return nil, err
			}
		}
		return r.decode(reply.Result)
	}
	if at >= 0 { // a connection that answers with a result of its own
		if d, err := r.decode(json.RawMessage(strings.TrimSpace(out[at:]))); err == nil {
			return d, nil
		}
	}
	return value.DictOf("failed", value.True, "changed", value.False, "module_stdout", value.Str(out), "module_stderr", value.Str(stderr), "rc", value.Int(rc),
		"msg", value.Str("MODULE FAILURE: No start of json char found\nSee stdout/stderr for the exact error")), nil
}

// sameMachine reports whether the connection leads to a file of ours.
func (r *remote) sameMachine(ctx context.Context, file string) bool {
	st, err := os.Stat(file)
	if err != nil {
		return false
	}
	rc, out, _, err := r.plugCommand(ctx, "/bin/sh -c "+connection.Quote("wc -c < "+connection.Quote(file)+" && hostname"), false)
	host, herr := os.Hostname()
	f := strings.Fields(out)
	return err == nil && herr == nil && rc == 0 && len(f) == 2 && f[0] == fmt.Sprint(st.Size()) && f[1] == host
}

// sendBytes writes a file on the host.
func (r *remote) sendBytes(ctx context.Context, data []byte, dest string) error {
	f, err := os.CreateTemp("", "troupe-put-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = r.use(ctx, "put", "source", value.Str(f.Name()), "dest", value.Str(dest))
	return err
}
