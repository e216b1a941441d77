"""Base of become plugins. Troupe becomes users itself; plugins are read for their options."""
import shlex
from abc import abstractmethod
from random import choice
from string import ascii_lowercase

from ansible.errors import AnsibleError
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
        if not all((cmd, shell, self.success)):
            return cmd
        try:
            cmd = shlex.quote('%s %s %s %s' % (shell.ECHO, self.success, shell.COMMAND_SEP, cmd))
            exe = getattr(shell, 'executable', None)
            if exe and not noexe:
                cmd = '%s -c %s' % (exe, cmd)
        except AttributeError as e:
            raise AnsibleError('The %s shell plugin does not support becoming: %s' % (shell.SHELL_FAMILY, e))
        return cmd

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
