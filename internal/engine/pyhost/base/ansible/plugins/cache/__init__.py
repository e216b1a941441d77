"""Bases of cache plugins, and the mapping over one."""
import copy
import os
import tempfile
import time
from abc import abstractmethod
from collections.abc import MutableMapping

from ansible import constants as C  # noqa: F401
from ansible.errors import AnsibleError
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins import AnsiblePlugin
from ansible.utils.display import Display
from ansible.utils.path import unfrackpath

display = Display()


class BaseCacheModule(AnsiblePlugin):
    """Keeps values by key."""

    _display = display

    def __init__(self, *args, **kwargs):
        super().__init__()
        self.set_options(var_options=args, direct=kwargs)

    @abstractmethod
    def get(self, key):
        pass

    @abstractmethod
    def set(self, key, value):
        pass

    @abstractmethod
    def keys(self):
        pass

    @abstractmethod
    def contains(self, key):
        pass

    @abstractmethod
    def delete(self, key):
        pass

    @abstractmethod
    def flush(self):
        pass

    @abstractmethod
    def copy(self):
        pass


class BaseFileCacheModule(BaseCacheModule):
    """One file for each key."""

    def __init__(self, *args, **kwargs):
        try:
            super().__init__(*args, **kwargs)
            self._cache_dir = self._get_cache_connection(self.get_option('_uri'))
            self._timeout = float(self.get_option('_timeout') or 0)
        except KeyError:
            self._cache_dir = self._get_cache_connection(C.CACHE_PLUGIN_CONNECTION)
            self._timeout = float(C.CACHE_PLUGIN_TIMEOUT)
        self.plugin_name = getattr(self, "_load_name", "").split(".")[-1]
        self._cache = {}
        self.validate_cache_connection()

    def _get_cache_connection(self, source):
        if source:
            return unfrackpath(source, follow=False)
        return None

    def validate_cache_connection(self):
        if not self._cache_dir:
            raise AnsibleError("error, '%s' cache plugin requires the 'fact_caching_connection' config option to be set (to a writeable directory path)" % self.plugin_name)
        try:
            os.makedirs(self._cache_dir, exist_ok=True)
        except OSError as e:
            raise AnsibleError("error in '%s' cache plugin while trying to create cache dir %s : %s" % (self.plugin_name, self._cache_dir, to_text(e)))
        if not os.access(self._cache_dir, os.R_OK | os.W_OK | os.X_OK):
            raise AnsibleError("error in '%s' cache, configured path (%s) does not have necessary permissions (rwx), disabling plugin" % (self.plugin_name, self._cache_dir))

    def _get_cache_file_name(self, key):
        try:
            prefix = self.get_option('_prefix')
        except KeyError:
            prefix = ''
        return os.path.join(self._cache_dir, '%s%s' % (prefix or '', key))

    def get(self, key):
        if key not in self._cache:
            if self.has_expired(key) or key == '':
                raise KeyError
            try:
                self._cache[key] = self._load(self._get_cache_file_name(key))
            except FileNotFoundError:
                raise KeyError(key)
            except ValueError as e:
                display.warning('error in \'%s\' cache plugin while trying to read %s : %s. Most likely a corrupt file, so erasing and failing.' % (
                    self.plugin_name, self._get_cache_file_name(key), to_text(e)))
                self.delete(key)
                raise AnsibleError('The cache file %s was corrupt, or did not otherwise contain valid data. It has been removed, so you can re-run your command now.' % (
                    self._get_cache_file_name(key)))
        return self._cache[key]

    def set(self, key, value):
        self._cache[key] = value
        path = self._get_cache_file_name(key)
        fd, tmp = tempfile.mkstemp(dir=os.path.dirname(path))
        os.close(fd)
        try:
            self._dump(value, tmp)
            os.rename(tmp, path)
            os.chmod(path, 0o644)
        except OSError as e:
            display.warning("error in '%s' cache plugin while trying to write to '%s' : %s" % (self.plugin_name, path, to_text(e)))
            if os.path.exists(tmp):
                os.unlink(tmp)

    def has_expired(self, key):
        if self._timeout == 0:
            return False
        try:
            return time.time() - os.stat(self._get_cache_file_name(key)).st_mtime > self._timeout
        except FileNotFoundError:
            return False

    def keys(self):
        try:
            prefix = self.get_option('_prefix') or ''
        except KeyError:
            prefix = ''
        return [f[len(prefix):] for f in sorted(os.listdir(self._cache_dir))
                if f.startswith(prefix) and not f.startswith('.') and not self.has_expired(f[len(prefix):])]

    def contains(self, key):
        if key in self._cache:
            return True
        return not self.has_expired(key) and os.path.exists(self._get_cache_file_name(key))

    def delete(self, key):
        self._cache.pop(key, None)
        try:
            os.remove(self._get_cache_file_name(key))
        except OSError:
            pass

    def flush(self):
        for key in list(self.keys()):
            self.delete(key)
        self._cache = {}

    def copy(self):
        return {k: self.get(k) for k in self.keys()}

    @abstractmethod
    def _load(self, filepath):
        pass

    @abstractmethod
    def _dump(self, value, filepath):
        pass


class CachePluginAdjudicator(MutableMapping):
    """A mapping that is loaded from a cache plugin, and written to it when it is asked to."""

    def __init__(self, plugin_name='memory', **kwargs):
        if isinstance(plugin_name, str):
            from ansible.plugins.cache.memory import CacheModule
            if plugin_name == 'memory':
                self._plugin = CacheModule()
            else:
                from ansible.plugins.loader import cache_loader
                self._plugin = cache_loader.get(plugin_name, **kwargs)
                if self._plugin is None:
                    raise AnsibleError('Unable to load the cache plugin (%s).' % plugin_name)
        else:
            self._plugin = plugin_name
        self._plugin_name = getattr(self._plugin, '_load_name', 'memory')
        self._cache = {}
        self._retrieved = {}

    def update_cache_if_changed(self):
        if self._retrieved != self._cache:
            self.set_cache()

    def set_cache(self):
        for key in list(self._cache):
            self._plugin.set(key, self._cache[key])
        self._retrieved = copy.deepcopy(self._cache)

    def load_whole_cache(self):
        for key in self._plugin.keys():
            self._cache[key] = self._plugin.get(key)

    def _do_load_key(self, key):
        return key not in self._cache and key not in self._retrieved and self._plugin_name not in ('memory', 'ansible.builtin.memory', 'ansible.legacy.memory')

    def __repr__(self):
        return repr(self._cache)

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.keys())

    def __getitem__(self, key):
        if self._do_load_key(key):
            v = self._plugin.get(key)
            self._cache[key] = v
            self._retrieved[key] = copy.deepcopy(v)
        return self._cache[key]

    def get(self, key, default=None):
        try:
            return self[key]
        except KeyError:
            return default

    def __setitem__(self, key, value):
        self._cache[key] = value

    def __delitem__(self, key):
        del self._cache[key]

    def __contains__(self, key):
        return key in self._cache or self._plugin.contains(key)

    def keys(self):
        return self._cache.keys()

    def values(self):
        return self._cache.values()

    def items(self):
        return self._cache.items()

    def pop(self, key, *args):
        return self._cache.pop(key, *args)

    def flush(self):
        self._plugin.flush()
        self._cache = {}

    def clear(self):
        self.flush()

    def update(self, value):
        self._cache.update(value)
