package all_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/remote/connection/all"
	"github.com/troupe-automation/troupe/internal/remote/connection/connectiontest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFind(t *testing.T) {
	for name, want := range map[string]string{
		"": "ssh", "smart": "ssh", "ssh": "ssh", "ansible.builtin.ssh": "ssh", "paramiko_ssh": "ssh", "ansible.builtin.local": "local", "docker": "community.docker.docker",
		"community.docker.docker": "community.docker.docker", "containers.podman.podman": "containers.podman.podman", "community.general.chroot": "community.general.chroot", "nope": "",
	} {
		got := ""
		if k := all.Find(name); k != nil {
			got = k.Name
		}
		if got != want {
			t.Errorf("Find(%q) = %q, want %q", name, got, want)
		}
	}
}

// The container programs are replaced by scripts that check their arguments and run the command here.
func TestContainers(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	script := func(name, pattern string, words int) {
		text := fmt.Sprintf("#!/bin/sh\nfor a in \"$@\"; do [ \"$a\" = -t ] && tty=1; done\ncase \"$*\" in %s) ;; *) echo \"wrong arguments: $*\" >&2; exit 99;; esac\n[ -n \"$tty\" ] && shift\nshift %d\nexec \"$@\"\n", pattern, words)
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script("docker", `"--host h exec -i"*" -u bob --workdir /w web1 /bin/sh -c "*`, 9)
	script("podman", `"exec -i"*" --user bob web1 /bin/sh -c "*`, 5)
	script("kubectl", `"--namespace ns exec -i"*" pod1 -c side -- /bin/sh -c "*`, 8)
	for name, o := range map[string]connection.Options{
		"docker":  {"remote_addr": "web1", "remote_user": "bob", "docker_extra_args": "--host h", "working_dir": "/w"},
		"podman":  {"remote_addr": "web1", "remote_user": "bob"},
		"kubectl": {"kubectl_pod": "pod1", "kubectl_container": "side", "kubectl_namespace": "ns"},
		"chroot":  {"remote_addr": "/"},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "chroot" && os.Getuid() != 0 {
				t.Skip("not root on this machine: chroot needs it")
			}
			connectiontest.Exercise(t, func(t *testing.T) connection.Conn {
				c, err := all.Find(name).Dial(t.Context(), o, func(int, string) {})
				if err != nil {
					t.Fatal(err)
				}
				return c
			})
		})
	}
}
