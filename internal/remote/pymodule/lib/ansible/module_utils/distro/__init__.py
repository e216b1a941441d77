# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""The parts of the distro package that modules use, from os-release."""
import re

_cache = {}


def os_release_info():
    """Content of os-release, lower-case keys."""
    if 'info' not in _cache:
        info = {}
        for path in ('/etc/os-release', '/usr/lib/os-release'):
            try:
                with open(path, encoding='utf-8', errors='replace') as f:
                    for line in f:
                        k, sep, v = line.strip().partition('=')
                        if sep and not k.startswith('#'):
                            info[k.lower()] = re.sub(r'\\(.)', r'\1', v.strip('"\''))
                break
            except (OSError, IOError):
                continue
        _cache['info'] = info
    return _cache['info']


def os_release_attr(attribute):
    return os_release_info().get(attribute, '')


_IDS = {'ol': 'oracle', 'opensuse-leap': 'opensuse', 'rhel': 'rhel'}


def id():
    """'debian', 'ubuntu', 'rhel' …"""
    import platform
    name = os_release_attr('id').lower().replace(' ', '_')
    if not name and platform.system() != 'Linux':
        return platform.system().lower()
    return _IDS.get(name, name)


def name(pretty=False):
    if pretty:
        return os_release_attr('pretty_name') or os_release_attr('name')
    return os_release_attr('name')


def version(pretty=False, best=False):
    v = os_release_attr('version_id')
    if best and id() == 'debian':
        try:
            with open('/etc/debian_version') as f:
                v = f.read().strip() or v
        except (OSError, IOError):
            pass
    if pretty and codename():
        return '%s (%s)' % (v, codename())
    return v


def version_parts(best=False):
    m = re.match(r'(\d+)\.?(\d+)?\.?(\d+)?', version(best=best))
    return tuple(g or '' for g in m.groups()) if m else ('', '', '')


def major_version(best=False):
    return version_parts(best)[0]


def minor_version(best=False):
    return version_parts(best)[1]


def codename():
    info = os_release_info()
    if info.get('version_codename') or info.get('ubuntu_codename'):
        return info.get('version_codename') or info.get('ubuntu_codename')
    m = re.search(r'\(([^)]+)\)|,\s*(\w+)', info.get('version', ''))
    return (m.group(1) or m.group(2)) if m else ''


def like():
    return os_release_attr('id_like')


def info(pretty=False, best=False):
    major, minor, build = version_parts(best)
    return {'id': id(), 'version': version(pretty, best), 'version_parts': {'major': major, 'minor': minor, 'build_number': build}, 'like': like(), 'codename': codename()}


def linux_distribution(full_distribution_name=True):
    return (name() if full_distribution_name else id(), version(), codename())
