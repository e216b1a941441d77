package callback

import "github.com/troupe-automation/troupe/event"

// newSkippy is ansible.posix.skippy: the default callback without lines of skipped hosts.
func newSkippy(d *Display, opt Options) Callback {
	s := newDefault(d, opt).(*standard)
	s.noSkipped = true
	return s
}

// newActionable is the default callback of changes and failures alone, as community.general.actionable was.
func newActionable(d *Display, opt Options) Callback {
	opt.DisplayOK, opt.DisplaySkipped = false, false
	return newDefault(d, opt)
}

// null says nothing.
type null struct{}

func newNull(*Display, Options) Callback { return null{} }

// Emit implements event.Sink.
func (null) Emit(event.Event) {}
