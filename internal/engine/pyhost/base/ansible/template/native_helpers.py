"""Joining of nodes is done by Troupe."""
from ansible.utils.unsafe_proxy import NativeJinjaUnsafeText  # noqa: F401


class NativeJinjaText(str):
    """Text that is not to be converted."""
