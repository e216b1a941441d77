"""A group."""

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.utils.display import Display

display = Display()


def to_safe_group_name(name, replacer='_', force=False, silent=False):
    """A name that is an identifier, as the setting for group names says."""
    if not name:
        return name
    bad = C.INVALID_VARIABLE_NAMES.findall(name)
    if bad:
        if force or C.TRANSFORM_INVALID_GROUP_CHARS in ('always', 'silently'):
            safe = C.INVALID_VARIABLE_NAMES.sub(replacer, name)
            if not (silent or C.TRANSFORM_INVALID_GROUP_CHARS == 'silently'):
                display.vvvv('Replacing invalid character(s) "%s" in group name (%s)' % (bad, name))
                display.warning('Invalid characters were found in group names and automatically replaced, use -vvvv to see details')
            return safe
        if C.TRANSFORM_INVALID_GROUP_CHARS == 'never':
            display.vvvv('Not replacing invalid character(s) "%s" in group name (%s)' % (bad, name))
            display.warning('Invalid characters were found in group names but not replaced, use -vvvv to see details')
    return name


class Group:
    """Its name, variables, hosts and groups."""

    base_type = None

    def __init__(self, name=None, data=None):
        self.name = to_safe_group_name(name)
        self.depth = 0
        self.hosts = []
        self.vars = {}
        self.child_groups = []
        self.parent_groups = []
        self.priority = 1
        self._hosts = None
        self._data = data

    def __repr__(self):
        return self.get_name()

    __str__ = __repr__

    def get_name(self):
        return self.name

    @property
    def host_names(self):
        return {h.name for h in self.hosts}

    def _walk(self, up):
        seen, todo = [], list(self.parent_groups if up else self.child_groups)
        while todo:
            g = todo.pop(0)
            if g not in seen:
                seen.append(g)
                todo += g.parent_groups if up else g.child_groups
        return seen

    def get_ancestors(self):
        return set(self._walk(True))

    def get_descendants(self, include_self=False, preserve_ordering=False):
        got = ([self] if include_self else []) + self._walk(False)
        return got if preserve_ordering else set(got)

    def add_child_group(self, group):
        if self is group:
            raise AnsibleError("can't add group to itself")
        if group in self.child_groups:
            return False
        if self in group.get_descendants():
            raise AnsibleError("Adding group '%s' as child to '%s' creates a recursive dependency loop." % (group.name, self.name))
        self.child_groups.append(group)
        group.parent_groups.append(self)
        group.depth = max(self.depth + 1, group.depth)
        if self._data is not None:
            self._data._record('child', group=self.name, child=group.name)
        for h in group.get_hosts():
            h.populate_ancestors()
        return True

    def add_host(self, host):
        if host.name in self.host_names:
            return False
        self.hosts.append(host)
        host.add_group(self)
        if self._data is not None:
            self._data._record('child', group=self.name, child=host.name)
        return True

    def remove_host(self, host):
        if host.name not in self.host_names:
            return False
        self.hosts = [h for h in self.hosts if h.name != host.name]
        host.remove_group(self)
        return True

    def set_variable(self, key, value):
        if key == 'ansible_group_priority':
            self.set_priority(int(value))
        self.vars[key] = value
        if self._data is not None:
            self._data._record('set', entity=self.name, key=key, value=value)

    def get_hosts(self):
        out = []
        for g in [self] + self._walk(False):
            for h in g.hosts:
                if h not in out:
                    out.append(h)
        return out

    def get_vars(self):
        return self.vars.copy()

    def set_priority(self, priority):
        self.priority = int(priority)

    def clear_hosts_cache(self):
        self._hosts = None


