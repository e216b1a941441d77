package facts

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// address is one IP address of an interface.
type address struct {
	index     int
	ip        netip.Addr
	prefix    int
	broadcast string
	label     string
	scope     byte
}

// readAddresses asks the kernel for all addresses.
func readAddresses() []address {
	data, err := syscall.NetlinkRIB(syscall.RTM_GETADDR, syscall.AF_UNSPEC)
	if err != nil {
		return nil
	}
	msgs, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return nil
	}
	var out []address
	for _, m := range msgs {
		if m.Header.Type != syscall.RTM_NEWADDR || len(m.Data) < syscall.SizeofIfAddrmsg {
			continue
		}
		attrs, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			continue
		}
		a := address{prefix: int(m.Data[1]), scope: m.Data[3], index: int(binary.NativeEndian.Uint32(m.Data[4:8]))}
		for _, at := range attrs {
			switch at.Attr.Type {
			case syscall.IFA_LOCAL:
				a.ip, _ = netip.AddrFromSlice(at.Value)
			case syscall.IFA_ADDRESS:
				if !a.ip.IsValid() {
					a.ip, _ = netip.AddrFromSlice(at.Value)
				}
			case syscall.IFA_BROADCAST:
				if b, ok := netip.AddrFromSlice(at.Value); ok {
					a.broadcast = b.String()
				}
			case syscall.IFA_LABEL:
				a.label = strings.TrimRight(string(at.Value), "\x00")
			}
		}
		if a.ip.IsValid() {
			out = append(out, a)
		}
	}
	return out
}

// scopeName names an address scope as ip(8) does.
func scopeName(s byte) string {
	switch s {
	case syscall.RT_SCOPE_UNIVERSE:
		return "global"
	case syscall.RT_SCOPE_SITE:
		return "site"
	case syscall.RT_SCOPE_LINK:
		return "link"
	case syscall.RT_SCOPE_HOST:
		return "host"
	}
	return strconv.Itoa(int(s))
}

func (a address) ipv4() map[string]any {
	p := netip.PrefixFrom(a.ip, a.prefix).Masked()
	mask := net.CIDRMask(a.prefix, 32)
	return map[string]any{"address": a.ip.String(), "broadcast": a.broadcast, "netmask": net.IP(mask).String(), "network": p.Addr().String(),
		"prefix": strconv.Itoa(a.prefix)}
}

func network(h *host) {
	const sys = "/sys/class/net/"
	addrs := readAddresses()
	names := []string{}
	entries, _ := os.ReadDir(sys)
	byIndex := map[int]string{}
	faces := map[string]map[string]any{}
	for _, e := range entries {
		if !exists(sys + e.Name() + "/mtu") {
			continue // a file such as bonding_masters
		}
		names = append(names, e.Name())
		faces[e.Name()] = face(sys+e.Name(), e.Name())
		if n, err := strconv.Atoi(readLine(sys + e.Name() + "/ifindex")); err == nil {
			byIndex[n] = e.Name()
		}
	}
	all4, all6 := []any{}, []any{}
	for _, a := range addrs {
		name := byIndex[a.index]
		f := faces[name]
		if f == nil {
			continue
		}
		if a.ip.Is4() {
			d := a.ipv4()
			if f["ipv4"] == nil {
				f["ipv4"] = d
			} else {
				list, _ := f["ipv4_secondaries"].([]any)
				f["ipv4_secondaries"] = append(list, d)
			}
			if strings.Contains(a.label, ":") && a.label != name {
				names = append(names, a.label)
				faces[a.label] = map[string]any{"ipv4": d}
			}
			if !strings.HasPrefix(a.ip.String(), "127.") {
				all4 = append(all4, a.ip.String())
			}
			continue
		}
		list, _ := f["ipv6"].([]any)
		f["ipv6"] = append(list, map[string]any{"address": a.ip.String(), "prefix": strconv.Itoa(a.prefix), "scope": scopeName(a.scope)})
		if a.ip.String() != "::1" {
			all6 = append(all6, a.ip.String())
		}
	}
	for n, f := range faces {
		h.set(strings.NewReplacer("-", "_", ":", "_").Replace(n), f)
	}
	h.set("interfaces", names)
	h.set("all_ipv4_addresses", all4)
	h.set("all_ipv6_addresses", all6)
	h.set("default_ipv4", defaultRoute("udp4", "8.8.8.8:53", gateway4, addrs, byIndex, faces))
	h.set("default_ipv6", defaultRoute("udp6", "[2404:6800:400a:800::1012]:53", gateway6, addrs, byIndex, faces))
	h.set("locally_reachable_ips", map[string]any{"ipv4": localRoutes(syscall.AF_INET), "ipv6": localRoutes(syscall.AF_INET6)})
}

// face is what /sys says of an interface.
func face(dir, name string) map[string]any {
	f := map[string]any{"device": name, "active": false, "type": "unknown", "promisc": false}
	if mac := readLine(dir + "/address"); mac != "" && mac != "00:00:00:00:00:00" {
		f["macaddress"] = mac
	}
	if n, err := strconv.ParseInt(readLine(dir+"/mtu"), 10, 64); err == nil {
		f["mtu"] = n
	}
	if s := readLine(dir + "/operstate"); s != "" {
		f["active"] = s != "down"
	}
	switch readLine(dir + "/type") {
	case "1":
		f["type"] = "ether"
	case "32":
		f["type"] = "infiniband"
	case "512":
		f["type"] = "ppp"
	case "772":
		f["type"] = "loopback"
	case "65534":
		f["type"] = "tunnel"
	}
	if exists(dir + "/bridge") {
		f["type"] = "bridge"
		f["interfaces"] = dirNames(dir + "/brif")
		if s := readLine(dir + "/bridge/bridge_id"); s != "" {
			f["id"] = s
		}
		if s := readLine(dir + "/bridge/stp_state"); s != "" {
			f["stp"] = s == "1"
		}
	}
	if exists(dir + "/bonding") {
		first := func(s string) string { w, _, _ := strings.Cut(s, " "); return w }
		f["type"] = "bonding"
		f["slaves"] = strings.Fields(readLine(dir + "/bonding/slaves"))
		f["mode"] = first(readLine(dir + "/bonding/mode"))
		f["miimon"] = first(readLine(dir + "/bonding/miimon"))
		f["lacp_rate"] = first(readLine(dir + "/bonding/lacp_rate"))
		if p := readLine(dir + "/bonding/primary"); p != "" {
			f["primary"] = p
			f["all_slaves_active"] = readLine(dir+"/bonding/all_slaves_active") == "1"
		}
	}
	if exists(dir + "/device") {
		if to, err := filepath.EvalSymlinks(dir + "/device"); err == nil {
			f["pciid"] = filepath.Base(to)
		}
		if to, err := filepath.EvalSymlinks(dir + "/device/driver/module"); err == nil {
			f["module"] = filepath.Base(to)
		}
	}
	if n, err := strconv.ParseInt(readLine(dir+"/speed"), 10, 64); err == nil {
		f["speed"] = n
	}
	if n, err := strconv.ParseInt(readLine(dir+"/flags"), 0, 64); err == nil {
		f["promisc"] = n&0x100 != 0
	}
	return f
}

func dirNames(dir string) []string {
	out := []string{}
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

// defaultRoute describes how packets leave for the world. Nothing is sent: connecting a datagram socket only chooses
// the route.
func defaultRoute(proto, to string, gateway func(string) string, addrs []address, byIndex map[int]string, faces map[string]map[string]any) map[string]any {
	out := map[string]any{}
	conn, err := net.Dial(proto, to)
	if err != nil {
		return out
	}
	defer conn.Close()
	local, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return out
	}
	ip, _ := netip.AddrFromSlice(local.IP)
	ip = ip.Unmap()
	for _, a := range addrs {
		if a.ip != ip {
			continue
		}
		name := byIndex[a.index]
		f := faces[name]
		if f == nil {
			continue
		}
		out["interface"], out["address"] = name, ip.String()
		if g := gateway(name); g != "" {
			out["gateway"] = g
		}
		for _, k := range []string{"macaddress", "mtu", "type"} {
			if f[k] != nil {
				out[k] = f[k]
			}
		}
		if ip.Is4() {
			for k, v := range a.ipv4() {
				out[k] = v
			}
			out["alias"] = a.label
		} else {
			out["prefix"], out["scope"] = strconv.Itoa(a.prefix), scopeName(a.scope)
		}
		return out
	}
	return out
}

func gateway4(name string) string {
	best, metric := "", int64(-1)
	for _, l := range lines("/proc/net/route") {
		f := strings.Fields(l)
		if len(f) < 8 || f[0] != name || f[1] != "00000000" {
			continue
		}
		n, err := strconv.ParseUint(f[2], 16, 32)
		m, _ := strconv.ParseInt(f[6], 10, 64)
		if err == nil && n != 0 && (metric < 0 || m < metric) {
			best, metric = fmt.Sprintf("%d.%d.%d.%d", byte(n), byte(n>>8), byte(n>>16), byte(n>>24)), m
		}
	}
	return best
}

func gateway6(name string) string {
	for _, l := range lines("/proc/net/ipv6_route") {
		f := strings.Fields(l)
		if len(f) < 10 || f[9] != name || f[0] != strings.Repeat("0", 32) || f[1] != "00" {
			continue
		}
		var ip [16]byte
		for i := range ip {
			n, _ := strconv.ParseUint(f[4][2*i:2*i+2], 16, 8)
			ip[i] = byte(n)
		}
		if a := netip.AddrFrom16(ip); !a.IsUnspecified() {
			return a.String()
		}
	}
	return ""
}

// localRoutes are the networks that this machine answers for.
func localRoutes(family int) []string {
	out := []string{}
	data, err := syscall.NetlinkRIB(syscall.RTM_GETROUTE, family)
	if err != nil {
		return out
	}
	msgs, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return out
	}
	for _, m := range msgs {
		if m.Header.Type != syscall.RTM_NEWROUTE || len(m.Data) < syscall.SizeofRtMsg || int(m.Data[0]) != family {
			continue
		}
		bits, table, kind := int(m.Data[1]), m.Data[4], m.Data[7]
		if table != syscall.RT_TABLE_LOCAL || kind != syscall.RTN_LOCAL {
			continue
		}
		attrs, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			continue
		}
		for _, a := range attrs {
			if a.Attr.Type != syscall.RTA_DST {
				continue
			}
			ip, ok := netip.AddrFromSlice(a.Value)
			if !ok {
				continue
			}
			s := ip.String()
			if bits != ip.BitLen() {
				s += "/" + strconv.Itoa(bits)
			}
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}
