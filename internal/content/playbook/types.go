// Package playbook reads what users write to be run: plays, blocks, tasks, handlers and roles. Every keyword is checked,
// every field knows its place, static imports are resolved. Values stay as written: nothing is rendered here except
// the names of static imports.
//
// The commands load playbooks through a Loader; the engine walks the trees and calls the Loader again for dynamic
// includes.
package playbook

import (
	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// Playbook is one file of plays, import_playbook resolved.
type Playbook struct {
	Path  string // as given
	Plays []*Play
}

// Attr is one keyword as it was written.
type Attr struct {
	Keyword string
	Value   value.Value   // unrendered
	Key     source.Pos    // the keyword's place
	Node    *yamldoc.Node // the value's node; nil when the keyword was implied
}

// Attrs are the keywords of one play, role, block or task, in the order written.
type Attrs []Attr

// Get returns the keyword's value, or nil when it is not set.
func (a Attrs) Get(keyword string) value.Value {
	if e := a.Find(keyword); e != nil {
		return e.Value
	}
	return nil
}

// Find returns the keyword's entry, or nil when it is not set.
func (a Attrs) Find(keyword string) *Attr {
	for i := range a {
		if a[i].Keyword == keyword {
			return &a[i]
		}
	}
	return nil
}

// Parent is what tasks and blocks hang in: a *Block, or the *Task of an include or import.
type Parent interface{ parentOf() Parent }

// Play is one play.
type Play struct {
	Attrs
	Name     string // as written, may hold a template; "" when not given
	Path     string // file the play stands in
	Pos      source.Pos
	Hosts    []value.Value // patterns, unrendered
	HostsPos source.Pos

	Vars       *value.Dict // never nil; import_playbook vars merged in
	VarsNode   *yamldoc.Node
	VarsFiles  []value.Value // each a string, a template, or a *value.List of alternatives
	VarsPrompt []VarsPrompt

	PreTasks, Tasks, PostTasks []*Block
	Roles                      []*Role  // in order, dependencies inside each
	Handlers                   []*Block // the play's own; see AllHandlers
	Collections                []string

	Imported []*Role // roles of import_role, in the order they were read

	// Basedir is the directory of Path: relative files of the play are searched here.
	Basedir string

	when []value.Value // conditions of import_playbook, which every task has
}

// VarsPrompt is one entry of vars_prompt.
type VarsPrompt struct {
	Name                     string
	Prompt                   value.Value
	Default                  value.Value // nil when not given
	Private, Confirm, Unsafe bool
	Encrypt, Salt            string
	SaltSize                 int
	Pos                      source.Pos
}

// Role is one use of a role in a play, or by an include.
type Role struct {
	Attrs
	Name       string // as written
	FQCN       string // "ns.col.role", or the bare name for roles outside collections
	Path       string // directory of the role
	Pos        source.Pos
	Collection string // "ns.col" or ""

	Defaults, Vars *value.Dict // defaults/ and vars/ of the role itself; never nil
	VarsKw         *value.Dict // `vars:` of the roles: entry
	Params         *value.Dict // keys that are no keywords: `- {role: x, port: 1}`
	Meta           Meta
	Dependencies   []*Role
	Parents        []*Role // roles that depend on this one, outermost first

	Blocks   []*Block // tasks, compiled with this role as their owner
	Handlers []*Block

	TasksFrom, VarsFrom, DefaultsFrom, HandlersFrom string

	FromInclude     bool // include_role or import_role
	Static          bool // not include_role
	Public          bool // defaults and vars are visible to the play
	AllowDuplicates bool
	Play            *Play
	IncludeTask     *Task
	Collections     []string

	DefaultsFiles, VarsFilesRead []string // where the variables came from

	skipValidation bool   // rolespec_validate: false
	applied        Parent // the block of an include's `apply`, inside the include
}

// Meta is meta/main.yml of a role.
type Meta struct {
	AllowDuplicates bool
	Dependencies    *yamldoc.Node
	Collections     []string
	GalaxyInfo      value.Value
	ArgumentSpecs   *value.Dict // entry point → spec, or nil
	Path            string
}

// Block is a list of tasks with optional rescue and always sections. Task lists outside any block are wrapped in an
// Implicit one.
type Block struct {
	Attrs
	Name                  string
	Pos                   source.Pos
	Path                  string
	Tasks, Rescue, Always []Item
	Implicit              bool
	IsHandlers            bool
	Vars                  *value.Dict // never nil
	VarsNode              *yamldoc.Node

	Parent Parent
	Role   *Role
	Play   *Play

	alone bool // takes nothing from the roles that depend on its role
}

// Item is a *Task or a *Block.
type Item interface{ Position() source.Pos }

// Task is a task or a handler.
type Task struct {
	Attrs
	Name     string // as written, "" when not given; see Title
	NameNode *yamldoc.Node
	Pos      source.Pos // the task's mapping: what error trailers name
	Path     string

	ActionAsWritten string // "debug", "ansible.builtin.debug"
	Action          string // resolved FQCN: "ansible.builtin.debug"
	Resolved        collection.Resolved
	ActionPos       source.Pos
	Args            *value.Dict // never nil
	ArgsNode        *yamldoc.Node
	RawParams       value.Value // free-form text of command, shell, include_tasks …; nil when none

	When, ChangedWhen, FailedWhen, Until []value.Value
	Loop                                 value.Value // nil when there is none
	LoopWith                             string      // "items" for with_items, "" for loop
	LoopPos                              source.Pos
	LoopControl                          LoopControl
	Register                             string
	Notify                               []value.Value
	Listen                               []string
	Tags                                 []value.Value
	Vars                                 *value.Dict // never nil
	VarsNode                             *yamldoc.Node
	Environment                          []value.Value
	ModuleDefaults                       []value.Value

	IsHandler   bool
	Static      bool // import_tasks / import_role that was resolved at load
	Implicit    bool // made by Troupe: flush_handlers between sections, fact gathering, role validation
	Parent      Parent
	Role        *Role
	Play        *Play
	Collections []string

	actionKey string // the key of the task's mapping that names the action
	local     bool   // local_action
}

// LoopControl is the loop_control keyword.
type LoopControl struct {
	LoopVar, IndexVar value.Value // nil when not set; LoopVar then means "item"
	Label             value.Value
	Pause             value.Value
	Extended          value.Value
	ExtendedAllItems  value.Value
	BreakWhen         []value.Value
	Pos               source.Pos
}

func (b *Block) parentOf() Parent { return b.Parent }
func (t *Task) parentOf() Parent  { return t.Parent }

// Position is where the block starts.
func (b *Block) Position() source.Pos { return b.Pos }

// Position is where the task starts.
func (t *Task) Position() source.Pos { return t.Pos }
