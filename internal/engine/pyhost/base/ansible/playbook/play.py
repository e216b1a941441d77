"""A play, as callbacks see it."""
from ansible.playbook.base import COMMON, Base


class Play(Base):
    """Its keywords."""

    _fields = dict(COMMON, hosts=[], gather_facts=None, gather_subset=None, gather_timeout=None, fact_path=None, vars_files=[], vars_prompt=[],
                   roles=[], handlers=[], pre_tasks=[], post_tasks=[], tasks=[], force_handlers=None, max_fail_percentage=None, serial=[],
                   strategy='linear', order=None, _basedir='', only_tags=(), skip_tags=(), validate_argspec=True)

    def get_vars_files(self):
        return list(self.vars_files or [])

    def get_roles(self):
        return list(self.roles)

    def get_tasks(self):
        return list(self.tasks)

    def get_handlers(self):
        return list(self.handlers)

    def compile(self):
        return []

    def get_variable_manager(self):
        return self._variable_manager

    def __repr__(self):
        return self.get_name()
