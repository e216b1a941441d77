"""Base of the actions of network modules."""
from ansible.plugins.action.normal import ActionModule as _ActionModule


class ActionModule(_ActionModule):
    """Runs the module; backups are left to it."""
