package mysql

import (
	"os"
	"testing"

	"github.com/troupe-automation/troupe/module"
)

// What only the collection's own module can do is left to it before anybody connects.
func TestNotNative(t *testing.T) {
	file := t.TempDir() + "/my.cnf"
	if err := os.WriteFile(file, []byte("!includedir /etc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		m    *module.Module
		args map[string]any
	}{
		"another form of my.cnf":   {mysqlUser, map[string]any{"name": "a", "config_file": file}},
		"a password for the shell": {mysqlDB, map[string]any{"name": "a", "state": "dump", "target": "/x", "login_password": "$PW", "unsafe_login_password": true}},
		"an option of later":       {mysqlUser, map[string]any{"name": "a", "locked": true}},
	} {
		if r := module.Execute(t.Context(), c.m, c.args, module.Options{}); r[module.NotNativeKey] != true {
			t.Errorf("%s: %v", name, r)
		}
	}
}
