# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
from ansible.module_utils.common.collections import *  # noqa
from ansible.module_utils.common.collections import Container, Hashable, ItemsView, Iterable, Iterator, KeysView, Mapping, MappingView, MutableMapping, MutableSequence, MutableSet, Sequence, Set, Sized, ValuesView  # noqa
