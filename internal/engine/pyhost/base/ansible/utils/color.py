"""Colours of the terminal."""
import re
import sys

from ansible import constants as C

ANSIBLE_COLOR = bool(getattr(sys.stdout, 'isatty', lambda: False)())
if C.ANSIBLE_NOCOLOR:
    ANSIBLE_COLOR = False
if C.ANSIBLE_FORCE_COLOR:
    ANSIBLE_COLOR = True

codeCodes = dict(C.COLOR_CODES)


def parsecolor(color):
    m = re.match(r'color(?P<color>[0-9]+)|(?P<rgb>rgb(?P<red>[0-5])(?P<green>[0-5])(?P<blue>[0-5]))|gray(?P<gray>[0-9]+)', color)
    if not m:
        return C.COLOR_CODES[color]
    if m.group('color'):
        return '38;5;%d' % int(m.group('color'))
    if m.group('rgb'):
        return '38;5;%d' % (16 + 36 * int(m.group('red')) + 6 * int(m.group('green')) + int(m.group('blue')))
    return '38;5;%d' % (232 + int(m.group('gray')))


def stringc(text, color, wrap_nonvisible_chars=False):
    if not ANSIBLE_COLOR:
        return text
    fmt = '\001\033[%sm\002%s\001\033[0m\002' if wrap_nonvisible_chars else '\033[%sm%s\033[0m'
    code = parsecolor(color)
    return '\n'.join(fmt % (code, t) for t in text.split('\n'))


def colorize(lead, num, color):
    s = '%s=%-4s' % (lead, str(num))
    if num != 0 and ANSIBLE_COLOR and color is not None:
        s = stringc(s, color)
    return s


def hostcolor(host, stats, color=True):
    if ANSIBLE_COLOR and color:
        if stats['failures'] != 0 or stats['unreachable'] != 0:
            return '%-37s' % stringc(host, C.COLOR_ERROR)
        if stats['changed'] != 0:
            return '%-37s' % stringc(host, C.COLOR_CHANGED)
        return '%-37s' % stringc(host, C.COLOR_OK)
    return '%-26s' % host
