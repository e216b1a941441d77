# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Facts for modules that ask for some themselves."""
import os
import platform
import socket
import sys

from ansible.module_utils import distro
from ansible.module_utils.common.sys_info import get_distribution, get_distribution_version

_FAMILIES = {
    'debian': 'Debian', 'ubuntu': 'Debian', 'raspbian': 'Debian', 'linuxmint': 'Debian', 'kali': 'Debian', 'rhel': 'RedHat', 'centos': 'RedHat', 'fedora': 'RedHat',
    'rocky': 'RedHat', 'almalinux': 'RedHat', 'oracle': 'RedHat', 'amzn': 'RedHat', 'sles': 'Suse', 'opensuse': 'Suse', 'alpine': 'Alpine', 'arch': 'Archlinux', 'gentoo': 'Gentoo',
}


def _python():
    major, minor, micro, level, serial = sys.version_info[:5]
    return {'python': {
        'version': {'major': major, 'minor': minor, 'micro': micro, 'releaselevel': level, 'serial': serial}, 'version_info': [major, minor, micro, level, serial],
        'executable': sys.executable, 'has_sslcontext': True, 'type': sys.implementation.name}}


def _platform():
    name = platform.node()
    return {
        'system': platform.system(), 'kernel': platform.release(), 'kernel_version': platform.version(), 'machine': platform.machine(), 'architecture': platform.machine(),
        'python_version': platform.python_version(), 'nodename': name, 'hostname': name.split('.')[0], 'fqdn': socket.getfqdn(), 'domain': '.'.join(socket.getfqdn().split('.')[1:])}


def _distribution():
    version = get_distribution_version() or 'NA'
    family = _FAMILIES.get(distro.id())
    for like in distro.like().split():
        family = family or _FAMILIES.get(like)
    return {
        'distribution': get_distribution(), 'distribution_version': version, 'distribution_major_version': version.split('.')[0],
        'distribution_release': distro.codename() or 'NA', 'os_family': family or get_distribution()}


def _user():
    import pwd
    p = pwd.getpwuid(os.getuid())
    return {'user_id': p.pw_name, 'user_uid': p.pw_uid, 'user_gid': p.pw_gid, 'user_gecos': p.pw_gecos, 'user_dir': p.pw_dir, 'user_shell': p.pw_shell,
            'real_user_id': os.getuid(), 'effective_user_id': os.geteuid(), 'real_group_id': os.getgid(), 'effective_group_id': os.getegid()}


_SUBSETS = {'python': _python, 'platform': _platform, 'distribution': _distribution, 'user': _user, 'env': lambda: {'env': dict(os.environ)}}


def get_all_facts(module):
    return ansible_facts(module, gather_subset=['all'])


def ansible_facts(module, gather_subset=None):
    """A dict of facts without prefix: those of the subsets python, platform, distribution, user, env."""
    wanted = gather_subset or module.params.get('gather_subset') or ['all']
    drop = set(s[1:] for s in wanted if s.startswith('!'))
    names = [s for s in wanted if not s.startswith('!')]
    facts = {}
    for name, collect in _SUBSETS.items():
        if name not in drop and (not names or name in names or 'all' in names or 'min' in names or name in ('platform', 'distribution')):
            facts.update(collect())
    return facts
