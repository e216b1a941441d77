"""Arguments of the command line, as far as plugins read them."""
from troupe_host import state


class _Args(dict):
    def __missing__(self, key):
        return None


CLIARGS = _Args()


def cliargs_deferred_get(key, default=None, shallowcopy=False):
    return lambda: CLIARGS.get(key, default)


def refresh():
    CLIARGS.clear()
    CLIARGS.update(state.cliargs)
