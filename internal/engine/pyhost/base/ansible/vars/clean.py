"""Results without what is for inside only."""
from collections.abc import MutableMapping, MutableSequence

from ansible import constants as C


def module_response_deepcopy(v):
    if isinstance(v, dict):
        return {k: module_response_deepcopy(e) for k, e in v.items()}
    if isinstance(v, list):
        return [module_response_deepcopy(e) for e in v]
    return v


def strip_internal_keys(dirty, exceptions=None):
    exceptions = exceptions or ()
    if isinstance(dirty, MutableSequence):
        for e in dirty:
            if isinstance(e, (MutableMapping, MutableSequence)):
                strip_internal_keys(e, exceptions)
    elif isinstance(dirty, MutableMapping):
        for k in list(dirty):
            if isinstance(k, str) and k.startswith('_ansible_') and k not in exceptions:
                del dirty[k]
            elif isinstance(dirty[k], (MutableMapping, MutableSequence)):
                strip_internal_keys(dirty[k], exceptions)
    return dirty


def remove_internal_keys(data):
    for k in list(data):
        if (k.startswith('_ansible_') and k != '_ansible_parsed') or k in C.INTERNAL_RESULT_KEYS:
            data.pop(k, None)
    for k in ('warnings', 'deprecations'):
        if k in data and not data[k]:
            del data[k]
    for k in list(data.get('ansible_facts', {})):
        if k.startswith('discovered_interpreter_') or k.startswith('ansible_discovered_interpreter_'):
            del data['ansible_facts'][k]


def clean_facts(facts):
    out = module_response_deepcopy(facts)
    for k in list(out):
        if k in C.COMMON_CONNECTION_VARS or k.startswith('ansible_become') or k.startswith('discovered_interpreter_'):
            del out[k]
    strip_internal_keys(out)
    return out


def namespace_facts(facts):
    return {'ansible_facts': {k[8:] if k.startswith('ansible_') and k not in ('ansible_local',) else k: v for k, v in facts.items()}}
