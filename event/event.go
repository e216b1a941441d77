// Package event is what a run says: typed events in the order things happened. Terminals, callbacks, JUnit files,
// the server and browsers are all readers of this one stream; nothing else leaves a run.
//
// The engine emits events through a Sink; internal/report turns them into text; NewLine (codec.go) into versioned JSON lines.
package event

import (
	"time"

	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// Event is one thing that happened. The concrete types below are all there are.
type Event interface{ eventType() string }

// Sink receives events. The engine calls it from one goroutine at a time, in order.
type Sink interface{ Emit(Event) }

// Status is how one task ended on one host.
type Status string

// The statuses of a Result. Changed, failed, skipped and unreachable follow Ansible's words.
const (
	OK          Status = "ok"
	Changed     Status = "changed"
	Failed      Status = "failed"
	Skipped     Status = "skipped"
	Unreachable Status = "unreachable"
)

// Section is what a task is part of, as its banner says.
type Section string

// The sections of a play that differ in their banner.
const (
	SectionTask    Section = "task"
	SectionHandler Section = "handler"
	SectionCleanup Section = "cleanup"
)

// Task describes the task an event belongs to.
type Task struct {
	ID      string // unique in the run, the same for all hosts
	Name    string // as the banner shows it, with the role prefix: "web : install"
	Action  string // fully qualified, "ansible.builtin.copy"
	Written string // the action as the playbook spells it, "copy"
	Role    string
	// RoleCollection is the collection of the role, where Role does not name it.
	RoleCollection string
	Section        Section
	Pos            source.Pos
	Args           *value.Dict // unrendered, for display_args_to_stdout; nil when hidden by no_log
	Check          bool        // runs in check mode
	Diff           bool        // shows differences
	NoLog          bool
	Attempt        int
	// Keywords are further keywords of the task, unrendered, for callbacks that read them.
	Keywords *value.Dict
}

// Host names where a result comes from.
type Host struct {
	Name       string // inventory_hostname
	Delegate   string // delegate_to's host, "" when not delegated
	DelegateTo string // its address when it differs from the name
}

// PlaybookStart opens one playbook file.
type PlaybookStart struct {
	File      string
	Verbosity int
	Check     bool
	Plays     int
}

// PlayStart opens one batch of a play.
type PlayStart struct {
	ID      string
	Name    string
	Hosts   []string
	Pattern string // of the hosts, as the play gives it
	Serial  bool   // one of several batches
	Check   bool
	Pos     source.Pos
	// Targeted counts the hosts of all batches, Tasks the entries of the first block of tasks; -1 when there is none.
	Targeted, Tasks int
}

// NoHostsMatched says that the pattern of the play matches no host.
type NoHostsMatched struct{ Pattern string }

// NoHostsRemaining says that all hosts of the play failed.
type NoHostsRemaining struct{}

// VarsPrompt is sent before the user is asked for a variable.
type VarsPrompt struct {
	Name, Prompt string
	Private      bool
}

// TaskStart is sent before the first host begins the task.
type TaskStart struct {
	Task *Task
	Host string // set by strategies that show the task for each host
}

// HostStart is sent when one host begins a task.
type HostStart struct {
	Task *Task
	Host Host
}

// Result is how a task ended on one host.
type Result struct {
	Task      *Task
	Host      Host
	Status    Status
	Ignored   bool // failed or unreachable, and the playbook says to go on
	Rescued   bool // failed, and a rescue section will run
	Result    *value.Dict
	Loop      bool // the items were told one by one with ItemResult
	Verbose   bool // shown in full whatever the verbosity (debug, assert)
	Started   time.Time
	Duration  time.Duration
	Diagnosis *diag.Diagnostic // why it failed, when a place in the content is to blame
}

// ItemResult is how one item of a loop ended.
type ItemResult struct {
	Task    *Task
	Host    Host
	Status  Status
	Ignored bool
	Label   string // how the item is shown
	Result  *value.Dict
	Verbose bool
}

// Retry says that an attempt of an until loop did not succeed yet.
type Retry struct {
	Task    *Task
	Host    Host
	Left    int
	Result  *value.Dict
	Verbose bool // shown in full whatever the verbosity
}

// AsyncPoll, with State "poll", "ok" or "failed", follows an asynchronous job.
type AsyncPoll struct {
	Task              *Task
	Host              Host
	JobID             string
	State             string
	Started, Finished int
	Result            *value.Dict // of a job that ended
}

// Included says that a file or role was included for the hosts.
type Included struct {
	Task  *Task
	Name  string // absolute path, or the role's name
	Hosts []string
	Label string // loop item, "" outside loops
	Item  bool
}

// Notified says that a handler was notified by a task on a host.
type Notified struct {
	Host    string
	Handler string
}

// Progress tells what a host is doing while it works: a phase ("connecting", "uploading agent", "running") or output.
type Progress struct {
	Host, Phase, Stream string
	Chunk               []byte
}

// Message is a line that an action wants the user to see.
type Message struct {
	Host string
	Text string
}

// Warning goes to stderr once per text. Kind is "warning", "deprecation" or "notice".
type Warning struct {
	Kind string
	Text string
	Diag *diag.Diagnostic
}

// Log is a line for -v and above.
type Log struct {
	Verbosity int
	Host      string
	Text      string
}

// Summary is one host's line of the recap.
type Summary struct {
	OK, Changed, Unreachable, Failed, Skipped, Rescued, Ignored int
}

// Stats closes a playbook file.
type Stats struct {
	Hosts  []string // sorted
	ByHost map[string]Summary
	Custom map[string]*value.Dict // set_stats by host; "_run" for the whole run
	Retry  string                 // path of the retry file that was written
}

// End is the last event of a run.
type End struct{ ExitCode int }

func (*PlaybookStart) eventType() string    { return "playbook_start" }
func (*PlayStart) eventType() string        { return "play_start" }
func (*NoHostsMatched) eventType() string   { return "no_hosts_matched" }
func (*NoHostsRemaining) eventType() string { return "no_hosts_remaining" }
func (*VarsPrompt) eventType() string       { return "vars_prompt" }
func (*TaskStart) eventType() string        { return "task_start" }
func (*HostStart) eventType() string        { return "host_start" }
func (*Result) eventType() string           { return "result" }
func (*ItemResult) eventType() string       { return "item_result" }
func (*Retry) eventType() string            { return "retry" }
func (*AsyncPoll) eventType() string        { return "async_poll" }
func (*Included) eventType() string         { return "included" }
func (*Notified) eventType() string         { return "notified" }
func (*Progress) eventType() string         { return "progress" }
func (*Message) eventType() string          { return "message" }
func (*Warning) eventType() string          { return "warning" }
func (*Log) eventType() string              { return "log" }
func (*Stats) eventType() string            { return "stats" }
func (*End) eventType() string              { return "end" }
