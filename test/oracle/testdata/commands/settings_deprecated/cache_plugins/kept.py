DOCUMENTATION = '''
    cache: kept
    short_description: keeps nothing
    description: Keeps nothing.
    options:
      _uri:
        description: where
        default: /tmp
        env:
          - name: KEPT_URI
          - name: KEPT_PATH
            deprecated:
              alternatives: KEPT_URI
              why: it is a place, not a path
              version: '3.0.0'
      _timeout:
        description: how long
        default: 10
        type: integer
        deprecated:
          why: nothing is kept
          version: '3.0.0'
        env: [{name: KEPT_TIMEOUT}]
'''

from ansible.plugins.cache import BaseCacheModule


class CacheModule(BaseCacheModule):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.get_option('_uri')
        self.get_option('_timeout')

    def get(self, key):
        raise KeyError(key)

    def set(self, key, value):
        pass

    def keys(self):
        return []

    def contains(self, key):
        return False

    def delete(self, key):
        pass

    def flush(self):
        pass

    def copy(self):
        return {}
