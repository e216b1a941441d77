"""Finding plugins by name. Troupe knows where they are."""
import os

from troupe_host import files, link


class PluginLoadContext:
    """What a search for a plugin found."""

    def __init__(self, name=None, path=None, collection=None):
        self.original_name = name
        self.resolved = path is not None
        self.plugin_resolved_path = path
        self.plugin_resolved_name = self.resolved_fqcn = name
        self.plugin_resolved_collection = collection
        self.redirect_list, self.error_list, self.removal_date, self.removal_version = [], [], None, None
        self.deprecated, self.deprecation_warnings, self.exit_reason = False, [], None
        self.action_plugin = None
        self.pending_redirect = None


class PluginLoader:
    """One kind of plugins."""

    def __init__(self, kind, subdir=None):
        self.type = kind
        self.class_name = files.CLASSES.get(kind, '')
        self.subdir = subdir or kind + '_plugins'
        self.package = 'ansible.plugins.' + kind
        self._extra = []

    def _find(self, name, collections=None):
        found = link.ask('find', kind='modules' if self.type == 'module' else self.type, name=name, collections=list(collections or []))
        if not found['path']:
            for d in self._extra:
                p = os.path.join(d, name + '.py')
                if os.path.exists(p):
                    return {'path': p, 'name': name, 'collection': '', 'way': []}
        return found

    def find_plugin_with_context(self, name, mod_type='', ignore_deprecated=False, check_aliases=False, collection_list=None):
        found = self._find(name, collection_list)
        context = PluginLoadContext(found['name'] or name, found['path'] or None, found['collection'] or None)
        if not context.resolved and self.type in ('module', 'action') and link.ask('native', kind='action', name=name):
            context.resolved = True
            if self.type == 'module':  # it has no file; this is where it would be
                context.plugin_resolved_path = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'modules', name.split('.')[-1] + '.py')
        if context.resolved:
            context.redirect_list = [name] + [n for n in found['way'] if n != name]
        return context

    def find_plugin(self, name, mod_type='', ignore_deprecated=False, check_aliases=False, collection_list=None):
        return self._find(name, collection_list)['path'] or None

    find_plugin_with_name = find_plugin

    def has_plugin(self, name, collection_list=None):
        return bool(self._find(name, collection_list)['path']) or self._builtin(name) is not None

    __contains__ = has_plugin

    def _builtin(self, name):
        import importlib
        for prefix in ('ansible.builtin.', 'ansible.legacy.'):
            if name.startswith(prefix):
                name = name[len(prefix):]
        if '.' in name:
            return None
        try:
            return getattr(importlib.import_module('%s.%s' % (self.package, name)), self.class_name, None)
        except ImportError:
            return None

    def get_with_context(self, name, *args, **kwargs):
        v = self.get(name, *args, **kwargs)
        return _Result(v, PluginLoadContext(name, getattr(v, '_original_path', None)))

    def get(self, name, *args, **kwargs):
        class_only = kwargs.pop('class_only', False)
        collections = kwargs.pop('collection_list', None)
        found = self._find(name, collections)
        if found['path'] and self.type != 'module':
            cls = files.load_class(self.type, found['path'], found['name'], found['collection'])
        else:
            cls = self._builtin(found['name'] or name)
            if cls is None and self.type == 'action':
                from ansible.plugins.action import NativeAction
                if link.ask('native', kind='action', name=name):
                    cls = type('ActionModule', (NativeAction,), {'native_name': name})
            if cls is None:
                return None
        if class_only:
            return cls
        return cls(*args, **kwargs)

    def all(self, *args, **kwargs):
        class_only, path_only = kwargs.pop('class_only', False), kwargs.pop('path_only', False)
        kwargs.pop('_dedupe', None)
        for found in link.ask('find_all', kind=self.type):
            if path_only:
                yield found['path']
                continue
            cls = files.load_class(self.type, found['path'], found['name'], found['collection'])
            yield cls if class_only else cls(*args, **kwargs)

    def add_directory(self, directory, with_subdir=False):
        self._extra.append(os.path.join(directory, self.subdir) if with_subdir else directory)

    def print_paths(self):
        return os.pathsep.join(self._extra)

    def _get_paths(self, subdirs=True):
        return self._extra


class _Result(tuple):
    """(object, plugin_load_context)"""

    def __new__(cls, obj, context):
        return super().__new__(cls, (obj, context))

    object = property(lambda self: self[0])
    plugin_load_context = property(lambda self: self[1])


get_with_context_result = _Result
action_loader = PluginLoader('action')
cache_loader = PluginLoader('cache')
callback_loader = PluginLoader('callback')
connection_loader = PluginLoader('connection')
shell_loader = PluginLoader('shell')
module_loader = PluginLoader('module', 'library')
module_utils_loader = PluginLoader('module_utils', 'module_utils')
lookup_loader = PluginLoader('lookup')
filter_loader = PluginLoader('filter')
test_loader = PluginLoader('test')
fragment_loader = PluginLoader('doc_fragments')
strategy_loader = PluginLoader('strategy')
terminal_loader = PluginLoader('terminal')
vars_loader = PluginLoader('vars')
cliconf_loader = PluginLoader('cliconf')
netconf_loader = PluginLoader('netconf')
inventory_loader = PluginLoader('inventory')
httpapi_loader = PluginLoader('httpapi')
become_loader = PluginLoader('become')


def get_all_plugin_loaders():
    return [(k, v) for k, v in globals().items() if isinstance(v, PluginLoader)]


def add_all_plugin_dirs(path):
    for _unused, one in get_all_plugin_loaders():
        d = os.path.join(path, one.subdir)
        if os.path.isdir(d):
            one.add_directory(d)


def add_dirs_to_loader(which_loader, paths):
    for p in paths:
        globals()[which_loader + '_loader'].add_directory(p, with_subdir=True)


def init_plugin_loader(prefix_collections_path=None):
    pass


def get_shell_plugin(shell_type=None, executable=None):
    from ansible.plugins.shell.sh import ShellModule
    shell = ShellModule()
    if executable:
        shell.executable = executable
    return shell


def get_plugin_class(obj):
    from ansible.plugins import get_plugin_class as f
    return f(obj)


