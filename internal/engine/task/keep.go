package task

import (
	"context"
	"errors"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/internal/wire"
	"github.com/troupe-automation/troupe/value"
)

// keep leaves what a call executes on the host, as a file that people can run again (DEFAULT_KEEP_REMOTE_FILES). It belongs to
// the login user; one that tasks become may read it. A module in Python then runs from it.
func (r *remote) keep(ctx context.Context, s *session.Session, c *session.Call) error {
	c.Keep, c.Tmp = true, tmpName()
	if p := c.Python; p != nil && p.Style != wire.StylePython { // its files are made where it runs
		r.kept = session.Place(c.TmpDir())
		return nil
	}
	got, err := r.asLogin(ctx, s, session.RawCommand{Command: "( umask 77 && mkdir -p " + session.Place(c.Base()) + " && mkdir " + session.Place(c.TmpDir()) + " && cd " + session.Place(c.TmpDir()) + " && pwd )"})
	if err != nil {
		return err
	}
	dir := strings.TrimSpace(got)
	text, file, own := []byte(nil), dir+"/"+c.KeptName(), ""
	guest := c.Become != nil && c.Become.Guest() && c.Become.User != r.User()
	if p := c.Python; p != nil {
		file = dir + "/" + p.KeptName()
		if own = dir; guest {
			own = ""
		}
		args, err := c.ModuleArgs(own)
		if err != nil {
			return err
		}
		if text, err = p.Kept(args); err != nil {
			return err
		}
	} else if text, err = s.Script(ctx, *c); err != nil {
		return r.callError(err)
	}
	if r.told() {
		from := c.Module
		if c.Python != nil {
			from = c.Python.Path
		}
		r.line("PUT " + from + " TO " + file)
	}
	if _, err := s.Raw(ctx, session.RawCommand{Command: "umask 77 && cat >" + connection.Quote(file), Stdin: text}); err != nil {
		return r.callError(err)
	}
	paths := connection.Quote(dir) + " " + connection.Quote(file)
	r.kept = dir
	if !guest {
		if _, err := r.asLogin(ctx, s, session.RawCommand{Command: "chmod u+x " + paths}); err != nil {
			return err
		}
	} else if err := r.readable(ctx, s, c.Become.User, paths); err != nil {
		r.x.warn(err.Error())
		return nil
	}
	c.File = file
	return nil
}

// asLogin runs a command line as the login user and returns what it prints. That it fails is an error.
func (r *remote) asLogin(ctx context.Context, s *session.Session, c session.RawCommand) (string, error) {
	got, err := r.raw(ctx, s, c)
	if err != nil {
		return "", r.callError(err)
	}
	if got.RC != 0 {
		return "", errors.New("keep remote files: " + strings.TrimSpace(got.Stderr+got.Stdout))
	}
	return got.Stdout, nil
}

// readable lets a user who is not root read and execute files of the login user, in the first way that works: an access control
// list, owner, the group that both share, everybody when that is allowed.
func (r *remote) readable(ctx context.Context, s *session.Session, user, paths string) error {
	src := config.Sources{Vars: r.variable}
	option := func(name string) value.Value {
		v, _, err := r.x.Config.PluginOption("shell", "sh", name, src)
		if err != nil {
			return value.None
		}
		return v
	}
	as := connection.Quote(user)
	ways := []string{"setfacl -m u:" + as + ":r-x " + paths, "chmod u+x " + paths + " && chown " + as + " " + paths}
	if hello, err := s.Hello(ctx); err == nil && hello.OS == "darwin" {
		ways = append(ways, "chmod +a "+connection.Quote(user+" allow read,execute")+" "+paths)
	}
	if group := option("common_remote_group"); group != value.None {
		ways = append(ways, "chgrp "+connection.Quote(plain(group))+" "+paths+" && chmod g+rwx "+paths)
	}
	if open, err := action.ToBool(option("world_readable_temp"), "world_readable_temp"); err == nil && open {
		ways = append(ways, "chmod a+rx "+paths)
	}
	why := ""
	for _, way := range ways {
		got, err := r.raw(ctx, s, session.RawCommand{Command: way})
		if err != nil {
			return r.callError(err)
		}
		if got.RC == 0 {
			return nil
		}
		why = strings.TrimSpace(got.Stderr)
	}
	return errors.New("The files that are kept on the host cannot be read by " + user + ": " + why) //nolint:staticcheck // a sentence that is shown
}
