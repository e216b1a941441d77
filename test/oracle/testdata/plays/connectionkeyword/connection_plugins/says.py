DOCUMENTATION = """
connection: says
short_description: runs nothing and says who it is
description: [runs nothing and says who it is]
author: [nobody]
options:
  remote_user:
    description: [the user, whom the keyword of the same name sets though nothing here says so]
    vars: [{name: ansible_user}]
"""
from ansible.plugins.connection import ConnectionBase


class Connection(ConnectionBase):
    transport = "says"

    def _connect(self):
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        return 0, "user %s" % self.get_option("remote_user"), ""

    def put_file(self, in_path, out_path):
        pass

    def fetch_file(self, in_path, out_path):
        pass

    def close(self):
        pass
