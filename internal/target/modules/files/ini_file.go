package files

import (
	"context"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// iniFile has the options of community.general 6; calls with those of later releases run the collection's own module.
var iniFile = &module.Module{
	Name: "community.general.ini_file",
	Doc:  "Keeps options in the sections of an INI file.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "allow_no_value", Type: module.TypeBool, Default: false},
			{Name: "backup", Type: module.TypeBool, Default: false},
			{Name: "create", Type: module.TypeBool, Default: true},
			{Name: "exclusive", Type: module.TypeBool, Default: true},
			{Name: "no_extra_spaces", Type: module.TypeBool, Default: false},
			{Name: "option"},
			{Name: "path", Type: module.TypePath, Required: true, Aliases: []string{"dest"}},
			{Name: "section"},
			{Name: "state", Default: "present", Choices: []any{"absent", "present"}},
			{Name: "value"},
			{Name: "values", Type: module.TypeList, Elements: module.TypeStr},
		},
		Rules:     module.Rules{MutuallyExclusive: [][]string{{"value", "values"}}},
		FileArgs:  true,
		CheckMode: true,
	},
	Run: runIniFile,
}

func runIniFile(ctx context.Context, c *module.Call) (module.Result, error) {
	s := &iniSection{Call: c, option: c.Str("option"), bare: c.Bool("allow_no_value"), msg: "OK"}
	given := c.Strings("values")
	if c.Has("value") {
		given = []string{c.Str("value")}
	}
	if c.Str("state") == "present" && !s.bare && len(given) == 0 {
		return nil, module.Fail("Parameter 'value(s)' must be defined if state=present and allow_no_value=False.", nil)
	}
	for _, v := range given {
		if !slices.Contains(s.values, v) {
			s.values = append(s.values, v)
		}
	}
	e, err := openEdited(ctx, c, "Destination %s does not exist!")
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(e.data) {
		return nil, module.Fail("The file "+e.path+" is not text in UTF-8", nil)
	}
	// Ends of lines become those of Unix, and a mark at the start of the file goes.
	e.data = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimPrefix(e.data, "\ufeff"))
	text, err := s.edit(e.data)
	if err != nil {
		return nil, err
	}
	r := module.Result{"path": e.path, "msg": s.msg, "diff": e.contentDiff(text)}
	if s.changed && !c.Check {
		if c.Bool("backup") {
			backup, err := hostos.Backup(e.path)
			if err != nil {
				return nil, wrap(err)
			}
			r["backup_file"] = backup
		}
		if err := hostos.WriteFile(e.path, []byte(text), c.Bool("unsafe_writes")); err != nil { // a link is replaced
			return nil, wrap(err)
		}
	}
	if _, err := os.Stat(e.path); err == nil && !c.Check {
		changed, err := hostos.AttrsOf(c).Apply(ctx, e.path, false, nil)
		if err != nil {
			return nil, err
		}
		s.changed = s.changed || changed
	}
	r["changed"] = s.changed
	hostos.AddPathInfo(r)
	return r, nil
}

// iniSection is the part of a file that a call is about: the lines from the header of the section to the next one. Without
// the option section these are the lines before the first header.
type iniSection struct {
	*module.Call
	option  string
	values  []string // wanted and not yet found
	bare    bool     // an option may stand without "=" and value
	lines   []string
	done    []bool // which of lines are as wanted
	changed bool
	msg     string
}

// edit returns the text with the section as wanted.
func (s *iniSection) edit(text string) (string, error) {
	lines := splitLines(text)
	if len(lines) == 0 {
		lines = []string{"\n"}
	}
	if last := &lines[len(lines)-1]; !strings.HasSuffix(*last, "\n") {
		*last += "\n"
		s.changed = true
	}
	name := s.Str("section")
	from, to := s.find(lines, name)
	s.lines = slices.Clone(lines[from:to])
	s.done = make([]bool, len(s.lines))
	there := name == "" || to > from
	present := s.Str("state") == "present"
	if there {
		var err error
		if present {
			err = s.set(name != "")
		} else {
			s.remove(name != "")
		}
		if err != nil {
			return "", err
		}
	}
	lines = slices.Concat(lines[:from], s.lines, lines[to:])
	if present && !there {
		s.changed, s.msg = true, "section and option added"
		lines = append(lines, "["+name+"]\n")
		switch {
		case s.option != "" && len(s.values) > 0:
			for _, v := range s.values {
				lines = append(lines, s.assignment(v))
			}
		case s.option != "" && s.bare:
			lines = append(lines, s.option+"\n")
		default:
			s.msg = "only section added"
		}
	}
	return strings.Join(lines, ""), nil
}

// find returns where the section starts, with its header, and where it ends.
func (s *iniSection) find(lines []string, name string) (from, to int) {
	inside := name == ""
	for i, l := range lines {
		switch {
		case name != "" && strings.HasPrefix(l, "["+name+"]"):
			from, inside = i, true
		case strings.HasPrefix(l, "[") && inside:
			return from, i
		}
	}
	if inside {
		return from, len(lines)
	}
	return 0, 0
}

func (s *iniSection) assignment(v string) string {
	if s.Bool("no_extra_spaces") {
		return s.option + "=" + v + "\n"
	}
	return s.option + " = " + v + "\n"
}

// match finds lines of the option, also commented out ones when that is wanted, and the value in them.
func (s *iniSection) match(orComment bool) func(line string) (value string, ok bool) {
	before := ""
	if orComment {
		before = "[#;]?"
	}
	re := regexp.MustCompile("^" + before + `[ \t]*` + regexp.QuoteMeta(s.option) + `[ \t]*(?:=|$)[ \t]*(.*)`)
	return func(line string) (string, bool) {
		m := re.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			return "", false
		}
		return m[1], true
	}
}

// replace makes a line what is wanted.
func (s *iniSection) replace(i int, line string) {
	if s.lines[i] != line {
		s.changed, s.msg = true, "option changed"
	}
	s.lines[i], s.done[i] = line, true
}

// set brings the option to the wanted values: lines that have one are kept, other lines of the option take what is missing or
// go, the rest is added behind the section's last line that says something.
func (s *iniSection) set(header bool) error {
	match := s.match(true)
	noValue := false // the option stands without value
	if s.option != "" {
		for i, l := range s.lines {
			v, ok := match(l)
			if !ok {
				continue
			}
			if at := slices.Index(s.values, v); at >= 0 {
				if v == "" && s.bare {
					s.replace(i, s.option+"\n")
					noValue = true
				} else {
					s.replace(i, s.assignment(v))
				}
				s.values = slices.Delete(s.values, at, at+1)
			} else if len(s.values) == 0 && s.bare {
				s.replace(i, s.option+"\n")
				noValue = true
				break
			}
		}
	}
	if s.Bool("exclusive") && !s.bare {
		if !s.Has("option") {
			return module.Fail("option must be given to set a value in an existing section", nil)
		}
		for i, l := range s.lines {
			if len(s.values) == 0 {
				break
			}
			if _, ok := match(l); ok && !s.done[i] {
				s.replace(i, s.assignment(s.values[0]))
				s.values = s.values[1:]
			}
		}
		first := 0
		if header {
			first = 1
		}
		for i := len(s.lines) - 1; i >= first; i-- {
			if _, ok := match(s.lines[i]); ok && !s.done[i] {
				s.lines, s.done = slices.Delete(s.lines, i, i+1), slices.Delete(s.done, i, i+1)
				s.changed, s.msg = true, "option changed"
			}
		}
	}
	if s.option == "" {
		return nil
	}
	var more []string
	for _, v := range s.values {
		more = append(more, s.assignment(v))
	}
	if len(s.values) == 0 && s.bare && !noValue {
		more = []string{s.option + "\n"}
	}
	if len(more) > 0 {
		at := len(s.lines)
		for at > 0 && blankOrComment(s.lines[at-1]) {
			at--
		}
		s.lines = slices.Insert(s.lines, at, more...)
		s.changed, s.msg = true, "option added"
	}
	return nil
}

func blankOrComment(line string) bool {
	line = strings.TrimSuffix(strings.TrimLeft(line, " \t"), "\n")
	return line == "" || line[0] == '#' || line[0] == ';'
}

// remove takes the option out of the section, of several values those that are given unless exclusive, or without an option the
// whole section.
func (s *iniSection) remove(header bool) {
	before := len(s.lines)
	if s.option == "" {
		s.lines = nil
		if before > 0 || !header {
			s.changed, s.msg = true, "section removed"
		}
		return
	}
	if !s.Bool("exclusive") && len(s.values) == 0 {
		return
	}
	match := s.match(false)
	s.lines = slices.DeleteFunc(s.lines, func(l string) bool {
		v, ok := match(l)
		return ok && (s.Bool("exclusive") || slices.Contains(s.values, v))
	})
	if len(s.lines) < before {
		s.changed, s.msg = true, "option changed"
	}
}
