package debugger

import (
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// Edited is a dict that the user may change: Shown is a copy with templates as their text.
type Edited struct {
	original *value.Dict
	Shown    *value.Dict
}

// NewEdited lets the user change d; d stays as it is.
func NewEdited(d *value.Dict) *Edited { return &Edited{original: d, Shown: shown(d)} }

// Replace starts over with another dict, in the same place for whoever holds Shown.
func (e *Edited) Replace(d *value.Dict) {
	e.original = d
	for _, k := range e.Shown.Keys() {
		_, _ = e.Shown.Delete(k) // the key was hashable before
	}
	for k, v := range shown(d).All() {
		_ = e.Shown.Set(k, v) // the key was hashable before
	}
}

// Result is the dict with what was changed, and the changes alone. What the user typed may hold templates; everything that
// was left alone stays what it was, data or template.
func (e *Edited) Result(pos source.Pos) (all, changes *value.Dict) {
	all, changes = value.NewDict(), value.NewDict()
	before := shown(e.original)
	for k, v := range e.Shown.All() {
		if old, ok, _ := before.Get(k); ok {
			if same, err := value.Equal(old, v); err != nil || same {
				was, _, _ := e.original.Get(k)
				_ = all.Set(k, was) // the key was hashable before
				continue
			}
		}
		v = template.Content(v, pos)
		_ = all.Set(k, v)
		_ = changes.Set(k, v)
	}
	return all, changes
}

func shown(d *value.Dict) *value.Dict {
	v := value.MapLeaves(value.DeepCopy(d), func(e value.Value) value.Value {
		if t, ok := e.(*value.Template); ok {
			return value.Str(t.Text)
		}
		return e
	})
	if out, ok := v.(*value.Dict); ok {
		return out
	}
	return value.NewDict()
}
