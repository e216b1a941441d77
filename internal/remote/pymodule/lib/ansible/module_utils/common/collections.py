# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Container types and questions about them."""
from collections.abc import (  # noqa: F401, all are part of the interface
    Container, Hashable, ItemsView, Iterable, Iterator, KeysView, Mapping, MappingView, MutableMapping, MutableSequence, MutableSet, Sequence, Set, Sized, ValuesView,
)


class ImmutableDict(Hashable, Mapping):
    """A dict that cannot be changed and can be a key."""

    def __init__(self, *args, **kwargs):
        self._store = dict(*args, **kwargs)

    def __getitem__(self, key):
        return self._store[key]

    def __iter__(self):
        return iter(self._store)

    def __len__(self):
        return len(self._store)

    def __hash__(self):
        return hash(frozenset(self.items()))

    def __eq__(self, other):
        try:
            return hash(self) == hash(other)
        except TypeError:
            return False

    def __repr__(self):
        return 'ImmutableDict({0})'.format(repr(self._store))

    def union(self, overriding_mapping):
        return ImmutableDict(self._store, **overriding_mapping)

    def difference(self, subtractive_iterable):
        drop = frozenset(subtractive_iterable)
        return ImmutableDict((k, v) for k, v in self._store.items() if k not in drop)


def is_string(seq):
    """Is it text, bytes, or an encrypted text?"""
    return isinstance(seq, (str, bytes)) or getattr(seq, '__ENCRYPTED__', False)


def is_iterable(seq, include_strings=False):
    """Can it be iterated over? Strings only when asked."""
    if not include_strings and is_string(seq):
        return False
    try:
        iter(seq)
        return True
    except TypeError:
        return False


def is_sequence(seq, include_strings=False):
    """Is it a list or a tuple, or the like? Strings only when asked."""
    if not include_strings and is_string(seq):
        return False
    return isinstance(seq, Sequence)


def count(seq):
    """How often each element occurs."""
    if not is_iterable(seq):
        raise Exception('Argument provided  is not an iterable')
    counters = {}
    for elem in seq:
        counters[elem] = counters.get(elem, 0) + 1
    return counters
