package callback

import (
	"strings"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/value"
)

// Callback is one reader of a run's events.
type Callback interface{ event.Sink }

// Options are the settings of the default callback and its relatives, from ansible.cfg, environment and flags.
type Options struct {
	DisplayOK            bool   // display_ok_hosts
	DisplaySkipped       bool   // display_skipped_hosts
	FailedToStderr       bool   // display_failed_stderr
	CheckMarkers         bool   // check_mode_markers
	CustomStats          bool   // show_custom_stats
	PerHostStart         bool   // show_per_host_start
	PathOnFailure        bool   // show_task_path_on_failure
	ArgsToStdout         bool   // display_args_to_stdout
	ResultFormat         string // "json" or "yaml"
	Pretty               *bool  // callback_format_pretty; nil: by result format
	DiffContext          int    // lines around a change
	TreeDir              string // where tree writes
	Pattern              string // of an ad-hoc command
	DeprecationsDisabled bool
	Invocation           Invocation

	// Option gives an option of a callback that says itself where it is set; nil: nothing is set.
	Option func(s *config.Setting) value.Value
	Env    func(name string) string // the environment, for callbacks with settings of their own; nil: empty
	Now    func() time.Time         // nil: time.Now
}

// Invocation is what the command line said of a run.
type Invocation struct {
	Inventory, Tags, SkipTags, ExtraVars []string
	Limit, RemoteUser                    string
}

// env is a variable of the environment, or def.
func (o Options) env(name, def string) string {
	if o.Env != nil {
		if v := o.Env(name); v != "" {
			return v
		}
	}
	return def
}

// on is a variable of the environment as a switch.
func (o Options) on(name string, def bool) bool {
	switch strings.ToLower(o.env(name, "")) {
	case "":
		return def
	case "true", "yes", "on", "1", "t", "y":
		return true
	}
	return false
}

func (o Options) clock() func() time.Time {
	if o.Now != nil {
		return o.Now
	}
	return time.Now
}

// Entry names a callback.
type Entry struct {
	Name   string
	Stdout bool // may be the stdout callback
	New    func(*Display, Options) Callback
}

// All lists the native callbacks.
var All = []Entry{
	{"default", true, newDefault},
	{"minimal", true, newMinimal},
	{"oneline", true, newOneline},
	{"tree", false, newTree},
	{"yaml", true, newYAML},
	{"json", true, newJSON},
	{"debug", true, newDebug},
	{"skippy", true, newSkippy},
	{"actionable", true, newActionable},
	{"null", true, newNull},
	{"unixy", true, newUnixy},
	{"counter_enabled", true, newCounter},
	{"selective", true, newSelective},
	{"dense", true, newDense},
	{"profile_tasks", false, newProfileTasks},
	{"profile_roles", false, newProfileRoles},
	{"timer", false, newTimer},
	{"junit", false, newJUnit},
	{"log_plays", false, newLogPlays},
	{"slack", false, newSlack},
	{"mail", false, newMail},
	{"webhook", false, newWebhook},
	{"dingtalk", false, newDingTalk},
}

// Find returns the entry of a callback by its name, with or without its collection.
func Find(name string) (Entry, bool) {
	for _, prefix := range []string{"ansible.builtin.", "ansible.legacy.", "ansible.posix.", "community.general."} {
		if len(name) > len(prefix) && name[:len(prefix)] == prefix {
			name = name[len(prefix):]
		}
	}
	for _, e := range All {
		if e.Name == name {
			return e, true
		}
	}
	return Entry{}, false
}
