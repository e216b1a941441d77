# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""The names of six that modules use, on Python 3."""
import builtins
import functools
import io
import operator
import sys
import types

__version__ = '1.16.0'
PY2 = False
PY3 = True
PY34 = True
string_types = (str,)
integer_types = (int,)
class_types = (type,)
text_type = str
binary_type = bytes
MAXSIZE = sys.maxsize
StringIO = io.StringIO
BytesIO = io.BytesIO
unichr = chr
int2byte = operator.methodcaller('to_bytes', 1, 'big')
byte2int = operator.itemgetter(0)
indexbytes = operator.getitem
iterbytes = iter
next = advance_iterator = builtins.next
callable = builtins.callable
wraps = functools.wraps
exec_ = builtins.exec
print_ = builtins.print


def iteritems(d, **kw):
    return iter(d.items(**kw))


def iterkeys(d, **kw):
    return iter(d.keys(**kw))


def itervalues(d, **kw):
    return iter(d.values(**kw))


def iterlists(d, **kw):
    return iter(d.lists(**kw))


viewkeys = operator.methodcaller('keys')
viewvalues = operator.methodcaller('values')
viewitems = operator.methodcaller('items')
get_method_function = operator.attrgetter('__func__')
get_method_self = operator.attrgetter('__self__')
get_function_closure = operator.attrgetter('__closure__')
get_function_code = operator.attrgetter('__code__')
get_function_defaults = operator.attrgetter('__defaults__')
get_function_globals = operator.attrgetter('__globals__')


def b(s):
    return s.encode('latin-1')


def u(s):
    return s


def ensure_binary(s, encoding='utf-8', errors='strict'):
    if isinstance(s, bytes):
        return s
    if isinstance(s, str):
        return s.encode(encoding, errors)
    raise TypeError("not expecting type '%s'" % type(s))


def ensure_text(s, encoding='utf-8', errors='strict'):
    if isinstance(s, bytes):
        return s.decode(encoding, errors)
    if isinstance(s, str):
        return s
    raise TypeError("not expecting type '%s'" % type(s))


ensure_str = ensure_text


def reraise(tp, value, tb=None):
    if value is None:
        value = tp()
    raise value.with_traceback(tb)


def raise_from(value, from_value):
    raise value from from_value


def with_metaclass(meta, *bases):
    class Temporary(type):
        def __new__(cls, name, this_bases, d):
            return meta(name, bases, d)

        @classmethod
        def __prepare__(cls, name, this_bases):
            return meta.__prepare__(name, bases)
    return type.__new__(Temporary, 'temporary_class', (), {})


def add_metaclass(metaclass):
    def wrapper(cls):
        body = dict(cls.__dict__)
        body.pop('__dict__', None)
        body.pop('__weakref__', None)
        return metaclass(cls.__name__, cls.__bases__, body)
    return wrapper


def python_2_unicode_compatible(cls):
    return cls


def create_bound_method(func, obj):
    return types.MethodType(func, obj)


class Iterator(object):
    def next(self):
        return self.__next__()


_MOVED = {
    'builtins': 'builtins', 'configparser': 'configparser', 'copyreg': 'copyreg', 'html_entities': 'html.entities', 'html_parser': 'html.parser',
    'http_client': 'http.client', 'http_cookies': 'http.cookies', 'http_cookiejar': 'http.cookiejar', 'queue': 'queue', 'reprlib': 'reprlib',
    'socketserver': 'socketserver', 'xmlrpc_client': 'xmlrpc.client', 'cPickle': 'pickle', 'email_mime_text': 'email.mime.text',
    'email_mime_multipart': 'email.mime.multipart', '_thread': '_thread', 'BaseHTTPServer': 'http.server', 'SimpleHTTPServer': 'http.server',
    'collections_abc': 'collections.abc', 'urllib_parse': 'urllib.parse', 'urllib_error': 'urllib.error', 'urllib_request': 'urllib.request',
}
_FROM = {
    'range': range, 'xrange': range, 'filter': filter, 'map': map, 'zip': zip, 'input': input, 'intern': sys.intern, 'StringIO': io.StringIO, 'cStringIO': io.StringIO,
    'reduce': functools.reduce, 'getcwd': __import__('os').getcwd, 'getcwdb': __import__('os').getcwdb,
}


class _Moves(types.ModuleType):
    """Old module names; imported when used."""
    __path__ = []

    def __getattr__(self, name):
        import importlib
        if name in _FROM:
            return _FROM[name]
        if name in _MOVED:
            return importlib.import_module(_MOVED[name])
        if name == 'reload_module':
            return importlib.reload
        if name == 'shlex_quote':
            import shlex
            return shlex.quote
        if name in ('filterfalse', 'zip_longest'):
            import itertools
            return getattr(itertools, name)
        if name in ('UserDict', 'UserList', 'UserString'):
            import collections
            return getattr(collections, name)
        if name == 'urllib':
            import urllib.error
            import urllib.parse
            import urllib.request
            return urllib
        raise AttributeError(name)


class _Finder(object):
    """Makes "import ansible.module_utils.six.moves.x" work."""
    prefix = __name__ + '.moves'

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        import importlib.machinery
        if name == cls.prefix or name.startswith(cls.prefix + '.'):
            return importlib.machinery.ModuleSpec(name, cls, is_package=True)
        return None

    @classmethod
    def create_module(cls, spec):
        import importlib
        if spec.name == cls.prefix:
            return moves
        name = spec.name[len(cls.prefix) + 1:]
        try:
            found = importlib.import_module(_MOVED.get(name, name.replace('urllib.robotparser', 'urllib.robotparser')))
        except ImportError:
            raise ImportError("No module named '%s'" % spec.name)
        copy = types.ModuleType(spec.name)
        copy.__dict__.update((k, v) for k, v in found.__dict__.items() if not k.startswith('__'))
        return copy

    @classmethod
    def exec_module(cls, module):
        pass


moves = _Moves(__name__ + '.moves')
sys.meta_path.append(_Finder)
sys.modules[__name__ + '.moves'] = moves
