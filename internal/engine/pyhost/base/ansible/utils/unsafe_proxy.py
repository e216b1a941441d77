"""Text that came from outside and is never a template."""
from collections.abc import Mapping, Set

from ansible.module_utils.common.text.converters import to_text


class AnsibleUnsafe:
    """Marks a value as data."""

    __UNSAFE__ = True


class AnsibleUnsafeBytes(bytes, AnsibleUnsafe):
    """Bytes that are data."""

    def decode(self, *args, **kwargs):
        return AnsibleUnsafeText(super().decode(*args, **kwargs))


class AnsibleUnsafeText(str, AnsibleUnsafe):
    """Text that is data."""

    def encode(self, *args, **kwargs):
        return AnsibleUnsafeBytes(super().encode(*args, **kwargs))

    def __reduce__(self):
        return (AnsibleUnsafeText, (str.__str__(self),))


class NativeJinjaUnsafeText(AnsibleUnsafeText):
    """The result of a template that is not to be converted."""


def wrap_var(v):
    """Marks all texts in a value as data."""
    if v is None or isinstance(v, AnsibleUnsafe):
        return v
    if isinstance(v, str):
        return AnsibleUnsafeText(v)
    if isinstance(v, bytes):
        return AnsibleUnsafeBytes(v)
    if isinstance(v, Mapping):
        return {wrap_var(k): wrap_var(e) for k, e in v.items()}
    if isinstance(v, Set):
        return {wrap_var(e) for e in v}
    if isinstance(v, tuple):
        return tuple(wrap_var(e) for e in v)
    if isinstance(v, list):
        return [wrap_var(e) for e in v]
    return v


def to_unsafe_bytes(*args, **kwargs):
    from ansible.module_utils.common.text.converters import to_bytes
    return wrap_var(to_bytes(*args, **kwargs))


def to_unsafe_text(*args, **kwargs):
    return wrap_var(to_text(*args, **kwargs))


def _is_unsafe(v):
    return getattr(v, '__UNSAFE__', False)
