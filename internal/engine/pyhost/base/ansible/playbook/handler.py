"""A handler."""
from ansible.playbook.task import Task


class Handler(Task):
    """A task that is notified."""
