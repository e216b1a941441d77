# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Running a module again under another interpreter, for bindings that only the system's Python has."""
import os
import subprocess
import sys

from ansible.module_utils.common.text.converters import to_bytes

_respawned = 'TROUPE_MODULE_RESPAWNED'


def has_respawned():
    """Is this the second run?"""
    return _respawned in os.environ


def probe_interpreters_for_module(interpreter_paths, module_name):
    """The first interpreter that can import a module, or None."""
    for path in interpreter_paths:
        if not os.path.exists(path):
            continue
        try:
            if subprocess.call([path, '-c', 'import %s' % module_name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0:
                return path
        except OSError:
            continue
    return None


def respawn_module(interpreter_path):
    """Ends this run with that of another interpreter."""
    if has_respawned():
        raise Exception('module has already been respawned')
    import json
    main = sys.modules['__main__']
    source = getattr(main, '__troupe_source__', None)
    if source is None:
        with open(main.__file__, encoding='utf-8') as f:
            source = f.read()
    sources = {}
    for finder in sys.meta_path:
        if hasattr(finder, 'sources') and hasattr(finder, 'packages'):
            sources.update((n + '.__init__' if n in finder.packages else n, s) for n, s in finder.sources.items())
    from ansible.module_utils import basic
    program = _PROGRAM + '\nrun(json.load(sys.stdin))\n'
    body = json.dumps({'sources': sources, 'source': source, 'file': main.__file__, 'package': main.__package__, 'args': to_bytes(basic._ANSIBLE_ARGS).decode('utf-8', 'surrogateescape')})
    env = dict(os.environ)
    env[_respawned] = '1'
    p = subprocess.Popen([interpreter_path, '-c', program], stdin=subprocess.PIPE, env=env)
    p.communicate(to_bytes(body))
    sys.stdout.flush()
    os._exit(p.returncode)


_PROGRAM = '''
import importlib.abc, importlib.machinery, json, sys, types


class Library(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def __init__(self, modules):
        self.packages = set(n[:-9] for n in modules if n.endswith('.__init__'))
        self.sources = dict((n[:-9] if n.endswith('.__init__') else n, s) for n, s in modules.items())

    def find_spec(self, name, path=None, target=None):
        if name in self.sources:
            return importlib.machinery.ModuleSpec(name, self, origin=name, is_package=name in self.packages)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__file__ = '<troupe>/' + module.__name__.replace('.', '/') + '.py'
        exec(compile(self.sources[module.__name__], module.__file__, 'exec'), module.__dict__)


def run(job):
    sys.meta_path.insert(0, Library(job['sources']))
    from ansible.module_utils import basic
    basic._ANSIBLE_ARGS = job['args'].encode('utf-8', 'surrogateescape')
    main = types.ModuleType('__main__')
    main.__file__ = job['file']
    main.__package__ = job['package']
    sys.modules['__main__'] = main
    exec(compile(job['source'], job['file'], 'exec'), main.__dict__)
'''
