"""Templates are rendered by Troupe; this is how plugins ask for it."""
import contextlib

from ansible.errors import AnsibleError, AnsibleUndefinedVariable  # noqa: F401
from troupe_host import link, wire

try:
    from jinja2 import StrictUndefined as _Undefined
    from jinja2.exceptions import UndefinedError
except ImportError:
    class UndefinedError(Exception):
        """Stands for jinja2's."""

    class _Undefined:
        """Stands for jinja2's StrictUndefined."""

        def __init__(self, hint=None, obj=None, name=None, exc=UndefinedError):
            self._undefined_hint, self._undefined_obj, self._undefined_name, self._undefined_exception = hint, obj, name, exc

        def _fail_with_undefined_error(self, *args, **kwargs):
            raise self._undefined_exception(self._undefined_hint or "'%s' is undefined" % self._undefined_name)

        __str__ = __iter__ = __len__ = __eq__ = __ne__ = __bool__ = __hash__ = __contains__ = _fail_with_undefined_error
        __add__ = __radd__ = __sub__ = __mul__ = __int__ = __float__ = __call__ = _fail_with_undefined_error


class AnsibleUndefined(_Undefined):
    """Something that does not exist. An attribute of it is itself."""

    def __getattr__(self, name):
        if name[:2] == '__':
            raise AttributeError(name)
        if name == '_undefined_message':
            return self._undefined_hint or "'%s' is undefined" % self._undefined_name
        return self

    def __getitem__(self, key):
        return self

    def __repr__(self):
        return 'AnsibleUndefined(hint={0!r}, obj={1!r}, name={2!r})'.format(self._undefined_hint, self._undefined_obj, self._undefined_name)

    def __contains__(self, item):
        self._fail_with_undefined_error()


def make_undefined(hint, name):
    return AnsibleUndefined(hint=hint, name=name)


def is_possibly_template(data, jinja_env=None):
    return isinstance(data, str) and wire.is_template(data)


is_template = is_possibly_template


def generate_ansible_template_vars(path, fullpath=None, dest_path=None):
    import datetime
    import os
    import pwd
    p = os.path.abspath(fullpath or path)
    try:
        uid = pwd.getpwuid(os.stat(p).st_uid).pw_name
    except (KeyError, OSError):
        uid = 0
    v = {
        'template_host': os.uname()[1], 'template_path': path, 'template_mtime': datetime.datetime.fromtimestamp(os.path.getmtime(p)),
        'template_uid': uid, 'template_run_date': datetime.datetime.now(), 'template_destpath': dest_path, 'template_fullpath': p,
        'ansible_managed': 'Ansible managed',
    }
    return v


class _Filters(dict):
    """The filters of the environment: each is run by Troupe."""

    def __init__(self, op):
        super().__init__()
        self._op = op

    def __missing__(self, name):
        def call(value, *args, **kw):
            return link.ask(self._op, name=name, args=[value] + list(args), kw=kw)
        call.__name__ = name
        return call

    def __contains__(self, name):
        return link.ask('exists', kind=self._op, name=name)

    def get(self, name, default=None):
        return self[name] if name in self else default


class Environment:
    """What filters that ask for the environment get."""

    undefined = AnsibleUndefined
    block_start_string, block_end_string = '{%', '%}'
    variable_start_string, variable_end_string = '{{', '}}'
    comment_start_string, comment_end_string = '{#', '#}'
    trim_blocks, newline_sequence, keep_trailing_newline = True, '\n', False
    autoescape = False
    sandboxed = False

    def __init__(self, templar=None):
        self.filters = _Filters('filter')
        self.tests = _Filters('test')
        self.globals = {}
        self._templar = templar

    def call_filter(self, name, value, args=None, kwargs=None, context=None, eval_ctx=None):
        return link.ask('filter', name=name, args=[value] + list(args or ()), kw=dict(kwargs or {}))

    def call_test(self, name, value, args=None, kwargs=None, context=None, eval_ctx=None):
        return link.ask('test', name=name, args=[value] + list(args or ()), kw=dict(kwargs or {}))

    def getitem(self, obj, argument):
        try:
            return obj[argument]
        except (AttributeError, TypeError, LookupError):
            if isinstance(argument, str):
                with contextlib.suppress(AttributeError):
                    return getattr(obj, argument)
        return AnsibleUndefined(obj=obj, name=argument)

    def getattr(self, obj, attribute):
        try:
            return getattr(obj, attribute)
        except AttributeError:
            pass
        try:
            return obj[attribute]
        except (TypeError, LookupError, AttributeError):
            return AnsibleUndefined(obj=obj, name=attribute)

    def from_string(self, source, globals=None, template_class=None):
        return _Template(source)

    def compile_expression(self, source, undefined_to_none=True):
        return lambda **kw: Templar(variables=kw).template('{{ %s }}' % source)


class _Template:
    def __init__(self, source):
        self._source = source

    def render(self, *args, **kw):
        return Templar(variables=dict(*args, **kw)).do_template(self._source, convert_data=False)


class Context:
    """What filters that ask for the context get: names of the running template."""

    def __init__(self):
        self.environment = Environment()
        self.eval_ctx = self
        self.vars = self.exported_vars = {}
        self.autoescape = False
        self.volatile = False
        self.name = None

    @property
    def parent(self):
        from troupe_host.remote import TaskVars
        return TaskVars()

    def resolve_or_missing(self, key):
        found = link.ask('var', name=key)
        return found['v'] if found['ok'] else AnsibleUndefined(name=key)

    resolve = resolve_or_missing

    def __getitem__(self, key):
        found = link.ask('var', name=key)
        if not found['ok']:
            raise KeyError(key)
        return found['v']

    def get(self, key, default=None):
        found = link.ask('var', name=key)
        return found['v'] if found['ok'] else default

    def __contains__(self, key):
        return link.ask('var', name=key)['ok']

    def get_all(self):
        return self.parent

    def keys(self):
        return self.parent.keys()

    def items(self):
        return [(k, self[k]) for k in self.keys()]

    def call(self, f, *args, **kw):
        return f(*args, **kw)


class Templar:
    """Renders templates with the variables of the task, or with those that it is given."""

    def __init__(self, loader=None, variables=None):
        self._loader = loader
        self._available_variables = variables
        self._fail_on_undefined_errors = True
        self.environment = Environment(self)
        self.cur_context = None

    @property
    def jinja2_native(self):
        from ansible import constants as C
        return C.DEFAULT_JINJA2_NATIVE

    @property
    def available_variables(self):
        if self._available_variables is None:
            from troupe_host.remote import TaskVars
            self._available_variables = TaskVars()
        return self._available_variables

    @available_variables.setter
    def available_variables(self, v):
        if not hasattr(v, 'keys'):
            from ansible.errors import AnsibleAssertionError
            raise AnsibleAssertionError("the type of 'variables' should be a Mapping but was a %s" % type(v))
        self._available_variables = v

    set_available_variables = available_variables.fset

    @property
    def basedir(self):
        return self._loader.get_basedir() if self._loader else './'

    def copy_with_new_env(self, environment_class=None, **kwargs):
        n = Templar(self._loader, kwargs.pop('available_variables', self._available_variables))
        for k, v in kwargs.items():
            setattr(n, k, v)
        return n

    @contextlib.contextmanager
    def set_temporary_context(self, **kwargs):
        before = self._available_variables
        search = kwargs.pop('searchpath', None)
        if 'available_variables' in kwargs:
            self._available_variables = kwargs.pop('available_variables')
        self._overrides = dict(kwargs)
        self._searchpath = search
        try:
            yield
        finally:
            self._available_variables = before
            self._overrides, self._searchpath = {}, None

    _overrides = {}
    _searchpath = None

    def template(self, variable, convert_bare=False, preserve_trailing_newlines=True, escape_backslashes=True, fail_on_undefined=None,
                 overrides=None, convert_data=True, static_vars=None, cache=None, disable_lookups=False):
        if convert_bare and isinstance(variable, str) and not wire.is_template(variable):
            name = variable.split('.')[0].split('[')[0].split('|')[0].strip()
            if name in self.available_variables:
                variable = '{{%s}}' % variable
        if not _may_change(variable):
            return variable
        if static_vars and isinstance(variable, dict):
            return {k: v if k in static_vars else self.template(v, fail_on_undefined=fail_on_undefined) for k, v in variable.items()}
        o = dict(self._overrides)
        o.update(overrides or {})
        return link.ask('template', value=variable, variables=self._available_variables, convert=convert_data, whole=False,
                        strict=True if fail_on_undefined is None else bool(fail_on_undefined), overrides=o)

    def do_template(self, data, preserve_trailing_newlines=True, escape_backslashes=True, fail_on_undefined=None, overrides=None,
                    disable_lookups=False, convert_data=False, cache=None):
        o = dict(self._overrides)
        o.update(overrides or {})
        return link.ask('template', value=data, variables=self._available_variables, convert=convert_data, whole=True, strict=fail_on_undefined is not False,
                        overrides=o, searchpath=self._searchpath)

    def is_template(self, data):
        if isinstance(data, str):
            return wire.is_template(data)
        if isinstance(data, dict):
            return any(self.is_template(e) for kv in data.items() for e in kv)
        if isinstance(data, (list, tuple)):
            return any(self.is_template(e) for e in data)
        return False

    templatable = is_possibly_template = is_template

    def _contains_vars(self, data):
        return wire.is_template(data)

    def _lookup(self, name, *args, **kwargs):
        want = kwargs.pop('wantlist', False)
        kwargs.pop('errors', None)
        got = link.ask('lookup', name=name, terms=list(args), options=kwargs)
        if want:
            return got
        if got and all(isinstance(e, str) for e in got):
            return ','.join(got)
        return got[0] if len(got) == 1 else got

    def _query_lookup(self, name, *args, **kwargs):
        kwargs['wantlist'] = True
        return self._lookup(name, *args, **kwargs)


def _may_change(v):
    if isinstance(v, str):
        return not getattr(v, '__UNSAFE__', False) and wire.is_template(v)
    if isinstance(v, dict):
        return any(_may_change(e) for e in v.values())
    if isinstance(v, (list, tuple)):
        return any(_may_change(e) for e in v)
    return not (v is None or isinstance(v, (bool, int, float, bytes)))


class AnsibleEnvironment(Environment):
    """The name that some plugins ask for."""


AnsibleNativeEnvironment = AnsibleEnvironment
AnsibleContext = Context
USE_JINJA2_NATIVE = False
JINJA2_OVERRIDE = '#jinja2:'
