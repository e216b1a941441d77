# The warm Python process of an agent. It reads tasks from socket 3, forks for each with the imports already done, and
# says there when the child has ended. It ends, and kills what still runs, when the socket does.
# Python 3.6 and later; sent with -c, so it must not rely on __file__.
import sys
import os
import array
import importlib.abc
import importlib.machinery
import json
import select
import signal
import socket
import struct


class Library(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Modules that were sent by the controller, by dotted name."""

    def __init__(self):
        self.sources = {}
        self.packages = set()

    def add(self, modules):
        for name, source in modules.items():
            if name.endswith('.__init__'):
                name = name[:-9]
                self.packages.add(name)
            self.sources[name] = source
            parent = name.rpartition('.')[0]
            while parent:
                self.packages.add(parent)
                self.sources.setdefault(parent, '')
                parent = parent.rpartition('.')[0]

    def find_spec(self, name, path=None, target=None):
        if name not in self.sources:
            return None
        return importlib.machinery.ModuleSpec(name, self, origin='<troupe>/' + name.replace('.', '/') + '.py', is_package=name in self.packages)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        name = module.__name__
        module.__file__ = module.__spec__.origin
        source = self.sources[name]
        if not source and name in self.packages:
            extend(module, name)
        exec(compile(source, module.__spec__.origin, 'exec', dont_inherit=True), module.__dict__)

    def get_source(self, name):
        return self.sources.get(name)

    def is_package(self, name):
        return name in self.packages


def extend(module, name):
    # A package that only holds our modules lets installed ones of the same name be found too.
    for entry in sys.path:
        folder = os.path.join(entry, *name.split('.'))
        if os.path.isdir(folder):
            module.__path__.append(folder)


def read(sock, size):
    parts = []
    while size > 0:
        part = sock.recv(min(size, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b''.join(parts)


def receive(sock):
    """One task and the file descriptors that came with it."""
    fds = array.array('i')
    head, ancillary, flags, address = sock.recvmsg(4, socket.CMSG_LEN(4 * fds.itemsize))
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(data[:len(data) - (len(data) % fds.itemsize)])
    if not head:
        raise EOFError
    head += read(sock, 4 - len(head))
    return json.loads(read(sock, struct.unpack('>I', head)[0]).decode('utf-8')), list(fds)


def send(sock, message):
    data = json.dumps(message).encode('utf-8')
    sock.sendall(struct.pack('>I', len(data)) + data)


def child(task, fds, library, code, sock, wake):
    """Runs a module in this process and does not return."""
    rc = 1
    try:
        os.setsid()
        for s in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT, signal.SIGTERM):
            signal.signal(s, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        sock.close()
        for fd in wake:
            os.close(fd)
        os.dup2(fds[0], 1)
        os.dup2(fds[1], 2)
        for fd in fds:
            if fd > 2:
                os.close(fd)
        os.environ.update(task['env'])
        for modules in task['libraries']:
            library.add(modules)
            for name in modules:
                name = name[:-9] if name.endswith('.__init__') else name
                sys.modules.pop(name, None)
        rc = execute(task, code)
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except Exception:
            pass
        os._exit(rc)


def execute(task, code):
    import types
    main = types.ModuleType('__main__')
    main.__file__ = task['file']
    main.__package__ = task['full'].rpartition('.')[0]
    main.__troupe_source__ = task['source']
    sys.modules['__main__'] = main
    sys.argv = [task['file']]
    if 'random' in sys.modules:
        sys.modules['random'].seed()
    from ansible.module_utils import basic
    basic._ANSIBLE_ARGS = task['args'].encode('utf-8', 'surrogateescape')
    basic._ANSIBLE_PROFILE = 'legacy'
    rc = 0
    try:
        if code is None:
            code = compile(task['source'], task['file'], 'exec', dont_inherit=True)
        exec(code, main.__dict__)
        print('{"msg": "New-style module did not handle its own exit", "failed": true}')
        rc = 1
    except SystemExit as e:
        if e.code is None:
            rc = 0
        elif isinstance(e.code, int):
            rc = e.code & 255
        else:
            sys.stderr.write(str(e.code) + '\n')
            rc = 1
    except BaseException:
        import traceback
        kind, value, tb = sys.exc_info()
        while tb and tb.tb_frame.f_code.co_filename != task['file'] and tb.tb_next:
            tb = tb.tb_next
        traceback.print_exception(kind, value, tb)
        rc = 1
    if 'threading' in sys.modules:
        sys.modules['threading']._shutdown()
    import atexit
    atexit._run_exitfuncs()
    return rc


def main():
    sock = socket.socket(fileno=3)
    if sys.path and sys.path[0] == '':
        del sys.path[0]
    library = Library()
    sys.meta_path.insert(0, library)
    hello, _ = receive(sock)
    for modules in hello['libraries']:
        library.add(modules)
    import ansible.module_utils.basic
    sys.dont_write_bytecode = True
    wake_r, wake_w = os.pipe()
    os.set_blocking(wake_r, False)
    os.set_blocking(wake_w, False)
    signal.set_wakeup_fd(wake_w)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running, codes = {}, {}
    send(sock, {'ready': os.getpid(), 'version': list(sys.version_info[:3])})
    try:
        while True:
            ready, _, _ = select.select([sock, wake_r], [], [])
            if wake_r in ready:
                try:
                    os.read(wake_r, 4096)
                except BlockingIOError:
                    pass
                for pid in list(running):
                    done, status = os.waitpid(pid, os.WNOHANG)
                    if done:
                        rc = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
                        send(sock, {'id': running.pop(pid), 'rc': rc})
            if sock in ready:
                task, fds = receive(sock)
                code = codes.get(task['hash'])
                if code is None:
                    try:
                        code = codes[task['hash']] = compile(task['source'], task['file'], 'exec', dont_inherit=True)
                    except Exception:
                        pass
                pid = os.fork()
                if pid == 0:
                    child(task, fds, library, code, sock, (wake_r, wake_w))
                for fd in fds:
                    os.close(fd)
                running[pid] = task['id']
                send(sock, {'id': task['id'], 'pid': pid})
    except (EOFError, OSError):
        pass
    for pid in running:
        try:
            os.killpg(pid, signal.SIGKILL)
        except OSError:
            pass
    os._exit(0)


main()
