package playbook

import (
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/value"
)

func names(lists ...string) map[string]bool {
	m := map[string]bool{}
	for _, l := range lists {
		for _, n := range strings.Fields(l) {
			m[n] = true
		}
	}
	return m
}

// The keywords of ansible-core 2.18 by what they may stand on.
const (
	commonWords   = "any_errors_fatal become become_exe become_flags become_method become_user check_mode connection debugger diff environment ignore_errors ignore_unreachable module_defaults name no_log port remote_user run_once tags throttle timeout vars"
	delegateWords = "delegate_facts delegate_to"
	taskWords     = "action args async async_val changed_when delay failed_when loop loop_control loop_with notify poll register retries until when collections"
	playWords     = "collections fact_path force_handlers gather_facts gather_subset gather_timeout handlers hosts max_fail_percentage order post_tasks pre_tasks roles serial strategy tasks vars_files vars_prompt"
)

var (
	playKeywords        = names(commonWords, playWords)
	blockKeywords       = names(commonWords, delegateWords, "always block collections notify rescue when")
	taskKeywords        = names(commonWords, delegateWords, taskWords)
	handlerKeywords     = names(commonWords, delegateWords, taskWords, "listen")
	roleKeywords        = names(commonWords, delegateWords, "collections role when")
	importKeywords      = names(commonWords, "import_playbook vars_val when")
	loopControlKeywords = names("break_when extended extended_allitems index_var label loop_var pause")
	metaKeywords        = names("allow_duplicates any_errors_fatal argument_specs become become_exe become_flags become_method become_user check_mode collections connection debugger dependencies diff environment galaxy_info ignore_errors ignore_unreachable module_defaults name no_log port remote_user run_once throttle timeout vars")

	// includeKeywords are all that a task with include_tasks or include_role may carry.
	includeKeywords = names("action args collections debugger ignore_errors loop loop_control loop_with name no_log register run_once tags timeout vars when listen")

	includeTasksOptions = names("_raw_params apply file")
	importTasksOptions  = names("_raw_params file")
	includeRoleOptions  = names("allow_duplicates apply defaults_from handlers_from name public role rolespec_validate tasks_from vars_from")
	importRoleOptions   = names("allow_duplicates defaults_from handlers_from name public role rolespec_validate tasks_from vars_from")

	// extended keywords gather the values of all levels; of the others the innermost counts.
	extended = names("when tags environment module_defaults")
)

// keyword lists that a mistyped keyword is compared with.
func known(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for n := range set {
		list = append(list, n)
	}
	return list
}

// freeForm are the actions that take text besides key=value words.
var freeForm = names("import_tasks shell command include_vars raw win_command add_host include_tasks set_fact include_role import_role win_shell group_by script meta")

// freeFormNames is how Ansible's message lists them.
const freeFormNames = "import_tasks, shell, command, include_vars, raw, win_command, add_host, include_tasks, set_fact, include_role, import_role, win_shell, group_by, script, meta"

// rawArgs are the actions whose text is a command, from which only a few key=value words are taken.
var rawArgs = names("command raw script shell win_command win_shell")

// hasCmd are the actions whose cmd argument is another way to write their text.
var hasCmd = names("command shell script")

// Short is an action's name without ansible.builtin. or ansible.legacy.; names of other collections stay whole.
func Short(action string) string {
	if s, ok := strings.CutPrefix(action, "ansible.builtin."); ok {
		return s
	}
	if s, ok := strings.CutPrefix(action, "ansible.legacy."); ok {
		return s
	}
	return action
}

// builtinTasks are actions that no plugin file stands for: the engine does them.
var builtinTasks = names("meta include_tasks include_role import_tasks import_role")

// listOf returns a keyword's value as a list: a list's elements, nothing for null, else the value alone.
func listOf(v value.Value) []value.Value {
	switch v := v.(type) {
	case nil, value.NoneType:
		return nil
	case *value.List:
		return v.Elems
	case *value.Tuple:
		return v.Elems
	}
	return []value.Value{v}
}

// conditionsOf is the value of a keyword that holds conditions, as a list. Texts become templates, which know their place: a
// condition is an expression although it has no markers. n may be nil.
func conditionsOf(v value.Value, n *yamldoc.Node) []value.Value {
	list := listOf(v)
	if n == nil {
		return list
	}
	nodes := []*yamldoc.Node{n}
	if n.Kind == yamldoc.Sequence {
		nodes = n.Items
	}
	if len(nodes) != len(list) {
		return list
	}
	out := make([]value.Value, len(list))
	for i, c := range list {
		out[i] = c
		if s, ok := c.(value.Str); ok && nodes[i].Kind == yamldoc.Scalar && nodes[i].Tag != "!unsafe" {
			out[i] = value.NewTemplate(string(s), nodes[i].Pos)
		}
	}
	return out
}

// tagList is the value of `tags` as written: a list, or text split at commas.
func tagList(n *yamldoc.Node) ([]value.Value, bool) {
	switch v := n.Value().(type) {
	case *value.List:
		return v.Elems, true
	case value.NoneType:
		return nil, true
	case value.Str:
		var out []value.Value
		for _, t := range strings.Split(string(v), ",") {
			out = append(out, value.Str(strings.TrimSpace(t)))
		}
		return out, true
	case *value.Template:
		var out []value.Value
		for _, t := range strings.Split(v.Text, ",") {
			out = append(out, textValue(strings.TrimSpace(t), v.Pos))
		}
		return out, true
	}
	return nil, false
}
