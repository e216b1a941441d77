# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Finding programs."""
import os

from ansible.module_utils.common.file import is_executable
from ansible.module_utils.common.warnings import deprecate  # noqa: F401


def get_bin_path(arg, opt_dirs=None, required=None):
    """Returns the full path of a program, looked for in opt_dirs, PATH and the sbin directories. ValueError when there is none."""
    dirs = [d for d in (opt_dirs or []) if d is not None and os.path.exists(d)]
    dirs += os.environ.get('PATH', '').split(os.pathsep)
    for d in ('/sbin', '/usr/sbin', '/usr/local/sbin'):
        if d not in dirs and os.path.exists(d):
            dirs.append(d)
    for d in dirs:
        if not d:
            continue
        path = os.path.join(d, arg)
        if os.path.exists(path) and not os.path.isdir(path) and is_executable(path):
            return path
    raise ValueError('Failed to find required executable "%s" in paths: %s' % (arg, os.pathsep.join(dirs)))
