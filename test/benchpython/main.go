// Command benchpython times a playbook of many tasks that are Python modules, on one SSH host, with Troupe and, where they are given,
// with Ansible's pipelining and with Mitogen. The programs take turns, so a busy machine is busy for all of them. It prints a table,
// and how much memory the worker on the host takes.
//
//	go run ./test/benchpython -ansible /usr/bin/ansible-playbook -mitogen /path/to/mitogen
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/test/fleet"
)

// source is a module: the imports of one that does little, or of one that speaks HTTP.
const source = `#!/usr/bin/python
from ansible.module_utils.basic import AnsibleModule
%s

def main():
    module = AnsibleModule(argument_spec=dict(n=dict(type='int', required=True)))
    module.exit_json(changed=False, n=module.params['n'])


if __name__ == '__main__':
    main()
`

const more = `from ansible.module_utils.urls import open_url
from ansible.module_utils.facts.timeout import timeout
from ansible.module_utils.common.dict_transformations import snake_dict_to_camel_dict
from ansible.module_utils.compat.version import LooseVersion`

// engine is one way to run the playbook.
type engine struct {
	name, program, strategy string
	env                     []string
	took                    map[string][]time.Duration // by module
}

func main() {
	troupe := flag.String("troupe", "bin/ansible-playbook", "Troupe's executable")
	ansible := flag.String("ansible", "", "Ansible's ansible-playbook; empty leaves it out")
	mitogen := flag.String("mitogen", "", "directory of Mitogen's source, for Ansible; empty leaves it out")
	tasks := flag.Int("tasks", 100, "how many tasks")
	rounds := flag.Int("rounds", 3, "how many times each")
	python := flag.String("python", "/usr/bin/python3", "interpreter on the host")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	path, err := filepath.Abs(*troupe)
	if err != nil {
		fatal(err)
	}
	engines := []*engine{{name: "Troupe", program: path, strategy: "linear"}}
	if *ansible != "" {
		engines = append(engines, &engine{name: "Ansible with pipelining", program: *ansible, strategy: "linear", env: []string{"ANSIBLE_PIPELINING=1"}})
		if *mitogen != "" {
			engines = append(engines, &engine{name: "Ansible with Mitogen", program: *ansible, strategy: "mitogen_linear", env: []string{
				"ANSIBLE_STRATEGY_PLUGINS=" + filepath.Join(*mitogen, "ansible_mitogen", "plugins", "strategy"), "PYTHONPATH=" + *mitogen,
			}})
		}
	}
	if err := bench(ctx, engines, *tasks, *rounds, *python); err != nil {
		fatal(err)
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "benchpython:", err)
	os.Exit(1)
}

func bench(ctx context.Context, engines []*engine, tasks, rounds int, python string) error {
	f, err := fleet.Start(ctx, "one")
	if err != nil {
		return err
	}
	defer f.Stop()
	if !f.Real {
		return fmt.Errorf("there is no sshd on this machine")
	}
	dir, err := os.MkdirTemp("", "benchpython-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	modules := []string{"small", "large"}
	for name, text := range map[string]string{
		"hosts": f.Inventory(), "library/small.py": fmt.Sprintf(source, ""), "library/large.py": fmt.Sprintf(source, more), "ansible.cfg": "",
	} {
		if err := write(filepath.Join(dir, name), text); err != nil {
			return err
		}
	}
	for _, e := range engines {
		e.took = map[string][]time.Duration{}
		for _, m := range modules {
			var play strings.Builder
			fmt.Fprintf(&play, "- hosts: all\n  gather_facts: false\n  strategy: %s\n  vars: {ansible_python_interpreter: %s}\n  tasks:\n", e.strategy, python)
			for i := range tasks {
				fmt.Fprintf(&play, "    - %s: {n: %d}\n", m, i)
			}
			if err := write(filepath.Join(dir, e.strategy+"-"+m+".yml"), play.String()); err != nil {
				return err
			}
		}
	}
	var memory int
	for round := -1; round < rounds; round++ { // the first is not counted: programs are copied, code is compiled
		for _, m := range modules {
			for _, e := range engines {
				seen, end := watch(ctx, f.Hosts[0].Port)
				took, err := e.run(ctx, dir, m)
				end()
				if err != nil {
					return err
				}
				if e == engines[0] {
					memory = max(memory, <-seen)
				}
				if round >= 0 {
					e.took[m] = append(e.took[m], took)
				}
			}
		}
	}
	fmt.Printf("%d tasks, %d rounds: the median (fastest–slowest)\n\n| | a module that imports `basic` | one that imports `urls` and three more |\n|---|---|---|\n", tasks, rounds)
	for _, e := range engines {
		fmt.Printf("| %s | %s | %s |\n", e.name, figures(e.took["small"]), figures(e.took["large"]))
	}
	fmt.Printf("\nthe worker on the host: at most %d KiB (proportional set size)\n", memory)
	return nil
}

func write(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(text), 0o600)
}

// run runs the playbook once and checks that every task ran.
func (e *engine) run(ctx context.Context, dir, module string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, e.program, "-i", "hosts", e.strategy+"-"+module+".yml")
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "ANSIBLE_CONFIG="+filepath.Join(dir, "ansible.cfg"), "LC_ALL=C.UTF-8"), e.env...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	if err != nil || !bytes.Contains(out, []byte("unreachable=0    failed=0")) {
		return 0, fmt.Errorf("%s: %w\n%s", e.name, err, out)
	}
	return took, nil
}

// watch looks for the worker on the host, which is this machine, and tells its largest size in KiB once it is ended.
func watch(ctx context.Context, port int) (most <-chan int, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	found := make(chan int, 1)
	go func() {
		size := 0
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				found <- size
				return
			case <-tick.C:
				size = max(size, worker(port))
			}
		}
	}()
	return found, cancel
}

// worker is the size of the largest process that runs the worker's source and came over the host's port.
func worker(port int) int {
	size, end := 0, fmt.Appendf(nil, " %d\x00", port) // of SSH_CONNECTION
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range lines {
		line, _ := os.ReadFile(file) // processes end while we look
		if !bytes.Contains(line, []byte("The warm Python process of an agent")) {
			continue
		}
		if env, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "environ")); !bytes.Contains(env, end) {
			continue
		}
		sizes, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "smaps_rollup"))
		_, rest, ok := bytes.Cut(sizes, []byte("\nPss:"))
		if fields := bytes.Fields(rest); ok && len(fields) > 0 {
			n, _ := strconv.Atoi(string(fields[0]))
			size = max(size, n)
		}
	}
	return size
}

func figures(all []time.Duration) string {
	slices.Sort(all)
	return fmt.Sprintf("%.2f s (%.2f–%.2f)", all[len(all)/2].Seconds(), all[0].Seconds(), all[len(all)-1].Seconds())
}
