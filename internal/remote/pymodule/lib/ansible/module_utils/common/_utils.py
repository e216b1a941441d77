# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0


def get_all_subclasses(cls):
    """All subclasses, at any depth."""
    found, todo = set(), [cls]
    while todo:
        for c in todo.pop().__subclasses__():
            if c not in found:
                found.add(c)
                todo.append(c)
    return found
