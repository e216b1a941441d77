# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Conversions between text and bytes, and JSON of what modules return."""
import codecs
import datetime
import json

from ansible.module_utils.common.collections import Mapping, Set, is_sequence

# surrogate_then_replace: undecodable bytes survive a round trip where possible, else are replaced.
_COMPOSED = frozenset((None, 'surrogate_or_replace', 'surrogate_or_strict', 'surrogate_then_replace'))


def _handler(errors):
    return 'surrogateescape' if errors in _COMPOSED else errors


def _nonstring(obj, nonstring, empty, convert):
    if nonstring == 'simplerepr':
        try:
            value = str(obj)
        except UnicodeError:
            try:
                value = repr(obj)
            except UnicodeError:
                return empty
        return convert(value)
    if nonstring == 'passthru':
        return obj
    if nonstring == 'empty':
        return empty
    if nonstring == 'strict':
        raise TypeError('obj must be a string type')
    raise TypeError("Invalid value %s for the nonstring parameter" % nonstring)


def to_bytes(obj, encoding='utf-8', errors=None, nonstring='simplerepr'):
    """Returns obj as bytes."""
    if isinstance(obj, bytes):
        return obj
    if isinstance(obj, str):
        try:
            return obj.encode(encoding, _handler(errors))
        except UnicodeEncodeError:
            if errors in (None, 'surrogate_then_replace'):
                return obj.encode('utf-8', 'surrogateescape').decode('utf-8', 'replace').encode(encoding, 'replace')
            raise
    return _nonstring(obj, nonstring, b'', lambda v: to_bytes(v, encoding, errors, 'strict'))


def to_text(obj, encoding='utf-8', errors=None, nonstring='simplerepr'):
    """Returns obj as str."""
    if isinstance(obj, str):
        return obj
    if isinstance(obj, bytes):
        return obj.decode(encoding, _handler(errors))
    return _nonstring(obj, nonstring, '', lambda v: to_text(v, encoding, errors, 'strict'))


to_native = to_text


def _json_encode_fallback(obj):
    if isinstance(obj, Set):
        return list(obj)
    if isinstance(obj, (datetime.datetime, datetime.date)):
        return obj.isoformat()
    if isinstance(obj, bytes):
        return to_text(obj)
    if isinstance(obj, Mapping):
        return dict(obj)
    raise TypeError("Cannot json serialize %s" % to_native(obj))


def jsonify(data, **kwargs):
    """Returns data as JSON text."""
    return json.dumps(data, default=_json_encode_fallback, **kwargs)


def _convert(obj, one):
    if isinstance(obj, dict):
        return dict((_convert(k, one), _convert(v, one)) for k, v in obj.items())
    if isinstance(obj, list):
        return [_convert(v, one) for v in obj]
    if isinstance(obj, tuple):
        return tuple(_convert(v, one) for v in obj)
    return one(obj)


def container_to_bytes(d, encoding='utf-8', errors='surrogate_or_strict'):
    """Turns every text inside d into bytes."""
    return _convert(d, lambda o: to_bytes(o, encoding, errors) if isinstance(o, str) else o)


def container_to_text(d, encoding='utf-8', errors='surrogate_or_strict'):
    """Turns all bytes inside d into text."""
    return _convert(d, lambda o: to_text(o, encoding, errors) if isinstance(o, bytes) else o)
