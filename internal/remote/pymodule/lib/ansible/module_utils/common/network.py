# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Masks and prefixes of networks."""
import re
from socket import AF_INET6, inet_aton, inet_ntoa, inet_pton
from struct import pack

VALID_MASKS = [2**8 - 2**i for i in range(0, 9)]


def is_netmask(val):
    parts = str(val).split('.')
    if len(parts) != 4:
        return False
    try:
        return all(int(p) in VALID_MASKS for p in parts)
    except ValueError:
        return False


def is_masklen(val):
    try:
        return 0 <= int(val) <= 32
    except ValueError:
        return False


def to_netmask(val):
    """24 becomes 255.255.255.0."""
    if not is_masklen(val):
        raise ValueError('invalid value for masklen')
    bits = (0xffffffff << (32 - int(val))) & 0xffffffff
    return inet_ntoa(pack('>I', bits))


def to_bits(val):
    return ''.join(bin(int(o))[2:].zfill(8) for o in val.split('.'))


def to_masklen(val):
    """255.255.255.0 becomes 24."""
    if not is_netmask(val):
        raise ValueError('invalid value for netmask: %s' % val)
    return to_bits(val).count('1')


def to_subnet(addr, mask, dotted_notation=False):
    """The network of an address."""
    length = int(mask) if is_masklen(mask) else to_masklen(mask)
    value = int.from_bytes(inet_aton(addr), 'big') & ((0xffffffff << (32 - length)) & 0xffffffff)
    network = inet_ntoa(pack('>I', value))
    return '%s %s' % (network, to_netmask(length)) if dotted_notation else '%s/%s' % (network, length)


def to_ipv6_subnet(addr):
    """The first 64 bits of an IPv6 address."""
    raw = inet_pton(AF_INET6, addr)
    return _groups(raw, 4)


def to_ipv6_network(addr):
    """The first 48 bits of an IPv6 address."""
    return _groups(inet_pton(AF_INET6, addr), 3)


def _groups(raw, keep):
    words = ['%x' % (raw[i] << 8 | raw[i + 1]) for i in range(0, keep * 2, 2)]
    while words and words[-1] == '0':
        words.pop()
    return ':'.join(words) + '::'


def is_mac(mac_address):
    return re.match(r'[0-9a-f]{2}([-:])[0-9a-f]{2}(\1[0-9a-f]{2}){4}$', mac_address.lower()) is not None
