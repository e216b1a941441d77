"""A host."""
from ansible.utils.vars import combine_vars, get_unique_id

__all__ = ['Host']


class Host:
    """Its name, variables and groups."""

    base_type = None
    implicit = False

    def __init__(self, name=None, port=None, gen_uuid=True, data=None):
        self.name = name
        self.address = name
        self.vars = {}
        self.groups = []
        self._uuid = get_unique_id() if gen_uuid else None
        self._data = data
        if port:
            self.set_variable('ansible_port', int(port))

    def __repr__(self):
        return self.get_name()

    __str__ = __repr__

    def __eq__(self, other):
        return isinstance(other, Host) and self.name == other.name

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash(self.name)

    def get_name(self):
        return self.name

    def set_variable(self, key, value):
        self.vars[key] = value
        if self._data is not None:
            self._data._record('set', entity=self.name, key=key, value=value)

    def get_groups(self):
        return self.groups

    def add_group(self, group):
        added = False
        for g in group.get_ancestors():
            if g not in self.groups:
                self.groups.append(g)
                added = True
        if group not in self.groups:
            self.groups.append(group)
            added = True
        return added

    def remove_group(self, group):
        if group in self.groups:
            self.groups.remove(group)
            return True
        return False

    def populate_ancestors(self, additions=None):
        for g in additions or list(self.groups):
            self.add_group(g)

    def get_magic_vars(self):
        return {'inventory_hostname': self.name, 'inventory_hostname_short': self.name.split('.')[0],
                'group_names': sorted(g.name for g in self.groups if g.name != 'all')}

    def get_vars(self):
        return combine_vars(self.vars, self.get_magic_vars())

    def serialize(self):
        return dict(name=self.name, vars=dict(self.vars), address=self.address, uuid=self._uuid, groups=[g.name for g in self.groups], implicit=self.implicit)


class RunHost(Host):
    """A host of a run: what it has is asked when it is read."""

    def __init__(self, name):
        super().__init__(name, gen_uuid=False)
        del self.vars, self.groups
        self._uuid = name

    def __getattr__(self, attr):
        if attr not in ('vars', 'groups'):
            raise AttributeError(attr)
        from ansible.inventory.group import Group
        from troupe_host import link
        got = link.ask('host', name=self.name)
        self.vars = got['vars']
        self.groups = []
        for n in got['groups']:
            self.groups.append(Group(n))
        return self.__dict__[attr]
