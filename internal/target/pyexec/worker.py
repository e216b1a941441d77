# The warm Python process of an agent. It reads tasks from socket 3, forks for each with the imports already done, and
# says there when the child has ended. It ends, and kills what still runs, when the socket does.
# Python 3.6 and later; sent with -c, so it must not rely on __file__.
import sys
import os
import array
import ast
import importlib
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
        self.codes = {}

    def add(self, modules, codes=()):
        self.codes.update(codes)
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
        exec(self.codes.get(name) or compile(source, module.__spec__.origin, 'exec', dont_inherit=True), module.__dict__)

    def get_source(self, name):
        return self.sources.get(name)

    def is_package(self, name):
        return name in self.packages


class Prepared:
    """What a module needs, made ready once in the process that forks."""

    def __init__(self, library):
        self.library = library
        self.sources = {}  # of modules, by hash
        self.codes = {}  # of modules, by hash
        self.extra = {}  # libraries by hash: sources, code by name

    def take(self, task):
        """Keeps what came with a task, and imports what its code will import, as far as that cannot change while we live."""
        names = set()
        for lib in task['libraries']:
            if lib.get('modules') is not None and lib['hash'] not in self.extra:
                modules = lib['modules']
                codes = {}
                for name, source in modules.items():
                    dotted = name[:-9] if name.endswith('.__init__') else name
                    code = self.compile(source, '<troupe>/' + dotted.replace('.', '/') + '.py', names)
                    if code is not None:
                        codes[dotted] = code
                self.extra[lib['hash']] = modules, codes
        key = task['hash']
        if task.get('source') is not None:
            self.sources[key] = task['source']
            self.codes[key] = self.compile(task['source'], task['file'], names)
        mine = set()
        for lib in task['libraries']:
            mine.update(self.extra[lib['hash']][0])
        for name in sorted(names):
            if name not in mine and name + '.__init__' not in mine:
                self.preload(name)

    def compile(self, source, file, names):
        try:
            tree = ast.parse(source, file)
            for node in ast.walk(tree):
                if isinstance(node, ast.Import):
                    names.update(a.name for a in node.names)
                elif isinstance(node, ast.ImportFrom) and not node.level:
                    names.add(node.module)
                    names.update(node.module + '.' + a.name for a in node.names)
            return compile(tree, file, 'exec', dont_inherit=True)
        except Exception:
            return None  # the module's own process says what is wrong

    def preload(self, name):
        # Only our library and Python's own: what packages of the host hold may be another thing after the next task.
        ours = name in self.library.sources or name.startswith('ansible.module_utils.six.')
        if name in sys.modules or not ours and name.partition('.')[0] not in STANDARD:
            return
        try:
            importlib.import_module(name)
        except BaseException:
            pass  # an attribute, or for the module to find out


STANDARD = set(getattr(sys, 'stdlib_module_names', None) or (
    'abc argparse ast base64 binascii bz2 collections configparser contextlib copy csv datetime decimal difflib email errno fcntl fnmatch functools '
    'getpass glob grp gzip hashlib hmac http inspect io ipaddress itertools json locale logging lzma math operator os pipes platform pprint pwd '
    'random re select shlex shutil signal socket ssl stat string struct subprocess syslog tarfile tempfile textwrap threading time traceback types '
    'urllib uuid xml zipfile'.split())) - {'antigravity', 'idlelib', 'test', 'this', 'tkinter', 'turtle', 'turtledemo'}


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


def child(task, fds, prepared, sock, wake):
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
        environment(task['env'])
        if task.get('nofile'):
            import resource
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            soft = task['nofile'] if hard == resource.RLIM_INFINITY else min(task['nofile'], hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        library = prepared.library
        for lib in task['libraries']:
            modules, codes = prepared.extra[lib['hash']]
            own = {name[:-9] if name.endswith('.__init__') else name for name in modules}
            if any(name in library.sources for name in own):  # it replaces a part of ours, which others may have imported
                own.update(name for name in sys.modules if name.startswith('ansible.module_utils'))
            library.add(modules, codes)
            for name in own:
                sys.modules.pop(name, None)
        task['source'] = prepared.sources[task['hash']]
        rc = execute(task, prepared.codes[task['hash']])
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


def environment(env):
    """Sets variables as if Python had been started with them."""
    os.environ.update(env)
    if 'TZ' in env:
        import time
        time.tzset()
    if env.get('PYTHONPATH'):
        sys.path[0:0] = env['PYTHONPATH'].split(os.pathsep)


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
    running, prepared = {}, Prepared(library)
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
                prepared.take(task)
                pid = os.fork()
                if pid == 0:
                    child(task, fds, prepared, sock, (wake_r, wake_w))
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
