package launch

import (
	"errors"
	"path/filepath"
	"strings"

	troupe "github.com/troupe-automation/troupe"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

// Task is a task that is written on a command line instead of in a playbook.
type Task struct {
	Play    string // name of the play
	Pattern string
	Module  string
	Args    string // k=v, free text, or JSON
	Async   int    // seconds in the background, 0 for none
	Poll    int    // seconds between looks
}

// OneTask is the playbook of one task that t stands for. A module that does not exist fails on the hosts, as with Ansible.
func (s *Session) OneTask(p *troupe.Project, t Task) (*playbook.Playbook, error) {
	dir, err := filepath.Abs(s.Basedir()) // else where the command was started
	if err != nil {
		return nil, err
	}
	pl := &playbook.Play{
		Name: t.Play, Hosts: []value.Value{value.Str(t.Pattern)}, Vars: value.NewDict(), Basedir: dir, Collections: p.Loader.DefaultCollections,
		Attrs: playbook.Attrs{{Keyword: "gather_facts", Value: value.False}},
	}
	doc := value.DictOf(t.Module, value.Value(value.Str(t.Args)))
	if strings.HasPrefix(strings.TrimSpace(t.Args), "{") {
		if d, err := value.ParseJSON(t.Args); err == nil {
			doc.SetStr(t.Module, d)
		}
	}
	if t.Async > 0 {
		doc.SetStr("async", value.Int(t.Async))
		doc.SetStr("poll", value.Int(t.Poll))
	}
	src, err := value.JSON(doc, value.JSONOptions{})
	if err != nil {
		return nil, err
	}
	node, err := yamldoc.Load([]byte(src), yamldoc.Options{})
	if err != nil {
		return nil, err
	}
	b := &playbook.Block{Implicit: true, Vars: value.NewDict(), Play: pl}
	b.Tasks, err = p.Loader.ItemsFrom(node, b)
	var d *diag.Diagnostic
	if errors.As(err, &d) && d.Code == diag.UnknownModule {
		b.Tasks, err = []playbook.Item{&playbook.Task{Action: t.Module, ActionAsWritten: t.Module, Args: value.NewDict(), Vars: value.NewDict(), Play: pl, Parent: b}}, nil
	}
	if err != nil {
		return nil, err
	}
	pl.Tasks = []*playbook.Block{b}
	return &playbook.Playbook{Path: "__adhoc_playbook__", Plays: []*playbook.Play{pl}}, nil
}
