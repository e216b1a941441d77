# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Changes to the keys of dicts, and merging them."""
import re
from copy import deepcopy

from ansible.module_utils.common.collections import MutableMapping


def _camel_to_snake(name, reversible=False):
    def plain(m):
        return '_' + m.group(0).lower()

    def each(m):
        return ''.join('_' + c.lower() for c in m.group(0))

    if reversible:
        s = re.sub(r'[A-Z]', plain, name)
        return s[1:] if s.startswith('_') and not name.startswith('_') else s
    # A run of capitals is one word, and so is one with a plural s.
    s = re.sub(r'[A-Z]{2,}s$', plain, name)
    s = re.sub(r'(.)([A-Z][a-z]+)', r'\1_\2', s)
    return re.sub(r'([a-z0-9])([A-Z])', r'\1_\2', s).lower()


def _snake_to_camel(snake, capitalize_first=False):
    first, _, rest = snake.partition('_')
    words = [w.capitalize() or '_' for w in rest.split('_')] if rest or '_' in snake else []
    if capitalize_first:
        return ''.join([first.capitalize() or '_'] + words)
    return first + ''.join(words)


def _walk(value, rename):
    if isinstance(value, dict):
        return dict((rename(k), _walk(v, rename)) for k, v in value.items())
    if isinstance(value, list):
        return [_walk(v, rename) for v in value]
    return value


def camel_dict_to_snake_dict(camel_dict, reversible=False, ignore_list=()):
    """Renames all keys from camelCase to snake_case, at any depth; of the outermost ones, the values of those in ignore_list stay as they are."""
    def rename(key):
        return _camel_to_snake(key, reversible=reversible)
    return dict((rename(k), v if k in ignore_list else _walk(v, rename)) for k, v in camel_dict.items())


def snake_dict_to_camel_dict(snake_dict, capitalize_first=False):
    """Renames all keys from snake_case to camelCase."""
    return _walk(snake_dict, lambda k: _snake_to_camel(k, capitalize_first))


def dict_merge(a, b):
    """Returns a with b laid over it, key by key at every depth."""
    if not isinstance(b, dict):
        return b
    result = deepcopy(a)
    for k, v in b.items():
        if k in result and isinstance(result[k], dict):
            result[k] = dict_merge(result[k], v)
        else:
            result[k] = deepcopy(v)
    return result


def recursive_diff(dict1, dict2):
    """Returns what is only in the first and what is only in the second, or None when they are equal."""
    if not all(isinstance(d, MutableMapping) for d in (dict1, dict2)):
        raise TypeError("Unable to diff 'dict1' %s and 'dict2' %s. Both must be a dictionary." % (type(dict1), type(dict2)))
    left = dict((k, v) for k, v in dict1.items() if k not in dict2)
    right = dict((k, v) for k, v in dict2.items() if k not in dict1)
    for k in set(dict1) & set(dict2):
        if isinstance(dict1[k], dict) and isinstance(dict2[k], dict):
            inner = recursive_diff(dict1[k], dict2[k])
            if inner:
                left[k], right[k] = inner
        elif dict1[k] != dict2[k]:
            left[k], right[k] = dict1[k], dict2[k]
    if left or right:
        return left, right
    return None
