# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""A locale in which programs print what modules expect."""


def get_best_parsable_locale(module, preferences=None, raise_on_locale=False):
    """Returns the best available of C.utf8, C.UTF-8, en_US.utf8, C, POSIX."""
    try:
        locale = module.get_bin_path('locale')
        if not locale:
            raise RuntimeWarning("Could not find 'locale' tool")
        rc, out, err = module.run_command([locale, '-a'])
        if rc != 0:
            raise RuntimeWarning("Unable to get locale information, rc=%s: %s" % (rc, err))
        if not out:
            raise RuntimeWarning("No output from locale, rc=%s: %s" % (rc, err))
        available = out.strip().splitlines()
        for wanted in preferences or ['C.utf8', 'C.UTF-8', 'en_US.utf8', 'en_US.UTF-8', 'C', 'POSIX']:
            if wanted in available:
                return wanted
    except RuntimeWarning:
        if raise_on_locale:
            raise
    return 'C'
