"""The connection to the controller itself, for plugins that extend it."""
import getpass
import os
import shutil
import subprocess

from ansible.errors import AnsibleError, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_bytes, to_native
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display
from ansible.utils.path import unfrackpath

display = Display()


class Connection(ConnectionBase):
    """Commands are child processes."""

    transport = 'local'
    has_pipelining = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.cwd = None
        try:
            self.default_user = getpass.getuser()
        except (KeyError, OSError):
            self.default_user = ''

    def _connect(self):
        if not self._connected:
            display.vvv('ESTABLISH LOCAL CONNECTION FOR USER: %s' % self.default_user, host=self._play_context.remote_addr)
            self._connected = True
        return self

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        display.vvv('EXEC %s' % to_native(cmd), host=self._play_context.remote_addr)
        executable = getattr(self._shell, 'executable', None) or '/bin/sh'
        p = subprocess.Popen(cmd, shell=isinstance(cmd, (str, bytes)), executable=executable, cwd=self.cwd, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = p.communicate(to_bytes(in_data) if in_data else None)
        return p.returncode, out, err

    def _path(self, path):
        return unfrackpath(path, basedir=self.cwd)

    def put_file(self, in_path, out_path):
        super().put_file(in_path, out_path)
        in_path, out_path = self._path(in_path), self._path(out_path)
        display.vvv('PUT %s TO %s' % (in_path, out_path), host=self._play_context.remote_addr)
        if not os.path.exists(in_path):
            raise AnsibleFileNotFound('file or module does not exist: %s' % to_native(in_path))
        try:
            shutil.copyfile(in_path, out_path)
        except shutil.Error:
            raise AnsibleError('failed to copy: %s and %s are the same' % (to_native(in_path), to_native(out_path)))
        except OSError as e:
            raise AnsibleError('failed to transfer file to %s: %s' % (to_native(out_path), to_native(e)))

    def fetch_file(self, in_path, out_path):
        super().fetch_file(in_path, out_path)
        self.put_file(in_path, out_path)

    def reset(self):
        pass

    def close(self):
        self._connected = False
