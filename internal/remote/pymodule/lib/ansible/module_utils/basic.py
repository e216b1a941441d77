# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""AnsibleModule: what every Python module starts with. The interface is the one module authors know."""
import __main__  # noqa: F401
import atexit
import datetime  # noqa: F401
import errno
import fcntl  # noqa: F401
import hashlib
import json
import os
import platform
import re
import select
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
import traceback
import types  # noqa: F401
from collections import deque  # noqa: F401
from itertools import chain, repeat  # noqa: F401

try:
    import grp
    import pwd
except ImportError:
    grp = pwd = None
try:
    import syslog
    HAS_SYSLOG = True
except ImportError:
    HAS_SYSLOG = False
try:
    from ansible.module_utils.compat import selinux
    HAVE_SELINUX = True
except ImportError:
    HAVE_SELINUX = False

from ansible.module_utils.common._collections_compat import KeysView, Mapping, MutableMapping, MutableSequence, MutableSet, Sequence, Set  # noqa: F401
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.module_utils.common.collections import is_iterable  # noqa: F401
from ansible.module_utils.common.file import (  # noqa: F401
    FILE_ATTRIBUTES, PERMS_RE, USERS_RE, S_IRWXU_RWXG_RWXO, _DEFAULT_PERM as DEFAULT_PERM, _EXEC_PERM_BITS as EXEC_PERM_BITS, _PERM_BITS as PERM_BITS,
    format_attributes, get_flags_from_attributes, is_executable,
)
from ansible.module_utils.common.locale import get_best_parsable_locale
from ansible.module_utils.common.parameters import PASS_BOOLS, PASS_VARS, env_fallback, remove_values, sanitize_keys  # noqa: F401
from ansible.module_utils.common.process import get_bin_path
from ansible.module_utils.common.sys_info import get_distribution, get_distribution_version, get_platform_subclass  # noqa: F401
from ansible.module_utils.common.text.converters import (  # noqa: F401
    container_to_bytes as json_dict_unicode_to_bytes, container_to_text as json_dict_bytes_to_unicode, jsonify, to_bytes, to_native, to_text,
)
from ansible.module_utils.common.text.formatters import SIZE_RANGES, bytes_to_human, human_to_bytes, lenient_lowercase  # noqa: F401
from ansible.module_utils.common.validation import check_missing_parameters, safe_eval  # noqa: F401
from ansible.module_utils.common.warnings import deprecate, get_deprecation_messages, get_warning_messages, warn
from ansible.module_utils.errors import AnsibleFallbackNotFound, AnsibleValidationErrorMultiple, UnsupportedError  # noqa: F401
from ansible.module_utils.parsing.convert_bool import BOOLEANS, BOOLEANS_FALSE, BOOLEANS_TRUE, boolean  # noqa: F401
from ansible.module_utils.six import PY2, PY3, binary_type, integer_types, iteritems, string_types, text_type  # noqa: F401
from ansible.module_utils.six.moves import map, reduce, shlex_quote  # noqa: F401

NoneType = type(None)
SEQUENCETYPE = frozenset, KeysView, Sequence
NUMBERTYPES = tuple(list(integer_types) + [float])
AVAILABLE_HASH_ALGORITHMS = {}
for _algorithm in ('md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'):
    try:
        getattr(hashlib, _algorithm)()
        AVAILABLE_HASH_ALGORITHMS[_algorithm] = getattr(hashlib, _algorithm)
    except (AttributeError, ValueError):
        pass  # a system with FIPS has no md5

FILE_COMMON_ARGUMENTS = dict(
    mode=dict(type='raw'), owner=dict(type='str'), group=dict(type='str'), seuser=dict(type='str'), serole=dict(type='str'), selevel=dict(type='str'),
    setype=dict(type='str'), attributes=dict(type='str', aliases=['attr']), unsafe_writes=dict(type='bool', default=False, fallback=(env_fallback, ['ANSIBLE_UNSAFE_WRITES'])),
)
PASSWD_ARG_RE = re.compile(r'^[-]{0,2}pass[-]?(word|wd)?')
PASSWORD_MATCH = re.compile(r'^(?:.+[-_\s])?pass(?:[-_\s]?(?:word|phrase|wrd|wd)?)(?:[-_\s].+)?$', re.I)

# The parameters as JSON, set by whoever starts the module (and by tests of modules).
_ANSIBLE_ARGS = None
_ANSIBLE_PROFILE = 'legacy'
_NO_MODIFY = object()
imap = map


def get_platform():
    """Name of the system: Linux, FreeBSD …"""
    return platform.system()


def load_platform_subclass(cls, *args, **kwargs):
    """An instance of the subclass for this platform."""
    return super(cls, get_platform_subclass(cls)).__new__(get_platform_subclass(cls))


def get_all_subclasses(cls):
    """All subclasses, at any depth."""
    found, todo = set(), [cls]
    while todo:
        for c in todo.pop().__subclasses__():
            if c not in found:
                found.add(c)
                todo.append(c)
    return list(found)


def heuristic_log_sanitize(data, no_log_values=None):
    """Hides secrets and what looks like a password in a URL."""
    data = to_native(data)
    data = re.sub(r'(://[^/:@\s]*:)[^@/\s]*@', r'\1********@', data)
    if no_log_values:
        data = remove_values(data, no_log_values)
    return data


def missing_required_lib(library, reason=None, url=None):
    """The text for a Python library that is not there."""
    msg = "Failed to import the required Python library (%s) on %s's Python %s." % (library, platform.node(), sys.executable)
    if reason:
        msg += " This is required %s." % reason
    if url:
        msg += " See %s for more info." % url
    return msg + (" Please read the module documentation and install it in the appropriate location."
                  " If the required library is installed, but Ansible is using the wrong Python interpreter,"
                  " please consult the documentation on ansible_python_interpreter")


def _load_params():
    """The parameters that the module was started with."""
    global _ANSIBLE_ARGS
    if _ANSIBLE_ARGS is not None:
        data = _ANSIBLE_ARGS
    elif len(sys.argv) > 1:
        if os.path.isfile(sys.argv[1]):
            with open(sys.argv[1], 'rb') as f:
                data = f.read()
        else:
            data = sys.argv[1].encode('utf-8', 'surrogateescape')
    else:
        data = sys.stdin.buffer.read()
    _ANSIBLE_ARGS = data
    try:
        params = json.loads(to_text(data, errors='surrogate_or_strict'))
    except ValueError:
        print('\n{"msg": "Error: Module unable to decode stdin/parameters as valid JSON. Unable to parse what parameters were passed", "failed": true}')
        sys.exit(1)
    try:
        return params['ANSIBLE_MODULE_ARGS']
    except KeyError:
        print('\n{"msg": "Error: Module unable to locate ANSIBLE_MODULE_ARGS in JSON data from stdin.  Unable to figure out what parameters were passed", "failed": true}')
        sys.exit(1)


class AnsibleModule(object):
    def __init__(self, argument_spec, bypass_checks=False, no_log=False, mutually_exclusive=None, required_together=None, required_one_of=None,
                 add_file_common_args=False, supports_check_mode=False, required_if=None, required_by=None):
        self._name = os.path.basename(__file__)
        self.argument_spec = argument_spec
        self.supports_check_mode = supports_check_mode
        self.check_mode = False
        self.bypass_checks = bypass_checks
        self.no_log = no_log
        self.mutually_exclusive = mutually_exclusive
        self.required_together = required_together
        self.required_one_of = required_one_of
        self.required_if = required_if
        self.required_by = required_by
        self.cleanup_files = []
        self.aliases = {}
        self.no_log_values = set()
        self._debug = self._diff = False
        self._socket_path = self._shell = None
        self._syslog_facility = 'LOG_USER'
        self._verbosity = 0
        self._warnings = []
        self._tmpdir = None
        self._string_conversion_action = ''
        self._options_context = []
        self._created_files = set()
        self._clean = {}
        self.run_command_environ_update = {}
        self._legal_inputs = ['_ansible_%s' % k for k in PASS_VARS]
        if add_file_common_args:
            for k, v in FILE_COMMON_ARGUMENTS.items():
                if k not in self.argument_spec:
                    self.argument_spec[k] = v
        self._set_cwd()
        self.params = _load_params()
        self._take_internal()
        validator = ModuleArgumentSpecValidator(self.argument_spec, self.mutually_exclusive, self.required_together, self.required_one_of, self.required_if, self.required_by)
        self.validation_result = validator.validate(self.params)
        self.params.update(self.validation_result.validated_parameters)
        self.no_log_values.update(self.validation_result._no_log_values)
        self.aliases.update(self.validation_result._aliases)
        errors = list(self.validation_result.errors.errors)
        if self._ignore_unknown_opts:
            errors = [e for e in errors if not isinstance(e, UnsupportedError)]
        if errors and not self.bypass_checks:
            msg = errors[0].msg
            if isinstance(errors[0], UnsupportedError):
                msg = "Unsupported parameters for ({name}) {kind}: {msg}".format(name=self._name, kind='module', msg=msg)
            self.fail_json(msg=msg)
        if self.check_mode and not self.supports_check_mode:
            self.exit_json(skipped=True, msg="remote module (%s) does not support check mode" % self._name)
        if not self.no_log:
            self._log_invocation()
        # Files of modules are private unless the module says otherwise.
        self._selinux_enabled = self._selinux_mls_enabled = None

    def _take_internal(self):
        """Moves the _ansible_ parameters into attributes."""
        for k, (attribute, default) in PASS_VARS.items():
            key = '_ansible_%s' % k
            if key in self.params:
                value = self.params.pop(key)
                setattr(self, attribute, self.boolean(value) if k in PASS_BOOLS else value)
            elif not hasattr(self, attribute):
                setattr(self, attribute, default)
        if self._selinux_special_fs is None:
            self._selinux_special_fs = PASS_VARS['selinux_special_fs'][1]

    @property
    def tmpdir(self):
        """A directory for temporary files, removed at the end."""
        if self._tmpdir is None or not os.path.isdir(self._tmpdir):
            base = None
            if self._remote_tmp is not None:
                base = os.path.expanduser(os.path.expandvars(self._remote_tmp))
                if not os.path.exists(base):
                    try:
                        os.makedirs(base, mode=0o700)
                    except (OSError, IOError) as e:
                        self.warn("Unable to use %s as temporary directory, failing back to system: %s" % (base, to_native(e)))
                        base = None
                    else:
                        self.warn("Module remote_tmp %s did not exist and was created with a mode of 0700, this may cause issues when running as another user. "
                                  "To avoid this, create the remote_tmp dir with the correct permissions manually" % base)
            try:
                made = tempfile.mkdtemp(prefix='ansible-moduletmp-%s-' % time.time(), dir=base)
            except (OSError, IOError) as e:
                self.fail_json(msg="Failed to create remote module tmp path at dir %s with prefix ansible-moduletmp-: %s" % (base, to_native(e)))
            if not self._keep_remote_files:
                atexit.register(shutil.rmtree, made, True)
            self._tmpdir = made
        return self._tmpdir

    def warn(self, warning):
        """Adds a warning to the result."""
        warn(warning)
        self.log('[WARNING] %s' % warning)

    def deprecate(self, msg, version=None, date=None, collection_name=None):
        """Adds a deprecation to the result."""
        if version is not None and date is not None:
            raise AssertionError("implementation error -- version and date must not both be set")
        deprecate(msg, version=version, date=date, collection_name=collection_name)
        self.log('[DEPRECATION WARNING] %s %s' % (msg, date if date is not None else version))

    def _set_cwd(self):
        """Makes sure that there is a readable working directory."""
        try:
            cwd = os.getcwd()
            if os.access(cwd, os.F_OK | os.R_OK):
                return cwd
        except OSError:
            pass
        for cwd in (os.path.expanduser('~'), tempfile.gettempdir()):
            try:
                if os.access(cwd, os.F_OK | os.R_OK):
                    os.chdir(cwd)
                    return cwd
            except OSError:
                continue
        return None

    # ── logging ──

    def debug(self, msg):
        if self._debug:
            self.log('[debug] %s' % msg)

    def _log_to_syslog(self, msg):
        if HAS_SYSLOG:
            try:
                syslog.openlog('ansible-%s' % os.path.basename(str(self._name)), 0, getattr(syslog, str(self._syslog_facility), syslog.LOG_USER))
                syslog.syslog(syslog.LOG_INFO, msg)
            except (TypeError, ValueError) as e:
                self.fail_json(msg='Failed to log to syslog (%s). To proceed anyway, disable syslog logging by setting no_target_syslog to True in your Ansible config.'
                               % to_native(e), exception=traceback.format_exc(), msg_to_log=msg)

    def log(self, msg, log_args=None):
        """Writes a line to the system's log."""
        if self.no_log:
            return
        if not isinstance(msg, (str, bytes)):
            raise TypeError("msg should be a string (got %s)" % type(msg))
        msg = remove_values(to_native(msg, errors='surrogate_or_replace'), self.no_log_values)
        if self._target_log_info:
            msg = ' '.join([str(self._target_log_info), msg])
        self._log_to_syslog(msg.encode('utf-8', 'replace').decode('utf-8'))

    def _log_invocation(self):
        shown = {}
        for param in self.params:
            canon = self.aliases.get(param, param)
            opts = self.argument_spec.get(canon, {})
            no_log = opts.get('no_log', None)
            if no_log is None and PASSWORD_MATCH.search(param) and opts.get('type', 'str') != 'bool' and not opts.get('choices', False):
                shown[param] = 'NOT_LOGGING_PASSWORD'
                self.warn('Module did not set no_log for %s' % param)
            elif self.boolean(no_log) if no_log is not None else False:
                shown[param] = 'NOT_LOGGING_PARAMETER'
            else:
                shown[param] = heuristic_log_sanitize(to_native(self.params[param]), self.no_log_values)
        self.log('Invoked with ' + ' '.join('%s=%s' % (k, v) for k, v in shown.items()), log_args=shown)

    # ── results ──

    def boolean(self, arg):
        """Turns a parameter into a bool."""
        if arg is None:
            return arg
        try:
            return boolean(arg)
        except TypeError as e:
            self.fail_json(msg=to_native(e))

    def jsonify(self, data):
        try:
            return jsonify(data)
        except UnicodeError as e:
            self.fail_json(msg=to_text(e))

    def from_json(self, data):
        return json.loads(data)

    def add_cleanup_file(self, path):
        if path not in self.cleanup_files:
            self.cleanup_files.append(path)

    def do_cleanup_files(self):
        for path in self.cleanup_files:
            self.cleanup(path)

    def _return_formatted(self, kwargs):
        self.add_path_info(kwargs)
        kwargs.setdefault('invocation', {'module_args': self.params})
        if 'warnings' in kwargs:
            given = kwargs['warnings']
            for w in given if isinstance(given, list) else [given]:
                self.warn(w)
        warnings = get_warning_messages()
        if warnings:
            kwargs['warnings'] = list(warnings)
        if 'deprecations' in kwargs:
            given = kwargs['deprecations']
            for d in given if isinstance(given, list) else [given]:
                if isinstance(d, (list, tuple)) and len(d) == 2:
                    self.deprecate(d[0], version=d[1])
                elif isinstance(d, Mapping):
                    self.deprecate(d['msg'], version=d.get('version'), date=d.get('date'), collection_name=d.get('collection_name'))
                else:
                    self.deprecate(d)
        deprecations = get_deprecation_messages()
        if deprecations:
            kwargs['deprecations'] = list(deprecations)
        kwargs = remove_values(kwargs, self.no_log_values)
        print('\n%s' % self.jsonify(kwargs))

    def exit_json(self, **kwargs):
        """Ends the module with a result."""
        self.do_cleanup_files()
        self._return_formatted(kwargs)
        sys.exit(0)

    def fail_json(self, msg, **kwargs):
        """Ends the module with a failure."""
        kwargs['failed'] = True
        kwargs['msg'] = msg
        if 'exception' not in kwargs and sys.exc_info()[2] and (self._debug or self._verbosity >= 3):
            kwargs['exception'] = ''.join(traceback.format_tb(sys.exc_info()[2]))
        self.do_cleanup_files()
        self._return_formatted(kwargs)
        sys.exit(1)

    def fail_on_missing_params(self, required_params=None):
        if not required_params:
            return
        try:
            check_missing_parameters(self.params, required_params)
        except TypeError as e:
            self.fail_json(msg=to_native(e))

    # ── programs ──

    def get_bin_path(self, arg, required=False, opt_dirs=None):
        """Full path of a program, None (or a failure, when required) without it."""
        try:
            return get_bin_path(arg=arg, opt_dirs=opt_dirs)
        except ValueError as e:
            if required:
                self.fail_json(msg=to_text(e))
            return None

    def is_executable(self, path):
        return is_executable(path)

    def _clean_args(self, args):
        """A command line without its secrets, for messages."""
        words = args
        if isinstance(args, (str, bytes)):
            try:
                words = shlex.split(to_native(args, errors='surrogate_or_replace'))
            except ValueError:
                words = to_native(args).split()
        clean, hide = [], False
        for word in words:
            word = to_native(word, errors='surrogate_or_replace')
            if hide:
                hide = False
                clean.append('********')
                continue
            if PASSWD_ARG_RE.match(word):
                at = word.find('=')
                if at > -1:
                    clean.append('%s=********' % word[:at])
                    continue
                hide = True
            clean.append(heuristic_log_sanitize(word, self.no_log_values))
        return ' '.join(shlex.quote(w) for w in clean)

    def get_buffer_size(self, fd):
        try:
            return fcntl.fcntl(fd, 1032)
        except Exception:
            return 9000

    def run_command(self, args, check_rc=False, close_fds=True, executable=None, data=None, binary_data=False, path_prefix=None, cwd=None,
                    use_unsafe_shell=False, prompt_regex=None, environ_update=None, umask=None, encoding='utf-8', errors='surrogate_or_strict',
                    expand_user_and_vars=True, pass_fds=None, before_communicate_callback=None, ignore_invalid_cwd=True, handle_exceptions=True, **ignored):
        """Runs a program and returns (rc, stdout, stderr). Keywords that it does not know are ignored."""
        self._clean = None
        if not isinstance(args, (list, str, bytes)):
            self.fail_json(rc=257, cmd=args, msg="Argument 'args' to run_command must be list or string")
        shell = False
        if use_unsafe_shell:
            if isinstance(args, list):
                args = ' '.join(shlex.quote(to_text(x, errors='surrogate_or_strict')) for x in args)
            shell = True
            if executable is None:
                executable = self._shell
                if executable in (None, '/bin/sh'):
                    executable = None
            command = to_bytes(args, errors='surrogate_or_strict')
            if executable:
                command, shell = [to_bytes(executable), b'-c', command], False
                executable = None
        else:
            if isinstance(args, (str, bytes)):
                args = shlex.split(to_text(args, errors='surrogateescape'))
            command = []
            for word in args:
                if word is None:
                    continue
                if expand_user_and_vars:
                    word = os.path.expanduser(os.path.expandvars(to_bytes(word, errors='surrogate_or_strict')))
                command.append(to_bytes(word, errors='surrogate_or_strict'))
        pattern = None
        if prompt_regex:
            if isinstance(prompt_regex, str):
                prompt_regex = to_bytes(prompt_regex, errors='surrogateescape')
            if isinstance(prompt_regex, bytes):
                try:
                    pattern = re.compile(prompt_regex, re.MULTILINE)
                except re.error:
                    self.fail_json(msg="invalid prompt regular expression given to run_command")
        env = os.environ.copy()
        env.update((k, to_native(v)) for k, v in self.run_command_environ_update.items())
        env.update((k, to_native(v)) for k, v in (environ_update or {}).items())
        if path_prefix:
            env['PATH'] = '%s:%s' % (path_prefix, env['PATH']) if env.get('PATH') else path_prefix
        if cwd:
            cwd = to_bytes(os.path.abspath(os.path.expanduser(cwd)), errors='surrogate_or_strict')
            if not os.path.isdir(cwd):
                if not ignore_invalid_cwd:
                    self.fail_json(msg='Provided cwd is not a valid directory: %s' % to_native(cwd))
                cwd = None

        def before():
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            if umask:
                os.umask(umask)

        try:

            cmd = subprocess.Popen(
                command, executable=executable, shell=shell, close_fds=close_fds, stdin=subprocess.PIPE if data else None, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, preexec_fn=before, env=env, cwd=cwd, pass_fds=pass_fds or ())
            if before_communicate_callback:
                before_communicate_callback(cmd)
            text = None
            if data:
                text = data if isinstance(data, bytes) else to_bytes(data)
                if not binary_data:
                    text += b'\n'
            rc, stdout, stderr = self._communicate(cmd, text, pattern)
        except (OSError, IOError) as e:
            self.log("Error Executing CMD:%s Exception:%s" % (self._clean_args(args), to_native(e)))
            if handle_exceptions:
                self.fail_json(rc=e.errno, stdout='', stderr='', msg=to_native(e), cmd=self._clean_args(args))
            raise
        except SystemExit:
            raise
        except Exception as e:
            self.log("Error Executing CMD:%s Exception:%s" % (self._clean_args(args), to_native(traceback.format_exc())))
            if handle_exceptions:
                self.fail_json(rc=257, stdout='', stderr='', msg=to_native(e), exception=traceback.format_exc(), cmd=self._clean_args(args))
            raise
        if rc != 0 and check_rc:
            msg = heuristic_log_sanitize(to_native(stderr, errors='surrogate_or_replace').rstrip(), self.no_log_values)
            self.fail_json(cmd=self._clean_args(args), rc=rc, stdout=to_native(stdout, errors='surrogate_or_replace'),
                           stderr=to_native(stderr, errors='surrogate_or_replace'), msg=msg)
        if encoding is not None:
            return rc, to_native(stdout, encoding=encoding, errors=errors), to_native(stderr, encoding=encoding, errors=errors)
        return rc, stdout, stderr

    def _communicate(self, cmd, text, pattern):
        """Feeds and reads a process until it ends. A daemon that keeps its output open is not waited for."""
        out, err = [], []
        streams = {cmd.stdout.fileno(): out, cmd.stderr.fileno(): err}
        poll = select.poll()
        for fd in streams:
            poll.register(fd, select.POLLIN | select.POLLHUP | select.POLLERR)
        sent = 0
        if text is not None:
            os.set_blocking(cmd.stdin.fileno(), False)
            poll.register(cmd.stdin.fileno(), select.POLLOUT | select.POLLERR | select.POLLHUP)
        open_fds = set(streams)
        try:
            while open_fds or text is not None:
                ended = cmd.poll() is not None
                events = poll.poll(0 if ended else 1000)
                if ended and not events:
                    break
                for fd, event in events:
                    if fd in streams:
                        chunk = os.read(fd, 1 << 16)
                        if chunk:
                            streams[fd].append(chunk)
                        else:
                            poll.unregister(fd)
                            open_fds.discard(fd)
                    else:
                        try:
                            sent += os.write(fd, text[sent:sent + (1 << 16)])
                        except BlockingIOError:
                            continue
                        except OSError:
                            sent = len(text)
                        if sent >= len(text):
                            poll.unregister(fd)
                            cmd.stdin.close()
                            text = None
                if pattern and text is None and not cmd.stdin:
                    so_far = b''.join(out)
                    if pattern.search(so_far):
                        cmd.kill()
                        cmd.wait()
                        return 257, so_far, b"A prompt was encountered while running a command, but no input data was specified"
            cmd.wait()
        finally:
            cmd.stdout.close()
            cmd.stderr.close()
            if cmd.stdin and not cmd.stdin.closed:
                try:
                    cmd.stdin.close()
                except OSError:
                    pass
        return cmd.returncode, b''.join(out), b''.join(err)

    # ── files ──

    def digest_from_file(self, filename, algorithm):
        """Checksum of a file in hex, None when it does not exist."""
        b_filename = to_bytes(filename, errors='surrogate_or_strict')
        if not os.path.exists(b_filename):
            return None
        if os.path.isdir(b_filename):
            self.fail_json(msg="attempted to take checksum of directory: %s" % filename)
        if hasattr(algorithm, 'hexdigest'):
            digest = algorithm
        else:
            try:
                digest = AVAILABLE_HASH_ALGORITHMS[algorithm]()
            except KeyError:
                self.fail_json(msg="Could not hash file '%s' with algorithm '%s'. Available algorithms: %s"
                               % (filename, algorithm, ', '.join(AVAILABLE_HASH_ALGORITHMS)))
        with open(os.path.realpath(b_filename), 'rb') as f:
            for block in iter(lambda: f.read(1 << 16), b''):
                digest.update(block)
        return digest.hexdigest()

    def md5(self, filename):
        if 'md5' not in AVAILABLE_HASH_ALGORITHMS:
            raise ValueError('MD5 not available.  Possibly running in FIPS mode')
        return self.digest_from_file(filename, 'md5')

    def sha1(self, filename):
        return self.digest_from_file(filename, 'sha1')

    def sha256(self, filename):
        return self.digest_from_file(filename, 'sha256')

    def backup_local(self, fn):
        """Copies a file to one with a time stamp in its name, and returns that; '' when there is no file."""
        backup = ''
        if os.path.exists(fn):
            backup = '%s.%s.%s' % (fn, os.getpid(), time.strftime("%Y-%m-%d@%H:%M:%S~", time.localtime(time.time())))
            try:
                self.preserved_copy(fn, backup)
            except (shutil.Error, IOError) as e:
                self.fail_json(msg='Could not make backup of %s to %s: %s' % (fn, backup, to_native(e)))
        return backup

    def cleanup(self, tmpfile):
        if os.path.exists(tmpfile):
            try:
                os.unlink(tmpfile)
            except OSError as e:
                sys.stderr.write("could not cleanup %s: %s" % (tmpfile, to_native(e)))

    def preserved_copy(self, src, dest):
        """Copies a file with owner, mode, times, SELinux context and attributes."""
        shutil.copy2(src, dest)
        st = os.stat(src)
        self.set_context_if_different(dest, self.selinux_context(src), False)
        try:
            os.chown(dest, st.st_uid, st.st_gid)
        except OSError as e:
            if e.errno != errno.EPERM:
                raise
        self.set_attributes_if_different(dest, ''.join(self.get_file_attributes(src, include_version=False).get('attr_flags', '')), True)

    def append_to_file(self, filename, str):
        filename = os.path.expandvars(os.path.expanduser(filename))
        with open(filename, 'a') as f:
            f.write(str)

    def bytes_to_human(self, size):
        return bytes_to_human(size)

    pretty_bytes = bytes_to_human

    def human_to_bytes(self, number, isbits=False):
        return human_to_bytes(number, isbits)

    def atomic_move(self, src, dest, unsafe_writes=False, keep_dest_attrs=True):
        """Puts src in the place of dest in one step; the new file keeps owner and mode of the old."""
        context = None
        old = None
        b_src, b_dest = to_bytes(src, errors='surrogate_or_strict'), to_bytes(dest, errors='surrogate_or_strict')
        if os.path.exists(b_dest):
            old = os.stat(b_dest)
            if keep_dest_attrs:
                try:
                    os.chmod(b_src, old.st_mode & PERM_BITS)
                    os.chown(b_src, old.st_uid, old.st_gid)
                except OSError as e:
                    if e.errno != errno.EPERM:
                        raise
                if self.selinux_enabled():
                    context = self.selinux_context(dest)
        elif self.selinux_enabled():
            context = self.selinux_default_context(dest)
        creating = old is None
        try:
            os.rename(b_src, b_dest)
        except (IOError, OSError) as e:
            if e.errno not in (errno.EPERM, errno.EXDEV, errno.EACCES, errno.ETXTBSY, errno.EBUSY):
                self.fail_json(msg='Could not replace file: %s to %s: %s' % (src, dest, to_native(e)), exception=traceback.format_exc())
            self._move_by_copy(b_src, b_dest, old if keep_dest_attrs else None, unsafe_writes, e)
        if creating:
            mask = os.umask(0)
            os.umask(mask)
            os.chmod(b_dest, DEFAULT_PERM & ~mask)
            try:
                os.chown(b_dest, os.geteuid(), os.getegid())
            except OSError:
                pass  # a file system without owners
        if self.selinux_enabled():
            self.set_context_if_different(dest, context, False)

    def _move_by_copy(self, b_src, b_dest, old, unsafe_writes, cause):
        folder = os.path.dirname(b_dest) or b'.'
        tmp = None
        try:
            fd, tmp = tempfile.mkstemp(prefix=b'.ansible_tmp', dir=folder, suffix=os.path.basename(b_dest))
            os.close(fd)
            shutil.copyfile(b_src, tmp)
            shutil.copystat(b_src, tmp)
            st = old or os.stat(b_src)
            try:
                os.chown(tmp, st.st_uid, st.st_gid)
            except OSError as e:
                if e.errno != errno.EPERM:
                    raise
            os.rename(tmp, b_dest)
            tmp = None
            os.unlink(b_src)
        except (IOError, OSError) as e:
            if unsafe_writes and e.errno in (errno.EPERM, errno.EXDEV, errno.EACCES, errno.ETXTBSY, errno.EBUSY, errno.EROFS):
                try:
                    with open(b_dest, 'wb') as out, open(b_src, 'rb') as src:
                        shutil.copyfileobj(src, out)
                    return
                except (IOError, OSError) as e2:
                    self.fail_json(msg='Could not write data to file (%s) from (%s): %s' % (to_native(b_dest), to_native(b_src), to_native(e2)),
                                   exception=traceback.format_exc())
            if tmp is None:
                self.fail_json(msg='The destination directory (%s) is not writable by the current user. Error was: %s' % (to_native(folder), to_native(e)))
            self.fail_json(msg='Failed to replace file: %s to %s: %s' % (to_native(b_src), to_native(b_dest), to_native(e)), exception=traceback.format_exc())
        finally:
            if tmp is not None:
                self.cleanup(tmp)

    def load_file_common_arguments(self, params, path=None):
        """The file parameters among params, as set_fs_attributes_if_different wants them."""
        if path is None:
            path = params.get('path', params.get('dest', None))
        if path is None:
            return {}
        path = os.path.expanduser(os.path.expandvars(path))
        b_path = to_bytes(path, errors='surrogate_or_strict')
        if params.get('follow', False) and os.path.islink(b_path):
            path = os.path.realpath(path)
        context = [params.get('seuser', None), params.get('serole', None), params.get('setype', None)]
        if self.selinux_mls_enabled():
            context.append(params.get('selevel', None))
        default = self.selinux_default_context(path)
        for i, part in enumerate(context):
            if part == '_default':
                context[i] = default[i] if default and i < len(default) else None
        return dict(
            path=path, mode=params.get('mode', None), owner=params.get('owner', None), group=params.get('group', None), seuser=context[0], serole=context[1],
            setype=context[2], selevel=params.get('selevel', None), secontext=context, attributes=params.get('attributes', None))

    def set_fs_attributes_if_different(self, file_args, changed, diff=None, expand=True):
        """Applies context, owner, group, mode and attributes. Returns whether anything changed."""
        changed = self.set_context_if_different(file_args['path'], file_args['secontext'], changed, diff)
        changed = self.set_owner_if_different(file_args['path'], file_args['owner'], changed, diff, expand)
        changed = self.set_group_if_different(file_args['path'], file_args['group'], changed, diff, expand)
        changed = self.set_mode_if_different(file_args['path'], file_args['mode'], changed, diff, expand)
        return self.set_attributes_if_different(file_args['path'], file_args['attributes'], changed, diff, expand)

    set_directory_attributes_if_different = set_file_attributes_if_different = set_fs_attributes_if_different

    def check_file_absent_if_check_mode(self, file_path):
        return self.check_mode and not os.path.exists(file_path)

    def user_and_group(self, path, expand=True):
        """(uid, gid) of a path."""
        b_path = self._b_path(path, expand)
        st = os.lstat(b_path)
        return st.st_uid, st.st_gid

    def _b_path(self, path, expand):
        b_path = to_bytes(path, errors='surrogate_or_strict')
        return os.path.expanduser(os.path.expandvars(b_path)) if expand else b_path

    @staticmethod
    def _note(diff, key, before, after):
        if diff is not None:
            diff.setdefault('before', {})[key] = before
            diff.setdefault('after', {})[key] = after

    def set_owner_if_different(self, path, owner, changed, diff=None, expand=True):
        if owner is None:
            return changed
        b_path = self._b_path(path, expand)
        if self.check_file_absent_if_check_mode(b_path):
            return True
        current, _ = self.user_and_group(b_path, expand)
        try:
            uid = int(owner)
        except ValueError:
            try:
                uid = pwd.getpwnam(owner).pw_uid
            except KeyError:
                self.fail_json(path=to_text(b_path), msg='chown failed: failed to look up user %s' % owner)
        if current != uid:
            self._note(diff, 'owner', current, uid)
            if self.check_mode:
                return True
            try:
                os.lchown(b_path, uid, -1)
            except (IOError, OSError) as e:
                self.fail_json(path=to_text(b_path), msg='chown failed: %s' % to_text(e))
            changed = True
        return changed

    def set_group_if_different(self, path, group, changed, diff=None, expand=True):
        if group is None:
            return changed
        b_path = self._b_path(path, expand)
        if self.check_file_absent_if_check_mode(b_path):
            return True
        _, current = self.user_and_group(b_path, expand)
        try:
            gid = int(group)
        except ValueError:
            try:
                gid = grp.getgrnam(group).gr_gid
            except KeyError:
                self.fail_json(path=to_text(b_path), msg='chgrp failed: failed to look up group %s' % group)
        if current != gid:
            self._note(diff, 'group', current, gid)
            if self.check_mode:
                return True
            try:
                os.lchown(b_path, -1, gid)
            except OSError:
                self.fail_json(path=to_text(b_path), msg='chgrp failed')
            changed = True
        return changed

    def set_mode_if_different(self, path, mode, changed, diff=None, expand=True):
        if mode is None:
            return changed
        b_path = self._b_path(path, expand)
        if self.check_file_absent_if_check_mode(b_path):
            return True
        st = os.lstat(b_path)
        if not isinstance(mode, int):
            try:
                mode = int(mode, 8)
            except Exception:
                try:
                    mode = self._symbolic_mode_to_octal(st, mode)
                except Exception as e:
                    self.fail_json(path=to_text(b_path), msg="mode must be in octal or symbolic form", details=to_native(e))
        if mode != stat.S_IMODE(mode):
            self.fail_json(path=to_text(b_path), msg="Invalid mode supplied, only permission info is allowed", details=mode)
        current = stat.S_IMODE(st.st_mode)
        if current == mode:
            return changed
        self._note(diff, 'mode', '0%03o' % current, '0%03o' % mode)
        if self.check_mode:
            return True
        try:
            if not stat.S_ISLNK(st.st_mode):
                os.chmod(b_path, mode)
            else:
                # Links have no mode of their own: what they point to must stay as it is.
                return changed
        except OSError as e:
            if os.path.islink(b_path) and e.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ELOOP):
                return changed
            self.fail_json(path=to_text(b_path), msg='chmod failed', details=to_native(e), exception=traceback.format_exc())
        return changed or stat.S_IMODE(os.lstat(b_path).st_mode) != current

    @classmethod
    def _symbolic_mode_to_octal(cls, path_stat, symbolic_mode):
        """Applies u+x,g=r… to the mode of path_stat."""
        mode = stat.S_IMODE(path_stat.st_mode)
        is_dir = stat.S_ISDIR(path_stat.st_mode)
        for part in symbolic_mode.split(','):
            words = re.split(r'([=+-])', part)
            users = words.pop(0)
            masked = users == ''
            if users in ('', 'a'):
                users = 'ugo'
            if not USERS_RE.match(users.replace('a', 'ugo')):
                raise ValueError("bad symbolic permission for mode: %s" % part)
            users = ''.join(sorted(set(users.replace('a', 'ugo'))))
            for op, perms in zip(words[0::2], words[1::2]):
                if not PERMS_RE.match(perms):
                    raise ValueError("bad symbolic permission for mode: %s" % part)
                for user in users:
                    mode = cls._apply(mode, user, op, cls._bits(mode, path_stat.st_mode, is_dir, user, perms, masked))
        return mode

    @staticmethod
    def _bits(mode, start, is_dir, user, perms, masked):
        shift = {'u': 6, 'g': 3, 'o': 0}[user]
        bits = 0
        for p in perms:
            if p in 'rwx':
                bits |= {'r': 4, 'w': 2, 'x': 1}[p] << shift
            elif p == 'X':
                if is_dir or start & EXEC_PERM_BITS:
                    bits |= 1 << shift
            elif p == 's':
                bits |= {'u': stat.S_ISUID, 'g': stat.S_ISGID, 'o': 0}[user]
            elif p == 't':
                bits |= stat.S_ISVTX if user in 'ou' else 0
            else:
                bits |= ((mode >> {'u': 6, 'g': 3, 'o': 0}[p]) & 7) << shift
        if masked:
            mask = os.umask(0)
            os.umask(mask)
            bits &= ~mask
        return bits

    @staticmethod
    def _apply(mode, user, op, bits):
        if op == '+':
            return mode | bits
        if op == '-':
            return mode & ~bits
        mask = {'u': stat.S_IRWXU | stat.S_ISUID, 'g': stat.S_IRWXG | stat.S_ISGID, 'o': stat.S_IRWXO | stat.S_ISVTX}[user]
        return (mode & ~mask) | bits

    def get_file_attributes(self, path, include_version=True):
        """What lsattr says."""
        found = {}
        tool = self.get_bin_path('lsattr', False)
        if tool:
            try:
                rc, out, err = self.run_command([tool, '-vd' if include_version else '-d', path])
                if rc == 0:
                    words = out.split()
                    flags = words[1 if include_version else 0].replace('-', '').strip()
                    if include_version:
                        found['version'] = words[0].strip()
                    found['attr_flags'] = flags
                    found['attributes'] = format_attributes(flags)
            except (IndexError, ValueError):
                pass
        return found

    def set_attributes_if_different(self, path, attributes, changed, diff=None, expand=True):
        if not attributes:
            return changed
        b_path = self._b_path(path, expand)
        if self.check_file_absent_if_check_mode(b_path):
            return True
        existing = self.get_file_attributes(b_path, include_version=False)
        mod = '='
        if attributes.startswith(('-', '+')):
            mod, attributes = attributes[0], attributes[1:]
        have = existing.get('attr_flags', '')
        if have == attributes and mod == '=' or mod == '-' and not set(attributes) & set(have) or mod == '+' and set(attributes) <= set(have):
            return changed
        tool = self.get_bin_path('chattr', False)
        if tool:
            self._note(diff, 'attributes', have, '%s%s' % (mod, attributes))
            if not self.check_mode:
                try:
                    rc, out, err = self.run_command([tool, '%s%s' % (mod, attributes), b_path])
                    if rc != 0 or err:
                        raise Exception("Error while setting attributes: %s" % (out + err))
                except Exception as e:
                    self.fail_json(path=to_text(b_path), msg='chattr failed', details=to_native(e), exception=traceback.format_exc())
            changed = True
        return changed

    def add_path_info(self, kwargs):
        """Adds owner, mode, state … of the path in a result."""
        path = kwargs.get('path', kwargs.get('dest', None))
        if path is None:
            return kwargs
        b_path = to_bytes(path, errors='surrogate_or_strict')
        if not os.path.exists(b_path):
            return kwargs
        uid, gid = self.user_and_group(path)
        kwargs['uid'], kwargs['gid'] = uid, gid
        try:
            kwargs['owner'] = pwd.getpwuid(uid)[0]
        except KeyError:
            kwargs['owner'] = str(uid)
        try:
            kwargs['group'] = grp.getgrgid(gid)[0]
        except KeyError:
            kwargs['group'] = str(gid)
        st = os.lstat(b_path)
        kwargs['mode'] = '0%03o' % stat.S_IMODE(st[stat.ST_MODE])
        if os.path.islink(b_path):
            kwargs['state'] = 'link'
        elif os.path.isdir(b_path):
            kwargs['state'] = 'directory'
        elif os.stat(b_path).st_nlink > 1:
            kwargs['state'] = 'hard'
        else:
            kwargs['state'] = 'file'
        if self.selinux_enabled():
            kwargs['secontext'] = ':'.join(self.selinux_context(path))
        kwargs['size'] = st[stat.ST_SIZE]
        return kwargs

    # ── SELinux ──

    def selinux_enabled(self):
        if getattr(self, '_selinux_enabled', None) is None:
            self._selinux_enabled = HAVE_SELINUX and selinux.is_selinux_enabled() == 1
        return self._selinux_enabled

    def selinux_mls_enabled(self):
        if getattr(self, '_selinux_mls_enabled', None) is None:
            self._selinux_mls_enabled = HAVE_SELINUX and selinux.is_selinux_mls_enabled() == 1
        return self._selinux_mls_enabled

    def selinux_initial_context(self):
        return [None] * (4 if self.selinux_mls_enabled() else 3)

    def _split_context(self, answer):
        if answer[0] == -1 or answer[1] is None:
            return self.selinux_initial_context()
        return answer[1].split(':', 3)

    def selinux_default_context(self, path, mode=0):
        if not self.selinux_enabled():
            return self.selinux_initial_context()
        try:
            return self._split_context(selinux.matchpathcon(to_native(path, errors='surrogate_or_strict'), mode))
        except OSError:
            return self.selinux_initial_context()

    def selinux_context(self, path):
        if not self.selinux_enabled():
            return self.selinux_initial_context()
        try:
            return self._split_context(selinux.lgetfilecon_raw(to_native(path, errors='surrogate_or_strict')))
        except OSError as e:
            if e.errno == errno.ENOENT:
                self.fail_json(path=path, msg='path %s does not exist' % path)
            self.fail_json(path=path, msg='failed to retrieve selinux context')

    def find_mount_point(self, path):
        b_path = os.path.realpath(to_bytes(os.path.expanduser(os.path.expandvars(path)), errors='surrogate_or_strict'))
        while not os.path.ismount(b_path):
            b_path = os.path.dirname(b_path)
        return to_text(b_path, errors='surrogate_or_strict')

    def is_special_selinux_path(self, path):
        """(True, context) on a file system that takes no contexts."""
        try:
            with open('/proc/mounts') as f:
                lines = f.readlines()
        except (IOError, OSError):
            return False, None
        mount_point = self.find_mount_point(path)
        for line in lines:
            device, where, fstype, rest = line.split(' ', 3)
            if where == mount_point and any(fs in fstype for fs in self._selinux_special_fs):
                return True, self.selinux_context(where)
        return False, None

    def set_default_selinux_context(self, path, changed):
        if not self.selinux_enabled():
            return changed
        return self.set_context_if_different(path, self.selinux_default_context(path), changed)

    def set_context_if_different(self, path, context, changed, diff=None):
        if not self.selinux_enabled() or context is None or self.check_file_absent_if_check_mode(path):
            return changed
        current = self.selinux_context(path)
        special, special_context = self.is_special_selinux_path(path)
        wanted = list(special_context) if special else list(current)
        if not special:
            for i in range(len(current)):
                if len(context) > i:
                    if context[i] is not None and context[i] != current[i]:
                        wanted[i] = context[i]
                    elif context[i] is None:
                        wanted[i] = current[i]
        if current != wanted:
            self._note(diff, 'secontext', current, wanted)
            if self.check_mode:
                return True
            try:
                selinux.lsetfilecon(to_native(path), ':'.join(wanted))
            except OSError as e:
                self.fail_json(path=path, msg='invalid selinux context: %s' % to_native(e), new_context=wanted, cur_context=current, input_was=context)
            changed = True
        return changed


def get_module_path():
    return os.path.dirname(os.path.realpath(__file__))


def __getattr__(name):
    """Names that old modules still import."""
    if name == 'get_exception':
        return lambda: sys.exc_info()[1]
    raise AttributeError("module '%s' has no attribute '%s'" % (__name__, name))
