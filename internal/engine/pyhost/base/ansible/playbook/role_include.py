"""An included role."""
from ansible.playbook.task_include import TaskInclude


class IncludeRole(TaskInclude):
    """include_role."""
