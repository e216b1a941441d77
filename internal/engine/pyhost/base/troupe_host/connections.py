"""Connections that are plugins: one object for each task on each host."""

import threading

from troupe_host import files

_lock = threading.Lock()
_open = {}  # host → (key, connection)

FAMILIES = {'powershell': 'powershell', 'cmd': 'cmd', 'csh': 'csh', 'fish': 'fish'}


def _make(info, context):
    from troupe_host import link
    from troupe_host.actions import Become
    from troupe_host.remote import TaskVars
    p = info['plugin']
    with _lock:
        known = _open.get(info['host_key'])
    if known is not None and known[0] == info['key']:
        conn = known[1]
    else:
        if known is not None:
            close_quietly(known[1])
        cls = files.load_class('connection', p['path'], p['name'], p['collection'])
        conn = cls(context, '/dev/null')
        with _lock:
            _open[info['host_key']] = (info['key'], conn)
        conn.set_options(task_keys=info['keywords'], var_options=TaskVars())
    kind = link.ask('var', name='ansible_shell_type')
    kind = kind['v'] if kind['ok'] else getattr(conn, '_shell_type', None)
    conn._shell.SHELL_FAMILY = FAMILIES.get(kind, 'sh')
    conn._shell._IS_WINDOWS = kind in ('powershell', 'cmd')
    conn._play_context = context
    conn.set_become_plugin(Become(info['become']) if info['become'] else None)
    conn.update_vars(TaskVars())
    return conn


def close_quietly(conn):
    try:
        conn.close()
    except Exception:
        pass


class Wrapped:
    """A connection whose commands become the task's user."""

    def __init__(self, conn):
        self.__dict__['_conn'] = conn

    def __getattr__(self, name):
        return getattr(self._conn, name)

    def __setattr__(self, name, v):
        setattr(self._conn, name, v)

    def exec_command(self, cmd, in_data=None, sudoable=True):
        from troupe_host import link
        if sudoable and self._conn.become is not None:
            cmd = link.ask('become', cmd=cmd)
        return _exec(self._conn, cmd, in_data, sudoable)


def _exec(conn, cmd, in_data, sudoable):
    if not getattr(conn, '_connected', True):
        conn._connect()
    got = conn.exec_command(cmd, in_data=in_data, sudoable=sudoable)
    rc, out, err = got if got is not None else (0, b'', b'')
    return rc or 0, out.encode() if isinstance(out, str) else out or b'', err.encode() if isinstance(err, str) else err or b''


def for_task(info, context):
    """The connection of a task, for its action."""
    return Wrapped(_make(info, context))


def use(info, context, op, **args):
    """Uses a task's connection: exec, put, fetch, reset."""
    from ansible.playbook.play_context import PlayContext
    conn = _make(info, PlayContext(**context))
    if op == 'open':
        return None
    if op == 'exec':
        rc, out, err = _exec(conn, args['cmd'], args.get('data'), args['sudoable'])
        return {'rc': rc, 'stdout': out.decode('utf-8', 'replace'), 'stderr': err.decode('utf-8', 'replace')}
    if not getattr(conn, '_connected', True):
        conn._connect()
    if op == 'put':
        conn.put_file(args['source'], args['dest'])
    elif op == 'fetch':
        conn.fetch_file(args['source'], args['dest'])
    elif op == 'reset':
        conn.reset()
        with _lock:
            _open.pop(info['host_key'], None)
    return None
