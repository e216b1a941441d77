"""Settings and options of plugins, asked from Troupe."""
import os
import sys
import tempfile
from collections import namedtuple

from ansible.errors import AnsibleOptionsError
from ansible.module_utils.parsing.convert_bool import boolean
from troupe_host import link

Setting = namedtuple('Setting', 'name value origin type')

INTERNAL_DEFS = {'lookup': ('_terms',)}


def resolve_path(path, basedir=None):
    from ansible.utils.path import unfrackpath
    if '{{CWD}}' in path:
        path = path.replace('{{CWD}}', os.getcwd())
    return unfrackpath(path, follow=False, basedir=basedir)


def ensure_type(value, value_type, origin=None, origin_ftype=None):
    """Gives a text the type that an option asks for."""
    if value is None:
        return None
    basedir = os.path.dirname(origin) if origin and os.path.isabs(origin) and os.path.exists(origin) else None
    kind = (value_type or '').lower()
    try:
        if kind in ('boolean', 'bool'):
            return boolean(value, strict=False)
        if kind in ('integer', 'int'):
            if isinstance(value, float) and value != int(value):
                raise ValueError(value)
            return value if isinstance(value, int) else int(value)
        if kind == 'float':
            return float(value)
        if kind == 'list':
            if isinstance(value, str):
                return [e.strip() for e in value.split(',')]
            if not isinstance(value, (list, tuple)):
                raise ValueError('list')
            return list(value)
        if kind == 'none':
            if value == 'None':
                return None
            raise ValueError('None')
        if kind == 'path':
            return resolve_path(value, basedir)
        if kind in ('tmp', 'temppath', 'tmppath'):
            value = resolve_path(value, basedir)
            os.makedirs(value, 0o700, exist_ok=True)
            return tempfile.mkdtemp(prefix='ansible-local-', dir=value)
        if kind in ('pathspec', 'pathlist'):
            parts = value if isinstance(value, list) else value.split(os.pathsep if kind == 'pathspec' else ',')
            return [resolve_path(p.strip(), basedir) for p in parts]
        if kind in ('dict', 'dictionary'):
            if not isinstance(value, dict):
                raise ValueError('dictionary')
            return value
        if kind in ('str', 'string', ''):
            return str(value) if isinstance(value, (str, bool, int, float, complex)) else value
    except (ValueError, TypeError) as e:
        raise ValueError('Invalid type provided for "%s": %r' % (kind, value)) from e
    return value


class ConfigManager:
    """ansible.constants.config."""

    WARNINGS = set()
    DEPRECATED = []

    @property
    def _config_file(self):
        return link.ask('setting', name='CONFIG_FILE')['v']

    @property
    def data(self):
        return self

    def get_config_value(self, config, cfile=None, plugin_type=None, plugin_name=None, keys=None, variables=None, direct=None):
        return self.get_config_value_and_origin(config, cfile, plugin_type, plugin_name, keys, variables, direct)[0]

    def get_config_value_and_origin(self, config, cfile=None, plugin_type=None, plugin_name=None, keys=None, variables=None, direct=None):
        if plugin_type is None:
            found = link.ask('setting', name=config)
            if not found['ok']:
                raise AnsibleOptionsError('Requested entry (setting: %s ) was not defined in configuration.' % config)
            return found['v'], found['origin']
        found = link.ask('option', kind=plugin_type, plugin=plugin_name, option=config, direct=direct, variables=variables)
        if not found['ok']:
            raise KeyError('Requested entry (plugin_type: %s plugin: %s setting: %s ) was not defined in configuration.' % (plugin_type, plugin_name, config))
        return found['v'], found['origin']

    def get_plugin_options(self, plugin_type, name, keys=None, variables=None, direct=None):
        return link.ask('options', kind=plugin_type, plugin=name, direct=direct, variables=variables)['v']

    def get_plugin_vars(self, plugin_type, name):
        return link.ask('option_names', kind=plugin_type, plugin=name)['vars']

    def get_configuration_definitions(self, plugin_type=None, name=None, ignore_private=False):
        if plugin_type is None:
            return {}
        return {k: {} for k in link.ask('option_names', kind=plugin_type, plugin=name)['names']}

    def has_configuration_definition(self, plugin_type, name):
        return bool(link.ask('option_names', kind=plugin_type, plugin=name)['names'])

    def get_plugin_options_from_var(self, plugin_type, name, variable):
        return []

    def initialize_plugin_configuration_definitions(self, plugin_type, name, defs):
        link.ask('declare', kind=plugin_type, plugin=name, options=defs)


def find_ini_config_file(warnings=None):
    return link.ask('setting', name='CONFIG_FILE')['v']


if sys.version_info < (3, 8):
    raise ImportError('Python 3.8 or newer is needed')
