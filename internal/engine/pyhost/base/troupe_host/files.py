"""Plugins from files: importing them, and the class that each kind wants."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import threading
import types
import zlib

from troupe_host import link

CLASSES = {
    'action': 'ActionModule', 'cache': 'CacheModule', 'callback': 'CallbackModule', 'connection': 'Connection', 'shell': 'ShellModule',
    'lookup': 'LookupModule', 'filter': 'FilterModule', 'test': 'TestModule', 'inventory': 'InventoryModule', 'vars': 'VarsModule',
    'become': 'BecomeModule', 'strategy': 'StrategyModule', 'httpapi': 'HttpApi', 'cliconf': 'Cliconf', 'netconf': 'Netconf',
    'terminal': 'TerminalModule', 'doc_fragments': 'ModuleDocFragment',
}

_base = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'ansible', 'plugins')
_lock = threading.RLock()
_modules = {}


def load_module(kind, path, name='', collection=''):
    """The module of a plugin file; imported once."""
    with _lock:
        module = _modules.get(path)
        if module is not None:
            return module
        if collection and collection not in ('ansible.builtin', 'ansible.legacy'):
            module = importlib.import_module(_dotted(path))
        else:
            stem = os.path.splitext(os.path.basename(path))[0]
            full = 'ansible.plugins.%s.%s' % (kind, stem)
            # Files of filters and tests may all have the same name: theirs is never the plain one.
            if kind in ('filter', 'test') or full in sys.modules or os.path.exists(os.path.join(_base, kind, stem + '.py')) or not stem.isidentifier():
                full = 'ansible.plugins.%s.%d_%s' % (kind, zlib.crc32(path.encode('utf-8', 'surrogateescape')), stem)
            spec = importlib.util.spec_from_file_location(full, path)
            if spec is None:
                spec = importlib.util.spec_from_loader(full, importlib.machinery.SourceFileLoader(full, path))
            module = importlib.util.module_from_spec(spec)
            sys.modules[full] = module
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[full]
                raise
        _modules[path] = module
        return module


def _dotted(path):
    parts = os.path.splitext(path)[0].split(os.sep)
    return '.'.join(parts[len(parts) - 1 - parts[::-1].index('ansible_collections'):])


def load_class(kind, path, name='', collection=''):
    """The class of a plugin, with the attributes that the loader gives it."""
    module = load_module(kind, path, name, collection)
    cls = getattr(module, CLASSES[kind])
    if name:
        cls._load_name = name.rsplit('.', 1)[-1] if not collection else name
        cls.ansible_name = name
        short = name.rsplit('.', 1)[-1]
        cls.ansible_aliases = [name] if '.' in name and not name.startswith(('ansible.builtin.', 'ansible.legacy.')) else \
            [short, 'ansible.builtin.' + short, 'ansible.legacy.' + short]
    cls._original_path = path
    cls._redirected_names = []
    return cls


class Builtin(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Modules that stand for plugins that Troupe itself is: ansible.plugins.lookup.file and the like."""

    def find_spec(self, fullname, path=None, target=None):
        parts = fullname.split('.')
        if len(parts) != 4 or parts[:2] != ['ansible', 'plugins'] or parts[2] not in ('action', 'lookup', 'filter', 'test'):
            return None
        if parts[2] in ('filter', 'test') and parts[3] not in ('core', 'mathstuff', 'urls', 'urlsplit', 'encryption', 'files', 'uri'):
            return None
        if parts[2] in ('action', 'lookup') and not link.ask('native', kind=parts[2], name=parts[3]):
            return None
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        kind, name = module.__name__.split('.')[2:]
        if kind == 'action':
            from ansible.plugins.action import NativeAction
            module.ActionModule = type('ActionModule', (NativeAction,), {'__module__': module.__name__, 'native_name': 'ansible.builtin.' + name})
        elif kind == 'lookup':
            module.LookupModule = _native_lookup(module.__name__, name)
        else:
            module.__class__ = _Functions


def _native_lookup(module, name):
    from ansible.plugins.lookup import LookupBase

    class LookupModule(LookupBase):
        """A lookup of Troupe's."""

        def run(self, terms, variables=None, **kwargs):
            return link.ask('lookup', name='ansible.builtin.' + name, terms=list(terms), options=kwargs, variables=variables)

    LookupModule.__module__ = module
    LookupModule.ansible_name = LookupModule._load_name = name
    return LookupModule


class _Functions(types.ModuleType):
    """ansible.plugins.filter.core: every name is a filter."""

    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)
        kind = self.__name__.split('.')[2]
        if name in ('FilterModule', 'TestModule'):
            return type(name, (), {'filters': lambda s: _All(kind), 'tests': lambda s: _All(kind)})
        if name == 'display':
            from ansible.utils.display import Display
            return Display()
        for known in (name, name[3:] if name.startswith('do_') else name):
            if link.ask('exists', kind=kind, name=known):
                return _function(kind, known)
        raise AttributeError('module %r has no attribute %r' % (self.__name__, name))


def _function(kind, name):
    def call(*args, **kw):
        args = [a for a in args if type(a).__name__ not in ('Environment', 'Context')]
        return link.ask(kind, name=name, args=args, kw=kw)
    call.__name__ = name
    return call


class _All(dict):
    """All filters by name."""

    def __init__(self, kind):
        super().__init__()
        self._kind = kind

    def __missing__(self, name):
        if not link.ask('exists', kind=self._kind, name=name):
            raise KeyError(name)
        return _function(self._kind, name)

    def get(self, name, default=None):
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name):
        return link.ask('exists', kind=self._kind, name=name)
