# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Version numbers that compare as people expect; the interface of the old distutils.version."""
import re


class Version(object):
    def __init__(self, vstring=None):
        if vstring:
            self.parse(vstring)

    def __repr__(self):
        return "%s ('%s')" % (self.__class__.__name__, str(self))

    def _other(self, other):
        return self.__class__(other) if isinstance(other, str) else other

    def __eq__(self, other):
        c = self._cmp(self._other(other))
        return c if c is NotImplemented else c == 0

    def __lt__(self, other):
        c = self._cmp(self._other(other))
        return c if c is NotImplemented else c < 0

    def __le__(self, other):
        c = self._cmp(self._other(other))
        return c if c is NotImplemented else c <= 0

    def __gt__(self, other):
        c = self._cmp(self._other(other))
        return c if c is NotImplemented else c > 0

    def __ge__(self, other):
        c = self._cmp(self._other(other))
        return c if c is NotImplemented else c >= 0


class LooseVersion(Version):
    """Numbers and words, compared part by part."""
    component_re = re.compile(r'(\d+|[a-z]+|\.)', re.VERBOSE)

    def parse(self, vstring):
        self.vstring = vstring
        self.version = [int(p) if p.isdigit() else p for p in self.component_re.split(vstring) if p and p != '.']

    def __str__(self):
        return self.vstring

    def __repr__(self):
        return "LooseVersion ('%s')" % str(self)

    def _cmp(self, other):
        if not isinstance(other, LooseVersion):
            return NotImplemented
        if self.version == other.version:
            return 0
        return -1 if self.version < other.version else 1


class StrictVersion(Version):
    """Two or three numbers and a pre-release tag."""
    version_re = re.compile(r'^(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?$')

    def parse(self, vstring):
        m = self.version_re.match(vstring)
        if not m:
            raise ValueError("invalid version number '%s'" % vstring)
        self.version = (int(m.group(1)), int(m.group(2)), int(m.group(3) or 0))
        self.prerelease = (m.group(4), int(m.group(5))) if m.group(4) else None

    def __str__(self):
        numbers = self.version if self.version[2] else self.version[:2]
        return '.'.join(map(str, numbers)) + (''.join(map(str, self.prerelease)) if self.prerelease else '')

    def _cmp(self, other):
        if not isinstance(other, StrictVersion):
            return NotImplemented
        a = (self.version, self.prerelease is None, self.prerelease or ())
        b = (other.version, other.prerelease is None, other.prerelease or ())
        return (a > b) - (a < b)
