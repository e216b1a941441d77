"""Variables of hosts and plays, asked from Troupe."""
from troupe_host import link


class VariableManager:
    """get_vars for a host."""

    def __init__(self, loader=None, inventory=None, version_info=None):
        self._loader, self._inventory = loader, inventory
        self._hostvars = None

    @property
    def extra_vars(self):
        return link.ask('extra_vars')

    def get_vars(self, play=None, host=None, task=None, include_hostvars=True, include_delegate_to=True, use_cache=True, _hosts=None, _hosts_all=None, stage='task'):
        out = dict(play.get_vars()) if play is not None else {}
        if host is not None:
            out.update(link.ask('host', name=getattr(host, 'name', host))['vars'])
        out.update(self.extra_vars)
        return out

    def set_inventory(self, inventory):
        self._inventory = inventory
