"""The counters of a run."""
from types import SimpleNamespace

_NAMES = ('ok', 'failures', 'dark', 'changed', 'skipped', 'rescued', 'ignored')


class AggregateStats:
    """Counts by host, each a dictionary of its own."""

    def __init__(self):
        self.processed = {}
        for n in _NAMES:
            setattr(self, n, {})
        self.custom = {}

    def increment(self, what, host):
        self.processed[host] = 1
        d = getattr(self, what)
        d[host] = d.get(host, 0) + 1

    def decrement(self, what, host):
        d = getattr(self, what)
        d[host] = max(0, d.get(host, 0) - 1)

    def summarize(self, host):
        return dict(ok=self.ok.get(host, 0), failures=self.failures.get(host, 0), unreachable=self.dark.get(host, 0), changed=self.changed.get(host, 0),
                    skipped=self.skipped.get(host, 0), rescued=self.rescued.get(host, 0), ignored=self.ignored.get(host, 0))

    def get_stats(self):
        """All hosts' counts, as objects."""
        return {h: SimpleNamespace(**self.summarize(h)) for h in sorted(self.processed)}

    def set_custom_stats(self, which, what, host=None):
        self.custom.setdefault(host or '_run', {})[which] = what

    def update_custom_stats(self, which, what, host=None):
        self.set_custom_stats(which, what, host)
