"""A task, as actions and callbacks see it."""
from ansible.playbook.base import COMMON, Base


class Task(Base):
    """The keywords of the task, rendered where Troupe renders them before the action runs."""

    _fields = dict(COMMON, args={}, action='', resolved_action=None, async_val=0, changed_when=[], failed_when=[], delay=5, delegate_to=None,
                   delegate_facts=None, loop=None, loop_control=None, loop_with=None, notify=None, poll=15, register=None, retries=None,
                   until=[], implicit=False, listen=None, notified_hosts=[], notified=False, _search=[], statically_loaded=False,
                   _written='', _task_fields={})

    async_seconds = property(lambda self: self.async_val)

    @property
    def play(self):
        return self._play

    def get_name(self, include_role_fqcn=True):
        if self._shown_name:
            return self._shown_name
        name = self.name or self.action
        if self._role and self._role.get_name():
            name = '%s : %s' % (self._role.get_name(), name)
        return name

    _shown_name = ''

    def get_search_path(self):
        return list(self._search)

    def get_first_parent_include(self):
        return None

    def get_include_params(self):
        return {}

    def all_parents_static(self):
        return True

    def evaluate_conditional(self, templar, all_vars):
        return all(templar.template('{{ (%s) | bool }}' % c) for c in self.when)

    def __repr__(self):
        return 'TASK: %s' % self.get_name()


