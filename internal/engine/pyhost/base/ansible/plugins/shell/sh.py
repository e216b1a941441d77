"""The Bourne shell."""
from ansible.plugins.shell import ShellBase


class ShellModule(ShellBase):
    """sh."""
