"""What tasks, plays and roles share."""
import copy


class Base:
    """Keywords are attributes; those that were not given are None."""

    _fields = {}

    def __init__(self, **fields):
        self.__dict__.update(fields)

    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)
        fields = type(self)._fields
        if name in fields:
            v = fields[name]
            v = copy.copy(v) if isinstance(v, (list, dict)) else v
            self.__dict__[name] = v
            return v
        raise AttributeError('%r object has no attribute %r' % (type(self).__name__, name))

    def get_name(self, *args, **kwargs):
        return self.name

    def copy(self, *args, **kwargs):
        n = copy.copy(self)
        for k, v in n.__dict__.items():
            if isinstance(v, (list, dict)):
                n.__dict__[k] = v.copy()
        return n

    def get_ds(self):
        return self._ds

    def get_path(self):
        return self._path

    def get_dep_chain(self):
        return []

    def get_loader(self):
        return self._loader

    def dump_attrs(self):
        return {k: getattr(self, k) for k in type(self)._fields if not k.startswith('_')}

    def serialize(self):
        return self.dump_attrs()

    def get_vars(self):
        return dict(self.vars or {})

    def post_validate(self, templar):
        pass

    def squash(self):
        pass

    def set_loader(self, loader):
        self._loader = loader


COMMON = {
    'name': '', 'vars': {}, 'environment': [], 'no_log': False, 'run_once': False, 'ignore_errors': False, 'ignore_unreachable': False,
    'check_mode': False, 'diff': False, 'any_errors_fatal': False, 'throttle': 0, 'timeout': 0, 'debugger': None, 'become': False,
    'become_method': None, 'become_user': None, 'become_flags': None, 'become_exe': None, 'connection': None, 'port': None, 'remote_user': None,
    'module_defaults': [], 'collections': [], 'tags': [], 'when': [], '_ds': None, '_path': '', '_loader': None, '_variable_manager': None,
    '_uuid': '', '_parent': None, '_role': None, '_play': None,
}
