"""A file that was included."""


class IncludedFile:
    """Its name and the hosts that it is for."""

    def __init__(self, filename, args, vars, task, is_role=False):
        self._filename, self._args, self._vars, self._task, self._is_role = filename, args, vars, task, is_role
        self._hosts = []
