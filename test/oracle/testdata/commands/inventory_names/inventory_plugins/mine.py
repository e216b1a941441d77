DOCUMENTATION = '''
name: mine
short_description: one host
description: one host
options:
  plugin: {description: name of the plugin}
'''
from ansible.plugins.inventory import BaseInventoryPlugin


class InventoryModule(BaseInventoryPlugin):
    NAME = 'mine'

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        inventory.add_host(self._read_config_data(path)['host'])
