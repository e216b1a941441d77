# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Services of old init systems, and daemons."""
import glob
import os
import platform
import select
import shlex
import subprocess

from ansible.module_utils.common.text.converters import to_bytes, to_text


def sysv_is_enabled(name, runlevel=None):
    """Is there a start link?"""
    if runlevel:
        return bool(glob.glob('/etc/rc%s.d/S??%s' % (runlevel, name)) or glob.glob('/etc/rc.d/rc%s.d/S??%s' % (runlevel, name)))
    return bool(glob.glob('/etc/rc?.d/S??%s' % name) or glob.glob('/etc/rc.d/rc?.d/S??%s' % name))


def get_sysv_script(name):
    return name if name.startswith('/') else '/etc/init.d/%s' % name


def sysv_exists(name):
    return os.path.exists(get_sysv_script(name))


def get_ps(module, pattern):
    """Is a process running whose command line holds pattern?"""
    rc, out, err = module.run_command([module.get_bin_path('ps', True), '-ww' if platform.system() != 'SunOS' else '-ef', 'auxww'][:1] + ['auxww'])
    return rc == 0 and any(pattern in line for line in out.splitlines())


def fail_if_missing(module, found, service, msg=''):
    if not found:
        module.fail_json(msg='Could not find the requested service %s: %s' % (service, msg))


def daemonize(module, cmd):
    """Runs a command that leaves a daemon behind, and returns (rc, stdout, stderr)."""
    if isinstance(cmd, (str, bytes)):
        cmd = shlex.split(to_text(cmd))
    p = subprocess.Popen([to_bytes(c) for c in cmd], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    out = {p.stdout: b'', p.stderr: b''}
    fds = list(out)
    while fds:
        ready, _, _ = select.select(fds, [], [], 1)
        for fd in ready:
            data = os.read(fd.fileno(), 4096)
            if data:
                out[fd] += data
            else:
                fds.remove(fd)
        if not ready and p.poll() is not None:
            break
    p.wait()
    return p.returncode, to_text(out[p.stdout]), to_text(out[p.stderr])


def check_ps(module, pattern):
    return get_ps(module, pattern)


def is_systemd_managed(module):
    """Is systemd the running init?"""
    if not module.get_bin_path('systemctl'):
        return False
    if any(os.path.exists(p) for p in ('/run/systemd/system/', '/dev/.run/systemd/', '/dev/.systemd/')):
        return True
    try:
        with open('/proc/1/comm') as f:
            return f.read().strip() == 'systemd'
    except (IOError, OSError):
        return False
