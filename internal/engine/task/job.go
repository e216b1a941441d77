package task

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/remote/session"
	"github.com/troupe-automation/troupe/value"
)

// runAsync starts the module as a job of its own and, with poll, waits for its end (BEHAVIOUR §3.10).
func (r *remote) runAsync(c *action.Context) (*action.Outcome, error) {
	name, args := c.Name, c.Args
	if c.HasRaw {
		args = args.Copy()
		args.SetStr("_raw_params", value.Str(c.RawText))
	}
	if name == "ansible.builtin.shell" {
		args.SetStr("_uses_shell", value.True)
		name = "ansible.builtin.command"
	}
	started, err := r.StartJob(c, action.ModuleCall{Name: name, Args: args, Become: true})
	if err != nil {
		return nil, err
	}
	return r.AwaitJob(c, started)
}

// StartJob implements action.PythonRemote.
func (r *remote) StartJob(c *action.Context, m action.ModuleCall) (*value.Dict, error) {
	s, call, err := r.call(c, m)
	if err != nil {
		return nil, err
	}
	// Ansible's watcher looks at its clock every five seconds, so that whoever polls more often is the first to give up.
	limit := (r.async() + 4) / 5 * 5
	call.Async = &session.Async{JID: fmt.Sprintf("j%d", rand.Int64N(1_000_000_000_000)), Limit: time.Duration(limit) * time.Second, Dir: r.asyncDir()}
	raw, err := s.Run(c, call)
	if err != nil {
		return nil, r.callError(err)
	}
	return r.decode(raw)
}

// AwaitJob implements action.PythonRemote: with poll it waits until the job ends or its time is up.
func (r *remote) AwaitJob(c *action.Context, started *value.Dict) (*action.Outcome, error) {
	poll, err := r.x.number(r.t, "poll", r.x.Task.Get("poll"), float64(r.x.Config.Int("DEFAULT_POLL_INTERVAL")))
	if err != nil {
		return nil, err
	}
	if poll <= 0 || truth(started, "failed") {
		return &action.Outcome{Result: started}, nil
	}
	return r.poll(c, started, r.async(), poll, r.asyncDir())
}

// poll asks for the job until it ends or its time is up.
func (r *remote) poll(c *action.Context, started *value.Dict, limit int, every float64, dir string) (*action.Outcome, error) {
	jid, _ := started.GetStr("ansible_job_id")
	status := func(mode string) (*value.Dict, error) {
		args := value.DictOf("jid", jid, "mode", value.Str(mode))
		if dir != "" {
			args.SetStr("_async_dir", value.Str(dir))
		}
		return r.Module(c, action.ModuleCall{Name: "ansible.builtin.async_status", Args: args, Become: true})
	}
	id := plain(jid)
	host := event.Host{Name: r.x.Host}
	var last *value.Dict
	for left := float64(limit); left > 0; left -= every {
		if !r.x.pause(time.Duration(every * float64(time.Second))) {
			return nil, r.x.ctx.Err()
		}
		d, err := status("status")
		if err != nil {
			return nil, err
		}
		last = d
		if truth(d, "finished") {
			state := "ok"
			if failed(d) {
				state = "failed"
			}
			r.x.Emit(&event.AsyncPoll{Task: r.x.Info, Host: host, JobID: id, State: state, Result: d})
			_, _ = status("cleanup") // a job file left behind does no harm
			return action.FromModule(d), nil
		}
		r.x.Emit(&event.AsyncPoll{Task: r.x.Info, Host: host, JobID: id, State: "poll", Started: number(d, "started"), Finished: number(d, "finished")})
	}
	if last == nil {
		last = started
	}
	last = last.Copy()
	finish(last, true)
	last.DeleteStr("changed")
	last.DeleteStr("failed")
	r.x.Emit(&event.AsyncPoll{Task: r.x.Info, Host: host, JobID: id, State: "failed"})
	return nil, &action.Failure{
		Msg:  fmt.Sprintf("async task did not complete within the requested time - %ds", limit),
		Keys: value.DictOf("async_result", last),
	}
}
