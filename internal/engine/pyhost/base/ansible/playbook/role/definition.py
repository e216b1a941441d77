"""A role as it is written."""
from ansible.playbook.role import Role as RoleDefinition  # noqa: F401
