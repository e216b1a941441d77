"""Callbacks: loading those that are wanted, and telling them what happens."""

import os
import traceback

from troupe_host import calls, files

_plugins = []
_tasks = {}
_hosts = {}
_play = None
METHODS = (
    'v2_playbook_on_start', 'v2_playbook_on_play_start', 'v2_playbook_on_no_hosts_matched', 'v2_playbook_on_no_hosts_remaining',
    'v2_playbook_on_task_start', 'v2_playbook_on_cleanup_task_start', 'v2_playbook_on_handler_task_start', 'v2_playbook_on_notify',
    'v2_playbook_on_include', 'v2_playbook_on_vars_prompt', 'v2_playbook_on_stats', 'v2_on_file_diff', 'v2_runner_on_start', 'v2_runner_on_ok',
    'v2_runner_on_failed', 'v2_runner_on_skipped', 'v2_runner_on_unreachable', 'v2_runner_on_async_poll', 'v2_runner_on_async_ok',
    'v2_runner_on_async_failed', 'v2_runner_item_on_ok', 'v2_runner_item_on_failed', 'v2_runner_item_on_skipped', 'v2_runner_retry',
)
# The older form of a method, which the base class calls.
OLDER = {m: m[3:] for m in METHODS}
OLDER['v2_on_file_diff'] = 'on_file_diff'


def _wants(plugin, method):
    from ansible.plugins.callback import CallbackBase
    for name in (method, OLDER[method]):
        base = getattr(CallbackBase, name, None)
        if name in getattr(plugin, '__dict__', {}) or base is not None and getattr(type(plugin), name, None) is not base:
            return True
    return False


def load(candidates, enabled):
    """Loads callbacks. A candidate says whether it is the one for standard output, was asked for by name, or just lies there."""
    from ansible.utils.display import Display
    display = Display()
    problems, stdout, shows = [], False, Display.display
    for c in candidates:
        name = c['name'] or os.path.splitext(os.path.basename(c['path']))[0]
        try:
            cls = files.load_class('callback', c['path'], name, c['collection'])
        except Exception as e:
            if c['role'] == 'stdout':
                problems.append('Could not load \'%s\' callback plugin: %s' % (name, e))
            else:
                display.warning("Skipping callback plugin '%s', cannot load: %s" % (name, e))
            continue
        kind = getattr(cls, 'CALLBACK_TYPE', '')
        if c['role'] == 'adjacent':
            if kind == 'stdout':
                continue
            needs = getattr(cls, 'CALLBACK_NEEDS_ENABLED', getattr(cls, 'CALLBACK_NEEDS_WHITELIST', False))
            if needs and name not in enabled and getattr(cls, 'CALLBACK_NAME', name) not in enabled:
                continue
        elif c['role'] == 'enabled' and kind == 'stdout':
            continue
        try:
            plugin = cls()
            if hasattr(plugin, 'set_options'):
                plugin.set_options()
        except Exception as e:
            display.warning('Failed to load callback plugin %s: %s' % (name, e) if c['role'] == 'stdout' else "Skipping callback '%s', unable to load due to: %s" % (name, e))
            display.vvv(traceback.format_exc())
            if c['role'] == 'stdout':
                problems.append(str(e))
            continue
        if getattr(plugin, 'disabled', False):
            continue
        stdout = stdout or c['role'] == 'stdout'
        _plugins.append(plugin)
    wanted = set()
    for p in _plugins:
        from ansible.plugins.callback import CallbackBase
        if getattr(type(p), 'v2_on_any', None) is not CallbackBase.v2_on_any or 'v2_on_any' in p.__dict__ or \
                getattr(type(p), 'on_any', None) is not CallbackBase.on_any:
            wanted.update(METHODS)
        wanted.update(m for m in METHODS if _wants(p, m))
    if stdout and Display.display is not shows:
        wanted.add('words')
    return {'methods': sorted(wanted), 'problems': problems, 'stdout': stdout, 'count': len(_plugins)}


def _host(name):
    h = _hosts.get(name)
    if h is None:
        from ansible.inventory.host import RunHost
        h = _hosts[name] = RunHost(name)
    return h


def _task(t):
    if t is None:
        return None
    known = _tasks.get(t['_uuid'])
    if known is not None and len(t) == 1:
        return known
    from ansible.playbook.handler import Handler
    from ansible.playbook.role import Role
    from ansible.playbook.role_include import IncludeRole
    from ansible.playbook.task import Task
    from ansible.playbook.task_include import TaskInclude
    role = t.pop('_role', None)
    section = t.pop('section', '')
    short = t['action'].rsplit('.', 1)[-1]
    cls = IncludeRole if short == 'include_role' else TaskInclude if short == 'include_tasks' else Handler if section == 'handler' else Task
    task = cls(**t)
    if role:
        task._role = Role(name=role['_role_name'], **role)
    task._play = _play
    task._parent = None
    _tasks[t['_uuid']] = task
    return task


def _send(method, *args, **kw):
    from ansible.module_utils.common.text.converters import to_text
    from ansible.utils.display import Display
    for p in _plugins:
        if getattr(p, 'disabled', False):
            continue
        for name in (method, 'v2_on_any'):
            f = getattr(p, name, None)
            if f is None:
                continue
            given = args
            if args and name == method and hasattr(args[0], 'clean_copy'):
                given = (args[0].clean_copy(),) + args[1:]
            try:
                f(*given, **kw)
            except Exception as e:
                where = traceback.extract_tb(e.__traceback__)[-1]
                for frame in reversed(traceback.extract_tb(e.__traceback__)):
                    if 'troupe_host' not in frame.filename and '/ansible/' not in frame.filename:
                        where = frame
                        break
                Display().warning('Failure using method (%s) in callback plugin (%s): %s (%s:%d)' % (name, to_text(p), to_text(e), where.filename, where.lineno))
                Display().vvv('Callback Exception: \n' + ''.join(traceback.format_tb(e.__traceback__)))


def _words(kind, text, host=None, level=0):
    """What the run says beside results, for a plugin that has put itself around Display."""
    from ansible.utils.display import Display
    display = Display()
    if kind == 'log':
        display.verbose(text, host or None, level - 1)
    elif kind == 'message':
        display.display(text)
    elif kind == 'notice':
        display.display(text, stderr=True)
    elif kind == 'deprecation':
        display._tell('deprecated', text, stderr=True, once=True)
    elif kind == 'error':
        display.error(text)
    else:
        display.warning(text)


def event(method, data):
    """Tells all callbacks."""
    global _play
    if method == 'words':
        return _words(**data)
    from ansible.executor.task_result import TaskResult
    if method == 'v2_playbook_on_start':
        from ansible.playbook import Playbook
        pb = Playbook(data['file'], calls.loader())
        _send(method, pb)
    elif method == 'v2_playbook_on_play_start':
        from ansible.playbook.play import Play
        from ansible.playbook.play_context import PlayContext
        from ansible.vars.manager import VariableManager
        data['vars'] = data.get('vars') or {}
        _play = Play(_variable_manager=VariableManager(), _loader=calls.loader(), **data)
        for p in _plugins:
            if hasattr(p, 'set_play_context'):
                try:
                    p.set_play_context(PlayContext(check_mode=data.get('check_mode', False)))
                except Exception:
                    pass
        _send(method, _play)
    elif method in ('v2_playbook_on_no_hosts_matched', 'v2_playbook_on_no_hosts_remaining'):
        _send(method)
    elif method == 'v2_playbook_on_task_start':
        _send(method, _task(data['task']), is_conditional=False)
    elif method in ('v2_playbook_on_handler_task_start', 'v2_playbook_on_cleanup_task_start'):
        _send(method, _task(data['task']))
    elif method == 'v2_runner_on_start':
        _send(method, _host(data['host']), _task(data['task']))
    elif method == 'v2_playbook_on_notify':
        from ansible.playbook.handler import Handler
        _send(method, Handler(name=data['handler'], _shown_name=data['handler']), _host(data['host']))
    elif method == 'v2_playbook_on_include':
        from ansible.playbook.included_file import IncludedFile
        task = _task(data['task'])
        f = IncludedFile(data['name'], {}, {'_ansible_item_label': data['label']} if data['item'] else {}, task, is_role=not data['name'].startswith('/'))
        f._hosts = [_host(h) for h in data['hosts']]
        _send(method, f)
    elif method == 'v2_playbook_on_vars_prompt':
        _send(method, data.pop('varname'), **data)
    elif method == 'v2_playbook_on_stats':
        _send(method, _stats(data))
    else:
        task = _task(data['task'])
        if data.get('delegate') and task.delegate_to != data['delegate']:
            task = task.copy()
            task.delegate_to = data['delegate']
        result = TaskResult(_host(data['host']), task, data['result'], {'name': task.name, 'action': task.action, 'args': task.args, 'delegate_to': task.delegate_to})
        if method == 'v2_runner_on_failed':
            _send(method, result, ignore_errors=data.get('ignore_errors', False))
        else:
            _send(method, result)


def _stats(data):
    from ansible.executor.stats import AggregateStats
    s = AggregateStats()
    for host, counts in data['hosts'].items():
        s.processed[host] = 1
        for name, n in counts.items():
            if n:
                getattr(s, {'unreachable': 'dark', 'failed': 'failures'}.get(name, name))[host] = n
    s.custom = data.get('custom') or {}
    return s
