package collections

import (
	"encoding/hex"
	"math/big"
	"net/netip"
	"sort"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var ipaddrs = family{
	collections: []string{"ansible.utils", "ansible.netcommon"},
	filters: []jinja.Filter{
		{Name: "cidr_merge", Signature: "cidr_merge(value, action='merge')", Run: cidrMerge},
		{Name: "hwaddr", Signature: "hwaddr(value, query='', alias='hwaddr')", Run: hwaddr},
		{Name: "ip4_hex", Signature: "ip4_hex(arg, delimiter='')", Run: ip4Hex},
		{Name: "ipaddr", Signature: "ipaddr(value, query='', version=False, alias='ipaddr')", Run: ipaddrFilter("ipaddr", 0)},
		{Name: "ipmath", Signature: "ipmath(value, amount)", Run: ipmath},
		{Name: "ipsubnet", Signature: "ipsubnet(value, query='', index=None)", Run: ipsubnet},
		{Name: "ipv4", Signature: "ipv4(value, query='')", Run: ipaddrFilter("ipv4", 4)},
		{Name: "ipv6", Signature: "ipv6(value, query='')", Run: ipaddrFilter("ipv6", 6)},
		{Name: "ipwrap", Signature: "ipwrap(value, query='')", Run: ipwrap},
		{Name: "macaddr", Signature: "macaddr(value, query='')", Run: hwaddr},
		{Name: "network_in_network", Signature: "network_in_network(value, test)", Run: networkInNetwork},
		{Name: "network_in_usable", Signature: "network_in_usable(value, test)", Run: networkInUsable},
		{Name: "next_nth_usable", Signature: "next_nth_usable(value, offset)", Run: nthUsable(1)},
		{Name: "nthhost", Signature: "nthhost(value, query='')", Run: nthhost},
		{Name: "previous_nth_usable", Signature: "previous_nth_usable(value, offset)", Run: nthUsable(-1)},
		{Name: "reduce_on_network", Signature: "reduce_on_network(value, network)", Run: reduceOnNetwork},
		{Name: "slaac", Signature: "slaac(value, query)", Run: slaac},
		{Name: "usable_range", Signature: "usable_range(ip)", Run: usableRange},
	},
	tests: []jinja.Filter{
		{Name: "in_any_network", Signature: "in_any_network(ip, networks)", Run: inNetworks},
		{Name: "in_network", Signature: "in_network(ip, network)", Run: within(0, 1)},
		{Name: "in_one_network", Signature: "in_one_network(ip, networks)", Run: inNetworks},
		ipTest("ip", func(network) bool { return true }),
		ipTest("ip_address", func(n network) bool { return !n.given }),
		ipTest("ipv4", func(n network) bool { return n.version() == 4 }),
		ipTest("ipv4_address", func(n network) bool { return n.version() == 4 && !n.given }),
		ipTest("ipv6", func(n network) bool { return n.version() == 6 }),
		ipTest("ipv6_address", func(n network) bool { return n.version() == 6 && !n.given }),
		ipTest("loopback", network.loopback),
		ipTest("multicast", network.multicast),
		ipTest("private", network.private),
		ipTest("public", network.public),
		ipTest("reserved", network.reserved),
		{Name: "mac", Signature: "mac(mac)", Run: func(c *jinja.Call) (value.Value, error) {
			s, _ := value.AsString(c.Args[0])
			_, ok := parseMAC(s)
			return value.Bool(ok), nil
		}},
		{Name: "subnet_of", Signature: "subnet_of(network_a, network_b)", Run: within(0, 1)},
		{Name: "supernet_of", Signature: "supernet_of(network_a, network_b)", Run: within(1, 0)},
		ipTest("unspecified", func(n network) bool { return n.ip.IsUnspecified() }),
	},
}

func ipTest(name string, is func(n network) bool) jinja.Filter {
	return jinja.Filter{Name: name, Signature: name + "(ip)", Run: func(c *jinja.Call) (value.Value, error) {
		if err := undefinedArg(c.Args[0]); err != nil {
			return nil, err
		}
		n, ok := toNetwork(c.Args[0])
		return value.Bool(ok && is(n)), nil
	}}
}

func within(inner, outer int) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		a, ok1 := toNetwork(c.Args[inner])
		b, ok2 := toNetwork(c.Args[outer])
		return value.Bool(ok1 && ok2 && b.contains(a)), nil
	}
}

func inNetworks(c *jinja.Call) (value.Value, error) {
	n, ok := toNetwork(c.Args[0])
	elems, err := value.Collect(c.Args[1])
	if err != nil {
		return nil, err
	}
	for _, e := range elems {
		if m, ok2 := toNetwork(e); ok && ok2 && m.contains(n) {
			return value.True, nil
		}
	}
	return value.False, nil
}

// ipArg refuses values that are neither text, numbers nor lists.
func ipArg(name string, v value.Value) error {
	if err := undefinedArg(v); err != nil {
		return err
	}
	if v == value.None {
		return filterError("Unrecognized type <%s> for %s filter <value>", class(v), name)
	}
	return nil
}

func ipaddrFilter(name string, version int) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		want := version
		if len(c.Args) > 2 {
			if n, ok := value.ToBigInt(c.Args[2]); ok && n.IsInt64() && n.Sign() > 0 && c.Args[2] != value.Value(value.True) {
				want = int(n.Int64())
			}
		}
		if err := ipArg(name, c.Args[0]); err != nil {
			return nil, err
		}
		query, err := value.ToStr(c.Args[1])
		if err != nil {
			return nil, err
		}
		if elems, ok := isList(c.Args[0]); ok {
			out := &value.List{Elems: []value.Value{}}
			for _, e := range elems {
				v, err := ipQuery(e, query, want)
				if err != nil {
					return nil, err
				}
				if t, err := truth(v); err == nil && t {
					out.Elems = append(out.Elems, v)
				}
			}
			return out, nil
		}
		return ipQuery(c.Args[0], query, want)
	}
}

func ipText(a netip.Addr) value.Value { return value.Str(a.String()) }

// ipQuery answers one query about one address. Nothing to say is None, a value that is no address is False.
func ipQuery(v value.Value, query string, version int) (value.Value, error) {
	n, ok := toNetwork(v)
	if !ok || version != 0 && n.version() != version {
		return value.False, nil
	}
	same := func() value.Value {
		if s, ok := value.AsString(v); ok && strings.ContainsAny(s, ".:") {
			if n.given {
				return value.Str(n.String())
			}
			return value.Str(s)
		}
		return ipText(n.ip)
	}
	when := func(ok bool, v value.Value) (value.Value, error) {
		if !ok {
			return value.None, nil
		}
		return v, nil
	}
	first, last, _ := n.usable()
	multi := n.prefix < n.bits()
	switch query {
	case "":
		return same(), nil
	case "address", "ip":
		return when(n.isAddress(), ipText(n.ip))
	case "host", "host/prefix", "ip/prefix", "hostnet", "router", "gateway_prefix":
		return when(n.isAddress(), value.Str(n.String()))
	case "address/prefix":
		return when(n.isAddress(), value.Str(n.String()))
	case "network", "network_id":
		return ipText(n.first()), nil
	case "netmask":
		return ipText(n.mask()), nil
	case "prefix":
		return value.Int(n.prefix), nil
	case "broadcast":
		return when(n.bits()-n.prefix > 1, ipText(n.last()))
	case "size":
		return value.NewBig(n.size()), nil
	case "cidr", "cidr_lookup":
		return value.Str(n.String()), nil
	case "subnet":
		return value.Str(n.cidr()), nil
	case "net", "network/prefix":
		if query == "network/prefix" {
			return value.Str(n.cidr()), nil
		}
		return when(multi && n.ip == n.first(), value.Str(n.cidr()))
	case "hostmask", "wildcard":
		return ipText(n.hostmask()), nil
	case "int":
		num := number2(n.ip)
		if n.given {
			return value.Str(num.String() + "/" + strconv.Itoa(n.prefix)), nil
		}
		return value.NewBig(num), nil
	case "version":
		return value.Int(n.version()), nil
	case "type":
		if n.isAddress() {
			return value.Str("address"), nil
		}
		return value.Str("network"), nil
	case "bool":
		return value.True, nil
	case "public":
		return when(n.public(), same())
	case "private":
		return when(n.private(), same())
	case "loopback", "lo":
		return when(n.loopback(), same())
	case "multicast":
		return when(n.multicast(), same())
	case "unicast":
		return when(!n.multicast(), same())
	case "link-local":
		return when(n.linkLocal(), same())
	case "range_usable":
		return when(multi, value.Str(first.String()+"-"+last.String()))
	case "first_usable":
		return when(multi, ipText(first))
	case "last_usable":
		return when(multi, ipText(last))
	case "next_usable", "previous_usable":
		if !multi {
			return value.None, nil
		}
		a := n.ip.Next()
		if query == "previous_usable" {
			a = n.ip.Prev()
		}
		return when(a.IsValid() && first.Compare(a) <= 0 && a.Compare(last) <= 0, ipText(a))
	case "size_usable":
		host := n.bits() - n.prefix
		if host <= 1 {
			return value.NewBig(n.size()), nil
		}
		minus := int64(1)
		if n.ip.Is4() {
			minus = 2
		}
		return value.NewBig(new(big.Int).Sub(n.size(), big.NewInt(minus))), nil
	case "peer":
		switch host := n.bits() - n.prefix; {
		case host == 1:
			if n.ip == n.first() {
				return ipText(n.last()), nil
			}
			return ipText(n.first()), nil
		case host == 2 && (n.ip == n.first() || n.ip == n.last()):
			return nil, filterError("Network address of /30 has no peer")
		case host == 2:
			if n.ip == first {
				return ipText(last), nil
			}
			return ipText(first), nil
		}
		return nil, filterError("Not a point-to-point network")
	case "revdns":
		return value.Str(n.reverseDNS()), nil
	case "network_netmask":
		return value.Str(n.first().String() + " " + n.mask().String()), nil
	case "network_wildcard":
		return value.Str(n.first().String() + " " + n.hostmask().String()), nil
	case "ip_netmask":
		return when(n.isAddress(), value.Str(n.ip.String()+" "+n.mask().String()))
	case "ip_wildcard":
		return when(n.isAddress(), value.Str(n.ip.String()+" "+n.hostmask().String()))
	case "ipv4":
		if n.ip.Is4In6() {
			return value.Str(n.ip.Unmap().String() + "/" + strconv.Itoa(max(n.prefix-96, 0))), nil
		}
		return when(n.version() == 4, value.Str(n.String()))
	case "ipv6":
		if n.version() == 6 {
			return value.Str(n.String()), nil
		}
		b := n.ip.As4()
		return value.Str("::ffff:" + netip.AddrFrom4(b).String() + "/" + strconv.Itoa(n.prefix+96)), nil
	case "6to4":
		if n.version() == 6 {
			return value.Bool(false), nil
		}
		if !n.isAddress() {
			return value.False, nil
		}
		b := n.ip.As4()
		h := hex.EncodeToString(b[:])
		return value.Str("2002:" + h[:4] + ":" + h[4:] + "::1/48"), nil
	}
	if i, ok := new(big.Int).SetString(query, 10); ok {
		a, ok := n.at(i)
		if !ok {
			return value.False, nil
		}
		if !n.given {
			return ipText(a), nil
		}
		return value.Str(a.String() + "/" + strconv.Itoa(n.prefix)), nil
	}
	if m, ok := parseNetwork(query); ok {
		return when(m.contains(n), same())
	}
	return value.False, nil
}

func ipwrap(c *jinja.Call) (value.Value, error) {
	if err := ipArg("ipwrap", c.Args[0]); err != nil {
		return nil, err
	}
	wrapOne := func(v value.Value) value.Value {
		n, ok := toNetwork(v)
		if !ok || n.version() != 6 {
			return v
		}
		if n.given {
			return value.Str("[" + n.ip.String() + "]/" + strconv.Itoa(n.prefix))
		}
		return value.Str("[" + n.ip.String() + "]")
	}
	if elems, ok := isList(c.Args[0]); ok {
		out := &value.List{Elems: make([]value.Value, len(elems))}
		for i, e := range elems {
			out.Elems[i] = wrapOne(e)
		}
		return out, nil
	}
	return wrapOne(c.Args[0]), nil
}

// subnetAt is subnet number i of that prefix in n; negative counts from the end.
func subnetAt(n network, prefix int, i *big.Int) (string, bool) {
	count := new(big.Int).Lsh(big.NewInt(1), uint(prefix-n.prefix))
	if i.Sign() < 0 {
		i = new(big.Int).Add(count, i)
	}
	if i.Sign() < 0 || i.Cmp(count) >= 0 {
		return "", false
	}
	a, ok := addrOf(new(big.Int).Add(number2(n.first()), new(big.Int).Lsh(i, uint(n.bits()-prefix))), n.bits())
	return a.String() + "/" + strconv.Itoa(prefix), ok
}

func ipsubnet(c *jinja.Call) (value.Value, error) {
	if err := ipArg("ipsubnet", c.Args[0]); err != nil {
		return nil, err
	}
	n, ok := toNetwork(c.Args[0])
	if !ok {
		return value.False, nil
	}
	query, err := value.ToStr(c.Args[1])
	if err != nil {
		return nil, err
	}
	var idx *big.Int
	if c.Args[2] != value.None {
		s, err := value.ToStr(c.Args[2])
		if err != nil {
			return nil, err
		}
		idx, _ = new(big.Int).SetString(s, 10)
	}
	if query == "" {
		return value.Str(n.cidr()), nil
	}
	if p, err := strconv.Atoi(query); err == nil {
		if p < 0 || p > n.bits() {
			return value.False, nil
		}
		if n.isAddress() && p < n.prefix || p < n.prefix {
			up := network{ip: n.ip, prefix: p}
			if idx == nil {
				return value.Str(up.cidr()), nil
			}
			// The index counts the networks on the way from the largest.
			k := int(idx.Int64())
			if k < 0 {
				k += n.prefix - p
			}
			if k < 0 || p+k > n.bits() {
				return value.False, nil
			}
			return value.Str(network{ip: n.ip, prefix: p + k}.cidr()), nil
		}
		if idx == nil {
			return value.Str(new(big.Int).Lsh(big.NewInt(1), uint(p-n.prefix)).String()), nil
		}
		s, ok := subnetAt(n, p, idx)
		if !ok {
			return value.False, nil
		}
		return value.Str(s), nil
	}
	m, ok := parseNetwork(query)
	if !ok || !m.contains(n) {
		return value.False, nil
	}
	// The place of the network in the larger one, from 1.
	d := new(big.Int).Sub(number2(n.first()), number2(m.first()))
	d.Rsh(d, uint(n.bits()-n.prefix))
	return value.Str(d.Add(d, big.NewInt(1)).String()), nil
}

func nthhost(c *jinja.Call) (value.Value, error) {
	if err := ipArg("nthhost", c.Args[0]); err != nil {
		return nil, err
	}
	n, ok := toNetwork(c.Args[0])
	q, err := value.ToStr(c.Args[1])
	if err != nil {
		return nil, err
	}
	i, isNum := new(big.Int).SetString(q, 10)
	if !ok || !isNum || !n.given {
		return value.False, nil
	}
	a, ok := n.at(i)
	if !ok {
		return value.False, nil
	}
	return ipText(a), nil
}

func nthUsable(sign int64) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		n, ok := toNetwork(c.Args[0])
		if !ok {
			return nil, filterError("Must be an address")
		}
		off, err := value.Index(c.Args[1])
		if err != nil {
			return nil, filterError("Must pass in an integer")
		}
		first, last, _ := n.usable()
		a, ok := addrOf(new(big.Int).Add(number2(n.ip), big.NewInt(sign*off)), n.bits())
		if !ok || n.prefix == n.bits() || a.Compare(first) < 0 || a.Compare(last) > 0 {
			return value.None, nil
		}
		return ipText(a), nil
	}
}

func networkInNetwork(c *jinja.Call) (value.Value, error) { return within(1, 0)(c) }

func networkInUsable(c *jinja.Call) (value.Value, error) {
	a, ok1 := toNetwork(c.Args[0])
	b, ok2 := toNetwork(c.Args[1])
	if !ok1 || !ok2 || a.bits() != b.bits() {
		return value.False, nil
	}
	first, last, _ := a.usable()
	return value.Bool(first.Compare(b.first()) <= 0 && b.last().Compare(last) <= 0), nil
}

func reduceOnNetwork(c *jinja.Call) (value.Value, error) {
	m, ok := toNetwork(c.Args[1])
	elems, err := value.Collect(c.Args[0])
	if err != nil {
		return nil, err
	}
	out := &value.List{Elems: []value.Value{}}
	for _, e := range elems {
		if n, ok2 := toNetwork(e); ok && ok2 && m.contains(n) {
			out.Elems = append(out.Elems, e)
		}
	}
	return out, nil
}

func cidrMerge(c *jinja.Call) (value.Value, error) {
	elems, err := value.Collect(c.Args[0])
	if err != nil {
		return nil, filterError("cidr_merge: expected iterable, got %s", repr(c.Args[0]))
	}
	var nets []network
	for _, e := range elems {
		n, ok := toNetwork(e)
		if !ok {
			return nil, filterError("cidr_merge: error in netaddr:\ninvalid IPNetwork %s", textOf(e))
		}
		n.ip = n.first()
		nets = append(nets, n)
	}
	switch textOf(c.Args[1]) {
	case "merge":
		out := &value.List{Elems: []value.Value{}}
		for _, n := range mergeNetworks(nets) {
			out.Elems = append(out.Elems, value.Str(n.cidr()))
		}
		return out, nil
	case "span":
		if len(nets) == 0 {
			return value.None, nil
		}
		if len(nets) == 1 {
			return value.Str(nets[0].cidr()), nil
		}
		span := nets[0]
		for span.prefix >= 0 {
			all := true
			for _, n := range nets {
				all = all && span.contains(n)
			}
			if all {
				break
			}
			span.prefix--
		}
		return value.Str(span.cidr()), nil
	}
	return nil, filterError("cidr_merge: invalid action '%s'", textOf(c.Args[1]))
}

func mergeNetworks(nets []network) []network {
	sort.Slice(nets, func(i, j int) bool {
		a, b := nets[i], nets[j]
		if a.bits() != b.bits() {
			return a.bits() < b.bits()
		}
		if c := a.ip.Compare(b.ip); c != 0 {
			return c < 0
		}
		return a.prefix < b.prefix
	})
	var out []network
	for _, n := range nets {
		if len(out) > 0 && out[len(out)-1].contains(n) {
			continue
		}
		out = append(out, n)
		for len(out) >= 2 {
			a, b := out[len(out)-2], out[len(out)-1]
			up := network{ip: a.ip, prefix: a.prefix - 1}
			if a.bits() != b.bits() || a.prefix != b.prefix || a.prefix == 0 || up.first() != a.ip || !up.contains(b) {
				break
			}
			out = append(out[:len(out)-2], up)
		}
	}
	return out
}

func parseMAC(s string) ([]byte, bool) {
	h := strings.NewReplacer(":", "", "-", "", ".", "").Replace(s)
	if len(h) != 12 && len(h) != 16 {
		return nil, false
	}
	b, err := hex.DecodeString(h)
	return b, err == nil
}

// macFormats are the spellings that the hwaddr filter knows.
var macFormats = map[string]struct {
	sep   string
	group int
	upper bool
}{
	"bare": {"", 12, true}, "cisco": {".", 4, false}, "eui48": {"-", 2, true}, "linux": {":", 2, false}, "unix": {":", 2, false},
	"win": {"-", 2, true}, "postgresql": {":", 6, false}, "pgsql": {":", 6, false}, "psql": {":", 6, false},
}

func hwaddr(c *jinja.Call) (value.Value, error) {
	if err := undefinedArg(c.Args[0]); err != nil {
		return nil, err
	}
	query, err := value.ToStr(c.Args[1])
	if err != nil {
		return nil, err
	}
	s, _ := value.AsString(c.Args[0])
	b, ok := parseMAC(s)
	if !ok {
		if query == "" || query == "bool" {
			return value.None, nil
		}
		return nil, filterError("hwaddr: not a hardware address: %s", textOf(c.Args[0]))
	}
	switch query {
	case "":
		return c.Args[0], nil
	case "bool":
		return value.True, nil
	case "int":
		return value.NewBig(new(big.Int).SetBytes(b)), nil
	}
	f, ok := macFormats[query]
	if !ok {
		return nil, filterError("hwaddr: unknown filter type: %s", query)
	}
	h := hex.EncodeToString(b)
	if f.upper {
		h = strings.ToUpper(h)
	}
	var parts []string
	for i := 0; i < len(h); i += f.group {
		parts = append(parts, h[i:min(i+f.group, len(h))])
	}
	return value.Str(strings.Join(parts, f.sep)), nil
}

func ip4Hex(c *jinja.Call) (value.Value, error) {
	n, ok := toNetwork(c.Args[0])
	if !ok || n.version() != 4 {
		return nil, value.ValueErrorf("%s does not appear to be an IPv4 address", repr(c.Args[0]))
	}
	b := n.ip.As4()
	var parts []string
	for _, x := range b {
		parts = append(parts, hex.EncodeToString([]byte{x}))
	}
	return value.Str(strings.Join(parts, textOf(c.Args[1]))), nil
}

func slaac(c *jinja.Call) (value.Value, error) {
	n, ok := toNetwork(c.Args[0])
	if !ok || n.version() != 6 {
		return value.False, nil
	}
	b, ok := parseMAC(textOf(c.Args[1]))
	if !ok || len(b) != 6 {
		return value.False, nil
	}
	a := n.first().As16()
	copy(a[8:], []byte{b[0] ^ 2, b[1], b[2], 0xff, 0xfe, b[3], b[4], b[5]})
	return ipText(netip.AddrFrom16(a)), nil
}

func ipmath(c *jinja.Call) (value.Value, error) {
	n, ok := toNetwork(c.Args[0])
	if !ok {
		return nil, filterError("You must pass a valid IP address; %s is invalid", textOf(c.Args[0]))
	}
	d, isNum := value.ToBigInt(c.Args[1])
	if !isNum {
		return nil, filterError("You must pass an integer for arithmetic; %s is not a valid integer", textOf(c.Args[1]))
	}
	a, ok := addrOf(new(big.Int).Add(number2(n.ip), d), n.bits())
	if !ok {
		return nil, value.Errorf("IndexError", "result outside valid IP address boundary!")
	}
	return ipText(a), nil
}

func usableRange(c *jinja.Call) (value.Value, error) {
	n, ok := toNetwork(c.Args[0])
	if !ok {
		return nil, filterError("Error while using plugin 'usable_range': %s does not appear to be an IPv4 or IPv6 network", repr(c.Args[0]))
	}
	if n.size().Cmp(big.NewInt(1<<20)) > 0 {
		return nil, filterError("usable_range: %s has more than %d addresses", n.cidr(), 1<<20)
	}
	ips := &value.List{Elems: []value.Value{}}
	for a := n.first(); a.IsValid(); a = a.Next() {
		ips.Elems = append(ips.Elems, ipText(a))
		if a == n.last() {
			break
		}
	}
	return value.DictOf("usable_ips", ips, "number_of_ips", value.NewBig(n.size())), nil
}
