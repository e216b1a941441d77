"""Objects that live in Troupe: variables of a task, hostvars, and whatever else a template can hold."""

import collections.abc

from troupe_host import link, wire


class RemoteObject:
    """Something that only Troupe knows. Its attributes are asked for."""

    def __init__(self, number, type_name, text):
        self._number, self._type, self._text = number, type_name, text

    def __str__(self):
        return self._text

    def __repr__(self):
        return self._text

    def _troupe_wire(self):
        return {wire.TAG + 'o': {'id': self._number}}


class RemoteMapping(RemoteObject, collections.abc.Mapping):
    """A mapping that is computed when it is read (hostvars). What was read, or set by the plugin, stays as it is."""

    def __init__(self, number, type_name, text):
        super().__init__(number, type_name, text)
        self._read = {}

    def __getitem__(self, key):
        if key in self._read:
            return self._read[key]
        found = link.ask('item', id=self._number, key=key)
        if not found['ok']:
            raise KeyError(key)
        self._read[key] = found['v']
        return found['v']

    def __setitem__(self, key, v):
        self._read[key] = v

    def __contains__(self, key):
        return key in self.keys()

    def keys(self):
        return link.ask('keys', id=self._number)

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.keys())

    def raw_get(self, host):
        return self.get(host)

    def copy(self):
        return {k: self[k] for k in self}

    def set_variable_manager(self, m):
        pass

    def set_inventory(self, i):
        pass


class TaskVars(dict):
    """The variables of a task, fetched one by one. What a plugin sets lies on top and stays here."""

    def __init__(self, scope=None, over=None, gone=None):
        super().__init__(over or {})
        self._scope = scope
        self._set = set(over or ())
        self._gone = set(gone or ())
        self._all = False

    def _fetch(self, key):
        found = link.ask('raw', name=key) if isinstance(key, str) else {'ok': False}
        if not found['ok']:
            return False
        dict.__setitem__(self, key, found['v'])
        return True

    def __missing__(self, key):
        if key in self._gone or self._all or not self._fetch(key):
            raise KeyError(key)
        return dict.__getitem__(self, key)

    def __contains__(self, key):
        return dict.__contains__(self, key) or (key not in self._gone and not self._all and self._fetch(key))

    def get(self, key, default=None):
        try:
            return self[key]
        except KeyError:
            return default

    def _load(self):
        if self._all:
            return
        for k, v in link.ask('raws').items():
            if not dict.__contains__(self, k) and k not in self._gone:
                dict.__setitem__(self, k, v)
        self._all = True

    def __iter__(self):
        self._load()
        return dict.__iter__(self)

    def __len__(self):
        self._load()
        return dict.__len__(self)

    def __bool__(self):
        return True

    def keys(self):
        self._load()
        return dict.keys(self)

    def values(self):
        self._load()
        return dict.values(self)

    def items(self):
        self._load()
        return dict.items(self)

    def __setitem__(self, key, v):
        dict.__setitem__(self, key, v)
        self._set.add(key)
        self._gone.discard(key)

    def __delitem__(self, key):
        if key not in self:
            raise KeyError(key)
        dict.__delitem__(self, key)
        self._set.discard(key)
        self._gone.add(key)

    def pop(self, key, *default):
        try:
            v = self[key]
        except KeyError:
            if default:
                return default[0]
            raise
        del self[key]
        return v

    def setdefault(self, key, default=None):
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args, **kw):
        for k, v in dict(*args, **kw).items():
            self[k] = v

    def copy(self):
        n = TaskVars(self._scope, {k: dict.__getitem__(self, k) for k in self._set}, self._gone)
        return n

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def __reduce__(self):
        return dict, (dict(self.items()),)

    def __eq__(self, other):
        return self is other or dict(self.items()) == other

    __hash__ = None

    def _troupe_wire(self):
        return {wire.TAG + 'scope': wire.pack({k: dict.__getitem__(self, k) for k in self._set})}
