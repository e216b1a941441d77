package postgresql

import (
	"encoding/json"
	"testing"

	"github.com/troupe-automation/troupe/module"
)

// Values that Python's driver gives a type of its own, with which Ansible's module ends in a traceback, are text here.
func TestPostgresValues(t *testing.T) {
	for _, c := range []struct {
		kind       uint32
		text, want string
	}{
		{1083, "10:11:12.5", `"10:11:12.5"`},
		{17, `\x00ff`, `"\\x00ff"`},
		{3904, "[1,5)", `"[1,5)"`},
		{1231, "{1.50,NULL}", `[1.5,null]`},
		{1115, `{"2024-02-29 10:11:12",infinity}`, `["2024-02-29T10:11:12","9999-12-31T23:59:59.999999"]`},
		{1007, "[0:1]={4,5}", `[4,5]`},
		{3807, `{"{\"a\": 1}",NULL}`, `[{"a":1},null]`},
		{1186, "-1 years -2 mons +3 days -04:05:06.789", `"-423 days, 19:54:53.211000"`},
		{1184, "2024-02-29 10:11:12.000001+05:53:28", `"2024-02-29T10:11:12.000001+05:53:28"`},
	} {
		v, err := pgValue(c.kind, []byte(c.text))
		got, jerr := json.Marshal(v)
		if err != nil || jerr != nil || string(got) != c.want {
			t.Errorf("pgValue(%d, %s) = %s, %v, %v, want %s", c.kind, c.text, got, err, jerr, c.want)
		}
	}
	for _, text := range []string{"{1,2", "{", "1", "{1}x", `{"a`} {
		if v, err := pgValue(1007, []byte(text)); err == nil {
			t.Errorf("the array %s is %v", text, v)
		}
	}
}

// What only the collection's own module can do is left to it before anybody connects.
func TestNotNative(t *testing.T) {
	for name, c := range map[string]struct {
		m    *module.Module
		args map[string]any
	}{
		"a parameter of libpq": {postgresqlUser, map[string]any{"name": "a", "connect_params": map[string]any{"gssencmode": "disable"}}},
		"an encoding":          {postgresqlQuery, map[string]any{"query": "SELECT 1", "encoding": "latin1"}},
		"an option of later":   {postgresqlDB, map[string]any{"name": "a", "icu_locale": "en"}},
	} {
		if r := module.Execute(t.Context(), c.m, c.args, module.Options{}); r[module.NotNativeKey] != true {
			t.Errorf("%s: %v", name, r)
		}
	}
}
