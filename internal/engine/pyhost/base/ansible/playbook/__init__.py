"""A playbook, as callbacks see it."""
import os


class Playbook:
    """The file, and what is in it as far as it is known."""

    def __init__(self, file_name=None, loader=None, plays=None):
        self._file_name = file_name
        self._basedir = os.path.dirname(os.path.abspath(file_name)) if file_name else os.getcwd()
        self._loader = loader
        self._entries = plays or []

    def get_plays(self):
        return self._entries[:]

    def get_name(self):
        return os.path.basename(self._file_name or '')

    def get_loader(self):
        return self._loader
