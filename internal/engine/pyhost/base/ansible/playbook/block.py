"""A block."""
from ansible.playbook.base import COMMON, Base


class Block(Base):
    """A list of tasks."""

    _fields = dict(COMMON, block=[], rescue=[], always=[])
