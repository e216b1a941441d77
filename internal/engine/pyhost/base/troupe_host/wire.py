"""Values as they travel: JSON, with a tag for what JSON lacks. A tag is an object whose only key starts with \\x01.

b bytes, t tuple, s set, d dict with keys that are no text, dt datetime, dd date, f text that is never a template,
u undefined, o an object that lives in Troupe, p an object that lives here."""

import base64
import collections.abc
import datetime
import itertools

TAG = '\x01'

_kept = {}
_numbers = itertools.count(1)


class Undefined:
    """Stands for jinja2.Undefined until the real class is wanted."""


def unsafe(text):
    from ansible.utils.unsafe_proxy import AnsibleUnsafeText
    return AnsibleUnsafeText(text)


def is_template(text):
    return '{{' in text or '{%' in text or '{#' in text


def keep(v):
    """Keeps an object that cannot travel and returns its number."""
    n = next(_numbers)
    _kept[n] = v
    return n


def kept(n):
    return _kept[n]


def forget(n):
    _kept.pop(n, None)


def pack(v, depth=0):
    """What json.dumps can write."""
    t = type(v)
    if t is str or v is None or t is bool or t is int or t is float:
        return v
    if depth > 500:
        raise ValueError('Circular reference detected')
    if isinstance(v, str):
        text = str.__str__(v)
        if getattr(v, '__UNSAFE__', False) and is_template(text):
            return {TAG + 'f': text}
        return text
    if isinstance(v, bytes):
        return {TAG + 'b': base64.b64encode(v).decode('ascii')}
    if isinstance(v, bool):
        return bool(v)
    if isinstance(v, int):
        return int(v)
    if isinstance(v, float):
        return float(v)
    wire = getattr(v, '_troupe_wire', None)
    if wire is not None and not isinstance(v, type):
        return wire()
    if isinstance(v, collections.abc.Mapping):
        out, plain = {}, True
        for k in v:
            if type(k) is not str:
                if isinstance(k, str):
                    k2 = str.__str__(k)
                    out[k2] = pack(v[k], depth + 1)
                    continue
                plain = False
                break
            if k[:1] == TAG:
                plain = False
                break
            out[k] = pack(v[k], depth + 1)
        if plain:
            return out
        return {TAG + 'd': [[pack(k, depth + 1), pack(v[k], depth + 1)] for k in v]}
    if isinstance(v, tuple):
        return {TAG + 't': [pack(e, depth + 1) for e in v]}
    if isinstance(v, list):
        return [pack(e, depth + 1) for e in v]
    if isinstance(v, (set, frozenset)):
        return {TAG + 's': [pack(e, depth + 1) for e in v]}
    if isinstance(v, datetime.datetime):
        return {TAG + 'dt': v.isoformat()}
    if isinstance(v, datetime.date):
        return {TAG + 'dd': v.isoformat()}
    if isinstance(v, (collections.abc.Iterator, collections.abc.KeysView, collections.abc.ValuesView, collections.abc.ItemsView, range)):
        return [pack(e, depth + 1) for e in v]
    if hasattr(v, '_undefined_hint'):
        hint = getattr(v, '_undefined_message', None) or getattr(v, '_undefined_hint', None)
        name = getattr(v, '_undefined_name', None)
        return {TAG + 'u': {'hint': hint, 'name': name if isinstance(name, str) else None}}
    if isinstance(v, collections.abc.Sequence):
        return [pack(e, depth + 1) for e in v]
    return {TAG + 'p': {'id': keep(v), 'type': t.__name__, 'str': _text(str, v), 'repr': _text(repr, v)}}


def _text(how, v):
    try:
        return how(v)
    except Exception as e:  # a broken __str__ is no reason to fail
        return '<%s: %s>' % (type(v).__name__, e)


def hook(d):
    """object_hook of json.loads."""
    if len(d) != 1:
        return d
    for k, v in d.items():
        if k[:1] != TAG:
            return d
        return _tags[k[1:]](v)


def _pairs(v):
    return {_hashable(k): e for k, e in v}


def _hashable(k):
    return tuple(k) if isinstance(k, list) else k


def _undefined(v):
    from ansible.template import make_undefined
    return make_undefined(v.get('hint'), v.get('name'))


def _remote(v):
    from troupe_host.remote import RemoteMapping, RemoteObject
    return (RemoteMapping if v.get('mapping') else RemoteObject)(v['id'], v.get('type', 'object'), v.get('str', ''))


def _scope(v):
    from troupe_host.remote import TaskVars
    return TaskVars(v)


_tags = {
    'b': base64.b64decode,
    't': tuple,
    's': set,
    'd': _pairs,
    'dt': datetime.datetime.fromisoformat,
    'dd': datetime.date.fromisoformat,
    'f': unsafe,
    'u': _undefined,
    'o': _remote,
    'p': lambda v: kept(v['id']),
    'scope': _scope,
}
