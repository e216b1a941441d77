"""The shell of a host: how commands are written."""
import os
import re
import shlex

from ansible.plugins import AnsiblePlugin

_USER_HOME_PATH_RE = re.compile(r'^~[_.A-Za-z0-9][-_.A-Za-z0-9]*$')


class ShellBase(AnsiblePlugin):
    """POSIX shells."""

    COMPATIBLE_SHELLS = frozenset(('ash', 'bash', 'dash', 'ksh', 'sh', 'zsh'))
    SHELL_FAMILY = 'sh'
    ECHO = 'echo'
    COMMAND_SEP = ';'
    _SHELL_EMBEDDED_PY_EOL = '\n'
    _SHELL_REDIRECT_ALLNULL = '> /dev/null 2>&1'
    _SHELL_AND = '&&'
    _SHELL_OR = '||'
    _SHELL_SUB_LEFT, _SHELL_SUB_RIGHT = '"`', '`"'
    _SHELL_GROUP_LEFT, _SHELL_GROUP_RIGHT = '(', ')'
    _IS_WINDOWS = False
    tmpdir = None
    executable = '/bin/sh'

    def __init__(self):
        super().__init__()
        self.env = {}

    def env_prefix(self, **kwargs):
        return ' '.join('%s=%s' % (k, self.quote(str(v))) for k, v in kwargs.items())

    def join_path(self, *args):
        return os.path.join(*args)

    def path_has_trailing_slash(self, path):
        return path.endswith('/')

    def get_remote_filename(self, pathname):
        base, ext = os.path.splitext(os.path.basename(pathname.strip()))
        return base.strip() + (ext or ('.ps1' if self._IS_WINDOWS else ''))

    def quote(self, cmd):
        return shlex.quote(cmd)

    def chmod(self, paths, mode):
        return self._words(['chmod', mode] + list(paths))

    def chown(self, paths, user):
        return self._words(['chown', user] + list(paths))

    def chgrp(self, paths, group):
        return self._words(['chgrp', group] + list(paths))

    def set_user_facl(self, paths, user, mode):
        return self._words(['setfacl', '-m', 'u:%s:%s' % (user, mode)] + list(paths))

    def _words(self, words):
        return ' '.join(self.quote(w) for w in words)

    def remove(self, path, recurse=False):
        return '%s %s %s' % ('rm -f -r' if recurse else 'rm -f', self.quote(path), self._SHELL_REDIRECT_ALLNULL)

    def exists(self, path):
        return 'test -e %s' % self.quote(path)

    def mkdtemp(self, basefile=None, system=False, mode=0o700, tmpdir=None):
        from ansible.plugins.action import _tmp_name
        base = tmpdir or ('/var/tmp' if system else '~/.ansible/tmp')
        name = basefile or _tmp_name()
        return '( umask %03o && mkdir -p "` echo %s `" && mkdir "` echo %s/%s `" && echo %s="` echo %s/%s `" ) && sleep 0' % (
            0o777 & ~mode, base, base, name, name, base, name)

    def expand_user(self, user_home_path, username=''):
        if user_home_path != '~' and not _USER_HOME_PATH_RE.match(user_home_path):
            user_home_path = self.quote(user_home_path)
        elif username:
            user_home_path += username
        return 'echo %s' % user_home_path

    def pwd(self):
        return 'echo %spwd%s' % (self._SHELL_SUB_LEFT, self._SHELL_SUB_RIGHT)

    def build_module_command(self, env_string, shebang, cmd, arg_path=None):
        parts = [p for p in (env_string.strip(), (shebang or '').replace('#!', '').strip(), cmd.strip(), arg_path) if p]
        return ' '.join(parts)

    def append_command(self, cmd, cmd_to_append):
        return '%s%s %s' % (cmd, self.COMMAND_SEP, cmd_to_append)

    def wrap_for_exec(self, cmd):
        return cmd
