"""Semantic versions."""
import re

from ansible.module_utils.compat.version import LooseVersion, Version

_SEMVER = re.compile(r'^(?P<major>0|[1-9]\d*)\.(?P<minor>0|[1-9]\d*)\.(?P<patch>0|[1-9]\d*)(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+(?P<build>[0-9A-Za-z.-]+))?$')


class SemanticVersion(Version):
    """A version by the rules of semver.org."""

    def __init__(self, vstring=None):
        self.vstring = vstring
        self.major = self.minor = self.patch = None
        self.prerelease = self.buildmetadata = ()
        if vstring:
            self.parse(vstring)

    @staticmethod
    def from_loose_version(loose_version):
        parts = [p for p in loose_version.version if isinstance(p, int)][:3]
        return SemanticVersion('.'.join(str(p) for p in parts + [0] * (3 - len(parts))))

    def parse(self, vstring):
        m = _SEMVER.match(vstring)
        if not m:
            raise ValueError("invalid semantic version '%s'" % vstring)
        self.vstring = vstring
        self.major, self.minor, self.patch = (int(m.group(k)) for k in ('major', 'minor', 'patch'))
        self.prerelease = tuple((m.group('pre') or '').split('.')) if m.group('pre') else ()
        self.buildmetadata = tuple(m.group('build').split('.')) if m.group('build') else ()

    @property
    def core(self):
        return self.major, self.minor, self.patch

    @property
    def is_prerelease(self):
        return bool(self.prerelease)

    @property
    def is_stable(self):
        return not (self.prerelease or self.major == 0)

    def _key(self):
        pre = tuple((0, int(p), '') if p.isdigit() else (1, 0, p) for p in self.prerelease)
        return self.core, not self.prerelease, pre

    def _cmp(self, other):
        if isinstance(other, str):
            other = SemanticVersion(other)
        a, b = self._key(), other._key()
        return (a > b) - (a < b)

    def __repr__(self):
        return 'SemanticVersion(%r)' % self.vstring

    def __eq__(self, other):
        return self._cmp(other) == 0

    def __lt__(self, other):
        return self._cmp(other) < 0

    def __le__(self, other):
        return self._cmp(other) <= 0

    def __gt__(self, other):
        return self._cmp(other) > 0

    def __ge__(self, other):
        return self._cmp(other) >= 0

    __hash__ = None


__all__ = ['SemanticVersion', 'LooseVersion', 'Version']
