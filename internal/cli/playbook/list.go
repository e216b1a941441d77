package playbook

import (
	"fmt"
	"slices"
	"strings"

	troupe "github.com/troupe-automation/troupe"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/value"
)

// list prints hosts, tasks and tags of a playbook (BEHAVIOUR §3.6, sample flow_list_options).
func list(s *launch.Session, p *troupe.Project, pb *playbook.Playbook, only, skip []string) error {
	v := s.Values
	s.Display.Print("\nplaybook: "+pb.Path, "")
	if v.Bool("syntax") && !v.Bool("listtasks") && !v.Bool("listtags") && !v.Bool("listhosts") {
		return nil
	}
	for i, play := range pb.Plays {
		l := &lister{s: s, p: p, play: play, only: only, skip: skip, all: map[string]bool{}}
		head, err := l.head(i + 1)
		if err != nil {
			return err
		}
		if v.Bool("listhosts") {
			if err := l.hosts(&head); err != nil {
				return err
			}
		}
		s.Display.Print(head, "")
		if v.Bool("listtasks") || v.Bool("listtags") {
			l.tasks(v.Bool("listtasks"), v.Bool("listtags"))
		}
	}
	return nil
}

type lister struct {
	s          *launch.Session
	p          *troupe.Project
	play       *playbook.Play
	only, skip []string
	all        map[string]bool
	lines      []string
}

func (l *lister) head(n int) (string, error) {
	tags, err := l.play.EffectiveTags(l.p.Renderer(l.play))
	if err != nil {
		return "", err
	}
	slices.Sort(tags)
	for _, t := range tags {
		l.all[t] = true
	}
	pattern := hostsText(l.play)
	name := l.play.Name
	if name == "" {
		name = pattern
	}
	if v, err := l.p.Renderer(l.play)(value.NewTemplate(name, l.play.Pos)); err == nil {
		name, _ = value.ToStr(v)
	}
	return fmt.Sprintf("\n  play #%d (%s): %s\tTAGS: [%s]", n, pattern, name, strings.Join(tags, ", ")), nil
}

func hostsText(p *playbook.Play) string {
	var parts []string
	for _, h := range p.Hosts {
		s, _ := value.ToStr(h)
		parts = append(parts, s)
	}
	return strings.Join(parts, ",")
}

func (l *lister) hosts(head *string) error {
	var terms []string
	for _, h := range l.play.Hosts {
		r, err := l.p.Renderer(l.play)(h)
		if err != nil {
			return err
		}
		s, _ := value.ToStr(r)
		terms = append(terms, s)
	}
	hosts, err := l.p.Match(terms, l.s.Limit())
	if err != nil {
		return err
	}
	quoted := make([]string, len(terms))
	for i, t := range terms {
		quoted[i] = "'" + t + "'"
	}
	*head += fmt.Sprintf("\n    pattern: [%s]\n    hosts (%d):", strings.Join(quoted, ", "), len(hosts))
	for _, h := range hosts {
		*head += "\n      " + h.Name
	}
	return nil
}

func (l *lister) tasks(tasks, tags bool) {
	for _, b := range l.play.Compile() {
		l.block(b)
	}
	if tasks {
		l.s.Display.Print("    tasks:", "")
		for _, line := range l.lines {
			l.s.Display.Print(line, "")
		}
	}
	if tags {
		var names []string
		for t := range l.all {
			names = append(names, t)
		}
		slices.Sort(names)
		l.s.Display.Print("      TASK TAGS: ["+strings.Join(names, ", ")+"]", "")
	}
}

func (l *lister) block(b *playbook.Block) {
	for _, it := range b.Tasks { // rescue and always are not listed
		switch it := it.(type) {
		case *playbook.Block:
			l.block(it)
		case *playbook.Task:
			l.task(it)
		}
	}
}

func (l *lister) task(t *playbook.Task) {
	if t.Implicit {
		return
	}
	tags, err := t.EffectiveTags(l.p.Renderer(l.play))
	if err != nil || !playbook.Selected(tags, l.only, l.skip) {
		return
	}
	slices.Sort(tags)
	for _, tag := range tags {
		l.all[tag] = true
	}
	l.lines = append(l.lines, fmt.Sprintf("      %s\tTAGS: [%s]", t.GetName(), strings.Join(tags, ", ")))
}
