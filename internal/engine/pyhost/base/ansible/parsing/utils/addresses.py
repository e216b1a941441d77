"""Host patterns with ports."""
import re

from ansible.errors import AnsibleError, AnsibleParserError

_PORT = re.compile(r'^(?P<host>.*?):(?P<port>[0-9]+)$')
_BRACKET = re.compile(r'^\[(?P<host>[^\[\]]+)\](?::(?P<port>[0-9]+))?$')


def parse_address(address, allow_ranges=False):
    """(host, port) of a text; port None where there is none."""
    m = _BRACKET.match(address)
    if m and ':' in m.group('host') or m and m.group('port'):
        host, port = m.group('host'), m.group('port')
    elif address.count(':') > 1 and '[' not in address:
        host, port = address, None
    else:
        m = _PORT.match(address)
        host, port = (m.group('host'), m.group('port')) if m else (address, None)
    if not host or not re.match(r'^[\w.:%\[\]-]+$', host):
        raise AnsibleError('Not a valid network hostname: %s' % address)
    if not allow_ranges and re.search(r'\[[^\]]*:[^\]]*\]', host):
        raise AnsibleParserError('Detected range in host but was asked to ignore ranges')
    return host, int(port) if port else None
