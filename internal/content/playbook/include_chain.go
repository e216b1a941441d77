package playbook

import (
	"iter"

	"github.com/troupe-automation/troupe/value"
)

// Including yields the task itself and the includes and imports it came from, the innermost first.
func (t *Task) Including() iter.Seq[*Task] {
	return func(yield func(*Task) bool) {
		if t == nil || !yield(t) {
			return
		}
		for p := t.Parent; p != nil; p = p.parentOf() {
			if inc, ok := p.(*Task); ok && inc != nil && !yield(inc) {
				return
			}
		}
	}
}

// IsReserved reports whether a variable of this name hides a keyword of plays, roles, blocks or tasks.
func IsReserved(name string) bool {
	return playKeywords[name] || blockKeywords[name] || taskKeywords[name] || handlerKeywords[name]
}

// EffectiveTags are the tags of a play, rendered.
func (p *Play) EffectiveTags(render func(value.Value) (value.Value, error)) ([]string, error) {
	return renderTags(p.extended("tags"), render)
}
