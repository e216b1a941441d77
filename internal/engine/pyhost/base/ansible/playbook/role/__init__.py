"""A role."""
from ansible.playbook.base import COMMON, Base


class Role(Base):
    """Its name and place."""

    _fields = dict(COMMON, _role_path='', _role_name='', _role_collection=None)

    def get_name(self, include_role_fqcn=True):
        if include_role_fqcn and self._role_collection:
            return self._role_collection + '.' + self._role_name
        return self._role_name

    def __repr__(self):
        return self.get_name()
