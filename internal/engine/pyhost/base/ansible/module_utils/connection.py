"""Persistent connections of network modules, as far as plugins of the controller name them."""
from ansible.module_utils.common.text.converters import to_text


class ConnectionError(Exception):
    """A persistent connection failed."""

    def __init__(self, message, **kwargs):
        super().__init__(message)
        for k, v in kwargs.items():
            setattr(self, k, v)


class Connection:
    """Persistent connections are not offered here."""

    def __init__(self, socket_path):
        if socket_path is None:
            raise AssertionError('socket_path must be a value')
        self.socket_path = socket_path

    def __getattr__(self, name):
        if name.startswith('_'):
            raise AttributeError("'%s' object has no attribute '%s'" % (self.__class__.__name__, name))

        def call(*args, **kwargs):
            raise ConnectionError('persistent connections are not offered here')
        return call


def exec_command(module, command):
    try:
        return 0, Connection(module._socket_path).exec_command(command), ''
    except ConnectionError as e:
        return 1, '', to_text(e)
