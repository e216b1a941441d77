"""What plugins print goes to Troupe, which writes it where its own output goes, in order."""

import io

from troupe_host import link


class Stream(io.TextIOBase):
    """Stands for sys.stdout or sys.stderr."""

    encoding = 'utf-8'
    errors = 'backslashreplace'

    def __init__(self, kind, real):
        self._kind = kind
        self._real = real
        self._held = ''

    @property
    def name(self):
        return '<%s>' % self._kind

    @property
    def buffer(self):
        return _Bytes(self)

    def writable(self):
        return True

    def isatty(self):
        return self._real is not None and self._real.isatty()

    def fileno(self):
        return 1 if self._kind == 'stdout' else 2

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError('write() argument must be str, not %s' % type(text).__name__)
        self._held += text
        if '\n' in text or len(self._held) > 8192:
            self.flush()
        return len(text)

    def flush(self):
        held, self._held = self._held, ''
        if held:
            link.say('print', stream=self._kind, text=held)


class _Bytes(io.RawIOBase):
    def __init__(self, stream):
        self._stream = stream

    def writable(self):
        return True

    def write(self, data):
        self._stream.write(bytes(data).decode('utf-8', 'replace'))
        return len(data)

    def flush(self):
        self._stream.flush()
