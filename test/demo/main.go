// Command demo is `make demo`: it starts three throw-away SSH hosts, converges examples/webfarm on them, runs it again to
// show that nothing changes, and rolls one host back. It leaves nothing running and nothing behind.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/test/fleet"
)

func main() {
	troupe := flag.String("troupe", "bin/troupe", "the program")
	project := flag.String("project", "examples/webfarm", "the project to run")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := demo(ctx, *troupe, *project)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func demo(ctx context.Context, troupe, project string) error {
	f, err := fleet.Start(ctx, "web1", "web2", "db1")
	if err != nil {
		return err
	}
	defer f.Stop()
	root, err := os.MkdirTemp("", "troupe-webfarm-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	kind := "servers inside this demo (no sshd here)"
	if f.Real {
		kind = "sshd processes"
	}
	fmt.Printf("Three hosts are up on loopback: %s.\n", kind)
	inventory := filepath.Join(f.Dir, "hosts.ini")
	if err := os.WriteFile(inventory, []byte(f.Inventory()), 0o600); err != nil {
		return err
	}
	args := []string{"playbook", "-i", filepath.Join(project, "hosts.ini"), "-i", inventory, filepath.Join(project, "site.yml"), "-e", "farm_root=" + root}
	method, note := become()
	if note != "" {
		fmt.Println(note)
	}
	args = append(args, method...)
	if err := play(ctx, troupe, "Converge", nil, args...); err != nil {
		return err
	}
	unchanged := regexp.MustCompile(`(?m)changed=[1-9]`)
	if err := play(ctx, troupe, "Run it again: nothing changes", func(out string) error {
		if unchanged.MatchString(out) {
			return fmt.Errorf("the second run changed something")
		}
		return nil
	}, args...); err != nil {
		return err
	}
	return play(ctx, troupe, "Roll web2 back to release 1.0.0", func(out string) error {
		if !strings.Contains(out, "web2 runs 1.0.0 (new)") {
			return fmt.Errorf("web2 was not rolled back")
		}
		return nil
	}, append(args, "-l", "web2", "-t", "deploy", "-e", "release=1.0.0")...)
}

// become picks a way to become root that works without a password.
func become() (args []string, note string) {
	if exec.Command("sudo", "-n", "true").Run() == nil {
		return nil, ""
	}
	if os.Getuid() == 0 {
		return []string{"-e", "ansible_become_method=su"}, "There is no sudo here: su takes its place."
	}
	return []string{"-e", "ansible_become=false"}, "sudo would ask for a password here: the demo runs without become."
}

// play runs the program and shows what it prints.
func play(ctx context.Context, troupe, title string, check func(out string) error, args ...string) error {
	fmt.Printf("\n== %s\n   troupe %s\n", title, strings.Join(args, " "))
	cmd := exec.CommandContext(ctx, troupe, args...)
	cmd.Stderr = os.Stderr
	start := time.Now()
	out, err := cmd.Output()
	os.Stdout.Write(out)
	if err != nil {
		return fmt.Errorf("%s: %w", title, err)
	}
	fmt.Printf("   took %d ms\n", time.Since(start).Milliseconds())
	if check != nil {
		return check(string(out))
	}
	return nil
}
