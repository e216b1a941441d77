package system

import (
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/module"
)

// The rules are those that the real module writes.
func TestIptablesRule(t *testing.T) {
	for want, args := range map[string]map[string]any{
		"-s 8.8.8.8 -j DROP": {"source": "8.8.8.8", "jump": "DROP"},
		"-p tcp -m tcp -j REDIRECT -i eth0 --destination-port 80 --to-ports 8600 -m comment --comment Redirect web traffic": {
			"in_interface": "eth0", "protocol": "tcp", "match": "tcp", "destination_port": 80, "jump": "REDIRECT", "to_ports": 8600, "comment": "Redirect web traffic"},
		"-j ACCEPT -m conntrack --ctstate ESTABLISHED,RELATED":                                           {"ctstate": []any{"ESTABLISHED", "RELATED"}, "jump": "ACCEPT"},
		"-p tcp -j ACCEPT --destination-port 22 --syn -m conntrack --ctstate NEW -m comment --comment x": {"protocol": "tcp", "destination_port": "22", "ctstate": "NEW", "syn": "match", "jump": "ACCEPT", "comment": "x"},
		"-p tcp -m multiport -j ACCEPT -m multiport --dports 80,443,8081:8083":                           {"protocol": "tcp", "destination_ports": []any{"80", "443", "8081:8083"}, "jump": "ACCEPT", "match": []any{"multiport"}},
		"-p tcp ! -s 10.0.0.1 -j DROP ! --syn":                                                           {"protocol": "tcp", "syn": "negate", "source": "!10.0.0.1", "jump": "DROP"},
		"-p tcp --tcp-flags ALL ACK,RST -j DROP":                                                         {"protocol": "tcp", "tcp_flags": map[string]any{"flags": "ALL", "flags_set": []any{"ACK", "RST"}}, "jump": "DROP"},
		"-j ACCEPT -m limit --limit 2/second --limit-burst 20":                                           {"limit": "2/second", "limit_burst": 20, "jump": "ACCEPT"},
		"-j LOG --log-prefix P  --log-level info":                                                        {"jump": "LOG", "log_prefix": "P ", "log_level": "info"},
		"-p icmp -j REJECT --reject-with icmp-host-unreachable --icmp-type 8":                            {"jump": "REJECT", "reject_with": "icmp-host-unreachable", "icmp_type": 8, "protocol": "icmp"},
		"-j DROP -m iprange --src-range 1.1.1.1-1.1.1.5 --dst-range 2.2.2.2-2.2.2.3":                     {"src_range": "1.1.1.1-1.1.1.5", "dst_range": "2.2.2.2-2.2.2.3", "jump": "DROP"},
		"-j ACCEPT -m owner --uid-owner root -m owner --gid-owner 0":                                     {"uid_owner": "root", "gid_owner": "0", "jump": "ACCEPT"},
		"-p tcp -j DSCP --set-dscp 8":                                                                    {"set_dscp_mark": "8", "jump": "DSCP", "protocol": "tcp"},
		"-g MYC ! -o eth1":                                                                               {"out_interface": "!eth1", "goto": "MYC"},
		"-p tcp -j DNAT --to-destination 1.2.3.4:80 --source-port 1024:":                                 {"jump": "DNAT", "to_destination": "1.2.3.4:80", "protocol": "tcp", "source_port": "1024:"},
		"-w 5 -s ::1 -j ACCEPT":                                                                          {"wait": "5", "numeric": true, "ip_version": "ipv6", "source": "::1", "jump": "ACCEPT"},
		"-j ACCEPT -m set --match-set admin src":                                                         {"match_set": "admin", "match_set_flags": "src", "jump": "ACCEPT"},
	} {
		args["chain"] = "INPUT"
		checked := iptables.Spec.Check("iptables", args)
		if checked.Err != "" {
			t.Errorf("%s: %s", want, checked.Err)
			continue
		}
		if got := strings.Join(iptablesRule(&module.Call{Args: checked.Args}), " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
