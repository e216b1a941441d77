package dispatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/inventory"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/project"
	"github.com/troupe-automation/troupe/internal/server/runner"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// fly runs one job to its end. ctx ends when the job is canceled or the server stops; server ends only when the server stops.
func (d *Dispatcher) fly(ctx, server context.Context, job domain.Record) {
	in := d.newIntake(server, job)
	status, why := d.perform(ctx, job, in)
	if cause := context.Cause(ctx); cause != nil && status != "successful" {
		status, why = "canceled", ""
		if !errors.Is(cause, errCanceled) {
			status, why = "error", "The server was stopped while this job ran."
		}
	}
	// What the run said must be stored even though its context is gone, and though the database may be away.
	patient := time.Hour
	if server.Err() != nil {
		patient = lastWords
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), patient)
	defer cancel()
	if err := in.close(last); err != nil {
		d.Log.Error("storing events", "job", job.ID(), "error", err)
		status, why = "error", "Its events could not be stored: "+err.Error()
	}
	here := mine(job, d.Node)
	err := d.DB.Persist(last, func(tx *store.Tx) error {
		_, err := d.end(tx, job, here, status, why, in.results(), in.summaries) // unless somebody else has, or this is the second time
		return err
	})
	if err != nil {
		d.Log.Error("ending a job", "job", job.ID(), "error", err)
	}
}

// perform does what the kind of job is.
func (d *Dispatcher) perform(ctx context.Context, job domain.Record, in *intake) (status, why string) {
	limit, err := d.limit(ctx, job)
	if err != nil {
		return "error", err.Error()
	}
	whole := ctx
	if limit > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, limit)
		defer stop()
	}
	switch job.Type() {
	case "project_update":
		err = d.updateProject(ctx, job, in)
	case "inventory_update":
		err = d.updateInventory(ctx, job, in)
	case "system_job":
		err = d.system(ctx, job, in)
	default:
		return d.play(whole, job, limit, in)
	}
	if err != nil && ctx.Err() != nil && whole.Err() == nil {
		return "failed", timedOut
	}
	if err != nil {
		in.say("\x1b[1;31mERROR! " + err.Error() + "\x1b[0m")
		return "failed", err.Error()
	}
	return "successful", ""
}

// timedOut is what AWX says of a job that took too long.
const timedOut = "Job terminated due to timeout"

// starvedRun is what is said of a job that was killed for its memory.
const starvedRun = "The run, or a part of it, was killed because " + string(runner.ErrStarved) + "."

// limits are the settings that hold for jobs that have no time-out of their own.
var limits = map[domain.Type]string{"job": "DEFAULT_JOB_TIMEOUT", "project_update": "DEFAULT_PROJECT_UPDATE_TIMEOUT", "inventory_update": "DEFAULT_INVENTORY_UPDATE_TIMEOUT"}

// limit is how long a job may take, 0 for as long as it likes. A negative time-out is for jobs that the setting shall not touch.
func (d *Dispatcher) limit(ctx context.Context, job domain.Record) (time.Duration, error) {
	seconds := job.Int("timeout")
	if name := limits[job.Type()]; seconds == 0 && name != "" {
		err := d.DB.Patiently(ctx, func() error { return setting(d.DB.Read(ctx), name, &seconds) })
		if err != nil {
			return 0, err
		}
	}
	return time.Duration(max(0, seconds)) * time.Second, nil
}

// setting reads a setting that somebody has made; dst is left alone when nobody has.
func setting(tx *store.Tx, name string, dst any) error {
	var text string
	if err := tx.Value(&text, "SELECT value FROM setting WHERE name = ?", name); err != nil || text == "" {
		return err
	}
	return json.Unmarshal([]byte(text), dst)
}

// play runs a playbook or an ad hoc command as a child process.
func (d *Dispatcher) play(ctx context.Context, job domain.Record, limit time.Duration, in *intake) (status, why string) {
	dir, err := os.MkdirTemp(d.Dir, fmt.Sprintf("job-%d-", job.ID()))
	if err != nil {
		return "error", err.Error()
	}
	defer os.RemoveAll(dir)
	var spec runner.Spec
	var cache *facts
	var lack string
	err = d.DB.Patiently(ctx, func() error {
		own, err := os.MkdirTemp(dir, "")
		if err != nil {
			return err
		}
		if spec, err = d.spec(ctx, job, own); err != nil {
			return err
		}
		if lack, err = d.contain(ctx, job, &spec); err != nil {
			return err
		}
		spec.Timeout = limit
		var env []string
		if cache, env, err = d.provideFacts(d.DB.Read(ctx), job, own); err != nil {
			return err
		}
		spec.Env = append(spec.Env, env...)
		if job.Type() != "job" {
			return nil
		}
		rec, err := d.DB.Read(ctx).Get("project", job.Int("project"))
		if err != nil {
			return err
		}
		env, err = d.requirements(ctx, rec, spec.Dir, own, false, in.say)
		spec.Env = append(spec.Env, env...)
		return err
	})
	if err != nil {
		in.say("\x1b[1;31mERROR! " + err.Error() + "\x1b[0m")
		return "error", err.Error()
	}
	shown := domain.Record{"job_args": string(domain.Encode(append(append([]string{}, spec.Self...), spec.Args...))), "job_cwd": spec.Dir, "job_env": domain.Encode(publicEnv(spec.Env)), "scm_revision": job["scm_revision"]}
	if err := d.DB.Persist(ctx, func(tx *store.Tx) error { return tx.Update(job.Type(), job.ID(), shown) }); err != nil {
		return "error", err.Error()
	}
	if lack != "" {
		in.say(lack)
	}
	out := runner.Run(ctx, spec, in.line)
	if err := d.keepFacts(in.ctx, cache); err != nil {
		d.Log.Error("storing facts", "job", job.ID(), "error", err)
	}
	if s := strings.TrimSpace(out.Stderr); s != "" {
		in.say(s)
	}
	switch {
	case out.Err != nil:
		return "error", out.Err.Error()
	case out.TimedOut:
		return "failed", timedOut
	case out.Code == 0:
		return "successful", ""
	case out.Starved && out.Code < 0:
		return "error", starvedRun
	case out.Starved:
		return "failed", starvedRun
	case out.Code < 0:
		return "error", "The run was killed."
	}
	return "failed", ""
}

// publicEnv is an environment without values that a credential gave.
func publicEnv(env []string) map[string]string {
	out := map[string]string{}
	for _, e := range env {
		k, v, _ := strings.Cut(e, "=")
		if !plainVariables[k] {
			v = "**********"
		}
		out[k] = v
	}
	return out
}

var plainVariables = map[string]bool{"PATH": true, "HOME": true, "LC_ALL": true, "ANSIBLE_FORCE_COLOR": true, "ANSIBLE_HOST_KEY_CHECKING": true, "ANSIBLE_RETRY_FILES_ENABLED": true, "JOB_ID": true,
	"INVENTORY_ID": true, "PROJECT_REVISION": true, "TROUPE_OUTPUT": true, "ANSIBLE_BASE_TEAM_TYPE": true, "AWX_HOST": true, "TMPDIR": true,
	"ANSIBLE_ROLES_PATH": true, "ANSIBLE_COLLECTIONS_PATH": true, "ANSIBLE_CACHE_PLUGIN": true, "ANSIBLE_CACHE_PLUGIN_CONNECTION": true, "ANSIBLE_CACHE_PLUGIN_TIMEOUT": true}

// spec is how the child is called.
func (d *Dispatcher) spec(ctx context.Context, job domain.Record, dir string) (runner.Spec, error) {
	tx := d.DB.Read(ctx)
	s := runner.Spec{Self: append(append([]string{}, d.Self...), "playbook"), Files: map[string][]byte{}, Dir: filepath.Join(dir, "project"), Own: []string{dir}, Cage: d.Cage, Groups: d.Groups, Owner: d.Owner}
	s.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "LC_ALL=C.UTF-8", "ANSIBLE_FORCE_COLOR=true", "ANSIBLE_HOST_KEY_CHECKING=false", "ANSIBLE_RETRY_FILES_ENABLED=false",
		"JOB_ID=" + strconv.FormatInt(job.ID(), 10), "INVENTORY_ID=" + strconv.FormatInt(job.Int("inventory"), 10)}
	env, err := d.taskEnv(tx, "AWX_TASK_ENV")
	if err != nil {
		return s, err
	}
	s.Env = append(s.Env, env...)
	inv, err := inventory.Document(d.DB, tx, job.Int("inventory"), inventory.Slice{Number: job.Int("job_slice_number"), Count: job.Int("job_slice_count")})
	if err != nil {
		return s, err
	}
	s.Files["inventory.yml"] = inv
	args := []string{"-i", runner.SecretDir + "/inventory.yml", "--events", "3"}
	c, err := d.credentials(ctx, tx, job)
	if err != nil {
		return s, err
	}
	vars, err := d.runVars(tx, job, c.vars)
	if err != nil {
		return s, err
	}
	b, err := json.Marshal(vars)
	if err != nil {
		return s, err
	}
	s.Files["extra_vars.json"] = b
	args = append(args, "-e", "@"+runner.SecretDir+"/extra_vars.json")
	for name, content := range c.files {
		s.Files[name] = content
	}
	s.Env = append(s.Env, c.env...)
	args = append(args, c.args...)
	if n := job.Int("forks"); n > 0 {
		args = append(args, "-f", strconv.FormatInt(n, 10))
	}
	if v := job.Str("limit"); v != "" {
		args = append(args, "--limit="+v)
	}
	if n := job.Int("verbosity"); n > 0 {
		args = append(args, "-"+strings.Repeat("v", int(n)))
	}
	if job.Str("job_type") == "check" {
		args = append(args, "--check")
	}
	if job.Bool("diff_mode") {
		args = append(args, "--diff")
	}
	if job.Bool("become_enabled") {
		args = append(args, "--become")
	}
	if job.Type() == "ad_hoc_command" {
		if err := plainText(tx, job.Str("module_args"), job.Str("limit")); err != nil {
			return s, err
		}
		s.Self[len(s.Self)-1] = "adhoc"
		args = append(args, "--module-name="+job.Str("module_name"))
		if v := job.Str("module_args"); v != "" {
			args = append(args, "--args="+v)
		}
		s.Args = append(args, "--", "all")
		return s, os.Mkdir(s.Dir, 0o700)
	}
	for _, f := range []struct{ flag, field string }{{"--tags=", "job_tags"}, {"--skip-tags=", "skip_tags"}, {"--start-at-task=", "start_at_task"}} {
		if v := job.Str(f.field); v != "" {
			args = append(args, f.flag+v)
		}
	}
	if job.Bool("force_handlers") {
		args = append(args, "--force-handlers")
	}
	if err := d.checkout(ctx, job, s.Dir); err != nil {
		return s, err
	}
	s.Env = append(s.Env, "PROJECT_REVISION="+job.Str("scm_revision"))
	playbook := job.Str("playbook")
	if !filepath.IsLocal(playbook) {
		return s, fmt.Errorf("the playbook %q is not in the project", playbook)
	}
	if real, err := filepath.EvalSymlinks(filepath.Join(s.Dir, playbook)); err != nil {
		return s, fmt.Errorf("the project has no playbook %q at revision %s", playbook, job.Str("scm_revision"))
	} else if root, err := filepath.EvalSymlinks(s.Dir); err != nil || !strings.HasPrefix(real, root+string(filepath.Separator)) {
		return s, fmt.Errorf("the playbook %q is not in the project", playbook)
	}
	s.Args = append(args, "--", playbook)
	return s, nil
}

// checkout brings the project's files at the job's revision.
func (d *Dispatcher) checkout(ctx context.Context, job domain.Record, dir string) error {
	tx := d.DB.Read(ctx)
	rec, err := tx.Get("project", job.Int("project"))
	if errors.Is(err, store.ErrNotFound) {
		return errors.New("the project of this job is gone")
	}
	if err != nil {
		return err
	}
	src, err := d.source(ctx, tx, rec)
	if err != nil {
		return err
	}
	revision := rec.Str("scm_revision")
	if branch := job.Str("scm_branch"); branch != "" && branch != rec.Str("scm_branch") && (src.Kind == "git" || src.Kind == "svn") {
		src.Branch = branch
		if revision, err = d.Projects.Resolve(ctx, src); err != nil {
			return err
		}
	}
	job["scm_revision"] = revision
	return d.Projects.Checkout(ctx, src, revision, dir)
}

// source is a project as git needs it.
func (d *Dispatcher) source(ctx context.Context, tx *store.Tx, rec domain.Record) (project.Source, error) {
	src := project.Source{ID: rec.ID(), Kind: rec.Str("scm_type"), URL: rec.Str("scm_url"), Branch: rec.Str("scm_branch"), Refspec: rec.Str("scm_refspec"), LocalPath: rec.Str("local_path"),
		Submodules: rec.Bool("scm_track_submodules"), Fresh: rec.Bool("scm_delete_on_update")}
	if id := rec.Int("signature_validation_credential"); id != 0 {
		c, err := tx.Get("credential", id)
		if err != nil {
			return src, err
		}
		inputs, err := d.inputs(ctx, tx, c)
		if err != nil {
			return src, err
		}
		if src.Signers, _ = inputs["gpg_public_key"].(string); src.Signers == "" {
			return src, errors.New("the credential of the project's signature has no public key")
		}
	}
	if !rec.Has("credential") {
		return src, nil
	}
	c, err := tx.Get("credential", rec.Int("credential"))
	if err != nil {
		return src, err
	}
	inputs, err := d.inputs(ctx, tx, c)
	src.Username, _ = inputs["username"].(string)
	src.Password, _ = inputs["password"].(string)
	if key, _ := inputs["ssh_key_data"].(string); key != "" && err == nil {
		passphrase, _ := inputs["ssh_key_unlock"].(string)
		src.Key, err = openKey(key, passphrase)
	}
	return src, err
}

// updateProject fetches a project and looks what it has.
func (d *Dispatcher) updateProject(ctx context.Context, job domain.Record, in *intake) error {
	tx := d.DB.Read(ctx)
	rec, err := tx.Get("project", job.Int("project"))
	if err != nil {
		return err
	}
	src, err := d.source(ctx, tx, rec)
	if err != nil {
		return err
	}
	in.say(fmt.Sprintf("Fetching %s", src.URL))
	revision, err := d.Projects.Update(ctx, src, func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			in.say(s)
		}
	})
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(d.Dir, fmt.Sprintf("project-%d-", job.ID()))
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files := filepath.Join(dir, "project")
	if err := d.Projects.Checkout(ctx, src, revision, files); err != nil {
		return err
	}
	if _, err := d.requirements(ctx, rec, files, dir, true, in.say); err != nil {
		return err
	}
	playbooks, err := project.Playbooks(files)
	if err != nil {
		return err
	}
	inventories, err := project.Inventories(files)
	if err != nil {
		return err
	}
	if src.Signers != "" {
		in.say("The signature holds")
	}
	in.say(fmt.Sprintf("Revision %s, %d playbooks", revision, len(playbooks)))
	return d.DB.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Update("project", rec.ID(), domain.Record{"scm_revision": revision, "playbook_files": domain.Encode(playbooks), "inventory_files": domain.Encode(inventories)}); err != nil {
			return err
		}
		return tx.Update("project_update", job.ID(), domain.Record{"scm_revision": revision})
	})
}

// updateInventory brings hosts and groups of a source into the inventory.
func (d *Dispatcher) updateInventory(ctx context.Context, job domain.Record, in *intake) error {
	rec, err := d.DB.Read(ctx).Get("inventory_source", job.Int("inventory_source"))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(d.Dir, fmt.Sprintf("inventory-%d-", job.ID()))
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var paths []string // the first is where the files lie
	switch s := job.Str("source"); s {
	case "scm", "file":
		paths, err = d.projectSource(ctx, job, rec, dir)
	case inventory.Constructed:
		paths, err = d.constructedSource(ctx, job, dir)
	default:
		plugin := plugins[s]
		if plugin == "" {
			return fmt.Errorf("there are no inventory sources of type %q", s)
		}
		paths, err = pluginSource(job, plugin, dir)
	}
	if err != nil {
		return err
	}
	list, err := d.readInventory(ctx, dir, paths, rec, job, in.say)
	if err != nil {
		return err
	}
	return d.DB.Write(ctx, func(tx *store.Tx) error {
		counts, err := merge(tx, rec, list)
		if err == nil {
			in.say(counts)
		}
		return err
	})
}

// projectSource checks out the project of a source; the inventory is one of its files.
func (d *Dispatcher) projectSource(ctx context.Context, job, source domain.Record, dir string) ([]string, error) {
	job["project"] = source["source_project"]
	path := job.Str("source_path")
	if path == "" || path == "/ (project root)" {
		path = "."
	}
	if !filepath.IsLocal(path) {
		return nil, fmt.Errorf("%q is not in the project", path)
	}
	files := filepath.Join(dir, "project")
	return []string{files, path}, d.checkout(ctx, job, files)
}

// constructedSource writes down the input inventories, and the plugin's settings after them.
func (d *Dispatcher) constructedSource(ctx context.Context, job domain.Record, dir string) ([]string, error) {
	tx := d.DB.Read(ctx)
	inputs, err := tx.Linked("inventory.input_inventories", job.Int("inventory"))
	if err != nil {
		return nil, err
	}
	paths := []string{dir}
	write := func(name string, content []byte) error {
		paths = append(paths, filepath.Join(dir, name))
		return os.WriteFile(filepath.Join(dir, name), content, 0o600)
	}
	for i, id := range inputs {
		doc, err := inventory.Document(d.DB, tx, id, inventory.Slice{})
		if err != nil {
			return nil, fmt.Errorf("input inventory %d: %w", id, err)
		}
		if err := write(fmt.Sprintf("input-%03d.yml", i), doc); err != nil {
			return nil, err
		}
	}
	vars, err := launch.ParseVars(job.Str("source_vars"))
	if err != nil {
		return nil, fmt.Errorf("source_vars: %w", err)
	}
	vars["plugin"] = "constructed" // nothing else: the settings are a user's, and other plugins run programs
	return paths, write("constructed.yml", domain.Encode(vars))
}

// line takes one line of the run.
func (in *intake) line(l event.Line) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.take(l)
}
