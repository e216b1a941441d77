package oracle

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/test/database"
)

var recordCollections = flag.String("record-collections", "", "directory of Ansible's own executables: record testdata/collections with them")

const debianPackages = "/usr/lib/python3/dist-packages"

// fingerprint says what the results of the modules depend on.
const fingerprint = `
import importlib, json, ssl, subprocess, sys
print("python %d.%d.%d" % sys.version_info[:3], ssl.OPENSSL_VERSION)
for name in ("cryptography", "lxml", "passlib", "psycopg2", "pymysql"):
    try:
        print(name, getattr(importlib.import_module(name), "__version__", "there"))
    except ImportError:
        print(name, "missing")
for server in ("/usr/lib/postgresql/15/bin/postgres", "/usr/sbin/mariadbd"):
    try:
        print(subprocess.run([server, "--version"], stdout=subprocess.PIPE, universal_newlines=True).stdout.strip())
    except OSError:
        print(server, "missing")
for name in ("ansible/posix", "community/crypto", "community/docker", "community/general", "community/mysql", "community/postgresql"):
    try:
        print(name, json.load(open("` + debianPackages + `/ansible_collections/%s/MANIFEST.json" % name))["collection_info"]["version"])
    except OSError:
        print(name, "missing")
`

// TestCollections runs modules of collections from their Python source, with Troupe's own module_utils, and compares every result
// with what ansible-core 2.18 gave (testdata/collections/NAME.results). The collections are those of Debian's package ansible; where
// it, or a library or server that a play needs, is another, nothing can be said.
func TestCollections(t *testing.T) {
	seen, err := exec.Command("/usr/bin/python3", "-c", fingerprint).Output()
	if err != nil || strings.Contains(string(seen), "community/general missing") {
		t.Skip("no Python collections on this machine")
	}
	bin := *recordCollections
	if bin == "" {
		bin = build(t)
	}
	for name, start := range map[string]func(t testing.TB, dir string){"local": nil, "postgresql": database.PostgreSQL, "mysql": database.MySQL} {
		t.Run(name, func(t *testing.T) {
			golden := filepath.Join("testdata/collections", name+".results")
			if *recordCollections != "" {
				if err := os.WriteFile(golden, []byte(string(seen)+"\n"+collectionResults(t, bin, name, start)), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			recorded, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			libraries, want, _ := strings.Cut(string(recorded), "\n\n")
			if libraries != strings.TrimSpace(string(seen)) {
				t.Skipf("this machine has other Python libraries than the recording:\n%s", unified(t, libraries+"\n", string(seen)))
			}
			if got := collectionResults(t, bin, name, start); got != want {
				t.Errorf("results differ:\n%s", unified(t, want, got))
			}
		})
	}
}

// collectionResults runs a play and returns its results: a line for each task's name, and one for each value.
func collectionResults(t *testing.T, bin, name string, start func(t testing.TB, dir string)) string {
	t.Helper()
	dir := database.Dir(t)
	if err := os.CopyFS(dir, os.DirFS("testdata/collections/files")); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "empty.cfg")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if start != nil {
		start(t, dir)
	}
	cmd := exec.Command(filepath.Join(bin, "ansible-playbook"), "-i", "localhost,", "-c", "local", "-e", "dir="+dir, "-e", "ansible_python_interpreter=/usr/bin/python3",
		filepath.Join("testdata/collections", name+".yml"))
	cmd.Env = append(os.Environ(), "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C.UTF-8", "ANSIBLE_CONFIG="+config, "ANSIBLE_STDOUT_CALLBACK=ansible.posix.json",
		"ANSIBLE_COLLECTIONS_PATH="+debianPackages, "ANSIBLE_DEPRECATION_WARNINGS=false")
	out, err := cmd.Output()
	var report struct {
		Plays []struct {
			Tasks []struct {
				Task  struct{ Name string }
				Hosts map[string]map[string]any
			}
		}
	}
	numbers := json.NewDecoder(bytes.NewReader(out))
	numbers.UseNumber() // keys have long ones
	if jerr := numbers.Decode(&report); jerr != nil {
		t.Fatalf("%v, %v: %s", err, jerr, head(string(out)))
	}
	var b strings.Builder
	for _, p := range report.Plays {
		for _, task := range p.Tasks {
			fmt.Fprintf(&b, "%s\n", task.Task.Name)
			for _, line := range flat("", task.Hosts["localhost"]) {
				b.WriteString("  " + strings.ReplaceAll(line, dir, "DIR") + "\n")
			}
		}
	}
	return b.String()
}

// changing are the keys whose values are never the same twice: times, sizes of keys, numbers, tracebacks, and what only one of the
// two programs says.
var changing = map[string]bool{
	"action": true, "delta": true, "modulus": true, "serial_number": true, "size": true, "uid": true, "python_system_path": true, "traceback": true,
	"module_stderr": true, "new_release": true, "new_release_path": true, "ctime": true, "mtime": true, "atime": true, "inode": true, "exception": true,
	"_ansible_no_log": true, "salt": true, "query_all_time": true, "execution_time_ms": true, "executiontime": true, "pid": true,
}

// noise is what changes inside of texts.
var noise = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`(?s)-----BEGIN ([A-Z0-9 ]+)-----.*?-----END`), "$1"},
	{regexp.MustCompile(`([0-9a-f]{2}:){10,}[0-9a-f]{2}`), "FINGERPRINT"},
	{regexp.MustCompile(`SHA256:\S+|AAAA[0-9A-Za-z+/=]{20,}|^BB[A-Z][0-9A-Za-z+/=]{28,}$|[A-Za-z0-9+/]{60,}=*|\b[0-9a-f]{32,64}\b`), "KEY"},
	{regexp.MustCompile(`\d{14}Z?|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:?\d\d)?`), "TIME"},
	{regexp.MustCompile(`copied, .*`), "copied"},
	{regexp.MustCompile(` on \S+'s Python`), " on HOST's Python"},
}

// flat are the values of a result, a line each, with their paths.
func flat(path string, v any) []string {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 {
			return []string{path + ": {}"}
		}
		var lines []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if !changing[k] {
				lines = append(lines, flat(path+"."+k, v[k])...)
			}
		}
		return lines
	case []any:
		if len(v) == 0 {
			return []string{path + ": []"}
		}
		if _, texts := v[0].(string); texts { // files of a directory have no order
			slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		var lines []string
		for i, e := range v {
			lines = append(lines, flat(fmt.Sprintf("%s[%d]", path, i), e)...)
		}
		return lines
	case string:
		for _, n := range noise {
			v = n.pattern.ReplaceAllString(v, n.with)
		}
		return []string{fmt.Sprintf("%s: %q", path, v)}
	}
	return []string{fmt.Sprintf("%s: %v", path, v)}
}
