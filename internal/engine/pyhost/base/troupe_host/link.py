"""The two pipes to Troupe: calls come in and are answered from threads of their own; while one runs it may ask back."""

import itertools
import json
import os
import queue
import struct
import sys
import threading
import traceback

from troupe_host import wire

LIMIT = 200 * 1024 * 1024

_out_lock = threading.Lock()
_here = threading.local()
_asks = {}
_numbers = itertools.count(1)
_last_call = 0
_in = _out = None


def open_pipes(read_fd, write_fd):
    global _in, _out
    os.set_inheritable(read_fd, False)
    os.set_inheritable(write_fd, False)
    _in = os.fdopen(read_fd, 'rb', 1 << 16)
    _out = os.fdopen(write_fd, 'wb', 0)


def _send(message):
    data = json.dumps(message, separators=(',', ':'), check_circular=False).encode('ascii')
    if len(data) > LIMIT:
        raise OverflowError('the answer is larger than %d MB' % (LIMIT >> 20))
    view = memoryview(struct.pack('>I', len(data)) + data)
    with _out_lock:
        while view:
            view = view[_out.write(view):]


def current():
    """The number of the call that this thread works on. A thread that a plugin started counts to the last call."""
    return getattr(_here, 'call', _last_call)


def say(kind, **fields):
    """Tells Troupe something that needs no answer."""
    fields['say'] = kind
    fields['for'] = current()
    try:
        _send(fields)
    except (OSError, ValueError):
        pass


def ask(op, **args):
    """Asks Troupe something and waits for the answer, which may be an exception."""
    n = next(_numbers)
    box = queue.SimpleQueue()
    _asks[n] = box
    try:
        _send({'ask': n, 'for': current(), 'op': op, 'a': wire.pack(args)})
        answer = box.get()
    finally:
        _asks.pop(n, None)
    err = answer.get('err')
    if err is not None:
        raise exception(err)
    return answer.get('v')


def exception(err):
    """The exception that an answer carries."""
    import builtins

    import ansible.errors
    name = err['class']
    if name == 'UndefinedError':
        name = 'AnsibleUndefinedVariable'
    cls = getattr(ansible.errors, name, None) or getattr(builtins, name, None)
    if not (isinstance(cls, type) and issubclass(cls, Exception)):
        cls = ansible.errors.AnsibleError
    try:
        return cls(err['msg'])
    except TypeError:
        return ansible.errors.AnsibleError(err['msg'])


def failure(e):
    """An exception as it travels."""
    mro = [c.__name__ for c in type(e).__mro__]
    out = {
        'class': type(e).__name__, 'mro': mro, 'module': type(e).__module__,
        'tb': ''.join(traceback.format_exception(type(e), e, e.__traceback__)),
    }
    try:
        out['msg'] = str(e)
    except Exception as inner:
        out['msg'] = repr(inner)
    frames = traceback.extract_tb(e.__traceback__)
    if frames:
        out['file'], out['line'] = frames[-1].filename, frames[-1].lineno
        for f in reversed(frames):
            if 'troupe_host' not in f.filename and '/ansible/' not in f.filename:
                out['file'], out['line'] = f.filename, f.lineno
                break
    result = getattr(e, 'result', None)
    if isinstance(result, dict):
        try:
            out['result'] = wire.pack(result)
        except Exception:
            pass
    return out


def serve(handlers):
    """Reads until Troupe closes the pipe. Every call runs in a thread; calls of one lane run one after the other."""
    lanes = {}
    pool = Pool()
    while True:
        head = _read(4)
        if head is None:
            return
        body = _read(struct.unpack('>I', head)[0])
        if body is None:
            return
        try:
            m = json.loads(body.decode('utf-8', 'surrogateescape'), object_hook=wire.hook)
        except Exception as e:
            m = {'re': None}
            n = json.loads(body)
            if 're' in n:
                m = {'re': n['re'], 'err': {'class': 'AnsibleError', 'msg': 'a value cannot be read: %s' % e}}
            elif 'id' in n:
                _send({'id': n['id'], 'err': failure(e)})
                continue
        if 're' in m:
            box = _asks.get(m['re'])
            if box is not None:
                box.put(m)
            continue
        if 'lane' in m:
            lane = lanes.get(m['lane'])
            if lane is None:
                lane = lanes[m['lane']] = Pool(1)
            lane.run(_call, handlers, m)
        else:
            pool.run(_call, handlers, m)


class Pool:
    """Threads that wait for work. They never hold up the end of the process."""

    def __init__(self, limit=None):
        self._work = queue.SimpleQueue()
        self._idle = 0
        self._count = 0
        self._limit = limit
        self._lock = threading.Lock()

    def run(self, f, *args):
        with self._lock:
            start = self._idle == 0 and (self._limit is None or self._count < self._limit)
            if start:
                self._count += 1
            elif self._idle:
                self._idle -= 1
        self._work.put((f, args))
        if start:
            threading.Thread(target=self._loop, daemon=True).start()

    def _loop(self):
        while True:
            f, args = self._work.get()
            f(*args)
            with self._lock:
                self._idle += 1


def _call(handlers, m):
    global _last_call
    _here.call = _last_call = m['id']
    try:
        answer = {'id': m['id'], 'v': wire.pack(handlers[m['op']](**m.get('a') or {}))}
    except BaseException as e:
        answer = {'id': m['id'], 'err': failure(e)}
    try:
        flush()
        _send(answer)
    except (OSError, ValueError):
        pass
    except Exception as e:
        _send({'id': m['id'], 'err': failure(e)})


def flush():
    for f in (sys.stdout, sys.stderr):
        try:
            f.flush()
        except Exception:
            pass


def _read(n):
    data = b''
    while len(data) < n:
        try:
            part = _in.read(n - len(data))
        except (OSError, ValueError):
            return None
        if not part:
            return None
        data += part
    return data
