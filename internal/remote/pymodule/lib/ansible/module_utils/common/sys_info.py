# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""What system this is."""
import platform

from ansible.module_utils import distro

__all__ = ('get_distribution', 'get_distribution_version', 'get_platform_subclass', 'get_distribution_codename')


def get_distribution():
    """Name of the distribution with a capital, 'OtherLinux' for an unknown Linux."""
    name = distro.id().capitalize()
    if platform.system() == 'Linux':
        if name == 'Amzn':
            return 'Amazon'
        if name == 'Rhel':
            return 'Redhat'
        if not name:
            return 'OtherLinux'
    return name


def get_distribution_version():
    """Version of the distribution, with the minor number where there is one; None when unknown."""
    version = distro.version()
    if version is None:
        return ''
    if distro.id() in ('centos', 'debian'):
        best = distro.version(best=True)
        if distro.id() == 'centos':
            return '.'.join(best.split('.')[:2])
        return best
    return version


def get_distribution_codename():
    """Code name of the distribution, None when it has none."""
    return distro.codename() or None


def get_platform_subclass(cls):
    """The subclass of cls for this distribution, else this platform, else cls."""
    here, name = platform.system(), get_distribution()
    found = None

    def below(c):
        for s in c.__subclasses__():
            yield s
            for deeper in below(s):
                yield deeper
    for sc in below(cls):
        if name is not None and getattr(sc, 'distribution', None) == name and getattr(sc, 'platform', None) == here:
            found = sc
    if found is None:
        for sc in below(cls):
            if getattr(sc, 'platform', None) == here and getattr(sc, 'distribution', None) is None:
                found = sc
    return found or cls
