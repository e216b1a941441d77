"""Joining of dictionaries of variables."""
import keyword
import random
import re
import uuid
from collections.abc import MutableMapping

from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleOptionsError

_PLAIN = re.compile(r'^[a-zA-Z_][a-zA-Z0-9_]*$')
cur_id = 0


def get_unique_id():
    global cur_id
    cur_id += 1
    return '%012x-%08x-%s' % (uuid.getnode(), random.randrange(1 << 32), str(cur_id).zfill(12))


def _validate_mutable_mappings(a, b):
    if not (isinstance(a, MutableMapping) and isinstance(b, MutableMapping)):
        raise AnsibleError("failed to combine variables, expected dicts but got a '%s' and a '%s': \n%s\n%s" % (
            a.__class__.__name__, b.__class__.__name__, a, b))


def combine_vars(a, b, merge=None):
    """b over a, as the setting hash_behaviour says."""
    if merge or merge is None and C.DEFAULT_HASH_BEHAVIOUR == 'merge':
        return merge_hash(a, b)
    _validate_mutable_mappings(a, b)
    out = a.copy()
    out.update(b)
    return out


def merge_hash(x, y, recursive=True, list_merge='replace'):
    """y over x; lists as list_merge says."""
    if list_merge not in ('replace', 'keep', 'append', 'prepend', 'append_rp', 'prepend_rp'):
        raise AnsibleError("merge_hash: 'list_merge' argument can only be equal to 'replace', 'keep', 'append', 'prepend', 'append_rp' or 'prepend_rp'")
    _validate_mutable_mappings(x, y)
    if x == {} or x == y:
        return y.copy()
    if y == {}:
        return x
    out = x.copy()
    for k, new in y.items():
        if k not in out:
            out[k] = new
            continue
        old = out[k]
        if recursive and isinstance(old, MutableMapping) and isinstance(new, MutableMapping):
            out[k] = merge_hash(old, new, recursive, list_merge)
        elif isinstance(old, list) and isinstance(new, list):
            if list_merge == 'replace':
                out[k] = new
            elif list_merge == 'append':
                out[k] = old + new
            elif list_merge == 'prepend':
                out[k] = new + old
            elif list_merge == 'append_rp':
                out[k] = [z for z in old if z not in new] + new
            elif list_merge == 'prepend_rp':
                out[k] = new + [z for z in old if z not in new]
        else:
            out[k] = new
    return out


def isidentifier(ident):
    return isinstance(ident, str) and ident.isascii() and ident.isidentifier() and not keyword.iskeyword(ident)


def validate_variable_name(name):
    if not isidentifier(name):
        raise AnsibleOptionsError('Invalid variable name: %r' % (name,))


def load_extra_vars(loader):
    return {}


def load_options_vars(version):
    return {}
