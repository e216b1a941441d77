package dispatch

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/inventory"
	"github.com/troupe-automation/troupe/internal/server/launch"
	"github.com/troupe-automation/troupe/internal/server/runner"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// listing is an inventory as `troupe inventory --list` prints it.
type listing struct {
	hosts  map[string]map[string]any
	groups map[string]*listed
}

type listed struct {
	Hosts    []string       `json:"hosts"`
	Children []string       `json:"children"`
	Vars     map[string]any `json:"vars"`
}

// readInventory asks a child process what the files of an inventory have: those of a project are not to be trusted here.
func (d *Dispatcher) readInventory(ctx context.Context, own string, paths []string, source, job domain.Record, say func(string)) (*listing, error) {
	spec := runner.Spec{Self: append(append([]string{}, d.Self...), "inventory"), Args: []string{"--list", "--export"}, Dir: paths[0], Own: []string{own}, Cage: d.Cage, Groups: d.Groups, Owner: d.Owner,
		Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + own, "LC_ALL=C.UTF-8"}}
	if err := d.sourceSecrets(ctx, source, &spec); err != nil {
		return nil, err
	}
	for _, path := range paths[1:] {
		spec.Args = append(spec.Args, "-i", path)
	}
	if limit := job.Str("limit"); limit != "" {
		spec.Args = append(spec.Args, "--limit="+limit)
	}
	lack, err := d.contain(ctx, job, &spec)
	if err != nil {
		return nil, err
	}
	if lack != "" {
		say(lack)
	}
	out, said, err := runner.Output(ctx, spec)
	if s := strings.TrimSpace(said); s != "" {
		say(s)
	}
	if err != nil {
		return nil, fmt.Errorf("the inventory cannot be read: %w", err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(out, &raw); err != nil {
		return nil, fmt.Errorf("the inventory cannot be read: %w", err)
	}
	list := &listing{hosts: map[string]map[string]any{}, groups: map[string]*listed{}}
	var meta struct {
		HostVars map[string]map[string]any `json:"hostvars"`
	}
	if err := json.Unmarshal(raw["_meta"], &meta); err != nil {
		return nil, fmt.Errorf("the inventory cannot be read: %w", err)
	}
	maps.Copy(list.hosts, meta.HostVars)
	for name, body := range raw {
		if name == "_meta" {
			continue
		}
		g := &listed{}
		if err := json.Unmarshal(body, g); err != nil {
			return nil, fmt.Errorf("group %s cannot be read: %w", name, err)
		}
		list.groups[name] = g
		for _, h := range g.Hosts {
			if list.hosts[h] == nil {
				list.hosts[h] = map[string]any{}
			}
		}
	}
	return list, nil
}

// sourceSecrets gives the run that reads a source what the source's credentials bring.
func (d *Dispatcher) sourceSecrets(ctx context.Context, source domain.Record, spec *runner.Spec) error {
	tx := d.DB.Read(ctx)
	env, err := d.taskEnv(tx, "AWX_TASK_ENV")
	if err != nil {
		return err
	}
	ids, err := tx.Linked("inventory_source.credentials", source.ID())
	if err != nil {
		return err
	}
	if id := source.Int("credential"); id != 0 && !slices.Contains(ids, id) {
		ids = append(ids, id)
	}
	c, err := d.inject(ctx, tx, ids, nil)
	if err != nil {
		return err
	}
	spec.Env = append(append(spec.Env, env...), c.env...)
	spec.Files = c.files
	for _, a := range c.args { // of the others none is for reading an inventory
		if strings.HasPrefix(a, "--vault-id=") {
			spec.Args = append(spec.Args, a)
		}
	}
	return nil
}

// enabled tells what a source says of a host's being enabled: given is false when it says nothing. The source names a variable, with dots between the keys of
// dictionaries, and perhaps the value that it must have.
func enabled(source domain.Record, vars map[string]any) (on, given bool) {
	name := source.Str("enabled_var")
	if name == "" {
		return false, false
	}
	var v any = vars
	for key := range strings.SplitSeq(name, ".") {
		dict, _ := v.(map[string]any)
		var has bool
		if v, has = dict[key]; !has {
			return false, false
		}
	}
	if want := source.Str("enabled_value"); want != "" {
		return python(v) == want, true
	}
	switch v := v.(type) {
	case nil:
		return false, true
	case bool:
		return v, true
	case string:
		return v != "", true
	case float64:
		return v != 0, true
	case []any:
		return len(v) > 0, true
	case map[string]any:
		return len(v) > 0, true
	}
	return true, true
}

// python is str() of a value that stands alone.
func python(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	}
	return fmt.Sprint(v)
}

// filter leaves the hosts whose name matches the source's filter.
func (l *listing) filter(pattern string) error {
	if pattern == "" {
		return nil
	}
	re, err := regexp.Compile("^(?:" + pattern + ")")
	if err != nil {
		return fmt.Errorf("the filter for hosts is no regular expression: %w", err)
	}
	gone := func(name string) bool { return !re.MatchString(name) }
	maps.DeleteFunc(l.hosts, func(name string, _ map[string]any) bool { return gone(name) })
	for _, g := range l.groups {
		g.Hosts = slices.DeleteFunc(g.Hosts, gone)
	}
	return nil
}

// merge brings a listing into an inventory: overwrite removes what the source no longer has, overwrite_vars replaces variables instead of adding.
func merge(tx *store.Tx, source domain.Record, list *listing) (string, error) {
	if err := list.filter(source.Str("host_filter")); err != nil {
		return "", err
	}
	hosts, err := put(tx, "host", source, list.hosts)
	if err != nil {
		return "", err
	}
	vars := map[string]map[string]any{}
	for name, g := range list.groups {
		if name != "all" && name != "ungrouped" {
			vars[name] = g.Vars
		}
	}
	groups, err := put(tx, "group", source, vars)
	if err != nil {
		return "", err
	}
	for name, g := range list.groups {
		id, known := groups[name]
		if !known {
			continue
		}
		if source.Bool("overwrite") {
			if _, err := tx.Exec("DELETE FROM link WHERE relation IN ('group.hosts', 'group.children') AND from_id = ?", id); err != nil {
				return "", err
			}
		}
		members := make([]int64, 0, len(g.Hosts))
		for _, h := range g.Hosts {
			members = append(members, hosts[h])
		}
		if err := tx.LinkAll("group.hosts", id, members); err != nil {
			return "", err
		}
		for _, c := range g.Children {
			if child, known := groups[c]; known && child != id {
				if err := tx.Link("group.children", id, child); err != nil {
					return "", err
				}
			}
		}
	}
	return fmt.Sprintf("%d hosts, %d groups", len(hosts), len(groups)), inventory.Recount(tx, source.Int("inventory"))
}

// put makes or changes the hosts or groups of a source, whose variables are given by name, and returns their ids. New ones get theirs in
// the order of their names, as in AWX.
func put(tx *store.Tx, kind domain.Type, source domain.Record, variables map[string]map[string]any) (map[string]int64, error) {
	inv, src := source.Int("inventory"), source.ID()
	existing := map[string]domain.Record{}
	rows, err := tx.List(domain.Of(kind), store.Is("inventory", inv), store.Page{})
	if err != nil {
		return nil, err
	}
	for _, rec := range rows {
		existing[rec.Str("name")] = rec
	}
	relation := "inventory_source." + string(kind) + "s"
	out := map[string]int64{}
	var fresh []domain.Record
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		old, known := existing[name]
		vars := map[string]any{}
		if known && !source.Bool("overwrite_vars") {
			if vars, err = launch.ParseVars(old.Str("variables")); err != nil {
				return nil, err
			}
		}
		maps.Copy(vars, variables[name])
		text := string(domain.Encode(vars))
		out[name] = old.ID()
		changes := domain.Record{}
		if !known || old.Str("variables") != text {
			changes["variables"] = text
		}
		if kind == "host" {
			if on, given := enabled(source, variables[name]); !known || given && on != old.Bool("enabled") {
				changes["enabled"] = on || !given
			}
		}
		switch {
		case !known:
			changes["name"], changes["inventory"] = name, inv
			fresh = append(fresh, changes)
		case len(changes) > 0:
			changes["modified"] = time.Now()
			if err := tx.Update(kind, old.ID(), changes); err != nil {
				return nil, err
			}
		}
	}
	if err := made(tx, kind, inv, fresh, out); err != nil {
		return nil, err
	}
	if err := tx.LinkAll(relation, src, slices.Collect(maps.Values(out))); err != nil {
		return nil, err
	}
	if source.Bool("overwrite") {
		owned, err := tx.Linked(relation, src)
		if err != nil {
			return nil, err
		}
		keep := map[int64]bool{}
		for _, id := range out {
			keep[id] = true
		}
		for _, id := range owned {
			if !keep[id] {
				if err := tx.Delete(kind, id); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// made makes new hosts or groups and notes their ids.
func made(tx *store.Tx, kind domain.Type, inv int64, fresh []domain.Record, ids map[string]int64) error {
	if len(fresh) == 0 {
		return nil
	}
	if err := tx.InsertAll(kind, fresh); err != nil {
		return err
	}
	return tx.Query(`SELECT id, name FROM "`+string(kind)+`" WHERE inventory = ?`, []any{inv}, func(scan func(...any) error) error {
		var id int64
		var name string
		if err := scan(&id, &name); err != nil {
			return err
		}
		if _, ours := ids[name]; ours {
			ids[name] = id
		}
		return nil
	})
}
