package playbook

import "github.com/troupe-automation/troupe/value"

// EffectiveTags is the union of the tags of all levels, rendered: a tag that renders to a list is that list's elements.
// Tags that are no texts never match anything and are left out.
func (t *Task) EffectiveTags(render func(value.Value) (value.Value, error)) ([]string, error) {
	return renderTags(t.Extended("tags"), render)
}

func renderTags(tags []value.Value, render func(value.Value) (value.Value, error)) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	add := func(v value.Value) {
		if s, ok := value.AsString(v); ok && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	for _, tag := range tags {
		if _, ok := tag.(*value.Template); ok && render != nil {
			v, err := render(tag)
			if err != nil {
				return nil, err
			}
			tag = v
		}
		if l, ok := tag.(*value.List); ok {
			for _, e := range l.Elems {
				add(e)
			}
			continue
		}
		add(tag)
	}
	return out, nil
}

// Selected decides whether something with these tags runs under --tags only and --skip-tags skip (BEHAVIOUR §3.6). No --tags
// means only = ["all"], which an empty list stands for too.
func Selected(tags, only, skip []string) bool {
	has := func(list []string, s string) bool {
		for _, l := range list {
			if l == s {
				return true
			}
		}
		return false
	}
	meets := func(list []string) bool {
		for _, l := range list {
			if has(tags, l) {
				return true
			}
		}
		return false
	}
	if len(tags) == 0 {
		tags = []string{"untagged"}
	}
	if len(only) == 0 {
		only = []string{"all"}
	}
	tagged := !has(tags, "untagged") || len(tags) > 1
	run := has(tags, "always") ||
		has(only, "all") && !has(tags, "never") ||
		meets(only) ||
		has(only, "tagged") && tagged && !has(tags, "never")
	if !run || len(skip) == 0 {
		return run
	}
	switch {
	case has(skip, "all"):
		return has(tags, "always") && !has(skip, "always")
	case meets(skip):
		return false
	case has(skip, "tagged") && tagged:
		return false
	}
	return true
}
