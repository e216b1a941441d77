"""An include."""
from ansible.playbook.task import Task


class TaskInclude(Task):
    """include_tasks, import_tasks and their like."""
