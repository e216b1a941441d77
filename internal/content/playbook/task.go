package playbook

import (
	"fmt"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/collection"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

func emptyDict() *value.Dict { return value.NewDict() }

func yamldocRepr(n *yamldoc.Node) (string, error) {
	if t, ok := n.Value().(*value.Template); ok {
		return value.Repr(value.Str(t.Text))
	}
	return value.Repr(n.Value())
}

// ItemsFrom reads one entry of a task list that is in no file, for the block it is to stand in: a task, or the blocks that a static
// import stands for.
func (l *Loader) ItemsFrom(n *yamldoc.Node, in *Block) ([]Item, error) {
	return l.items(n, scope{play: in.Play, parent: in})
}

// task reads one task or handler; imports are not resolved here.
func (l *Loader) task(n *yamldoc.Node, s scope) (*Task, error) {
	t := &Task{
		Pos: n.Pos, Path: s.path, IsHandler: s.handlers, Parent: s.parent, Role: s.role, Play: s.play, Vars: emptyDict(), Args: emptyDict(),
	}
	set := taskKeywords
	if s.handlers {
		set = handlerKeywords
	}
	var own Attrs
	if a := n.Pair("collections"); a != nil {
		own = Attrs{{Keyword: "collections", Value: a.Value.Value(), Node: a.Value}}
	}
	t.Collections = collectionsOf(own, s.collectionList())
	if err := l.action(t, n, set); err != nil {
		return nil, err
	}
	class := "Task"
	switch short := Short(t.ActionAsWritten); {
	case s.handlers && t.IsInclude():
		class = "HandlerTaskInclude"
	case s.handlers:
		class = "Handler"
	case short == "include_tasks" || short == "import_tasks":
		class = "TaskInclude"
	case short == "include_role" || short == "import_role":
		class = "IncludeRole"
	}
	for _, e := range n.Pairs {
		key := e.Name()
		if key == t.actionKey || key == "local_action" {
			continue
		}
		if t.IsDynamicInclude() && !includeKeywords[key] && (taskKeywords[key] || !strings.HasPrefix(key, "with_")) {
			if set[key] && l.KeepInvalidAttributes {
				l.warn(diag.IncludeOptions, e.Key.Pos, "Ignoring invalid attribute: "+key)
				continue
			}
			if set[key] || !strings.HasPrefix(key, "with_") {
				return nil, l.unknownKeyword(n, e.Key, class, includeKeywords)
			}
		}
		if lookup, ok := strings.CutPrefix(key, "with_"); ok && l.Actions.HasLookup(lookup) {
			if err := t.setLoop(n, e, lookup); err != nil {
				return nil, err
			}
			continue
		}
		if !set[key] {
			err := l.unknownKeyword(n, e.Key, class, set)
			if class != "Task" && class != "Handler" {
				return nil, err
			}
			if l.KeepInvalidAttributes {
				l.warn(diag.UnknownKeyword, e.Key.Pos, "Ignoring invalid attribute: "+key)
				continue
			}
			err.Classic += diag.Classic("\nThis error can be suppressed as a warning using the \"invalid_task_attribute_failed\" configuration", n.Pos)
			return nil, err
		}
		if err := l.field(t, n, e); err != nil {
			return nil, err
		}
	}
	var err error
	if t.Name, t.NameNode, err = nameOf(t.Attrs, n); err != nil {
		return nil, err
	}
	if t.Vars, err = l.varsOf(t.Attrs, class); err != nil {
		return nil, err
	}
	if a := t.Attrs.Find("vars"); a != nil {
		t.VarsNode = a.Node
	}
	if err := checkTags(t.Attrs); err != nil {
		return nil, err
	}
	if err := l.checkDefaults(t.Attrs); err != nil {
		return nil, err
	}
	t.Tags = t.Attrs.list("tags")
	if t.local {
		here := Attr{Keyword: "delegate_to", Value: value.Str("localhost"), Key: t.ActionPos}
		if a := t.Attrs.Find("delegate_to"); a != nil {
			*a = here
		} else {
			t.Attrs = append(t.Attrs, here)
		}
	}
	return t, l.checkInclude(t, n)
}

func (t *Task) setLoop(n *yamldoc.Node, e yamldoc.Pair, lookup string) error {
	if t.Loop != nil || t.LoopWith != "" {
		d := problem(diag.DuplicateLoop, n.Pos, "duplicate loop in task: "+lookup)
		d.Exit = diag.ExitError
		return point(d, e.Key.Pos, len(e.Name()), "")
	}
	if e.Value.IsNull() {
		d := problem(diag.DuplicateLoop, n.Pos, "you must specify a value when using with_"+lookup)
		d.Exit = diag.ExitError
		return point(d, e.Key.Pos, len(e.Name()), "")
	}
	t.LoopWith, t.Loop, t.LoopPos = lookup, e.Value.Value(), e.Value.Pos
	return nil
}

// field takes one keyword of a task.
func (l *Loader) field(t *Task, n *yamldoc.Node, e yamldoc.Pair) error {
	v := e.Value.Value()
	key := e.Name()
	if key == "async_val" {
		key = "async"
	}
	switch key {
	case "action", "args":
		return nil
	case "loop":
		if t.LoopWith != "" {
			d := problem(diag.DuplicateLoop, n.Pos, "duplicate loop in task: "+t.LoopWith)
			d.Exit = diag.ExitError
			return point(d, e.Key.Pos, len(key), "")
		}
		if v != value.None {
			t.Loop, t.LoopPos = v, e.Value.Pos
		}
	case "loop_control":
		return l.loopControl(t, e)
	case "when":
		t.When = conditionsOf(v, e.Value)
	case "changed_when":
		t.ChangedWhen = conditionsOf(v, e.Value)
	case "failed_when":
		t.FailedWhen = conditionsOf(v, e.Value)
	case "until":
		t.Until = conditionsOf(v, e.Value)
	case "notify":
		t.Notify = listOf(v)
	case "environment":
		t.Environment = listOf(v)
	case "module_defaults":
		t.ModuleDefaults = listOf(v)
	case "listen":
		for _, s := range listOf(v) {
			text, ok := value.AsString(s)
			if tmpl, isTemplate := s.(*value.Template); isTemplate {
				text, ok = tmpl.Text, true
			}
			if ok {
				t.Listen = append(t.Listen, text)
			}
		}
	case "register":
		name, _ := value.AsString(v)
		if _, ok := v.(*value.Template); !ok && !e.Value.IsNull() && !IsIdentifier(name) {
			d := problem(diag.BadVarName, source.Pos{}, fmt.Sprintf("Invalid variable name in 'register' specified: '%s'", shown(e.Value)))
			return d.At(e.Value.Pos, len([]rune(e.Value.Text)), "")
		}
		t.Register = name
	}
	t.Attrs = append(t.Attrs, Attr{key, v, e.Key.Pos, e.Value})
	return nil
}

func (l *Loader) loopControl(t *Task, e yamldoc.Pair) error {
	if e.Value.IsNull() {
		return nil
	}
	if e.Value.Kind != yamldoc.Mapping {
		return problem(diag.WrongKeywordType, e.Value.Pos, "the `loop_control` value must be specified as a dictionary and cannot be a variable itself (though it can contain variables)")
	}
	c := &t.LoopControl
	c.Pos = e.Value.Pos
	for _, p := range e.Value.Pairs {
		v := p.Value.Value()
		switch p.Name() {
		case "loop_var":
			c.LoopVar = v
		case "index_var":
			c.IndexVar = v
		case "label":
			c.Label = v
		case "pause":
			c.Pause = v
		case "extended":
			c.Extended = v
		case "extended_allitems":
			c.ExtendedAllItems = v
		case "break_when":
			c.BreakWhen = listOf(v)
		default:
			return l.unknownKeyword(e.Value, p.Key, "LoopControl", loopControlKeywords)
		}
	}
	return nil
}

// action finds the module of a task and reads its arguments.
func (l *Loader) action(t *Task, n *yamldoc.Node, set map[string]bool) error {
	var (
		args    *yamldoc.Pair
		local   bool
		extra   *yamldoc.Node
		unknown *yamldoc.Pair
	)
	take := func(e *yamldoc.Pair) error {
		if args == nil {
			args = e
			return nil
		}
		first, second := actionName(args), actionName(e)
		d := problem(diag.ConflictingActions, n.Pos, fmt.Sprintf("conflicting action statements: %s, %s", first, second))
		d.Summary = fmt.Sprintf("unknown task keyword %q", e.Name())
		if r, _ := l.resolve(e.Name(), t.Collections); r != nil || e.Name() == "action" {
			d.Summary = fmt.Sprintf("a task runs one module, this has two: %s and %s", first, second)
			return point(d, e.Key.Pos, len(e.Name()), "").Also(args.Key.Pos, len(args.Name()), "the first one")
		}
		if p, ok := l.Actions.(Parameters); ok && p.HasParameter(first, e.Name()) {
			return point(d, e.Key.Pos, len(e.Name()), "").Hint(fmt.Sprintf("`%s` is a parameter of %s: it belongs below it, two columns further in", e.Name(), first))
		}
		return suggest(point(d, e.Key.Pos, len(e.Name()), ""), e.Name(), known(set))
	}
	for i := range n.Pairs {
		e := &n.Pairs[i]
		switch key := e.Name(); {
		case key == "action":
			if err := take(e); err != nil {
				return err
			}
		case key == "local_action":
			if args != nil && args.Name() == "action" {
				return problem(diag.ConflictingActions, n.Pos, "action and local_action are mutually exclusive")
			}
			local = true
			if err := take(e); err != nil {
				return err
			}
		case key == "args":
			extra = e.Value
		}
	}
	for i := range n.Pairs {
		e := &n.Pairs[i]
		key := e.Name()
		if key == "action" || key == "local_action" || set[key] && key != "args" || key == "args" || strings.HasPrefix(key, "with_") || handlerKeywords[key] || key == "static" {
			continue
		}
		resolved, err := l.resolve(key, t.Collections)
		if err != nil {
			return at(err, n.Pos, e.Key.Pos, len(key))
		}
		if resolved == nil && args == nil && !builtinTasks[Short(key)] {
			if unknown == nil {
				unknown = e
			}
			continue
		}
		if unknown != nil && args == nil {
			// a word that is no module, in front of one that is: Ansible takes the first for the action
			break
		}
		if err := take(e); err != nil {
			return err
		}
	}
	t.local = local
	if args == nil && unknown == nil {
		return problem(diag.NoAction, n.Pos, "no module/action detected in task.")
	}
	if args == nil || unknown != nil {
		return l.notResolved(t, n, unknown, extra, set)
	}
	t.actionKey, t.ActionPos = args.Name(), args.Key.Pos
	if err := l.arguments(t, n, *args, extra); err != nil {
		return err
	}
	if yamldoc.IsTemplate(t.ActionAsWritten) { // the engine finds out which module it is
		if t.RawParams != nil {
			t.Args.SetStr("_raw_params", t.RawParams)
		}
		return nil
	}
	resolved, err := l.resolve(t.ActionAsWritten, t.Collections)
	if err != nil {
		return at(err, n.Pos, t.ActionPos, len(t.ActionAsWritten))
	}
	if resolved == nil {
		return l.unresolved(t.ActionAsWritten, n, t.ActionPos, set)
	}
	t.Resolved, t.Action = *resolved, resolved.FQCN
	for k := range t.Args.All() {
		if name, _ := value.AsString(k); strings.HasPrefix(name, "_ansible_") {
			d := problem(diag.WrongKeywordType, source.Pos{}, fmt.Sprintf("Invalid parameter specified beginning with keyword '_ansible_' for action '%s': '%s'. The prefix '_ansible_' is reserved for internal use only.", t.ActionAsWritten, name))
			d.Exit = diag.ExitError
			return d.At(n.Pos, 0, "")
		}
	}
	if short := Short(t.Action); t.IsHandler && (short == "include_role" || short == "import_role") {
		return problem(diag.WrongKeywordType, n.Pos, fmt.Sprintf("Using '%s' as a handler is not supported.", t.ActionAsWritten))
	}
	if t.IsHandler && t.Action == "ansible.builtin.meta" && t.RawParams == value.Str("flush_handlers") {
		d := problem(diag.WrongKeywordType, source.Pos{}, "flush_handlers cannot be used as a handler")
		return d.At(n.Pos, 0, "")
	}
	short := Short(t.ActionAsWritten)
	if t.RawParams != nil && !freeForm[short] && !freeForm[Short(t.Action)] {
		if _, template := t.RawParams.(*value.Template); !template {
			return problem(diag.SplitArgs, n.Pos, fmt.Sprintf("this task '%s' has extra params, which is only allowed in the following modules: %s", t.ActionAsWritten, freeFormNames))
		}
		t.Args.SetStr("_variable_params", t.RawParams)
		t.RawParams = nil
	}
	if cmd, ok := t.Args.GetStr("cmd"); ok && hasCmd[short] {
		if t.RawParams != nil {
			d := problem(diag.SplitArgs, n.Pos, "The 'cmd' argument cannot be used when other raw parameters are specified. Please put everything in one or the other place.")
			d.Exit = diag.ExitError
			return d
		}
		t.RawParams = cmd
		t.Args.DeleteStr("cmd")
	}
	if t.RawParams != nil {
		t.Args.SetStr("_raw_params", t.RawParams)
	}
	return nil
}

// at gives an error of name resolution its place.
func at(err error, task, token source.Pos, length int) error {
	d, ok := diag.As(err)
	if !ok {
		return err
	}
	c := *d
	c.Classic = diag.Classic(d.Classic, task)
	if c.Exit == 0 {
		c.Exit = diag.ExitParse
	}
	return point(&c, token, length, "")
}

func actionName(e *yamldoc.Pair) string {
	if e.Name() != "action" && e.Name() != "local_action" {
		return e.Name()
	}
	if e.Value.Kind == yamldoc.Mapping {
		if m := e.Value.Get("module"); m != nil {
			return strings.Fields(m.Text + " ")[0]
		}
		return e.Name()
	}
	if f := strings.Fields(e.Value.Text); len(f) > 0 {
		return f[0]
	}
	return e.Name()
}

func (l *Loader) resolve(name string, collections []string) (*collection.Resolved, error) {
	if short := Short(name); builtinTasks[short] {
		return &collection.Resolved{FQCN: "ansible.builtin." + short, Collection: "ansible.builtin", Name: short}, nil
	}
	return l.Actions.ResolveAction(name, collections)
}

// notResolved is the error for a task whose first word that is no keyword names nothing. Ansible reads that word's arguments
// first, and may complain about them instead.
func (l *Loader) notResolved(t *Task, n *yamldoc.Node, e *yamldoc.Pair, extra *yamldoc.Node, set map[string]bool) error {
	t.ActionPos = e.Key.Pos
	t.actionKey = e.Name()
	if err := l.arguments(t, n, *e, extra); err != nil {
		if d, ok := diag.As(err); ok && d.Code == diag.WrongKeywordType {
			d.Code, d.Summary = diag.UnknownKeyword, fmt.Sprintf("%q is neither a task keyword nor a module", e.Name())
			d.Hints = nil
			return suggest(point(d, e.Key.Pos, len(e.Name()), ""), e.Name(), append(known(set), l.Actions.ActionNames()...))
		}
		return err
	}
	if t.RawParams != nil && !freeForm[Short(e.Name())] {
		if _, template := t.RawParams.(*value.Template); !template {
			d := problem(diag.UnknownModule, n.Pos, fmt.Sprintf("this task '%s' has extra params, which is only allowed in the following modules: %s", e.Name(), freeFormNames))
			d.Summary = fmt.Sprintf("no module %s", e.Name())
			return suggest(point(d, e.Key.Pos, len(e.Name()), ""), e.Name(), append(known(set), l.Actions.ActionNames()...))
		}
	}
	return l.unresolved(e.Name(), n, e.Key.Pos, set)
}

func (l *Loader) unresolved(name string, n *yamldoc.Node, pos source.Pos, set map[string]bool) error {
	d := problem(diag.UnknownModule, n.Pos, fmt.Sprintf("couldn't resolve module/action '%s'. This often indicates a misspelling, missing collection, or incorrect module path.", name))
	d.Summary = "no module " + name
	point(d, pos, len(name), "")
	if prefix, last, ok := cutLast(name); ok {
		var candidates []string
		for _, c := range l.Actions.ActionNames() {
			if prefix == "ansible.builtin" || prefix == "ansible.legacy" || strings.HasPrefix(c, prefix+".") {
				candidates = append(candidates, strings.TrimPrefix(c, prefix+"."))
			}
		}
		if len(candidates) == 0 && l.Collections != nil && !l.Collections.Has(prefix) {
			return d.Fact("collection", prefix+" is not installed", source.Pos{}, "searched "+strings.Join(l.Collections.Paths, ", "))
		}
		return suggest(d, last, candidates)
	}
	return suggest(d, name, append(known(set), l.Actions.ActionNames()...))
}

func cutLast(name string) (prefix, last string, ok bool) {
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		return name[:i], name[i+1:], true
	}
	return "", name, false
}

// arguments reads the value of the action key: text with key=value words, or a mapping; `args` is laid under it.
func (l *Loader) arguments(t *Task, n *yamldoc.Node, e yamldoc.Pair, extra *yamldoc.Node) error {
	v, name := e.Value, e.Name()
	t.ArgsNode = v
	if name == "action" || name == "local_action" {
		switch {
		case v.Kind == yamldoc.Mapping:
			m := v.Get("module")
			if m == nil {
				return problem(diag.NoAction, n.Pos, "no module/action detected in task.")
			}
			word, rest := splitAction(m.Text)
			name = word
			if rest != "" {
				args, free, err := ParseKV(rest, rawArgs[Short(name)], m.Pos)
				if err != nil {
					return splitError(err, n, m)
				}
				t.Args, t.RawParams = args, free
			}
			for _, p := range v.Pairs {
				if p.Name() == "module" {
					continue
				}
				if _, ok := t.Args.GetStr(p.Name()); !ok {
					t.Args.SetStr(p.Name(), p.Value.Value())
				}
			}
		case v.Kind == yamldoc.Scalar && !v.IsNull():
			word, rest := splitAction(v.Text)
			name = word
			args, free, err := ParseKV(rest, rawArgs[Short(name)], v.Pos)
			if err != nil {
				return splitError(err, n, v)
			}
			t.Args, t.RawParams = args, free
		default:
			return wrongArgs(n, v)
		}
	} else {
		switch {
		case v.IsNull():
		case v.Kind == yamldoc.Mapping:
			for _, p := range v.Pairs {
				_ = t.Args.Set(p.Key.Value(), p.Value.Value())
			}
			if raw, ok := t.Args.GetStr("_raw_params"); ok {
				t.RawParams = raw
				t.Args.DeleteStr("_raw_params")
			}
		case v.Kind == yamldoc.Scalar && isString(v.Value()):
			args, free, err := ParseKV(v.Text, rawArgs[Short(name)], v.Pos)
			if err != nil {
				return splitError(err, n, v)
			}
			t.Args, t.RawParams = args, free
		default:
			return wrongArgs(n, v)
		}
	}
	t.ActionAsWritten = name
	if extra == nil || extra.IsNull() {
		return nil
	}
	under := value.NewDict()
	switch {
	case extra.Kind == yamldoc.Mapping:
		for _, p := range extra.Pairs {
			_ = under.Set(p.Key.Value(), p.Value.Value())
		}
	case isTemplate(extra.Value()):
		under.SetStr("_variable_params", extra.Value())
	case isString(extra.Value()):
		text := "Complex args containing variables cannot use bare variables (without Jinja2 delimiters), and must use the full variable style ('{{var_name}}')"
		d := problem(diag.WrongKeywordType, n.Pos, text+". "+text)
		return point(d, extra.Pos, 0, "")
	default:
		text := `Complex args must be a dictionary or variable string ("{{var}}").`
		d := problem(diag.WrongKeywordType, n.Pos, text+". "+text)
		return point(d, extra.Pos, 0, "")
	}
	merge(under, t.Args)
	t.Args = under
	return nil
}

func isString(v value.Value) bool {
	_, ok := value.AsString(v)
	return ok || isTemplate(v)
}

func isTemplate(v value.Value) bool { _, ok := v.(*value.Template); return ok }

func splitAction(text string) (word, rest string) {
	text = strings.TrimLeft(text, " \t\n")
	depth := 0
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "{{"):
			depth++
		case strings.HasPrefix(text[i:], "}}"):
			depth--
		case depth <= 0 && strings.IndexByte(" \t\n", text[i]) >= 0:
			return text[:i], strings.TrimLeft(text[i+1:], " \t")
		}
	}
	return text, ""
}

func splitError(err error, n, v *yamldoc.Node) error {
	d := problem(diag.SplitArgs, n.Pos, err.Error()+". "+err.Error())
	d.Summary = "quotes or template braces in the arguments are not closed"
	return point(d, v.Pos, 0, "")
}

func wrongArgs(n, v *yamldoc.Node) error {
	d := problem(diag.WrongKeywordType, n.Pos, "unexpected parameter type in action: "+classOf(v))
	d.Summary = "the arguments of a module must be a mapping or text"
	return point(d, v.Pos, 0, "")
}
