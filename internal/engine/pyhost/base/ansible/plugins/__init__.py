"""What all plugins have: names and options."""
from abc import ABC

from ansible import constants as C  # noqa: F401
from ansible.errors import AnsibleError  # noqa: F401
from ansible.utils.display import Display
from troupe_host import link

display = Display()
PLUGIN_PATH_CACHE = {}
MODULE_CACHE = {}


def get_plugin_class(obj):
    if isinstance(obj, str):
        return obj.lower().replace('module', '')
    return obj.__class__.__name__.lower().replace('module', '')


class AnsiblePlugin(ABC):
    """Base of plugins that have options."""

    allow_extras = False

    def __init__(self):
        self._options = {}
        self._defs = None
        self._origins = {}

    def matches_name(self, possible_names):
        possible_fqcns = set()
        for name in possible_names:
            possible_fqcns.add(name)
            if '.' not in name:
                possible_fqcns |= {'ansible.builtin.' + name, 'ansible.legacy.' + name}
        return bool(possible_fqcns & set(getattr(self, 'ansible_aliases', []) or [getattr(self, '_load_name', '')]))

    def _where(self):
        return {'kind': get_plugin_class(self), 'plugin': getattr(self, 'ansible_name', None) or getattr(self, '_load_name', '') or '',
                'path': getattr(self, '_original_path', None)}

    def get_option_and_origin(self, option, hostvars=None):
        if option in self._options and hostvars is None:
            return self._options[option], self._origins.get(option)
        found = link.ask('option', option=option, variables=hostvars, direct=None, **self._where())
        if not found['ok']:
            where = self._where()
            raise KeyError('Requested entry (plugin_type: %s plugin: %s setting: %s ) was not defined in configuration.' % (where['kind'], where['plugin'], option))
        return found['v'], found['origin']

    def get_option(self, option, hostvars=None):
        if option not in self._options:
            v, origin = self.get_option_and_origin(option, hostvars)
            self._options[option] = v
            self._origins[option] = origin
        return self._options.get(option)

    def get_options(self, hostvars=None):
        if not self._options:
            self.set_options(var_options=hostvars)
        return dict(self._options)

    def set_option(self, option, value):
        if value is not None and option != '_extras':  # as the documented type, when there is one
            found = link.ask('option', option=option, variables=None, direct={option: value}, **self._where())
            if found['ok']:
                value = found['v']
        self._options[option] = value

    def set_options(self, task_keys=None, var_options=None, direct=None):
        got = link.ask('options', variables=var_options, direct=direct, keys=_plain_keys(task_keys), **self._where())
        self._options = dict(got['v'])
        self._origins = dict(got['origins'])
        for k, v in (direct or {}).items():
            self._options.setdefault(k, v)
        if self.allow_extras and var_options and '_extras' in var_options:
            self.set_option('_extras', var_options['_extras'])

    def has_option(self, option):
        if not self._options:
            self.set_options()
        return option in self._options

    @property
    def option_definitions(self):
        if self._defs is None:
            self._defs = {k: {} for k in link.ask('option_names', **self._where())['names']}
        return self._defs

    def _check_required(self):
        pass


class AnsibleJinja2Plugin(AnsiblePlugin):
    """A filter or test."""

    def __init__(self, function):
        super().__init__()
        self._function = function

    @property
    def j2_function(self):
        return self._function


def _plain_keys(keys):
    if not keys:
        return None
    return {k: v for k, v in keys.items() if v is None or isinstance(v, (str, int, float, bool, list, dict))}


