import os

from ansible.plugins.vars import BaseVarsPlugin


class VarsModule(BaseVarsPlugin):
    """What a file of the home says now, and how often this very object was asked."""

    def __init__(self):
        super(VarsModule, self).__init__()
        self.times = 0

    def get_vars(self, loader, path, entities):
        self.times += 1
        file = os.path.expanduser('~/told')
        told = 'nothing'
        if os.path.exists(file):
            with open(file) as f:
                told = f.read()
        return {'told': told, 'times': self.times}
