"""What Troupe may call: one function for each operation."""

import os
import sys

from troupe_host import link, state, wire

_functions = {}  # (kind, name) → function
_loader = None


def loader():
    global _loader
    if _loader is None:
        from ansible.parsing.dataloader import DataLoader
        _loader = DataLoader()
    return _loader


def hello(verbosity=0, columns=0, debug=False, cliargs=None, basedir='', collections=(), prog='ansible-playbook', kind=''):
    """The first call: what the process has to know."""
    state.verbosity, state.columns, state.debug, state.basedir = verbosity, columns, debug, basedir
    state.cliargs = cliargs or {}
    sys.argv = [prog]
    from troupe_host import files, packages as finder
    finder.install(list(collections))
    if not any(isinstance(f, files.Builtin) for f in sys.meta_path):
        sys.meta_path.append(files.Builtin())
    ctx = sys.modules.get('ansible.context')
    if ctx is not None:
        ctx.refresh()
    return {'version': list(sys.version_info[:3]), 'pid': os.getpid()}


def functions(kind, paths, collection=''):
    """Loads files of filters or tests and tells the names that each adds. A file that cannot be loaded is told as an error."""
    from troupe_host import files
    out = []
    for path in paths:
        try:
            module = files.load_module(kind, path, '', collection)
            cls = getattr(module, files.CLASSES[kind], None)
            names = getattr(cls(), kind + 's')() if cls is not None else {}
        except Exception as e:
            out.append({'path': path, 'names': [], 'error': str(e) if isinstance(e, ImportError) else '%s' % e})
            continue
        for name, f in names.items():
            _functions[kind, path, name] = f
        out.append({'path': path, 'names': list(names), 'error': None})
    return out


def function(kind, path, name, args, kw=None):
    """Runs a filter or test."""
    f = _functions[kind, path, name]
    wants = getattr(f, 'jinja_pass_arg', None)
    if wants is not None:
        from ansible.template import Context
        ctx = Context()
        args = [{'context': ctx, 'eval_context': ctx, 'environment': ctx.environment}.get(getattr(wants, 'name', ''), ctx)] + list(args)
    return f(*args, **(kw or {}))


def templar(variables=None):
    from ansible.template import Templar
    return Templar(loader=loader(), variables=variables)


def lookup(path, name, terms, options, collection=''):
    """Runs a lookup."""
    from troupe_host import files
    from troupe_host.remote import TaskVars
    cls = files.load_class('lookup', path, name, collection)
    variables = TaskVars()
    plugin = cls(loader=loader(), templar=templar(variables))
    got = plugin.run(terms, variables=variables, **options)
    if isinstance(got, (list, tuple)):
        return list(got)
    from ansible.utils.display import Display
    Display().deprecated("The lookup plugin '%s' was expected to return a list, got '%s' instead. The lookup plugin '%s' needs to be changed to return a list." % (
        name, type(got), name), version='2.18')
    return got if isinstance(got, (str, bytes, dict)) or not hasattr(got, '__iter__') else list(got)


def attribute(id, name):
    """An attribute of an object that stayed here."""
    v = wire.kept(id)
    if name.startswith('_') or not hasattr(v, name):
        return {'ok': False}
    return {'ok': True, 'v': getattr(v, name)}


def invoke(id, args, kw=None):
    """Calls an object that stayed here."""
    return wire.kept(id)(*args, **(kw or {}))


def fragment(path, name, collection='', attr='DOCUMENTATION'):
    """The text of a fragment of documentation."""
    from troupe_host import files
    cls = files.load_class('doc_fragments', path, name, collection)
    return getattr(cls, attr, '') or ''


def documentation(kind, path, name='', collection=''):
    """The documentation of a plugin, as its file says."""
    from troupe_host import files
    return getattr(files.load_module(kind, path, name, collection), 'DOCUMENTATION', '') or ''


def _later(module, name):
    def call(**args):
        import importlib
        return getattr(importlib.import_module('troupe_host.' + module), name)(**args)
    return call


HANDLERS = {
    'hello': hello, 'functions': functions, 'function': function, 'lookup': lookup, 'attribute': attribute, 'invoke': invoke,
    'fragment': fragment, 'documentation': documentation,
    'action': _later('actions', 'run'),
    'callback_load': _later('callbacks', 'load'), 'callback': _later('callbacks', 'event'),
    'vars_load': _later('sources', 'vars_load'), 'vars': _later('sources', 'vars_get'),
    'inventory_verify': _later('sources', 'verify'), 'inventory': _later('sources', 'parse'),
    'cache': _later('sources', 'cache'),
    'connection': _later('connections', 'use'), 'become': _later('becomes', 'become'),
}
