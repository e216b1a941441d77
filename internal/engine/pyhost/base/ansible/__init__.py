"""Stands for ansible-core on the controller: what people's own plugins import. Troupe is on the other side."""
from ansible.release import __author__, __codename__, __version__  # noqa: F401
