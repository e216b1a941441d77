"""Running actions."""

from troupe_host import calls, files, link


class Become:
    """How the task becomes its user."""

    def __init__(self, options):
        self._options = options
        self.name = options.get('become_method')

    def get_option(self, option, hostvars=None, playcontext=None):
        return self._options.get(option)

    def get_options(self, hostvars=None):
        return dict(self._options)

    def set_option(self, k, v):
        self._options[k] = v


class Connection:
    """The task's connection: it belongs to Troupe."""

    force_persistence = False
    has_native_async = False
    has_pipelining = True
    has_tty = False
    always_pipeline_modules = False
    allow_extras = False
    module_implementation_preferences = ('',)
    allow_executable = True
    socket_path = None
    connected = True
    _connected = True
    _socket_path = None

    def __init__(self, info, play_context):
        from ansible.plugins.shell.sh import ShellModule
        self.transport = self._load_name = self.ansible_name = info['name']
        self.ansible_aliases = [info['name'], 'ansible.builtin.' + info['name']]
        self.host = info.get('host')
        self._options = dict(info['options'])
        self._given = {}
        self._play_context = play_context
        self._remote_is_local = info['local']
        self.become = Become(info['become']) if info['become'] else None
        self._shell = ShellModule()
        self._shell.get_option = self._shell_option
        self._shell._load_name = self._shell.ansible_name = 'sh'

    def _shell_option(self, option, hostvars=None):
        return link.ask('option', kind='shell', plugin='sh', path=None, option=option, variables={}, direct=None).get('v')

    def get_option(self, option, hostvars=None):
        if option in self._given:
            return self._given[option]
        found = link.ask('connection_option', option=option)
        if not found['ok']:
            if option in self._options:
                return self._options[option]
            raise KeyError('Requested entry (plugin_type: connection plugin: %s setting: %s ) was not defined in configuration.' % (self.transport, option))
        return found['v']

    def get_options(self, hostvars=None):
        return dict(self._options)

    def set_option(self, option, value):
        self._given[option] = value

    def set_options(self, task_keys=None, var_options=None, direct=None):
        self._given.update(direct or {})

    def has_option(self, option):
        return option in self._options

    def matches_name(self, names):
        return any(n in self.ansible_aliases for n in names)

    def exec_command(self, cmd, in_data=None, sudoable=True):
        got = link.ask('exec', cmd=cmd, sudoable=bool(sudoable))
        return got['rc'], got['stdout'].encode('utf-8', 'surrogateescape'), got['stderr'].encode('utf-8', 'surrogateescape')

    def put_file(self, in_path, out_path):
        link.ask('put', source=in_path, dest=out_path)

    def fetch_file(self, in_path, out_path):
        link.ask('get', source=in_path, dest=out_path)

    def _connect(self):
        return self

    def close(self):
        pass

    def reset(self):
        link.ask('reset')

    def update_vars(self, variables):
        pass

    def set_become_plugin(self, plugin):
        self.become = plugin


class SharedLoaders:
    """shared_loader_obj: the loaders of plugins."""

    def __getattr__(self, name):
        import ansible.plugins.loader
        return getattr(ansible.plugins.loader, name)


def run(path, name, collection, task, context, connection, args):
    """Runs an action plugin for a task."""
    from ansible.playbook.play_context import PlayContext
    from ansible.playbook.role import Role
    from ansible.playbook.task import Task
    from troupe_host.remote import TaskVars
    cls = files.load_class('action', path, name, collection)
    role = task.pop('_role', None)
    t = Task(args=args, **task)
    if role:
        t._role = Role(**role)
    pc = PlayContext(**context)
    conn = None
    if connection.get('plugin'):
        from troupe_host import connections
        conn = connections.for_task(connection, pc)
    else:
        conn = Connection(connection, pc)
    variables = TaskVars()
    plugin = cls(task=t, connection=conn, play_context=pc, loader=calls.loader(), templar=calls.templar(variables), shared_loader_obj=SharedLoaders())
    try:
        result = plugin.run(task_vars=variables)
    finally:
        tmp = conn._shell.tmpdir
        if tmp and '-tmp-' in tmp:
            try:
                plugin._remove_tmp_path(tmp)
            except Exception:
                pass
    if not isinstance(result, dict):
        raise TypeError("%r action plugin gave %s instead of a dictionary" % (name, type(result).__name__))
    _travels(result)
    return result


def _travels(v, depth=0):
    """A result is copied between processes: what cannot be copied is an error."""
    import types
    if isinstance(v, dict):
        for e in v.values():
            _travels(e, depth + 1)
    elif isinstance(v, (list, tuple)):
        for e in v:
            _travels(e, depth + 1)
    elif hasattr(v, '_undefined_hint') or isinstance(v, (types.ModuleType, types.GeneratorType, types.FunctionType)):
        raise TypeError("cannot pickle '%s' object" % type(v).__name__)
