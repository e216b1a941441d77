"""Base of become plugins: they build command lines, Troupe runs them."""
import shlex
from abc import abstractmethod
from random import choice
from string import ascii_lowercase

from ansible.plugins import AnsiblePlugin


class BecomeBase(AnsiblePlugin):
    """A way to become another user."""

    name = None
    fail = ()
    missing = ()
    require_tty = False
    prompt = ''

    def __init__(self):
        super().__init__()
        self._id = ''
        self.success = ''

    def get_option(self, option, hostvars=None, playcontext=None):
        return super().get_option(option, hostvars)

    def expect_prompt(self):
        return bool(self.prompt and self.get_option('become_pass'))

    def _gen_id(self):
        self._id = ''.join(choice(ascii_lowercase) for _unused in range(32))

    def _build_success_command(self, cmd, shell, noexe=False):
        """A command line for a shell. Troupe sees by itself that it runs, so nothing announces it."""
        if not all((cmd, shell, self.success)):
            return cmd
        exe = getattr(shell, 'executable', None)
        cmd = shlex.quote(cmd)
        return '%s -c %s' % (exe, cmd) if exe and not noexe else cmd

    @abstractmethod
    def build_become_command(self, cmd, shell):
        self._gen_id()
        self.success = 'BECOME-SUCCESS-%s' % self._id

    def check_success(self, b_output):
        return any(self.success.encode() in line.rstrip() for line in b_output.splitlines(True))

    def check_password_prompt(self, b_output):
        return bool(self.prompt) and any(line.strip().startswith(self.prompt.strip().encode()) for line in b_output.splitlines())

    def _check_password_error(self, b_out, msg):
        return bool(msg) and msg.encode() in b_out

    def check_incorrect_password(self, b_output):
        return any(self._check_password_error(b_output, m) for m in self.fail)

    def check_missing_password(self, b_output):
        return any(self._check_password_error(b_output, m) for m in self.missing)
