package collections

import (
	"fmt"
	"math/big"
	"net/netip"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/value"
)

// network is an address with a prefix, as netaddr's IPNetwork: the address may be any in the network.
type network struct {
	ip     netip.Addr
	prefix int
	given  bool // the prefix was written
}

func parseNetwork(s string) (network, bool) {
	s = strings.TrimSpace(s)
	addr, mask, has := strings.Cut(s, "/")
	ip, err := netip.ParseAddr(addr)
	if err != nil || ip.Zone() != "" {
		return network{}, false
	}
	n := network{ip: ip, prefix: ip.BitLen(), given: has}
	if !has {
		return n, true
	}
	p, err := strconv.Atoi(mask)
	if err != nil {
		m, err := netip.ParseAddr(mask)
		if err != nil || m.BitLen() != ip.BitLen() {
			return network{}, false
		}
		// A netmask, or a hostmask.
		v := number2(m)
		all := hostBits(m.BitLen(), 0)
		inv := new(big.Int).Sub(all, v)
		switch {
		case new(big.Int).And(inv, new(big.Int).Add(inv, big.NewInt(1))).Sign() == 0:
			p = m.BitLen() - inv.BitLen()
		case new(big.Int).And(v, new(big.Int).Add(v, big.NewInt(1))).Sign() == 0:
			p = m.BitLen() - v.BitLen()
		default:
			return network{}, false
		}
	}
	if p < 0 || p > ip.BitLen() {
		return network{}, false
	}
	n.prefix = p
	return n, true
}

// hostBits is the number with all bits after the prefix set.
func hostBits(bits, prefix int) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(1), uint(bits-prefix))
	return n.Sub(n, big.NewInt(1))
}

func number2(a netip.Addr) *big.Int { return new(big.Int).SetBytes(a.AsSlice()) }

// addrOf is the address with number n; ok is false outside the family.
func addrOf(n *big.Int, bits int) (netip.Addr, bool) {
	if n.Sign() < 0 || n.BitLen() > bits {
		return netip.Addr{}, false
	}
	a, ok := netip.AddrFromSlice(n.FillBytes(make([]byte, bits/8)))
	return a, ok
}

func (n network) bits() int { return n.ip.BitLen() }

func (n network) first() netip.Addr { return netip.PrefixFrom(n.ip, n.prefix).Masked().Addr() }

func (n network) size() *big.Int {
	return new(big.Int).Lsh(big.NewInt(1), uint(n.bits()-n.prefix))
}

func (n network) last() netip.Addr {
	a, _ := addrOf(new(big.Int).Add(number2(n.first()), hostBits(n.bits(), n.prefix)), n.bits())
	return a
}

// at is the address with that index in the network; negative counts from the end.
func (n network) at(i *big.Int) (netip.Addr, bool) {
	size := n.size()
	if i.Sign() < 0 {
		i = new(big.Int).Add(size, i)
	}
	if i.Sign() < 0 || i.Cmp(size) >= 0 {
		return netip.Addr{}, false
	}
	return addrOf(new(big.Int).Add(number2(n.first()), i), n.bits())
}

func (n network) mask() netip.Addr {
	all := hostBits(n.bits(), 0)
	a, _ := addrOf(new(big.Int).Sub(all, hostBits(n.bits(), n.prefix)), n.bits())
	return a
}

func (n network) hostmask() netip.Addr {
	a, _ := addrOf(hostBits(n.bits(), n.prefix), n.bits())
	return a
}

func (n network) version() int {
	if n.ip.Is4() {
		return 4
	}
	return 6
}

func (n network) String() string { return fmt.Sprintf("%s/%d", n.ip, n.prefix) }

func (n network) cidr() string { return fmt.Sprintf("%s/%d", n.first(), n.prefix) }

// isAddress reports a host rather than a network.
func (n network) isAddress() bool { return n.prefix == n.bits() || n.ip != n.first() }

// usable gives the first and last address that hosts may have.
func (n network) usable() (first, last netip.Addr, ok bool) {
	host := n.bits() - n.prefix
	switch {
	case host == 0:
		return n.ip, n.ip, true
	case host == 1:
		return n.first(), n.last(), true
	}
	first = n.first().Next()
	last = n.last()
	if n.ip.Is4() {
		last = last.Prev()
	}
	return first, last, true
}

func (n network) contains(m network) bool {
	return n.bits() == m.bits() && n.prefix <= m.prefix && netip.PrefixFrom(n.first(), n.prefix).Contains(m.first())
}

func inAny(n network, nets ...string) bool {
	for _, s := range nets {
		if m, ok := parseNetwork(s); ok && m.contains(n) {
			return true
		}
	}
	return false
}

func (n network) private() bool {
	return inAny(n, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "fc00::/7", "fec0::/10") || n.linkLocal()
}

func (n network) linkLocal() bool { return inAny(n, "169.254.0.0/16", "fe80::/10") }

func (n network) loopback() bool { return inAny(n, "127.0.0.0/8", "::1/128") }

func (n network) multicast() bool { return inAny(n, "224.0.0.0/4", "ff00::/8") }

func (n network) reserved() bool {
	return inAny(n, "240.0.0.0/4", "234.0.0.0/7", "236.0.0.0/7", "238.0.0.0/8", "192.0.0.0/24", "::/8")
}

func (n network) public() bool {
	return !n.private() && !n.loopback() && !n.multicast() && !n.reserved() && !n.ip.IsUnspecified()
}

func (n network) reverseDNS() string {
	if n.ip.Is4() {
		b := n.ip.As4()
		return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa.", b[3], b[2], b[1], b[0])
	}
	var s strings.Builder
	b := n.ip.As16()
	for i := len(b) - 1; i >= 0; i-- {
		fmt.Fprintf(&s, "%x.%x.", b[i]&15, b[i]>>4)
	}
	return s.String() + "ip6.arpa."
}

// toNetwork reads a value as an address or network: text, or a number.
func toNetwork(v value.Value) (network, bool) {
	if s, ok := value.AsString(v); ok {
		if n, ok := new(big.Int).SetString(s, 10); ok {
			return numberNetwork(n)
		}
		return parseNetwork(s)
	}
	if _, isBool := v.(value.Bool); isBool {
		return network{}, false
	}
	if n, ok := value.ToBigInt(v); ok {
		return numberNetwork(n)
	}
	return network{}, false
}

func numberNetwork(n *big.Int) (network, bool) {
	bits := 32
	if n.BitLen() > 32 {
		bits = 128
	}
	a, ok := addrOf(n, bits)
	return network{ip: a, prefix: bits}, ok
}
