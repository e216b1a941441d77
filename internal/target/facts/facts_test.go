package facts

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// The groups a subset brings were recorded from ansible-core 2.18's setup on Debian 12.
func TestSubsets(t *testing.T) {
	has := map[string]string{"hw": "ansible_mounts", "net": "ansible_interfaces", "env": "ansible_env", "virt": "ansible_virtualization_type",
		"dist": "ansible_distribution", "chroot": "ansible_is_chroot"}
	for subset, want := range map[string]string{
		"!hardware": "env dist", "!hardware,!network": "env dist", "!min": "", "!all": "env dist", "network,!min": "net dist",
		"network": "net env dist", "all,!network": "hw env virt dist chroot", "!env": "dist", "!all,!env": "dist", "!foo": "env dist",
		"!all,!min": "", "!all,!min,mounts": "hw", "!all,!min,all_ipv4_addresses": "net dist", "!hardware,!min": "",
	} {
		t.Run(subset, func(t *testing.T) {
			got, _, err := Gather(t.Context(), Query{Subset: strings.Split(subset, ",")})
			if err != nil {
				t.Fatal(err)
			}
			for name, key := range has {
				_, in := got[key]
				if in != slices.Contains(strings.Fields(want), name) {
					t.Errorf("%s present: %v, want the groups %q", name, in, want)
				}
			}
		})
	}
}

func TestBadSubset(t *testing.T) {
	const want = "Bad subset 'foo' given to Ansible. gather_subset options allowed: all, all_ipv4_addresses, all_ipv6_addresses, apparmor, architecture, caps, chroot, cmdline, date_time, default_ipv4, default_ipv6, devices, distribution, distribution_major_version, distribution_release, distribution_version, dns, effective_group_ids, effective_user_id, env, facter, fibre_channel_wwn, fips, hardware, interfaces, is_chroot, iscsi, kernel, kernel_version, loadavg, local, lsb, machine, machine_id, mounts, network, nvme, ohai, os_family, pkg_mgr, platform, processor, processor_cores, processor_count, python, python_version, real_user_id, selinux, service_mgr, ssh_host_key_dsa_public, ssh_host_key_ecdsa_public, ssh_host_key_ed25519_public, ssh_host_key_rsa_public, ssh_host_pub_keys, ssh_pub_keys, system, system_capabilities, system_capabilities_enforced, systemd, user, user_dir, user_gecos, user_gid, user_id, user_shell, user_uid, virtual, virtualization_role, virtualization_tech_guest, virtualization_tech_host, virtualization_type"
	_, _, err := Gather(t.Context(), Query{Subset: []string{"foo"}})
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestFilter(t *testing.T) {
	for pattern, want := range map[string][]string{
		"ansible_mem*":                     {"ansible_memfree_mb", "ansible_memory_mb", "ansible_memtotal_mb"},
		"memtotal_mb":                      {"ansible_memtotal_mb"},
		"ansible_memtotal_mb,ansible_fips": {"ansible_fips", "ansible_memtotal_mb"},
	} {
		got, _, err := Gather(t.Context(), Query{Filter: strings.Split(pattern, ","), Python: "/usr/bin/python3"})
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for k := range got {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		if !slices.Equal(keys, want) {
			t.Errorf("%s: got %q, want %q", pattern, keys, want)
		}
	}
}

// The interpreter that had to be found is told whatever the filter, one that is named is not.
func TestDiscovered(t *testing.T) {
	got, _, err := Gather(t.Context(), Query{Subset: []string{"python"}, Filter: []string{"none"}})
	if err != nil {
		t.Fatal(err)
	}
	if p := findPython(t.Context(), ""); p != nil && got["discovered_interpreter_python"] != p.executable {
		t.Errorf("got %v, want %s", got, p.executable)
	}
	if got, _, _ := Gather(t.Context(), Query{Subset: []string{"python"}, Python: "/usr/bin/python3"}); got["discovered_interpreter_python"] != nil {
		t.Errorf("an interpreter that is named was found: %v", got["discovered_interpreter_python"])
	}
}

// The values were recorded from setup with the same files.
func TestLocalFacts(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ini.fact": "[s]\nk=v\nK2 = V 2\n", "js.fact": `{"a":[1,2]}`, "ex.fact": "#!/bin/sh\necho '{\"x\": 1}'\n", "bad.fact": "#!/bin/sh\nexit 3\n",
		"np.fact": "not parsable\n", "exp.fact": "#!/bin/sh\necho plain\n", "y.fact": "a: b\n",
	} {
		mode := os.FileMode(0o644)
		if strings.HasPrefix(text, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	got, warnings, err := Gather(t.Context(), Query{Subset: []string{"!all", "!min", "local"}, FactPath: dir})
	if err != nil {
		t.Fatal(err)
	}
	bad := func(name string) string {
		return "error loading facts as JSON or ini - please check content: " + dir + "/" + name
	}
	want := map[string]any{
		"bad": "Failure executing fact script (" + dir + "/bad.fact), rc: 3, err: ", "ex": map[string]any{"x": int64(1)},
		"exp": bad("exp.fact"), "ini": map[string]any{"s": map[string]any{"k": "v", "k2": "V 2"}},
		"js": map[string]any{"a": []any{int64(1), int64(2)}}, "np": bad("np.fact"), "y": bad("y.fact"),
	}
	if !reflect.DeepEqual(got["ansible_local"], want) {
		t.Errorf("got  %v\nwant %v", got["ansible_local"], want)
	}
	if len(warnings) != 4 {
		t.Errorf("warnings %q", warnings)
	}
}

func TestWeekOfYear(t *testing.T) {
	// From Python's strftime("%W").
	for day, want := range map[string]string{"2026-11-21": "46", "2024-01-01": "01", "2023-01-01": "00", "2023-12-31": "52", "2021-01-03": "00", "2021-01-04": "01"} {
		d, err := time.Parse("2006-01-02", day)
		if err != nil {
			t.Fatal(err)
		}
		if got := weekOfYear(d); got != want {
			t.Errorf("%s: got %s, want %s", day, got, want)
		}
	}
}

func BenchmarkAll(b *testing.B) {
	for b.Loop() {
		if _, _, err := Gather(b.Context(), Query{Python: "/usr/bin/python3"}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMin(b *testing.B) {
	for b.Loop() {
		if _, _, err := Gather(b.Context(), Query{Subset: []string{"!all"}, Python: "/usr/bin/python3"}); err != nil {
			b.Fatal(err)
		}
	}
}
