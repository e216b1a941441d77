"""Keeps values as long as the process lives."""
from ansible.plugins.cache import BaseCacheModule


class CacheModule(BaseCacheModule):
    """A dictionary."""

    _load_name = ansible_name = 'memory'

    def __init__(self, *args, **kwargs):
        self._options = {}
        self._cache = {}

    def get(self, key):
        return self._cache[key]

    def set(self, key, value):
        self._cache[key] = value

    def keys(self):
        return self._cache.keys()

    def contains(self, key):
        return key in self._cache

    def delete(self, key):
        del self._cache[key]

    def flush(self):
        self._cache = {}

    def copy(self):
        return self._cache.copy()
