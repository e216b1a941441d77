"""Base of lookups."""
from abc import abstractmethod

from ansible.errors import AnsibleFileNotFound
from ansible.plugins import AnsiblePlugin
from ansible.utils.display import Display

display = Display()
__all__ = ['LookupBase']


class LookupBase(AnsiblePlugin):
    """A lookup gives a list of values for a list of terms."""

    def __init__(self, loader=None, templar=None, **kwargs):
        super().__init__()
        self._loader = loader
        self._templar = templar
        self._display = display

    def get_basedir(self, variables):
        if 'role_path' in variables:
            return variables['role_path']
        return self._loader.get_basedir()

    @staticmethod
    def _flatten(terms):
        out = []
        for t in terms:
            if isinstance(t, (list, tuple)):
                out.extend(t)
            else:
                out.append(t)
        return out

    @staticmethod
    def _combine(a, b):
        return [LookupBase._flatten([x, y]) for x in a for y in b]

    @staticmethod
    def _flatten_hash_to_list(terms):
        return [{'key': k, 'value': terms[k]} for k in terms]

    @abstractmethod
    def run(self, terms, variables=None, **kwargs):
        """The results."""

    def find_file_in_search_path(self, myvars, subdir, needle, ignore_missing=False):
        paths = myvars['ansible_search_path'] if 'ansible_search_path' in myvars else [self.get_basedir(myvars)]
        try:
            return self._loader.path_dwim_relative_stack(paths, subdir, needle, is_role='role_path' in myvars)
        except AnsibleFileNotFound:
            if not ignore_missing:
                self._display.warning("Unable to find '%s' in expected paths (use -vvvvv to see paths)" % needle)
        return None

    def _deprecate_inline_kv(self):
        pass


