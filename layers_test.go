package troupe_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

const mod = "github.com/troupe-automation/troupe"

// layers lists the packages, lowest first. A package imports packages of lower lines only; packages of one line stand
// side by side and know nothing of each other. "x/*" means everything below x.
var layers = []string{
	"internal/source internal/didyoumean internal/term internal/hashivault module internal/wire internal/target/regex test/sshd test/python test/database test/journal test/recorded test/repository",
	"value vault",
	"internal/diag internal/target/hostos internal/target/sqlname",
	"event jinja/syntax internal/target/facts internal/target/pyexec internal/lang/pyre internal/lang/pyrandom internal/lang/crypt internal/lang/jmespath internal/lang/yamlout internal/lang/filters/argument internal/remote/connection internal/remote/pymodule",
	"jinja/symbols",
	"jinja internal/lang/yamldoc internal/target/modules/* internal/remote/become internal/remote/connection/*",
	"jinja/builtins internal/target/modules/all/* internal/lang/filters/collections",
	"internal/lang/filters internal/target/modules/all",
	"internal/lang/template internal/target/agent internal/remote/connection/all",
	"internal/content/config internal/content/inventory/* internal/remote/session",
	"internal/content/inventory",
	"internal/content/vars internal/content/collection",
	"internal/content/playbook internal/content/galaxy internal/content/plugindoc",
	"internal/engine/lookup internal/engine/pyhost internal/engine/debugger",
	"internal/engine/action/*",
	"internal/engine/action internal/engine/strategy",
	"internal/engine/task",
	"internal/engine/run",
	".",
	"internal/report/render",
	"internal/report/callback",
	"internal/server/domain internal/server/secret internal/server/project internal/server/runner internal/server/external internal/server/bus",
	"internal/server/store internal/server/rrule",
	"internal/server/store/* internal/server/rbac internal/server/launch internal/server/live",
	"internal/server/auth internal/server/inventory internal/server/notify",
	"internal/server/dispatch",
	"internal/server/api",
	"internal/server/stream",
	"internal/server",
	"internal/cli/argparse",
	"internal/server/command",
	"internal/cli/launch",
	"internal/cli/*",
	"internal/cli",
	"cmd/*",
	"test/*",
	"test/demo test/benchpython test/corpus/cmd",
}

// never lists whole subtrees that stay apart, direct or not.
var never = []struct{ from, to, why string }{
	{"internal/target/", "jinja", "the agent must stay small"},
	{"internal/target/", "value", "the agent must stay small"},
	{"internal/target/", "internal/lang", "the agent must stay small"},
	{"internal/target/", "internal/engine", "the target knows nothing of playbooks"},
	{"internal/target/", "internal/content", "the target knows nothing of playbooks"},
	{"internal/target/", "internal/remote", "the target does not know how it was reached"},
	{"internal/remote/", "internal/content", "getting there needs no playbook"},
	{"internal/remote/", "internal/engine", "getting there needs no playbook"},
	{"internal/content/", "internal/remote", "parsing must not need a network"},
	{"internal/content/", "internal/engine", "content is read before anything is decided"},
	{"internal/lang/", "internal/content", "languages know no playbook"},
	{"internal/engine/", "internal/report", "a run speaks only in events"},
	{"internal/engine/", "internal/cli", "a run speaks only in events"},
	{"internal/report/", "internal/engine", "callbacks read events"},
	{"internal/server/", "internal/engine", "the server starts runs as child processes"},
	{"internal/server/", "internal/remote", "the server starts runs as child processes"},
	{"internal/server/", "internal/target", "the server starts runs as child processes"},
	{"internal/server/", "internal/content", "the server starts runs as child processes"},
	{"internal/server/", "internal/lang", "the server starts runs as child processes"},
	{"jinja/", "internal/lang", "the engine is a library of its own"},
	{"cmd/troupe", "internal/server", "databases and bus would slow the start of every command"},
	{"cmd/troupe-agent", "value", "the agent must stay small"},
	{"cmd/troupe-agent-web", "value", "the agent must stay small"},
	{"cmd/troupe-agent-data", "value", "the agent must stay small"},
}

type pkg struct {
	ImportPath    string
	Imports, Deps []string
}

func layerOf(p string) int {
	best, bestLen := -1, -1
	for i, line := range layers {
		for pat := range strings.FieldsSeq(line) {
			base, star := strings.CutSuffix(pat, "/*")
			if p == pat {
				return i
			}
			if star && strings.HasPrefix(p, base+"/") && len(pat) > bestLen {
				best, bestLen = i, len(pat)
			}
		}
	}
	return best
}

func rel(p string) (string, bool) {
	if p == mod {
		return ".", true
	}
	return strings.CutPrefix(p, mod+"/")
}

func listPackages(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestLayers(t *testing.T) {
	for _, p := range listPackages(t) {
		from, _ := rel(p.ImportPath)
		lf := layerOf(from)
		if lf < 0 {
			t.Errorf("%s has no layer: add it to layers_test.go", from)
		}
		for _, i := range p.Imports {
			if to, ours := rel(i); ours && layerOf(to) >= lf {
				t.Errorf("%s (layer %d) imports %s (layer %d)", from, lf, to, layerOf(to))
			}
		}
		for _, d := range p.Deps {
			to, ours := rel(d)
			for _, n := range never {
				if ours && strings.HasPrefix(from+"/", strings.TrimSuffix(n.from, "/")+"/") && strings.HasPrefix(to+"/", n.to+"/") {
					t.Errorf("%s depends on %s: %s", from, to, n.why)
				}
			}
		}
	}
}
