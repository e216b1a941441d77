"""Paths of the controller."""
import os
import shutil

from ansible.errors import AnsibleError
from ansible.module_utils.common.text.converters import to_native, to_text

__all__ = ['unfrackpath', 'makedirs_safe', 'basedir', 'cleanup_tmp_file', 'is_subpath']


def unfrackpath(path, follow=True, basedir=None):
    """An absolute path without ~, variables, links and dots."""
    p = os.path.expanduser(os.path.expandvars(to_text(path, errors='surrogate_or_strict')))
    if not os.path.isabs(p):
        base = to_text(basedir) if basedir else os.getcwd()
        if os.path.isfile(base):
            base = os.path.dirname(base)
        p = os.path.join(base, p)
    if follow:
        p = os.path.realpath(p)
    return os.path.normpath(p)


def makedirs_safe(path, mode=None):
    p = unfrackpath(path)
    try:
        if mode:
            os.makedirs(p, mode, exist_ok=True)
        else:
            os.makedirs(p, exist_ok=True)
    except OSError as e:
        raise AnsibleError('Unable to create local directories(%s): %s' % (to_native(p), to_native(e)))


def basedir(source):
    if os.path.isdir(source):
        return os.path.abspath(to_text(source))
    if source in (None, '', '.'):
        return os.getcwd()
    return os.path.abspath(to_text(os.path.dirname(source)))


def cleanup_tmp_file(path, warn=False):
    try:
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.exists(path):
            os.unlink(path)
    except OSError as e:
        if warn:
            from ansible.utils.display import Display
            Display().display('Unable to remove temporary file %s' % to_text(e))


def is_subpath(child, parent, real=False):
    child, parent = unfrackpath(child, follow=real), unfrackpath(parent, follow=real)
    return child == parent or child.startswith(parent.rstrip('/') + '/')
