"""Plugins that give data: vars plugins, inventories, caches."""

from troupe_host import calls, files

_vars = []  # classes of vars plugins, their short names, and what those gave that are asked once, else None
_inventories = {}
_caches = {}


def vars_load(candidates, enabled, once):
    """Loads vars plugins; tells how many will be asked, and whether one is asked for each task."""
    from ansible.utils.display import Display
    for c in candidates:
        try:
            cls = files.load_class('vars', c['path'], c['name'], c['collection'])
        except Exception as e:
            Display().warning("Skipping vars plugin %s, cannot load: %s" % (c['path'], e))
            continue
        short = c['name'].rsplit('.', 1)[-1]
        on = short in enabled or c['name'] in enabled
        needs = getattr(cls, 'REQUIRES_ENABLED', getattr(cls, 'REQUIRES_WHITELIST', False))
        if (needs or c['collection']) and not on:
            continue
        if c['collection'] and hasattr(cls, 'REQUIRES_ENABLED'):
            Display().warning('Vars plugins in collections must be enabled to be loaded, REQUIRES_ENABLED is not supported. '
                              'This should be removed from the plugin %s.' % c['name'])
        try:
            stage = cls().get_option('stage')
        except (AttributeError, KeyError):
            stage = None
        _vars.append((cls, short, {} if (stage == 'inventory' if stage else once) else None))
    return {'count': len(_vars), 'live': any(kept is None for cls, short, kept in _vars)}


def vars_get(path, name, host, port=None, vars=None):
    """The variables that all vars plugins give for a host or group."""
    from ansible.errors import AnsibleError
    from ansible.inventory.group import Group
    from ansible.inventory.host import Host
    from ansible.utils.display import Display
    from ansible.utils.vars import combine_vars
    out = {}
    entity = Host(name) if host else Group(name)
    entity.vars = vars or {}
    for cls, short, kept in _vars:
        if kept is not None and (path, name, host) in kept:
            out = combine_vars(out, kept[path, name, host])
            continue
        plugin = cls()  # one that keeps something finds nothing of it the next time
        Display().debug("Loading VarsModule '%s' from %s" % (short, getattr(plugin, '_original_path', '')))
        if hasattr(plugin, 'get_vars'):
            got = plugin.get_vars(calls.loader(), path, [entity])
        elif hasattr(plugin, 'get_host_vars') or hasattr(plugin, 'get_group_vars'):
            Display().deprecated("The vars plugin %s from %s is relying on the deprecated entrypoints 'get_host_vars' and 'get_group_vars'. "
                                 "This plugin should be updated to inherit from BaseVarsPlugin and define a 'get_vars' method as the main entrypoint instead." % (
                                     short, getattr(plugin, '_original_path', '')), version='2.20')
            got = plugin.get_host_vars(name) if host else plugin.get_group_vars(name)
        else:
            raise AnsibleError('Invalid vars plugin %s from %s' % (short, getattr(plugin, '_original_path', '')))
        if kept is not None:
            kept[path, name, host] = got or {}
        out = combine_vars(out, got or {})
    return out


def _inventory(c, asked):
    plugin = files.load_class('inventory', c['path'], c['name'], c['collection'])()
    plugin._redirected_names = [asked]  # its sources may name it as it was asked for
    try:
        plugin.set_options()
    except Exception:
        pass  # required options come with the source
    return plugin


def verify(plugin, asked, source):
    """Whether a source is for the plugin."""
    p = _inventories[plugin['path'], source] = _inventory(plugin, asked)
    return bool(p.verify_file(source))


def parse(plugin, asked, source, groups, hosts, cache):
    """Reads a source; gives what is to be done to the inventory."""
    from ansible.inventory.data import InventoryData
    data = InventoryData()
    ops, data._ops = data._ops, None
    for g in groups:
        data.add_group(g['name'])
        data.groups[g['name']].vars.update(g['vars'])
    for h in hosts:
        data.add_host(h['name'])
        data.hosts[h['name']].vars.update(h['vars'])
    for g in groups:
        for c in g['children']:
            data.add_child(g['name'], c)
        for h in g['hosts']:
            data.add_child(g['name'], h)
    data._ops = ops
    p = _inventories.pop((plugin['path'], source), None) or _inventory(plugin, asked)
    p.parse(data, calls.loader(), source, cache=cache)
    try:
        if getattr(p, '_cache', None) is not None:
            p.update_cache_if_changed()
    except AttributeError:
        pass
    return data._ops


def cache(plugin, op, key=None, value=None):
    """Uses a cache plugin for facts."""
    c = _caches.get(plugin['path'])
    if c is None:
        c = _caches[plugin['path']] = files.load_class('cache', plugin['path'], plugin['name'], plugin['collection'])()
    if op == 'open':
        return None
    if op == 'get':
        if not c.contains(key):
            return {'ok': False}
        try:
            return {'ok': True, 'v': c.get(key)}
        except KeyError:
            return {'ok': False}
    if op == 'set':
        c.set(key, value)
    elif op == 'delete':
        if c.contains(key):
            c.delete(key)
    return None
