"""Settings by name, asked from Troupe when they are first read, and fixed lists."""
import re
import sys
import types

from ansible.module_utils.common.text.converters import to_text  # noqa: F401
from ansible.module_utils.parsing.convert_bool import BOOLEANS_TRUE  # noqa: F401
from ansible.release import __version__  # noqa: F401

BOOL_TRUE = BOOLEANS_TRUE
COLOR_CODES = {
    'black': '0;30', 'bright gray': '0;37', 'blue': '0;34', 'white': '1;37', 'green': '0;32', 'bright blue': '1;34', 'cyan': '0;36',
    'bright green': '1;32', 'red': '0;31', 'bright cyan': '1;36', 'purple': '0;35', 'bright red': '1;31', 'yellow': '0;33',
    'bright purple': '1;35', 'dark gray': '1;30', 'bright yellow': '1;33', 'magenta': '0;35', 'bright magenta': '1;35', 'normal': '0',
}
REJECT_EXTS = ('.pyc', '.pyo', '.swp', '.bak', '~', '.rpm', '.md', '.txt', '.rst')
BLACKLIST_EXTS = REJECT_EXTS
CONFIGURABLE_PLUGINS = ('become', 'cache', 'callback', 'cliconf', 'connection', 'httpapi', 'inventory', 'lookup', 'netconf', 'shell', 'vars')
DOCUMENTABLE_PLUGINS = CONFIGURABLE_PLUGINS + ('module', 'strategy', 'test', 'filter')
IGNORE_FILES = ('COPYING', 'CONTRIBUTING', 'LICENSE', 'README', 'VERSION', 'GUIDELINES', 'MANIFEST', 'Makefile')
INTERNAL_RESULT_KEYS = ('add_host', 'add_group')
LOCALHOST = ('127.0.0.1', 'localhost', '::1')
MODULE_REQUIRE_ARGS = ('command', 'ansible.builtin.command', 'ansible.legacy.command', 'win_command', 'ansible.windows.win_command', 'shell',
                       'ansible.builtin.shell', 'ansible.legacy.shell', 'win_shell', 'ansible.windows.win_shell', 'raw', 'ansible.builtin.raw',
                       'ansible.legacy.raw', 'script', 'ansible.builtin.script', 'ansible.legacy.script')
MODULE_NO_JSON = MODULE_REQUIRE_ARGS
RESTRICTED_RESULT_KEYS = ('ansible_rsync_path', 'ansible_playbook_python', 'ansible_facts')
SYNTHETIC_COLLECTIONS = ('ansible.builtin', 'ansible.legacy')
TREE_DIR = None
VAULT_VERSION_MIN = 1.0
VAULT_VERSION_MAX = 1.0
DEFAULT_BECOME_PASS = None
DEFAULT_PASSWORD_CHARS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:-_'
DEFAULT_REMOTE_PASS = None
DEFAULT_SUBSET = None
INVALID_VARIABLE_NAMES = re.compile(r'^[\d\W]|[^\w]')
YAML_FILENAME_EXTENSIONS = ['.yml', '.yaml', '.json']
FACTS_MODULES_PATH = None

COMMON_CONNECTION_VARS = frozenset((
    'ansible_connection', 'ansible_host', 'ansible_user', 'ansible_shell_executable', 'ansible_port', 'ansible_pipelining', 'ansible_password',
    'ansible_timeout', 'ansible_shell_type', 'ansible_module_compression', 'ansible_private_key_file'))
MAGIC_VARIABLE_MAPPING = {
    'connection': ('ansible_connection',), 'remote_addr': ('ansible_ssh_host', 'ansible_host'), 'remote_user': ('ansible_ssh_user', 'ansible_user'),
    'remote_tmp_dir': ('ansible_remote_tmp',), 'port': ('ansible_ssh_port', 'ansible_port'), 'timeout': ('ansible_ssh_timeout', 'ansible_timeout'),
    'ssh_executable': ('ansible_ssh_executable',), 'password': ('ansible_ssh_pass', 'ansible_password'),
    'private_key_file': ('ansible_ssh_private_key_file', 'ansible_private_key_file'), 'pipelining': ('ansible_ssh_pipelining', 'ansible_pipelining'),
    'shell': ('ansible_shell_type',), 'network_os': ('ansible_network_os',), 'connection_user': ('ansible_connection_user',),
    'executable': ('ansible_shell_executable',), 'become': ('ansible_become',), 'become_method': ('ansible_become_method',),
    'become_user': ('ansible_become_user',), 'become_pass': ('ansible_become_password', 'ansible_become_pass'),
    'become_exe': ('ansible_become_exe',), 'become_flags': ('ansible_become_flags',),
}


def _actions(*names):
    return tuple(p + n for n in names for p in ('', 'ansible.builtin.', 'ansible.legacy.'))


_ACTION_DEBUG = _actions('debug')
_ACTION_IMPORT_PLAYBOOK = _actions('import_playbook')
_ACTION_IMPORT_ROLE = _actions('import_role')
_ACTION_IMPORT_TASKS = _actions('import_tasks')
_ACTION_INCLUDE = _actions('include')
_ACTION_INCLUDE_ROLE = _actions('include_role')
_ACTION_INCLUDE_TASKS = _actions('include_tasks')
_ACTION_INCLUDE_VARS = _actions('include_vars')
_ACTION_META = _actions('meta')
_ACTION_SET_FACT = _actions('set_fact')
_ACTION_SETUP = _actions('setup')
_ACTION_HAS_CMD = _actions('command', 'shell', 'script')
_ACTION_ALL_INCLUDES = _ACTION_INCLUDE + _ACTION_INCLUDE_TASKS + _ACTION_INCLUDE_ROLE
_ACTION_WITH_CLEAN_FACTS = _ACTION_SET_FACT + _ACTION_INCLUDE_VARS


class _Settings(types.ModuleType):
    """The module itself: a setting that was read once stays."""

    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)
        if name == 'config':
            from ansible.config.manager import ConfigManager
            v = ConfigManager()
        elif name == 'DEFAULT_LOCAL_TMP':
            import atexit
            import shutil
            import tempfile
            v = tempfile.mkdtemp(prefix='ansible-local-')
            atexit.register(shutil.rmtree, v, ignore_errors=True)
        elif name == 'CONFIG_FILE':
            from troupe_host import link
            v = link.ask('setting', name=name)['v']
        else:
            from troupe_host import link
            found = link.ask('setting', name=name)
            if not found['ok']:
                raise AttributeError("module 'ansible.constants' has no attribute '%s'" % name)
            v = found['v']
        setattr(self, name, v)
        return v


sys.modules[__name__].__class__ = _Settings
