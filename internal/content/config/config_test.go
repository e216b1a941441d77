package config_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/value"
)

// repr spells a value as Python's str() of a setting does.
func repr(v value.Value, nested bool) string {
	switch v := v.(type) {
	case value.Str:
		if nested {
			return "'" + string(v) + "'"
		}
		return string(v)
	case value.Bool:
		if v {
			return "True"
		}
		return "False"
	case value.Int:
		return strconv.Itoa(int(v))
	case value.Float:
		text := strconv.FormatFloat(float64(v), 'g', -1, 64)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		return text
	case *value.List:
		var parts []string
		for _, e := range v.Elems {
			parts = append(parts, repr(e, true))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case *value.Tuple:
		text := repr(&value.List{Elems: v.Elems}, true)
		return "(" + text[1:len(text)-1] + ")"
	case *value.Dict:
		return "{}"
	}
	return "None"
}

func load(t *testing.T, dir string, env map[string]string) (*config.Config, error) {
	t.Helper()
	return config.Load(config.Environ{
		Lookup: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		Cwd:    dir, Home: filepath.Join(dir, "home"),
	}, "")
}

// The dumps are `ansible-config dump` of ansible-core 2.18, with HOME and CWD for the directories.
func TestDump(t *testing.T) {
	for _, c := range []struct{ name, cfg, want string }{
		{"defaults", "", "testdata/dump_default.txt"},
		{"ansible.cfg", "testdata/a.cfg", "testdata/dump_a.txt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			env := map[string]string{"HOME": filepath.Join(dir, "home")}
			if c.cfg != "" {
				data, err := os.ReadFile(c.cfg)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "a.cfg"), data, 0o600); err != nil {
					t.Fatal(err)
				}
				env["ANSIBLE_CONFIG"] = "a.cfg"
			}
			cfg, err := load(t, dir, env)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(c.want)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range strings.Split(strings.TrimSpace(string(want)), "\n") {
				name, rest, _ := strings.Cut(line, "(")
				switch name {
				case "CONFIG_FILE", "DEFAULT_LOCAL_TMP", "CONNECTION_FACTS_MODULES", "ANSIBLE_TEST_DIR", "_INTERPRETER_PYTHON_DISTRO_MAP":
					continue
				}
				v, origin := cfg.Value(name)
				got := origin.String() + ") = " + repr(v, false)
				got = strings.ReplaceAll(strings.ReplaceAll(got, dir+"/home/", "HOME/"), dir, "CWD")
				if got != rest {
					t.Errorf("%s:\n got %s\nwant %s", name, got, rest)
				}
			}
		})
	}
}

// The expectations are what ansible-core 2.18 prints.
func TestEnvironment(t *testing.T) {
	for _, c := range []struct{ set, name, want, err string }{
		{"ANSIBLE_FORKS=abc", "", "", "Invalid type for configuration option setting: DEFAULT_FORKS (from env: ANSIBLE_FORKS): "},
		{"ANSIBLE_TIMEOUT=1.5", "", "", "Invalid type for configuration option setting: DEFAULT_TIMEOUT (from env: ANSIBLE_TIMEOUT): Invalid type provided for \"int\": '1.5'"},
		{"ANSIBLE_GATHERING=foo", "", "", "Invalid value \"foo\" for configuration option \"setting: DEFAULT_GATHERING \", valid values are: implicit, explicit, smart"},
		{"ANSIBLE_FORKS=1e1", "DEFAULT_FORKS", "10", ""},
		{"ANSIBLE_FORKS=", "DEFAULT_FORKS", "5", ""},
		{"ANSIBLE_TASK_TIMEOUT=5.0", "TASK_TIMEOUT", "5", ""},
		{"ANSIBLE_PIPELINING=perhaps", "ANSIBLE_PIPELINING", "False", ""},
		{"ANSIBLE_NOCOLOR=", "ANSIBLE_NOCOLOR", "False", ""},
		{"NO_COLOR=1", "ANSIBLE_NOCOLOR", "True", ""},
		{"ANSIBLE_ROLES_PATH=a:b", "DEFAULT_ROLES_PATH", "['CWD/a', 'CWD/b']", ""},
		{"ANSIBLE_ROLES_PATH=", "DEFAULT_ROLES_PATH", "['CWD']", ""},
		{"ANSIBLE_INVENTORY=x,y", "DEFAULT_HOST_LIST", "['CWD/x', 'CWD/y']", ""},
		{"ANSIBLE_CALLBACKS_ENABLED=a,,b", "CALLBACKS_ENABLED", "['a', '', 'b']", ""},
		{"ANSIBLE_REMOTE_USER='x'", "DEFAULT_REMOTE_USER", "'x'", ""},
		{"ANSIBLE_LOG_PATH=~/x/../y", "DEFAULT_LOG_PATH", "CWD/home/y", ""},
		{"ANSIBLE_LOG_PATH={{CWD}}/z", "DEFAULT_LOG_PATH", "CWD/z", ""},
		{"ANSIBLE_HOME=/h", "DEFAULT_ROLES_PATH", "['/h/roles', '/usr/share/ansible/roles', '/etc/ansible/roles']", ""},
	} {
		t.Run(c.set, func(t *testing.T) {
			dir := t.TempDir()
			k, v, _ := strings.Cut(c.set, "=")
			cfg, err := load(t, dir, map[string]string{k: v})
			if c.err != "" {
				d, ok := diag.As(err)
				if !ok || d.Classic != c.err || d.Exit != diag.ExitOptions {
					t.Fatalf("got %v (%+v)", err, d)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, _ := cfg.Value(c.name)
			if s := strings.ReplaceAll(repr(got, false), dir, "CWD"); s != c.want {
				t.Errorf("got %s, want %s", s, c.want)
			}
		})
	}
}

func TestPluginOptionOrder(t *testing.T) {
	dir := t.TempDir()
	cfg, err := load(t, dir, map[string]string{"ANSIBLE_REMOTE_USER": "env"})
	if err != nil {
		t.Fatal(err)
	}
	from := func(m map[string]string) func(string) (value.Value, bool) {
		return func(name string) (value.Value, bool) { v, ok := m[name]; return value.Str(v), ok }
	}
	for _, c := range []struct {
		name string
		src  config.Sources
		want string
	}{
		{"environment", config.Sources{}, "env"},
		{"flag over environment", config.Sources{CLI: from(map[string]string{"user": "flag"})}, "flag"},
		{"keyword over flag", config.Sources{CLI: from(map[string]string{"user": "flag"}), Keyword: from(map[string]string{"remote_user": "kw"})}, "kw"},
		{"variable over keyword", config.Sources{Keyword: from(map[string]string{"remote_user": "kw"}), Vars: from(map[string]string{"ansible_user": "v"})}, "v"},
		{"last variable wins", config.Sources{Vars: from(map[string]string{"ansible_user": "v", "ansible_ssh_user": "w"})}, "w"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, _, err := cfg.PluginOption("connection", "ssh", "remote_user", c.src)
			if err != nil || v != value.Str(c.want) {
				t.Errorf("got %v %v, want %s", v, err, c.want)
			}
		})
	}
}

func TestFileErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no section", "foo\n", "Error reading config file (FILE): File contains no section headers.\nfile: '<string>', line: 1\n'foo\\n'"},
		{"key twice", "[defaults]\nforks=1\nforks=2\n", "Error reading config file (FILE): While reading from '<string>' [line  3]: option 'forks' in section 'defaults' already exists"},
		{"wrong type", "[defaults]\nforks=x\n", "Invalid type for configuration option setting: DEFAULT_FORKS (from FILE): "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "ansible.cfg")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := load(t, dir, nil)
			d, ok := diag.As(err)
			if !ok || strings.ReplaceAll(d.Classic, file, "FILE") != c.want {
				t.Errorf("got %+v", d)
			}
		})
	}
}
