"""import ansible_collections.ns.name…: collections below their search paths, and module_utils that were moved."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types

from troupe_host import link

paths = []  # directories that hold ansible_collections


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds packages of collections. A collection may do without __init__.py."""

    def find_spec(self, fullname, path=None, target=None):
        parts = fullname.split('.')
        if parts[0] != 'ansible_collections':
            return None
        if fullname in ('ansible_collections.ansible', 'ansible_collections.ansible.builtin'):
            return self._package(fullname, [])
        if len(parts) <= 2:
            dirs = [os.path.join(p, *parts) for p in paths]
            dirs = [d for d in dirs if os.path.isdir(d)]
            return self._package(fullname, dirs) if dirs or len(parts) == 1 else None
        if len(parts) == 3:
            for p in paths:
                d = os.path.join(p, *parts)
                if os.path.isdir(d):
                    return self._package(fullname, [d])
            return None
        moved = self._moved(parts)
        if moved:
            return importlib.machinery.ModuleSpec(fullname, _Moved(moved))
        for d in path or ():
            base = os.path.join(d, parts[-1])
            if os.path.isfile(os.path.join(base, '__init__.py')):
                return importlib.util.spec_from_file_location(fullname, os.path.join(base, '__init__.py'), submodule_search_locations=[base])
            if os.path.isfile(base + '.py'):
                return importlib.util.spec_from_file_location(fullname, base + '.py')
            if os.path.isdir(base):
                return self._package(fullname, [base])
        return None

    def _moved(self, parts):
        if len(parts) < 6 or parts[3:5] != ['plugins', 'module_utils']:
            return None
        return link.ask('moved', name='.'.join(parts))

    def _package(self, fullname, dirs):
        spec = importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        spec.submodule_search_locations = dirs
        return spec

    def create_module(self, spec):
        return types.ModuleType(spec.name)

    def exec_module(self, module):
        module.__file__ = module.__path__[0] + '/__synthetic__' if module.__path__ else None


class Former(importlib.abc.MetaPathFinder):
    """Finds what once was in ansible.module_utils, after everybody else looked."""

    def find_spec(self, fullname, path=None, target=None):
        moved = fullname.startswith('ansible.module_utils.') and link.ask('moved', name=fullname)
        return importlib.machinery.ModuleSpec(fullname, _Moved(moved)) if moved else None


class _Moved(importlib.abc.Loader):
    """A module under its old name."""

    def __init__(self, to):
        self._to = to

    def create_module(self, spec):
        return importlib.import_module(self._to)

    def exec_module(self, module):
        pass


def install(search):
    paths[:] = search
    if not any(isinstance(f, Finder) for f in sys.meta_path):
        sys.meta_path.insert(0, Finder())
        sys.meta_path.append(Former())
