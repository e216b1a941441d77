# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Truth in all the spellings people use."""
from ansible.module_utils.common.text.converters import to_text

BOOLEANS_TRUE = frozenset(('y', 'yes', 'on', '1', 'true', 't', 1, 1.0, True))
BOOLEANS_FALSE = frozenset(('n', 'no', 'off', '0', 'false', 'f', 0, 0.0, False))
BOOLEANS = BOOLEANS_TRUE.union(BOOLEANS_FALSE)


def boolean(value, strict=True):
    """Returns value as a bool. What is neither is an error, or False when not strict."""
    if isinstance(value, bool):
        return value
    key = value
    if isinstance(value, (str, bytes)):
        key = to_text(value, errors='surrogate_or_strict').lower().strip()
    try:
        if key in BOOLEANS_TRUE:
            return True
        if key in BOOLEANS_FALSE or not strict:
            return False
    except TypeError:
        if not strict:
            return False
    raise TypeError("The value '%s' is not a valid boolean.  Valid booleans include: %s" % (to_text(value), ', '.join(repr(i) for i in BOOLEANS)))
