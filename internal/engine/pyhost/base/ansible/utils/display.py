"""Display: what plugins tell the user. Everything is written by Troupe."""
import getpass
import os
import shutil
import sys
import textwrap
import threading

from ansible.module_utils.common.text.converters import to_text
from ansible.module_utils.six import text_type  # noqa: F401
from troupe_host import link, state

logger = None


def get_text_width(text):
    import unicodedata
    if not isinstance(text, str):
        raise TypeError('get_text_width requires text, not %s' % type(text))
    width = 0
    for c in text:
        if unicodedata.combining(c) or unicodedata.category(c) in ('Cf', 'Cc', 'Mn'):
            continue
        width += 2 if unicodedata.east_asian_width(c) in 'FW' else 1
    return width


class Display:
    """One object, whoever makes it."""

    _one = None

    def __new__(cls, *args, **kwargs):
        if cls is not Display:
            return super().__new__(cls)
        if Display._one is None:
            Display._one = super().__new__(cls)
        return Display._one

    def __init__(self, verbosity=0):
        self._said = set()
        self._kind = threading.local()

    @property
    def verbosity(self):
        return state.verbosity

    @verbosity.setter
    def verbosity(self, v):
        state.verbosity = v

    @property
    def log_verbosity(self):
        return state.verbosity

    @property
    def columns(self):
        return state.columns or max(shutil.get_terminal_size((79, 24)).columns - 1, 1)

    noncow = 'cowsay'
    b_cowsay = None
    cows_available = frozenset()

    def display(self, msg, color=None, stderr=False, screen_only=False, log_only=False, newline=True, caplevel=None):
        if not isinstance(msg, str):
            raise TypeError('Display message must be str, not: %s' % msg.__class__.__name__)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # what was printed before comes before
        kind, more = getattr(self._kind, 'now', None) or ('', {})
        if kind:
            link.say(kind, text=msg, **more)
        elif log_only:
            link.say('log', text=msg)
        else:
            link.say('display', text=msg, color=color, stderr=bool(stderr), newline=bool(newline))

    def _tell(self, say, msg, stderr=False, once=False, **more):
        """Words that Troupe formats. They take the way of display(), which plugins are known to wrap."""
        msg = to_text(msg)
        if once:
            if (say, msg) in self._said:
                return
            self._said.add((say, msg))
        self._kind.now = say, more
        try:
            self.display(msg, stderr=stderr)
        finally:
            self._kind.now = None

    def verbose(self, msg, host=None, caplevel=2):
        if state.verbosity > caplevel:
            self._tell('verbose', msg, host=host, level=caplevel + 1)

    def v(self, msg, host=None):
        self.verbose(msg, host, 0)

    def vv(self, msg, host=None):
        self.verbose(msg, host, 1)

    def vvv(self, msg, host=None):
        self.verbose(msg, host, 2)

    def vvvv(self, msg, host=None):
        self.verbose(msg, host, 3)

    def vvvvv(self, msg, host=None):
        self.verbose(msg, host, 4)

    def vvvvvv(self, msg, host=None):
        self.verbose(msg, host, 5)

    def debug(self, msg, host=None):
        if state.debug:
            self.display('%6d: %s' % (os.getpid(), msg), color='dark gray')

    def warning(self, msg, formatted=False):
        self._tell('warning', msg, stderr=True, once=True, formatted=bool(formatted))

    def system_warning(self, msg):
        self.warning(msg)

    def get_deprecation_message(self, msg, version=None, removed=False, date=None, collection_name=None):
        msg = msg.strip()
        end = '' if msg.endswith(('.', '!', '?', ')')) and msg.endswith('.') else '.'
        header = '[DEPRECATED]: %s' % msg if removed else '[DEPRECATION WARNING]: %s' % msg
        where = 'a release after %s' % date if date else 'version %s' % version if version else 'a future release'
        what = ' in %s' % where
        if collection_name == 'ansible.builtin':
            collection_name = 'ansible-core'
        if removed:
            text = 'This feature was removed'
            text += ' from %s' % collection_name if collection_name else ''
            return '%s%s %s%s. Please update your playbooks.' % (header, end, text, what)
        text = 'This feature will be removed'
        text += ' from %s' % collection_name if collection_name else ''
        return '%s%s %s%s.' % (header, end, text, what)

    def deprecated(self, msg, version=None, removed=False, date=None, collection_name=None):
        if removed:
            from ansible.errors import AnsibleError
            raise AnsibleError(self.get_deprecation_message(msg, version, removed, date, collection_name))
        text = self.get_deprecation_message(msg, version, removed, date, collection_name)
        self._tell('deprecated', text[len('[DEPRECATION WARNING]: '):], stderr=True, once=True)

    def error(self, msg, wrap_text=True):
        self._tell('error', msg, stderr=True, once=True, wrap=bool(wrap_text))

    def banner(self, msg, color=None, cows=True):
        self._tell('banner', msg, color=color)

    def banner_cowsay(self, msg, color=None):
        self.banner(msg, color)

    def set_queue(self, queue):
        pass

    @staticmethod
    def prompt(msg, private=False):
        if private:
            return getpass.getpass(msg)
        return link.ask('prompt', text=msg, private=private)

    def prompt_until(self, msg, private=False, seconds=None, interrupt_input=None, complete_input=None):
        from ansible.errors import AnsiblePromptNoninteractive
        answer = link.ask('prompt', text=msg, private=private, seconds=seconds or 0)
        if answer is None:
            raise AnsiblePromptNoninteractive('stdin is not interactive')
        return answer.encode()

    def do_var_prompt(self, varname, private=True, prompt=None, encrypt=None, confirm=False, salt_size=None, salt=None, default=None, unsafe=False):
        return self.prompt('%s: ' % (prompt or 'input for %s' % varname), private=private) or default

    def wrap(self, text):
        return '\n'.join(textwrap.wrap(text, self.columns, drop_whitespace=False)) + '\n'


def initialize_locale():
    return None


