# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Warnings and deprecations, collected for the result."""
_global_warnings = []
_global_deprecations = []


def warn(warning):
    """Adds a warning."""
    if not isinstance(warning, (str, bytes)):
        raise TypeError("warn requires a string not a %s" % type(warning))
    _global_warnings.append(warning)


def deprecate(msg, version=None, date=None, collection_name=None):
    """Adds a deprecation: by a version of a collection, or by a date."""
    if not isinstance(msg, (str, bytes)):
        raise TypeError("deprecate requires a string not a %s" % type(msg))
    if date is not None:
        _global_deprecations.append({'msg': msg, 'date': date, 'collection_name': collection_name})
    else:
        _global_deprecations.append({'msg': msg, 'version': version, 'collection_name': collection_name})


def get_warning_messages():
    return tuple(_global_warnings)


def get_deprecation_messages():
    return tuple(_global_deprecations)
