"""Bases of connection plugins."""
import shlex
from abc import abstractmethod
from functools import wraps

from ansible import constants as C  # noqa: F401
from ansible.module_utils.common.text.converters import to_bytes, to_text  # noqa: F401
from ansible.plugins import AnsiblePlugin
from ansible.utils.display import Display

display = Display()
BUFSIZE = 65536
__all__ = ['ConnectionBase', 'ensure_connect']


def ensure_connect(func):
    """Connects before the method runs."""

    @wraps(func)
    def wrapped(self, *args, **kwargs):
        if not self._connected:
            self._connect()
        return func(self, *args, **kwargs)
    return wrapped


class ConnectionBase(AnsiblePlugin):
    """A way to a host: commands and files."""

    has_pipelining = False
    has_native_async = False
    always_pipeline_modules = False
    has_tty = True
    module_implementation_preferences = ('',)
    allow_executable = True
    supports_persistence = False
    force_persistence = False
    default_user = None
    transport = ''

    def __init__(self, play_context, new_stdin=None, shell=None, *args, **kwargs):
        super().__init__()
        if not hasattr(self, '_play_context'):
            self._play_context = play_context
        if not hasattr(self, '_new_stdin'):
            self._new_stdin = new_stdin
        if not hasattr(self, '_display'):
            self._display = display
        self.success_key = None
        self.prompt = None
        self._connected = False
        self._socket_path = None
        self._shell = shell
        self.become = None
        if not self._shell:
            from ansible.plugins.loader import get_shell_plugin
            self._shell = get_shell_plugin(getattr(self, '_shell_type', None), getattr(play_context, 'executable', None))

    @property
    def connected(self):
        return self._connected

    @property
    def socket_path(self):
        return self._socket_path

    def set_become_plugin(self, plugin):
        self.become = plugin

    @staticmethod
    def _split_ssh_args(argstring):
        return [to_text(x.strip()) for x in shlex.split(argstring) if x.strip()]

    @abstractmethod
    def _connect(self):
        """Connects."""

    @ensure_connect
    @abstractmethod
    def exec_command(self, cmd, in_data=None, sudoable=True):
        """(exit code, standard output, standard error) of a command."""

    @ensure_connect
    @abstractmethod
    def put_file(self, in_path, out_path):
        """Sends a file."""

    @ensure_connect
    @abstractmethod
    def fetch_file(self, in_path, out_path):
        """Brings a file."""

    @abstractmethod
    def close(self):
        """Ends the connection."""

    def connection_lock(self):
        pass

    def connection_unlock(self):
        pass

    def reset(self):
        display.warning('Reset is not implemented for this connection')

    def update_vars(self, variables):
        pass


class NetworkConnectionBase(ConnectionBase):
    """Connections that stay open, with a local one beside them."""

    force_persistence = True
    _remote_is_local = True

    def __init__(self, play_context, new_stdin=None, *args, **kwargs):
        super().__init__(play_context, new_stdin, *args, **kwargs)
        self._messages = []
        self._conn_closed = False
        self._network_os = self._play_context.network_os
        from ansible.plugins.connection.local import Connection as Local
        self._local = Local(play_context, '/dev/null')
        self._sub_plugin = {}
        self._cached_variables = (None, None, None)
        self._ansible_playbook_pid = kwargs.get('ansible_playbook_pid')
        self._update_connection_state()

    def __getattr__(self, name):
        if not name.startswith('_'):
            plugin = self.__dict__.get('_sub_plugin', {}).get('obj')
            if plugin is not None:
                method = getattr(plugin, name, None)
                if method is not None:
                    return method
        raise AttributeError("'%s' object has no attribute '%s'" % (self.__class__.__name__, name))

    def exec_command(self, cmd, in_data=None, sudoable=True):
        return self._local.exec_command(cmd, in_data, sudoable)

    def queue_message(self, level, message):
        self._messages.append((level, message))

    def pop_messages(self):
        messages, self._messages = self._messages, []
        return messages

    def put_file(self, in_path, out_path):
        return self._local.put_file(in_path, out_path)

    def fetch_file(self, in_path, out_path):
        return self._local.fetch_file(in_path, out_path)

    def reset(self):
        self.close()

    def close(self):
        self._conn_closed = True
        self._connected = False

    def _update_connection_state(self):
        pass

    def _log_messages(self, message):
        self.queue_message('log', message)


