# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Package managers, for facts about packages."""
from abc import ABCMeta, abstractmethod

from ansible.module_utils.common._utils import get_all_subclasses
from ansible.module_utils.common.process import get_bin_path


def get_all_pkg_managers():
    return dict((c.__name__.lower(), c) for c in get_all_subclasses(PkgMgr) if c not in (CLIMgr, LibMgr, RespawningLibMgr))


class PkgMgr(metaclass=ABCMeta):
    @abstractmethod
    def is_available(self, handle_exceptions=True):
        """Can it be used here?"""

    @abstractmethod
    def list_installed(self):
        """Returns what get_package_details takes, one for each package."""

    @abstractmethod
    def get_package_details(self, package):
        """Returns a dict with name and version."""

    def get_packages(self):
        found = {}
        for package in self.list_installed():
            details = self.get_package_details(package)
            details.setdefault('source', self.__class__.__name__.lower())
            found.setdefault(details['name'], []).append(details)
        return found


class LibMgr(PkgMgr):
    LIB = None

    def __init__(self):
        self._lib = None
        super(LibMgr, self).__init__()

    def is_available(self, handle_exceptions=True):
        try:
            self._lib = __import__(self.LIB)
            return True
        except ImportError:
            if not handle_exceptions:
                raise
            return False


class RespawningLibMgr(LibMgr):
    CLI_BINARIES = []
    INTERPRETERS = []


class CLIMgr(PkgMgr):
    CLI = None

    def __init__(self):
        self._cli = None
        super(CLIMgr, self).__init__()

    def is_available(self, handle_exceptions=True):
        try:
            self._cli = get_bin_path(self.CLI)
            return True
        except ValueError:
            if not handle_exceptions:
                raise
            return False
