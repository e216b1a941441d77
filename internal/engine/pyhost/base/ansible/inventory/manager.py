"""Host patterns and ranges."""
import re

from ansible.errors import AnsibleError  # noqa: F401
from ansible.inventory.data import InventoryData  # noqa: F401

IGNORED_ALWAYS = [br"^\.", b"^host_vars$", b"^group_vars$", b"^vars_plugins$"]


def split_host_pattern(pattern):
    if isinstance(pattern, list):
        return [e for p in pattern for e in split_host_pattern(p)]
    return [p.strip() for p in re.split(r'\s*,\s*', str(pattern)) if p.strip()]


class InventoryManager:
    """The inventory of a run."""

    def __init__(self, loader=None, sources=None, parse=True, cache=True):
        self._inventory = InventoryData()
        self._sources = [sources] if isinstance(sources, str) else sources or []

    hosts = property(lambda self: self._inventory.hosts)
    groups = property(lambda self: self._inventory.groups)

    def get_host(self, name):
        return self._inventory.get_host(name)

    def get_hosts(self, pattern='all', **kwargs):
        return list(self._inventory.hosts.values())

    def list_hosts(self, pattern='all'):
        return [h.name for h in self.get_hosts(pattern)]

    def list_groups(self):
        return sorted(self._inventory.groups)

    def add_host(self, host, group=None, port=None):
        return self._inventory.add_host(host, group, port)

    def add_group(self, group):
        return self._inventory.add_group(group)
