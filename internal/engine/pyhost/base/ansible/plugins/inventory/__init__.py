"""Bases of inventory plugins."""
import hashlib
import os
import string
from collections.abc import Mapping

from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.group import to_safe_group_name as original_safe
from ansible.module_utils.common.text.converters import to_bytes, to_native  # noqa: F401
from ansible.module_utils.parsing.convert_bool import boolean  # noqa: F401
from ansible.module_utils.six import string_types  # noqa: F401
from ansible.parsing.utils.addresses import parse_address
from ansible.plugins import AnsiblePlugin
from ansible.plugins.cache import CachePluginAdjudicator as CacheObject
from ansible.template import Templar
from ansible.utils.display import Display
from ansible.utils.vars import combine_vars, load_extra_vars  # noqa: F401

display = Display()


def to_safe_group_name(name):
    return original_safe(name, replacer='_', force=C.TRANSFORM_INVALID_GROUP_CHARS != 'ignore' and C.TRANSFORM_INVALID_GROUP_CHARS != 'never', silent=True)


def detect_range(line=None):
    return '[' in line


def expand_hostname_range(line=None):
    """web[01:03] → web01, web02, web03"""
    if not line:
        return []
    head, rest = line.split('[', 1)
    span, tail = rest.split(']', 1)
    bounds = span.split(':')
    if len(bounds) not in (2, 3):
        raise AnsibleError('host range must be begin:end or begin:end:step')
    begin, end = bounds[0], bounds[1]
    step = int(bounds[2]) if len(bounds) == 3 else 1
    begin = begin or '0'
    if not end:
        raise AnsibleError('host range must specify end value')
    if begin[0] == '0' and len(begin) > 1:
        if len(begin) != len(end):
            raise AnsibleError('host range must specify equal-length begin and end formats')
        names = [str(n).zfill(len(begin)) for n in range(int(begin), int(end) + 1, step)]
    elif begin.isdigit():
        names = [str(n) for n in range(int(begin), int(end) + 1, step)]
    else:
        i, j = string.ascii_letters.index(begin), string.ascii_letters.index(end)
        if i > j:
            raise AnsibleError('host range must have begin <= end')
        names = list(string.ascii_letters[i:j + 1:step])
    out = []
    for n in names:
        one = head + n + tail
        out.extend(expand_hostname_range(one) if detect_range(one) else [one])
    return out


def get_cache_plugin(plugin_name, **kwargs):
    from ansible.plugins.loader import cache_loader
    options = {k: v for k, v in kwargs.items() if v is not None}
    try:
        plugin = cache_loader.get(plugin_name, **options)
    except AnsibleError as e:
        if 'fact_caching_connection' in str(e):
            raise AnsibleError("error, '%s' inventory cache plugin requires the one of the following to be set to a writeable directory path:\n"
                               "ansible.cfg:\n[default]: fact_caching_connection,\n[inventory]: cache_connection;\nEnvironment:\n"
                               "ANSIBLE_INVENTORY_CACHE_CONNECTION,\nANSIBLE_CACHE_PLUGIN_CONNECTION." % plugin_name)
        raise
    if plugin is None:
        raise AnsibleError('Unable to load the cache plugin (%s).' % plugin_name)
    return plugin


def opened_cache(plugin):
    """The cache that the options of an inventory plugin ask for."""
    given = (('_uri', 'cache_connection'), ('_timeout', 'cache_timeout'), ('_prefix', 'cache_prefix'))
    return CacheObject(get_cache_plugin(plugin.get_option('cache_plugin'), **{name: plugin.get_option(option) for name, option in given}))


class BaseInventoryPlugin(AnsiblePlugin):
    """Reads one source."""

    TYPE = 'generator'
    _sanitize_group_name = staticmethod(to_safe_group_name)

    def __init__(self):
        super().__init__()
        self._options = {}
        self.inventory = None
        self.display = display
        self._vars = {}

    def parse(self, inventory, loader, path, cache=True):
        self.loader = loader
        self.inventory = inventory
        self.templar = Templar(loader=loader, variables={})
        from troupe_host import link
        self._vars = link.ask('extra_vars') or {}

    def verify_file(self, path):
        return os.path.exists(path) and os.access(path, os.R_OK)

    def _populate_host_vars(self, hosts, variables, group=None, port=None):
        if not isinstance(variables, Mapping):
            raise AnsibleParserError('Invalid data from file, expected dictionary and got:\n\n%s' % variables)
        for host in hosts:
            self.inventory.add_host(host, group=group, port=port)
            for k in variables:
                self.inventory.set_variable(host, k, variables[k])

    def _read_config_data(self, path):
        try:
            config = self.loader.load_from_file(path, cache='none')
        except Exception as e:
            raise AnsibleParserError(str(e))
        names = set(getattr(self, '_redirected_names', ())) | {self.NAME, getattr(self, 'ansible_name', self.NAME)}
        if not config:
            raise AnsibleParserError('%s is empty' % path)
        if config.get('plugin') not in names:
            raise AnsibleParserError('Incorrect plugin name in file: %s' % config.get('plugin', 'none found'))
        if not isinstance(config, Mapping):
            raise AnsibleParserError('inventory source has invalid structure, it should be a dictionary, got: %s' % type(config))
        self.set_options(direct=config, var_options=self._vars)
        if 'cache' in self._options and self.get_option('cache'):
            self._cache = opened_cache(self)
        return config

    def _consume_options(self, data):
        for k in list(self._options):
            if k in data:
                self._options[k] = data.pop(k)

    def _expand_hostpattern(self, hostpattern):
        try:
            pattern, port = parse_address(hostpattern, allow_ranges=True)
        except Exception:
            pattern, port = hostpattern, None
        if detect_range(pattern):
            return expand_hostname_range(pattern), port
        return [pattern], port


class BaseFileInventoryPlugin(BaseInventoryPlugin):
    """Reads a file."""

    TYPE = 'storage'


class Cacheable:
    """Keeps what a source gave."""

    _cache = CacheObject()

    @property
    def cache(self):
        return self._cache

    def load_cache_plugin(self):
        self._cache = opened_cache(self)

    def get_cache_key(self, path):
        return '%s_%s' % (self.NAME, self._get_cache_prefix(path))

    def _get_cache_prefix(self, path):
        return 's_'.join(hashlib.sha1(to_bytes(t)).hexdigest()[:5] for t in (self.NAME, path))

    def clear_cache(self):
        self._cache.flush()

    def update_cache_if_changed(self):
        self._cache.update_cache_if_changed()

    def set_cache_plugin(self):
        self._cache.set_cache()


class Constructable:
    """Variables and groups that are computed from variables."""

    def _compose(self, template, variables, disable_lookups=True):
        t = self.templar
        t.available_variables = combine_vars(variables, self._vars) if self._use_extra() else variables
        return t.template('{{%s}}' % template)

    def _use_extra(self):
        try:
            return bool(self.get_option('use_extra_vars'))
        except KeyError:
            return False

    def _set_composite_vars(self, compose, variables, host, strict=False):
        for name in compose or ():
            try:
                v = self._compose(compose[name], variables)
            except Exception as e:
                if strict:
                    raise AnsibleError('Could not set %s for host %s: %s' % (name, host, to_native(e)))
                continue
            self.inventory.set_variable(host, name, v)

    def _add_host_to_composed_groups(self, groups, variables, host, strict=False, fetch_hostvars=True):
        if not isinstance(groups, dict) or not groups:
            return
        if fetch_hostvars:
            variables = combine_vars(variables, self.inventory.get_host(host).get_vars())
        self.templar.available_variables = variables
        for name in groups:
            try:
                result = boolean(self.templar.template('{%% if %s %%} True {%% else %%} False {%% endif %%}' % groups[name]), strict=False)
            except Exception as e:
                if strict:
                    raise AnsibleParserError('Could not add host %s to group %s: %s' % (host, name, to_native(e)))
                continue
            if result:
                self.inventory.add_child(self.inventory.add_group(original_safe(name, force=True)), host)

    def _add_host_to_keyed_groups(self, keys, variables, host, strict=False, fetch_hostvars=True):
        for entry in keys or ():
            if not isinstance(entry, dict):
                raise AnsibleParserError('Invalid keyed group entry, it must be a dictionary: %s ' % entry)
            if fetch_hostvars:
                variables = combine_vars(variables, self.inventory.get_host(host).get_vars())
            if not entry.get('key'):
                if strict:
                    raise AnsibleParserError('No key or key resulted empty for %s in host %s, invalid entry' % (entry.get('key'), host))
                continue
            try:
                key = self._compose(entry['key'], variables)
            except Exception as e:
                if strict:
                    raise AnsibleParserError('Could not generate group for host %s from %s entry: %s' % (host, entry['key'], to_native(e)))
                continue
            default = entry.get('default_value')
            trailing = entry.get('trailing_separator')
            if trailing is not None and default is not None:
                raise AnsibleParserError('parameters are mutually exclusive for keyed groups: default_value|trailing_separator')
            if not key and key is not False and key != 0 and default is None and not isinstance(key, str):
                if strict:
                    raise AnsibleParserError('No key or key resulted empty for %s in host %s, invalid entry' % (entry['key'], host))
                continue
            if not (key or default is not None or isinstance(key, str) and key == '' and trailing is False):
                if strict:
                    raise AnsibleParserError('No key or key resulted empty for %s in host %s, invalid entry' % (entry['key'], host))
                continue
            self._keyed(entry, key, default, trailing, variables, host)

    def _keyed(self, entry, key, default, trailing, variables, host):
        prefix, sep = entry.get('prefix', ''), entry.get('separator', '_')
        parent = entry.get('parent_group')
        if parent:
            self.templar.available_variables = variables
            parent = self.templar.template(parent)
        names = []
        if isinstance(key, str):
            names.append(key or default) if key == '' and default is not None else names.append(key)
        elif isinstance(key, (list, tuple)):
            for e in key:
                names.append(default if e == '' and default is not None else e)
        elif isinstance(key, Mapping):
            for k, v in key.items():
                if v == '' and default is not None:
                    v = default
                names.append('%s%s%s' % (k, sep, v) if not (v == '' and trailing is False) else k)
        elif key:
            names.append(str(key))
        elif default is not None:
            names.append(default)
        for bare in names:
            lead = prefix
            s = sep
            if not bare and isinstance(bare, str) and trailing is False:
                s = ''
            if not prefix:
                try:
                    if self.get_option('leading_separator') is False:
                        s = ''
                except KeyError:
                    pass
            g = self.inventory.add_group(self._sanitize_group_name('%s%s%s' % (lead, s, bare)))
            self.inventory.add_host(host, g)
            if parent:
                p = self.inventory.add_group(self._sanitize_group_name(parent))
                self.inventory.add_child(p, g)
