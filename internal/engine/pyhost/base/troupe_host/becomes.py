"""Become plugins: they build command lines; Troupe runs them and answers their prompts."""
import hashlib
import json

from troupe_host import files


def become(plugin, cmd, keywords):
    """What a plugin makes of a command line, and what it will print."""
    from ansible.plugins.shell import ShellBase
    from troupe_host.remote import TaskVars
    p = files.load_class('become', plugin['path'], plugin['name'], plugin['collection'])()
    p.set_options(task_keys=keywords, var_options=TaskVars())
    line = p.build_become_command(cmd, ShellBase()) if cmd else ''
    options = {k: v for k, v in p.get_options().items() if k != 'become_pass'}
    prompt = (p.prompt or '').strip()
    return {
        'cmd': line, 'user': _option(p, 'become_user') or 'root', 'pass': _option(p, 'become_pass') or '',
        'variant': hashlib.sha256(json.dumps(options, sort_keys=True, default=str).encode()).hexdigest(),
        'prompts': [prompt] if prompt else [], 'wrong': list(_texts(p.fail)), 'missing': list(_texts(p.missing)), 'tty': bool(p.require_tty),
    }


def _option(p, name):
    try:
        return p.get_option(name)
    except KeyError:
        return None


def _texts(v):
    return (v,) if isinstance(v, str) else v or ()
