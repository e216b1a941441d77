"""The inventory that plugins fill; what they do is told to Troupe at the end."""
from ansible.errors import AnsibleError
from ansible.inventory.group import Group
from ansible.inventory.host import Host
from ansible.utils.display import Display

display = Display()


class InventoryData:
    """Groups and hosts by name."""

    def __init__(self):
        self.groups = {}
        self.hosts = {}
        self._groups_dict_cache = {}
        self.localhost = None
        self.current_source = None
        self.processed_sources = []
        self._ops = None
        for g in ('all', 'ungrouped'):
            self.add_group(g)
        self.add_child('all', 'ungrouped')
        self._ops = []

    def _record(self, op, **fields):
        if self._ops is not None:
            fields['op'] = op
            self._ops.append(fields)

    def serialize(self):
        return {'groups': self.groups, 'hosts': self.hosts, 'local': self.localhost, 'source': self.current_source, 'processed_sources': self.processed_sources}

    def reconcile_inventory(self):
        pass

    def get_host(self, hostname):
        return self.hosts.get(hostname)

    def add_group(self, group):
        if not group:
            raise AnsibleError('Invalid empty/false group name provided: %s' % group)
        if not isinstance(group, str):
            raise AnsibleError('Invalid group name supplied, expected a string but got %s for %s' % (type(group), group))
        if group in self.groups:
            return group
        g = Group(group, data=self)
        if g.name not in self.groups:
            self.groups[g.name] = g
            self._record('group', name=g.name)
        return g.name

    def remove_group(self, group):
        if group in self.groups:
            del self.groups[group]
            self._record('remove_group', name=group)
        for h in self.hosts.values():
            h.groups = [g for g in h.groups if g.name != group]

    def add_host(self, host, group=None, port=None):
        if not host:
            raise AnsibleError('Invalid empty host name provided: %s' % host)
        if not isinstance(host, str):
            raise AnsibleError('Invalid host name supplied, expected a string but got %s for %s' % (type(host), host))
        g = None
        if group:
            if group not in self.groups:
                raise AnsibleError('Could not find group %s in inventory' % group)
            g = self.groups[group]
        if host not in self.hosts:
            self._record('host', name=host, port=port)
            self.hosts[host] = Host(host, data=self)
            if port:
                self.hosts[host].set_variable('ansible_port', int(port))
        if g:
            g.add_host(self.hosts[host])
        return host

    def remove_host(self, host):
        name = getattr(host, 'name', host)
        if name in self.hosts:
            h = self.hosts.pop(name)
            for g in self.groups.values():
                g.remove_host(h)
            self._record('remove_host', name=name)

    def set_variable(self, entity, varname, value):
        if entity in self.groups:
            self.groups[entity].set_variable(varname, value)
        elif entity in self.hosts:
            self.hosts[entity].set_variable(varname, value)
        else:
            raise AnsibleError('Could not identify group or host named %s' % entity)

    def add_child(self, group, child):
        if group not in self.groups:
            raise AnsibleError('%s is not a known group' % group)
        g = self.groups[group]
        if child in self.groups:
            return g.add_child_group(self.groups[child])
        if child in self.hosts:
            return g.add_host(self.hosts[child])
        raise AnsibleError('%s is not a known host nor group' % child)

    def get_groups_dict(self):
        return {n: [h.name for h in g.get_hosts()] for n, g in self.groups.items()}
