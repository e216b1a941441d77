package oracle

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The sizes that must not become quadratic, as whole commands: an inventory of 10,000 hosts, every host reading the variables
// of all others, and thousands of included tasks. `go test -run '^$' -bench . ./test/oracle`.

func BenchmarkInventory10000(b *testing.B) {
	var ini strings.Builder
	for g := range 100 {
		fmt.Fprintf(&ini, "[g%d]\n", g)
		for h := range 100 {
			fmt.Fprintf(&ini, "host%d ansible_host=10.0.%d.%d x=%d\n", g*100+h, g, h, h)
		}
	}
	for g := range 10 {
		fmt.Fprintf(&ini, "[p%d:children]\n", g)
		for i := range 10 {
			fmt.Fprintf(&ini, "g%d\n", g*10+i)
		}
	}
	ini.WriteString("[all:vars]\na=1\n")
	command(b, map[string]string{"hosts.ini": ini.String()}, "ansible-inventory", "-i", "hosts.ini", "--list")
}

func BenchmarkHostvars500(b *testing.B) {
	var ini strings.Builder
	ini.WriteString("[web]\n")
	for i := range 500 {
		fmt.Fprintf(&ini, "h%d v=%d\n", i, i)
	}
	play := `- hosts: all
  gather_facts: false
  tasks:
    - set_fact: addr="10.0.0.{{ v }}"
    - debug: msg="{{ hostvars[item].addr }}"
      loop: "{{ groups.web }}"
`
	command(b, map[string]string{"hosts.ini": ini.String(), "play.yml": play}, "ansible-playbook", "-i", "hosts.ini", "-c", "local", "play.yml")
}

func BenchmarkIncludes(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			play := fmt.Sprintf("- hosts: h1\n  gather_facts: false\n  tasks:\n    - include_tasks: inc.yml\n      loop: \"{{ range(%d) | list }}\"\n", n)
			command(b, map[string]string{"inc.yml": "- debug: msg={{ item }}\n", "play.yml": play}, "ansible-playbook", "-i", "h1,", "-c", "local", "play.yml")
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/task")
		})
	}
}

// command measures a command over files in a directory of its own; its largest size in memory is reported too.
func command(b *testing.B, files map[string]string, name string, args ...string) {
	b.Helper()
	bin, dir := build(b), b.TempDir()
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	var most int64
	for b.Loop() {
		ctx, cancel := context.WithTimeout(b.Context(), 2*time.Minute)
		cmd := exec.CommandContext(ctx, filepath.Join(bin, name), args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir, "ANSIBLE_CONFIG=/dev/null")
		err := cmd.Run()
		cancel()
		if err != nil {
			b.Fatal(err)
		}
		most = max(most, maxRSS(cmd.ProcessState))
	}
	b.ReportMetric(float64(most)/1024, "MB")
}

// maxRSS is the most memory that a process had, in KB.
func maxRSS(s *os.ProcessState) int64 {
	if u, ok := s.SysUsage().(*syscall.Rusage); ok {
		return u.Maxrss
	}
	return 0
}
