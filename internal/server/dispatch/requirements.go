package dispatch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/project"
	"github.com/troupe-automation/troupe/internal/server/runner"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// requirements brings the roles and collections that the files of a project list into a directory of the run's own, and returns the variables by which it
// finds them. They are installed when the project is updated (fresh), and kept by what the lists say and where things come from; a run
// installs them itself only where nobody has yet: on another node, for another branch.
func (d *Dispatcher) requirements(ctx context.Context, rec domain.Record, files, own string, fresh bool, say func(string)) ([]string, error) {
	tx := d.DB.Read(ctx)
	lists, err := d.wantedLists(tx, files)
	if err != nil || len(lists) == 0 {
		return nil, err
	}
	servers, env, err := d.galaxy(ctx, tx, rec.Int("organization"))
	if err != nil {
		return nil, err
	}
	if len(servers) == 0 {
		if fresh {
			say("The project lists roles or collections, and its organization has no Galaxy credentials: they are not installed.")
		}
		return nil, nil
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%q\n", servers)
	for _, l := range lists {
		text, err := os.ReadFile(filepath.Join(files, l.File))
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(hash, "%s %s %d\n%s", l.Kind, l.File, len(text), text)
	}
	place := filepath.Join(own, "requirements")
	err = d.Projects.Installed(ctx, hex.EncodeToString(hash.Sum(nil)[:16]), fresh, place, func(into string) error {
		return d.install(ctx, rec, lists, files, env, into, say)
	})
	if err != nil {
		return nil, err
	}
	return d.searched(ctx, files, own, place)
}

// wantedLists are the project's lists, as far as the settings let them count.
func (d *Dispatcher) wantedLists(tx *store.Tx, files string) ([]project.Requirement, error) {
	var out []project.Requirement
	for _, l := range project.Requirements(files) {
		enabled := true
		if err := setting(tx, map[string]string{"role": "AWX_ROLES_ENABLED", "collection": "AWX_COLLECTIONS_ENABLED"}[l.Kind], &enabled); err != nil {
			return nil, err
		}
		if enabled {
			out = append(out, l)
		}
	}
	return out, nil
}

// galaxy are the servers that an organization's credentials name, and the variables that tell them to the program that installs.
func (d *Dispatcher) galaxy(ctx context.Context, tx *store.Tx, organization int64) (servers, env []string, err error) {
	if organization == 0 {
		return nil, nil, nil
	}
	ids, err := tx.Linked("organization.galaxy_credentials", organization)
	if err != nil {
		return nil, nil, err
	}
	var names []string
	for i, id := range ids {
		c, err := tx.Get("credential", id)
		if err != nil {
			return nil, nil, err
		}
		in, err := d.inputs(ctx, tx, c)
		if err != nil {
			return nil, nil, err
		}
		name := fmt.Sprintf("server%d", i)
		names = append(names, name)
		for _, f := range []string{"url", "auth_url", "token"} {
			v, _ := in[f].(string)
			if v == "" {
				continue
			}
			env = append(env, "ANSIBLE_GALAXY_SERVER_"+strings.ToUpper(name)+"_"+strings.ToUpper(f)+"="+v)
			if f == "url" {
				servers = append(servers, v)
			}
		}
	}
	ignore := false
	if err := setting(tx, "GALAXY_IGNORE_CERTS", &ignore); err != nil {
		return nil, nil, err
	}
	if ignore {
		env = append(env, "ANSIBLE_GALAXY_IGNORE=true")
	}
	return servers, append(env, "ANSIBLE_GALAXY_SERVER_LIST="+strings.Join(names, ",")), nil
}

// install runs the program that installs: what the lists name may come from anywhere, and is not to be trusted here.
func (d *Dispatcher) install(ctx context.Context, rec domain.Record, lists []project.Requirement, files string, env []string, into string, say func(string)) error {
	own, err := os.MkdirTemp(d.Dir, fmt.Sprintf("requirements-%d-", rec.ID()))
	if err != nil {
		return err
	}
	defer os.RemoveAll(own)
	work, made := filepath.Join(own, "project"), filepath.Join(own, "made")
	if err := os.CopyFS(work, os.DirFS(files)); err != nil { // a list may name a directory of the project
		return err
	}
	if err := os.Mkdir(made, 0o700); err != nil {
		return err
	}
	src, err := d.source(ctx, d.DB.Read(ctx), rec)
	if err != nil {
		return err
	}
	ssh := "ssh -o StrictHostKeyChecking=no -o BatchMode=yes"
	secrets := map[string][]byte{}
	if src.Key != "" { // repositories of roles are often beside the project's
		secrets["key"] = []byte(src.Key)
		ssh += " -o IdentitiesOnly=yes -i " + runner.SecretDir + "/key"
	}
	tasks, err := d.taskEnv(d.DB.Read(ctx), "AWX_TASK_ENV", "GALAXY_TASK_ENV")
	if err != nil {
		return err
	}
	env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + own, "LC_ALL=C.UTF-8", "GIT_SSH_COMMAND=" + ssh}, append(tasks, env...)...)
	for _, l := range lists {
		say(fmt.Sprintf("Installing the %ss of %s", l.Kind, l.File))
		spec := runner.Spec{Self: append(append([]string{}, d.Self...), "galaxy"), Dir: work, Own: []string{own}, Cage: d.Cage, Groups: d.Groups, Owner: d.Owner, Env: env, Files: secrets,
			Args: []string{l.Kind, "install", "--force", "-r", l.File, "-p", filepath.Join(made, l.Kind+"s")}}
		out, said, err := runner.Output(ctx, spec)
		for _, text := range []string{string(out), said} {
			if text = strings.TrimSpace(text); text != "" {
				say(text)
			}
		}
		if err != nil {
			return fmt.Errorf("the %ss of %s cannot be installed: %w", l.Kind, l.File, err)
		}
	}
	return os.CopyFS(into, os.DirFS(made))
}

// searched are the variables that put what was installed before the places where a run looks otherwise: those of the project's ansible.cfg. A child reads
// that file, as it is the project's.
func (d *Dispatcher) searched(ctx context.Context, files, own, place string) ([]string, error) {
	paths := map[string][]string{
		"DEFAULT_ROLES_PATH": {filepath.Join(own, ".ansible/roles"), "/usr/share/ansible/roles", "/etc/ansible/roles"},
		"COLLECTIONS_PATHS":  {filepath.Join(own, ".ansible/collections"), "/usr/share/ansible/collections"},
	}
	if _, err := os.Lstat(filepath.Join(files, "ansible.cfg")); err == nil {
		spec := runner.Spec{Self: append(append([]string{}, d.Self...), "config"), Args: []string{"dump", "--format", "json"}, Dir: files, Own: []string{own}, Cage: d.Cage, Groups: d.Groups, Owner: d.Owner,
			Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + own, "LC_ALL=C.UTF-8"}}
		out, said, err := runner.Output(ctx, spec)
		if err != nil {
			return nil, fmt.Errorf("the project's ansible.cfg: %w\n%s", err, said)
		}
		var list []struct {
			Name  string          `json:"name"`
			Value json.RawMessage `json:"value"`
		}
		if err := json.Unmarshal(out, &list); err != nil {
			return nil, fmt.Errorf("the project's ansible.cfg: %w", err)
		}
		for _, s := range list {
			var found []string
			if paths[s.Name] != nil && json.Unmarshal(s.Value, &found) == nil {
				paths[s.Name] = found
			}
		}
	}
	join := func(kind string, rest []string) string {
		return strings.Join(append([]string{filepath.Join(place, kind)}, rest...), ":")
	}
	return []string{"ANSIBLE_ROLES_PATH=" + join("roles", paths["DEFAULT_ROLES_PATH"]), "ANSIBLE_COLLECTIONS_PATH=" + join("collections", paths["COLLECTIONS_PATHS"])}, nil
}

// taskEnv are the variables that settings give to what the server runs.
func (d *Dispatcher) taskEnv(tx *store.Tx, names ...string) ([]string, error) {
	var out []string
	for _, name := range names {
		vars := map[string]any{}
		if err := setting(tx, name, &vars); err != nil {
			return nil, err
		}
		for k, v := range vars {
			if k != "" && !strings.ContainsAny(k, "=\x00") {
				out = append(out, fmt.Sprintf("%s=%v", k, v))
			}
		}
	}
	return out, nil
}
