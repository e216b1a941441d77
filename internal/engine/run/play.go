package run

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/inventory"
	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/didyoumean"
	"github.com/troupe-automation/troupe/internal/engine/action"
	"github.com/troupe-automation/troupe/internal/engine/strategy"
	"github.com/troupe-automation/troupe/internal/lang/template"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// play is one play at work on one batch of hosts.
type play struct {
	*Run
	*playbook.Play
	ctx     context.Context
	name    string
	pattern string      // of its hosts
	prompts *value.Dict // answers of vars_prompt

	root     *playbook.Block
	handlers []*playbook.Block

	handlersTaken int // how many of Play.Handlers are among handlers: imports inside included files add some

	targeted []*host // all hosts of the play
	batch    []*hostRun
	at       []int // place of the task that ran last

	scopeMu                    sync.Mutex // guards the joined variables of roles
	roleVarsOf, roleDefaultsOf map[*playbook.Role]*value.Dict
	rolesVars, rolesDefaults   *value.Dict
	rolesJoined                int

	filesMu sync.Mutex // guards files: variables are also read by tasks at work
	files   map[string]*value.Dict
	fileErr error // a file of variables that cannot be read

	wants    map[*playbook.Task]bool
	edits    map[*playbook.Task]*playbook.Task // tasks that were changed in the debugger
	roleKeys map[*playbook.Role]string
	included []*playbook.Role // roles of include_role that are public
	loaded   []*playbook.Role // roles of include_role, one of each name

	failedAll    bool // any_errors_fatal or max_fail_percentage ended the play
	unreachable  bool
	endPlay      bool
	tainted      map[string]bool
	force        bool // force_handlers
	strategyName string
	maxFail      float64
	anyFatal     bool
}

// hostRun is one host in a batch.
type hostRun struct {
	*host
	state    *strategy.State
	notified map[*playbook.Task]bool // handlers that are to run

	notifications []string                  // what was notified since the last flush
	rolesRan      map[*playbook.Role]bool   // roles of which some task ran
	rolesDone     map[string]*playbook.Role // roles that are complete, by identity
	ended         map[*playbook.Role]bool   // roles left by end_role
	play          *play
}

// runPlay runs one play: prompts, hosts, batches. stop says that later plays must not start.
func (r *Run) runPlay(ctx context.Context, p *playbook.Play) (code int, stop bool, err error) {
	pl := &play{Run: r, Play: p, ctx: ctx, wants: map[*playbook.Task]bool{}, edits: map[*playbook.Task]*playbook.Task{}, roleKeys: map[*playbook.Role]string{}, prompts: value.NewDict(), files: map[string]*value.Dict{},
		roleVarsOf: map[*playbook.Role]*value.Dict{}, roleDefaultsOf: map[*playbook.Role]*value.Dict{}}
	r.play = pl
	if err := pl.prompt(); err != nil {
		return ExitError, true, err
	}
	pl.name = pl.playText()
	hosts, pattern, err := pl.match()
	if err != nil {
		return ExitError, true, err
	}
	pl.pattern = pattern
	if pl.name == "" {
		pl.name = pattern
	}
	if err := pl.settings(); err != nil {
		return ExitError, true, err
	}
	if err := pl.compile(); err != nil {
		return int(diag.ExitOf(err)), true, err
	}
	pl.reservedNames()
	for _, h := range hosts {
		pl.targeted = append(pl.targeted, r.host(h))
	}
	if len(hosts) == 0 {
		r.emit(&event.PlayStart{ID: r.id(), Name: pl.name, Pattern: pattern, Check: r.Check, Pos: p.Pos, Tasks: pl.firstTasks()})
		r.emit(&event.NoHostsMatched{Pattern: pattern})
		return r.code(), false, nil
	}
	for _, h := range pl.targeted { // files of variables that cannot be read stop the run before anything happens
		if pl.scope(h, nil); pl.fileErr != nil {
			return int(diag.ExitOf(pl.fileErr)), true, pl.fileErr
		}
	}
	batches, err := pl.batches()
	if err != nil {
		return ExitError, true, err
	}
	for _, b := range batches {
		alive := slices.DeleteFunc(slices.Clone(b), func(h *host) bool { return h.failed.Load() || h.unreachable.Load() })
		if len(alive) == 0 {
			return r.code(), true, nil
		}
		if err := pl.runBatch(alive, len(batches) > 1); err != nil {
			return int(diag.ExitOf(err)), true, err
		}
		if pl.endPlay {
			break
		}
		lost := 0
		for _, h := range b {
			if h.failed.Load() || h.unreachable.Load() {
				lost++
			}
		}
		if pl.failedAll || lost == len(b) {
			return r.code(), true, nil
		}
	}
	return r.code(), false, nil
}

// playText renders the play's name with play variables; a name that cannot be rendered stays as written.
func (p *play) playText() string {
	if p.Play.Name == "" {
		return ""
	}
	t := p.Templates.New(p.playScope())
	v, err := t.RenderText(p.Play.Name, p.Pos)
	if err != nil {
		return p.Play.Name
	}
	s, err := value.ToStr(v)
	if err != nil {
		return p.Play.Name
	}
	return s
}

// match renders the hosts keyword and asks the inventory.
func (p *play) match() ([]*inventory.Host, string, error) {
	t := p.Templates.New(p.playScope())
	var terms []string
	for _, h := range p.Hosts {
		v, err := t.Render(h)
		if err != nil {
			return nil, "", p.fieldError("hosts", err)
		}
		elems := []value.Value{v}
		if l, ok := v.(*value.List); ok {
			elems = l.Elems
		}
		for _, e := range elems {
			s, err := value.ToStr(e)
			if err != nil {
				return nil, "", err
			}
			terms = append(terms, s)
		}
	}
	pattern := strings.Join(terms, ",")
	before := len(p.Inventory.Warnings)
	order := ""
	if v := p.Get("order"); v != nil && v != value.None {
		var err error
		if order, err = t.String(v); err != nil {
			return nil, pattern, p.fieldError("order", err)
		}
	}
	hosts, err := p.Inventory.Match(inventory.Query{Patterns: terms, Limit: p.Limit, Order: order, Mismatch: inventory.Mismatch(p.Config.Str("HOST_PATTERN_MISMATCH"))})
	for _, w := range p.Inventory.Warnings[before:] {
		p.warn(w)
	}
	if err != nil {
		return nil, pattern, err
	}
	return hosts, pattern, nil
}

func (p *play) fieldError(keyword string, err error) error {
	if template.IsUndefined(err) {
		msg := fmt.Sprintf("The field '%s' has an invalid value, which includes an undefined variable.. %s", keyword, err)
		return &diag.Diagnostic{Code: diag.Undefined, Summary: err.Error(), Classic: diag.Classic(msg, p.Pos), Exit: diag.ExitParse}
	}
	return err
}

// wrongField is the error of a keyword of the play with a value that it cannot have.
func wrongField(msg string, pos source.Pos) error {
	d := &diag.Diagnostic{Code: diag.WrongKeywordType, Summary: msg, Classic: diag.Classic(msg, pos), Exit: diag.ExitParse}
	return d.At(pos, 0, "")
}

// strategies are the ways to take hosts through a play.
var strategies = []string{"linear", "free", "host_pinned", "debug"}

// settings renders the keywords that steer the play.
func (p *play) settings() error {
	t := p.Templates.New(p.playScope())
	flag := func(keyword string, def bool) (bool, error) {
		v := p.Get(keyword)
		if v == nil {
			return def, nil
		}
		r, err := t.Render(v)
		if err != nil {
			return false, p.fieldError(keyword, err)
		}
		if r == value.Str(template.OmitText) {
			return def, nil
		}
		b, ok := action.Boolean(r)
		if !ok {
			s, _ := value.ToStr(r)
			return false, wrongField(action.NotBoolean(keyword, s), p.Pos)
		}
		return b, nil
	}
	var err error
	if _, err = flag("gather_facts", true); err != nil {
		return err
	}
	if p.force, err = flag("force_handlers", p.ForceHandlers || p.Config.Bool("DEFAULT_FORCE_HANDLERS")); err != nil {
		return err
	}
	if p.anyFatal, err = flag("any_errors_fatal", p.Config.Bool("ANY_ERRORS_FATAL")); err != nil {
		return err
	}
	p.maxFail = -1
	if v := p.Get("max_fail_percentage"); v != nil {
		s, err := t.String(v)
		if err != nil {
			return p.fieldError("max_fail_percentage", err)
		}
		if p.maxFail, err = strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(s), "%"), 64); err != nil {
			return wrongField(fmt.Sprintf("the field 'max_fail_percentage' has an invalid value ('%s'), and could not be converted to percent.. could not convert string to float: '%s'", s, s), p.Pos)
		}
	}
	p.strategyName = p.Config.Str("DEFAULT_STRATEGY")
	if v := p.Get("strategy"); v != nil {
		if p.strategyName, err = t.String(v); err != nil {
			return p.fieldError("strategy", err)
		}
	}
	return nil
}

// knownStrategy makes the strategy's name one of strategies: those of Mitogen are the ones that they make faster.
func (p *play) knownStrategy() error {
	asked := p.strategyName
	p.strategyName = strings.TrimPrefix(strings.TrimPrefix(asked, "ansible.builtin."), "mitogen_")
	if p.strategyName == "" || slices.Contains(strategies, p.strategyName) {
		return nil
	}
	d := &diag.Diagnostic{Code: diag.BadSetting, Summary: "no strategy " + asked, Classic: "Invalid play strategy specified: " + asked, Exit: diag.ExitError}
	if p.Pos.File == "" { // of a command without a playbook
		return d
	}
	d.Classic = diag.Classic(d.Classic, p.Pos)
	if near := didyoumean.Nearest(asked, strategies); near != "" {
		d.Hint("did you mean '" + near + "'?")
	}
	return d.At(p.Pos, 0, "")
}

// batches splits the hosts by serial.
func (p *play) batches() ([][]*host, error) {
	v := p.Get("serial")
	all := p.targeted
	if v == nil {
		return [][]*host{all}, nil
	}
	r, err := p.Templates.New(p.playScope()).Render(v)
	if err != nil {
		return nil, p.fieldError("serial", err)
	}
	if r == value.Str(template.OmitText) {
		return [][]*host{all}, nil
	}
	sizes := []value.Value{r}
	if l, ok := r.(*value.List); ok {
		sizes = l.Elems
	}
	var out [][]*host
	rest := all
	for i := 0; len(rest) > 0; i++ {
		n := len(rest)
		if len(sizes) > 0 {
			s, err := value.ToStr(sizes[min(i, len(sizes)-1)])
			if err != nil {
				return nil, err
			}
			s = strings.TrimSpace(s)
			if pct, ok := strings.CutSuffix(s, "%"); ok {
				f, err := strconv.ParseFloat(pct, 64)
				if err != nil {
					return nil, fmt.Errorf("the field 'serial' has an invalid value (%s)", s)
				}
				n = max(1, int(f/100*float64(len(all))))
			} else if n, err = strconv.Atoi(s); err != nil {
				return nil, fmt.Errorf("the field 'serial' has an invalid value (%s)", s)
			}
		}
		if n <= 0 {
			n = len(rest)
		}
		n = min(n, len(rest))
		out = append(out, rest[:n])
		rest = rest[n:]
	}
	return out, nil
}

// compile puts the sections of the play in order: facts, pre_tasks, roles, tasks, post_tasks, with handlers between.
func (p *play) compile() error {
	root := &playbook.Block{Implicit: true, Play: p.Play}
	p.root = root
	if t := p.gatherTask(); t != nil {
		root.Tasks = append(root.Tasks, t)
	}
	for _, b := range p.Play.Compile() {
		root.Tasks = append(root.Tasks, b)
	}
	p.handlers, p.handlersTaken = p.Play.AllHandlers(), len(p.Play.Handlers)
	if p.startAt != "" {
		p.skipUntil(root)
	}
	return nil
}

// gatherTask is the implicit task that gathers facts, or nil.
func (p *play) gatherTask() *playbook.Task {
	mode := p.Config.Str("DEFAULT_GATHERING")
	on := mode != "explicit"
	if v := p.Get("gather_facts"); v != nil {
		r, err := p.Templates.New(p.playScope()).Render(v)
		if b, ok := action.Boolean(r); err == nil && ok {
			on = b
		}
	}
	if !on {
		return nil
	}
	t := &playbook.Task{
		Name: "Gathering Facts", Action: "ansible.builtin.gather_facts", ActionAsWritten: "gather_facts", Args: value.NewDict(), Vars: value.NewDict(),
		Implicit: true, Play: p.Play, Pos: p.Pos, Path: p.Path, Tags: []value.Value{value.Str("always")},
	}
	t.Attrs = append(t.Attrs, playbook.Attr{Keyword: "run_once", Value: value.False}) // all hosts' facts, whatever the play says
	for _, k := range []string{"gather_subset", "gather_timeout", "fact_path"} {
		if v := p.Get(k); v != nil {
			t.Args.SetStr(k, v)
		} else if def, _ := p.Config.Value("DEFAULT_" + strings.ToUpper(k)); def != nil && def != value.None && k != "gather_timeout" {
			if k == "gather_subset" {
				if l, ok := def.(*value.List); ok && len(l.Elems) == 1 && l.Elems[0] == value.Str("all") {
					continue
				}
			}
			t.Args.SetStr(k, def)
		}
	}
	if mode == "smart" {
		t.When = []value.Value{value.Str("not (ansible_facts._ansible_facts_gathered | default(false))")}
		t.Attrs = append(t.Attrs, playbook.Attr{Keyword: "when", Value: value.NewList(t.When...)})
	}
	return t
}

// smartSkip reports whether smart gathering leaves the host out without a word.
func (p *play) smartSkip(t *playbook.Task, h *host) bool {
	if !t.Implicit || t.Action != "ansible.builtin.gather_facts" || len(t.When) == 0 {
		return false
	}
	v, ok := h.facts.GetStr("_ansible_facts_gathered")
	return ok && v == value.True
}

// skipUntil drops every task in front of the one that --start-at-task names.
func (p *play) skipUntil(b *playbook.Block) {
	var walk func(items []playbook.Item)
	walk = func(items []playbook.Item) {
		for _, it := range items {
			if p.startAt == "" {
				return
			}
			switch it := it.(type) {
			case *playbook.Task:
				if !it.Implicit && startMatches(p.startAt, it) {
					p.startAt = ""
					p.Run.startAt = ""
					return
				}
				if !(it.Implicit && it.Action == "ansible.builtin.meta") {
					p.wants[it] = false
				}
			case *playbook.Block:
				walk(it.Tasks)
				walk(it.Rescue)
				walk(it.Always)
			}
		}
	}
	walk(b.Tasks)
}

// taskID is the same for all hosts that run the task.
func (r *Run) taskID(t *playbook.Task) string {
	id, ok := r.taskIDs[t]
	if !ok {
		id = r.id()
		r.taskIDs[t] = id
	}
	return id
}

func (r *Run) id() string {
	r.nextID++
	return strconv.Itoa(r.nextID)
}

// firstTasks counts the entries of the play's first block, -1 when it has none: the total that some callbacks show.
func (p *play) firstTasks() int {
	for _, blocks := range [][]*playbook.Block{p.PreTasks, p.Tasks, p.PostTasks} {
		if len(blocks) > 0 {
			return len(blocks[0].Tasks) + len(blocks[0].Rescue) + len(blocks[0].Always)
		}
	}
	return -1
}

// runBatch runs the play on one batch of hosts.
func (p *play) runBatch(alive []*host, several bool) error {
	names := make([]string, len(alive))
	p.batch, p.at = nil, nil
	for i, h := range alive {
		names[i] = h.name
		p.batch = append(p.batch, &hostRun{host: h, play: p, state: strategy.Start(p.root), notified: map[*playbook.Task]bool{},
			rolesRan: map[*playbook.Role]bool{}, rolesDone: map[string]*playbook.Role{}, ended: map[*playbook.Role]bool{}})
	}
	p.emit(&event.PlayStart{ID: p.id(), Name: p.name, Hosts: names, Pattern: p.pattern, Serial: several, Check: p.Check, Pos: p.Pos, Targeted: len(p.targeted), Tasks: p.firstTasks()})
	err := p.knownStrategy()
	if err != nil {
		return err
	}
	switch p.strategyName {
	case "free", "host_pinned":
		err = p.free(p.strategyName == "host_pinned")
	default:
		err = p.linear()
	}
	for _, h := range p.batch {
		if h.state.Failed {
			h.failed.Store(true)
		}
		if h.state.Unreachable {
			h.host.unreachable.Store(true)
		}
	}
	return err
}

// reservedNames warns about play variables that shadow keywords.
func (p *play) reservedNames() {
	for k := range p.Vars.All() {
		if name, _ := value.AsString(k); playbook.IsReserved(name) || p.Templates.HasGlobal(name) {
			p.warn("Found variable using reserved name: " + name)
		}
	}
}

// startMatches compares a task with --start-at-task: its name, or "role : name", as a glob.
func startMatches(pattern string, t *playbook.Task) bool {
	for _, name := range []string{t.Name, t.GetName()} {
		if name == "" {
			continue
		}
		if ok, err := path.Match(pattern, name); err == nil && ok || name == pattern {
			return true
		}
	}
	return false
}
