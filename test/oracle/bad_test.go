package oracle

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden diagnostics of testdata/bad anew")

// TestBad runs the broken playbooks of testdata/bad. expected.tsv has what ansible-core 2.18 made of each: exit code and the first
// line that says what is wrong. known.txt names those where Troupe says something else, with the reason. NAME.golden is the
// diagnostic that Troupe shows on a terminal.
func TestBad(t *testing.T) {
	bin := build(t)
	dir, err := filepath.Abs("testdata/bad")
	if err != nil {
		t.Fatal(err)
	}
	expected := lines(t, filepath.Join(dir, "expected.tsv"))
	if len(expected) < 120 {
		t.Errorf("%d broken playbooks, there were 120", len(expected))
	}
	known := map[string]bool{}
	for _, l := range lines(t, filepath.Join(dir, "known.txt")) {
		name, _, _ := strings.Cut(l, "\t")
		known[name] = true
	}
	home := t.TempDir()
	for _, l := range expected {
		row := strings.SplitN(l, "\t", 3)
		name := row[0]
		t.Run(name, func(t *testing.T) {
			bad{dir: dir, name: name, words: []string{"ansible-playbook", "-i", "localhost,", "-c", "local", name + ".yml"}, want: row[1] + "\t" + row[2], known: known[name]}.check(t, bin, home)
		})
	}
}

// TestBadFiles does the same with broken inventories, configuration files, requirements and specifications of roles.
// files/expected.tsv has the command line for each file too.
func TestBadFiles(t *testing.T) {
	bin := build(t)
	dir, err := filepath.Abs("testdata/bad/files")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	for _, l := range lines(t, filepath.Join(dir, "expected.tsv")) {
		row := strings.SplitN(l, "\t", 4)
		t.Run(row[0], func(t *testing.T) {
			b := bad{dir: dir, name: row[0], words: strings.Fields(row[1]), want: row[2] + "\t" + row[3]}
			b.env = []string{"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=1"}
			if strings.HasPrefix(row[0], "config/") {
				b.env = append(b.env, "ANSIBLE_CONFIG="+row[0])
			}
			b.check(t, bin, home)
		})
	}
}

// bad is a broken file: the command line that meets it, and the exit code and first complaint of ansible-core 2.18.
type bad struct {
	dir, name  string
	words, env []string
	want       string
	known      bool // Troupe says something else
}

func (b bad) check(t *testing.T, bin, home string) {
	t.Helper()
	run := func(output string) (string, string) {
		cmd := exec.CommandContext(t.Context(), filepath.Join(bin, b.words[0]), b.words[1:]...)
		cmd.Dir = b.dir
		cmd.Env = append(append(os.Environ(), "HOME="+home, "ANSIBLE_CONFIG=/dev/null", "TROUPE_OUTPUT="+output), b.env...)
		out, err := cmd.CombinedOutput()
		text := strings.NewReplacer(b.dir, "DIR", home, "HOME").Replace(string(out))
		if strings.Contains(text, "goroutine ") || strings.Contains(text, "panic:") {
			t.Errorf("panic: %s", text)
		}
		code := "0"
		if err != nil {
			code = strings.TrimPrefix(err.Error(), "exit status ")
		}
		return text, code
	}
	text, code := run("")
	got := code + "\t" + firstComplaint(text)
	switch {
	case got != b.want && !b.known:
		t.Errorf("got  %s\nwant %s", got, b.want)
	case got == b.want && b.known:
		t.Error("is as Ansible has it now: take it out of known.txt")
	}
	full, _ := run("full")
	if i := strings.Index(full, "error["); i >= 0 {
		full = full[i:]
	}
	golden := filepath.Join(b.dir, b.name+".golden")
	if *update {
		if err := os.WriteFile(golden, []byte(full), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if times.ReplaceAllString(string(have), "TIME") != times.ReplaceAllString(full, "TIME") {
		t.Error(unified(t, string(have), full))
	}
}

var (
	complaint = regexp.MustCompile(`(?m)^(ERROR[!:]|fatal:|failed:).*$`)
	// Python's sets have no order: what stands behind these words is left out.
	unordered = regexp.MustCompile(`(Valid booleans include:|in the following modules:).*$`)
	times     = regexp.MustCompile(`"(delta|start|end)": "[^"]*"`)
)

// firstComplaint is the first line that says what is wrong, up to 250 bytes.
func firstComplaint(text string) string {
	line := unordered.ReplaceAllString(times.ReplaceAllString(complaint.FindString(text), "TIME"), "$1 …")
	if len(line) > 250 {
		line = line[:250]
	}
	return line
}

func lines(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(string(data), "\n"), "\n")
}
