"""Base of actions: the controller's half of a task."""
import base64
import json
import os
import random
import re
import shlex
import time
from abc import ABC, abstractmethod

from ansible import constants as C
from ansible.errors import AnsibleAction, AnsibleActionFail, AnsibleActionSkip, AnsibleConnectionFailure, AnsibleError  # noqa: F401
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text
from ansible.utils.display import Display
from troupe_host import link

display = Display()


def _tmp_name():
    return 'ansible-tmp-%s-%s-%s' % (time.time(), os.getpid(), random.randint(0, 2 ** 48))


class ActionBase(ABC):
    """What all actions share. The host is reached through Troupe."""

    _VALID_ARGS = frozenset()
    BYPASS_HOST_LOOP = False
    TRANSFERS_FILES = False
    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False

    def __init__(self, task, connection, play_context, loader, templar, shared_loader_obj):
        self._task = task
        self._connection = connection
        self._play_context = play_context
        self._loader = loader
        self._templar = templar
        self._shared_loader_obj = shared_loader_obj
        self._cleanup_remote_tmp = False
        self._backup_module_types = None
        self._display = display
        self._used_interpreter = None
        self._discovered_interpreter_key = self._discovered_interpreter = None
        self._discovery_deprecation_warnings, self._discovery_warnings = [], []

    @abstractmethod
    def run(self, tmp=None, task_vars=None):
        if tmp is not None:
            display.warning('ActionModule.run() no longer honors the tmp parameter. Action plugins should set self._connection._shell.tmpdir to share the tmpdir.')
        if self._task.async_val and not self._supports_async:
            raise AnsibleActionFail('This action (%s) does not support async.' % self._task.action)
        if self._task.check_mode and not self._supports_check_mode:
            raise AnsibleActionSkip('This action (%s) does not support check mode.' % self._task.action)
        if self._task.async_val and self._task.check_mode:
            raise AnsibleActionSkip('"check mode" and "async" cannot be used on same task.')
        if self._VALID_ARGS:
            bad = frozenset(self._task.args) - self._VALID_ARGS
            if bad:
                raise AnsibleActionFail('Invalid options for %s: %s' % (self._task.action, ','.join(sorted(bad))))
        if self._connection._shell.tmpdir is None and self.TRANSFERS_FILES:
            self._make_tmp_path()
        return {}

    def validate_argument_spec(self, argument_spec=None, mutually_exclusive=None, required_together=None, required_one_of=None,
                               required_if=None, required_by=None):
        new = self._task.args.copy()
        validator = ArgumentSpecValidator(argument_spec, mutually_exclusive=mutually_exclusive, required_together=required_together,
                                          required_one_of=required_one_of, required_if=required_if, required_by=required_by)
        got = validator.validate(new)
        new.update(got.validated_parameters)
        errors = got.errors if hasattr(got, 'errors') else None
        messages = list(got.error_messages)
        if messages:
            msg = messages[0] if len(messages) == 1 else ', '.join(messages)
            try:
                msg = errors.msg or msg
            except AttributeError:
                pass
            raise AnsibleActionFail('Validation of arguments failed:\n%s' % '\n'.join(messages) if len(messages) > 1 else msg)
        return got, new

    def cleanup(self, force=False):
        self._remove_tmp_path(self._connection._shell.tmpdir)

    def get_plugin_option(self, plugin, option, default=None):
        try:
            return plugin.get_option(option)
        except (AttributeError, KeyError):
            return default

    def get_become_option(self, option, default=None):
        return self.get_plugin_option(self._connection.become, option, default=default)

    def get_connection_option(self, option, default=None):
        return self.get_plugin_option(self._connection, option, default=default)

    def get_shell_option(self, option, default=None):
        return self.get_plugin_option(self._connection._shell, option, default=default)

    def _remote_file_exists(self, path):
        got = self._low_level_execute_command(cmd=self._connection._shell.exists(path), sudoable=True)
        return got['rc'] == 0

    def _configure_module(self, module_name, module_args, task_vars):
        raise AnsibleError('modules are packed by Troupe')

    def _compute_environment_string(self, raw_environment_out=None):
        env = {}
        for e in self._task.environment or ():
            env.update(self._templar.template(e) or {})
        if raw_environment_out is not None:
            raw_environment_out.update(env)
        return self._connection._shell.env_prefix(**env)

    def _early_needs_tmp_path(self):
        return getattr(self, 'TRANSFERS_FILES', False)

    def _is_pipelining_enabled(self, module_style, wrap_async=False):
        return True

    def _get_admin_users(self):
        return self.get_shell_option('admin_users', ['root'])

    def _get_remote_addr(self, tvars):
        return tvars.get('delegated_vars', {}).get('ansible_host', getattr(self._play_context, 'remote_addr', None))

    def _get_remote_user(self):
        return self.get_connection_option('remote_user') or self._play_context.remote_user

    def _is_become_unprivileged(self):
        become = self._connection.become
        if not become:
            return False
        user = become.get_option('become_user')
        return bool(user and user != self._get_remote_user() and user not in self._get_admin_users())

    def _make_tmp_path(self, remote_user=None):
        name = _tmp_name()
        cmd = 'umask 077 && mkdir -p ~/.ansible/tmp && mkdir ~/.ansible/tmp/%s && cd ~/.ansible/tmp/%s && pwd' % (name, name)
        got = self._low_level_execute_command(cmd)
        if got['rc'] != 0:
            raise AnsibleConnectionFailure("Failed to create temporary directory. %s" % (got['stderr'] or got['stdout']).strip())
        path = got['stdout'].strip().splitlines()[-1] + '/'
        self._connection._shell.tmpdir = path
        return path

    def _should_remove_tmp_path(self, tmp_path):
        return bool(tmp_path and self._cleanup_remote_tmp and not C.DEFAULT_KEEP_REMOTE_FILES and '-tmp-' in tmp_path)

    def _remove_tmp_path(self, tmp_path, force=False):
        if tmp_path is None and self._connection._shell.tmpdir:
            tmp_path = self._connection._shell.tmpdir
        if tmp_path and '-tmp-' in tmp_path and not C.DEFAULT_KEEP_REMOTE_FILES:
            self._low_level_execute_command(self._connection._shell.remove(tmp_path, recurse=True))
            self._connection._shell.tmpdir = None

    def _transfer_file(self, local_path, remote_path):
        self._connection.put_file(local_path, remote_path)
        return remote_path

    def _transfer_data(self, remote_path, data):
        if isinstance(data, dict):
            data = json.dumps(data)
        link.ask('put', data=to_bytes(data, errors='surrogate_or_strict'), dest=remote_path)
        return remote_path

    def _fixup_perms2(self, remote_paths, remote_user=None, execute=True):
        if execute:
            got = self._remote_chmod(remote_paths, 'u+x')
            if got['rc'] != 0:
                raise AnsibleError('Failed to set file mode or acl on remote temporary files (rc: {0}, err: {1})'.format(got['rc'], to_native(got['stderr'])))
        return remote_paths

    def _remote_chmod(self, paths, mode, sudoable=False):
        return self._low_level_execute_command(self._connection._shell.chmod(paths, mode), sudoable=sudoable)

    def _remote_chown(self, paths, user, sudoable=False):
        return self._low_level_execute_command(self._connection._shell.chown(paths, user), sudoable=sudoable)

    def _remote_chgrp(self, paths, group, sudoable=False):
        return self._low_level_execute_command(self._connection._shell.chgrp(paths, group), sudoable=sudoable)

    def _remote_set_user_facl(self, paths, user, mode, sudoable=False):
        return self._low_level_execute_command(self._connection._shell.set_user_facl(paths, user, mode), sudoable=sudoable)

    def _execute_remote_stat(self, path, all_vars, follow, tmp=None, checksum=True):
        args = dict(path=path, follow=follow, get_checksum=checksum, checksum_algorithm='sha1')
        got = self._execute_module(module_name='ansible.legacy.stat', module_args=args, task_vars=all_vars)
        failed = got.get('failed') and (got.get('module_stderr') or got.get('msg'))
        if failed:
            raise AnsibleError('Failed to get information on remote file (%s): %s' % (path, failed))
        stat = got['stat']
        if not stat.get('exists'):
            stat.setdefault('checksum', '1')
        elif stat.get('isdir'):
            stat['checksum'] = '3'
        else:
            stat.setdefault('checksum', '')
        return stat

    def _remote_expand_user(self, path, sudoable=True, pathsep=None):
        if not path.startswith('~'):
            return path
        head, sep, rest = path.partition('/')
        if head == '~' and getattr(self._connection, '_remote_is_local', False) and not self._play_context.become:
            return os.path.expanduser(path)
        got = self._low_level_execute_command('echo %s' % head, sudoable=False if head != '~' else sudoable)
        home = (got['stdout'].strip().splitlines() or [head])[-1]
        return home + sep + rest

    def _strip_success_message(self, data):
        return re.sub(r'^((\r)?\n)?BECOME-SUCCESS.*(\r)?\n', '', data)

    def _update_module_args(self, module_name, module_args, task_vars, ignore_unknown_opts=False):
        pass

    def _execute_module(self, module_name=None, module_args=None, tmp=None, task_vars=None, persist_files=False, delete_remote_tmp=None,
                        wrap_async=False, ignore_unknown_opts=False):
        if module_name is None:
            module_name = self._task.action
        if module_args is None:
            module_args = self._task.args
        if self._task.check_mode and not self._supports_check_mode and module_name == self._task.action:
            raise AnsibleActionSkip('This action (%s) does not support check mode.' % self._task.action)
        data = link.ask('module', name=module_name, args=dict(module_args), wrap_async=bool(wrap_async), check=self._task.check_mode,
                        diff=self._task.diff)
        data['_ansible_parsed'] = True
        kept = data.pop('_troupe_tmpdir', None)
        if kept and self._connection._shell.tmpdir is None:
            self._connection._shell.tmpdir = kept
        for k in ('stdout', 'stderr'):
            if isinstance(data.get(k), str) and k + '_lines' not in data:
                data[k + '_lines'] = data[k].splitlines()
        return data

    def _parse_returned_data(self, res):
        try:
            text = res.get('stdout', '')
            start = text.index('{')
            data, _unused = json.JSONDecoder().raw_decode(text[start:])
            data['_ansible_parsed'] = True
            return data
        except ValueError:
            return dict(failed=True, _ansible_parsed=False, module_stdout=res.get('stdout', ''), module_stderr=res.get('stderr', ''), rc=res.get('rc'),
                        msg='MODULE FAILURE: No start of json char found\nSee stdout/stderr for the exact error')

    def _low_level_execute_command(self, cmd, sudoable=True, in_data=None, executable=None, encoding_errors='surrogate_then_replace', chdir=None):
        if not cmd:
            return dict(rc=254, stdout='', stdout_lines=[], stderr='', stderr_lines=[])
        if chdir:
            cmd = 'cd %s && %s' % (shlex.quote(chdir), cmd)
        if executable is None:
            executable = getattr(self._connection._shell, 'executable', None) or '/bin/sh'
        if executable:
            cmd = executable + ' -c ' + shlex.quote(cmd)
        if in_data:
            cmd = 'printf %%s %s | base64 -d | %s' % (base64.b64encode(to_bytes(in_data)).decode(), cmd)
        rc, out, err = self._connection.exec_command(cmd, sudoable=sudoable)
        out, err = to_text(out, errors='replace'), to_text(err, errors='replace')
        return dict(rc=rc or 0, stdout=out, stdout_lines=out.splitlines(), stderr=err, stderr_lines=err.splitlines())

    def _get_diff_data(self, destination, source, task_vars, content=None, source_file=True):
        diff = {}
        peek = self._execute_module(module_name='ansible.legacy.file', module_args=dict(path=destination, _diff_peek=True), task_vars=task_vars)
        if not peek.get('failed'):
            if peek.get('state') in ('file', None) and not peek.get('src'):
                diff['before'] = ''
            elif peek.get('appears_binary'):
                diff['dst_binary'] = 1
            else:
                diff['before_header'] = destination
                got = self._execute_module(module_name='ansible.legacy.slurp', module_args=dict(path=destination), task_vars=task_vars)
                if 'content' in got:
                    diff['before'] = to_text(base64.b64decode(got['content']), errors='replace')
        if source_file:
            with open(source, 'rb') as f:
                text = f.read()
            if b'\x00' in text:
                diff['src_binary'] = 1
            else:
                diff['after_header'] = source
                diff['after'] = to_text(text, errors='replace')
        else:
            diff['after_header'] = 'dynamically generated'
            diff['after'] = source
        if self._task.no_log:
            if 'before' in diff:
                diff['before'] = ''
            if 'after' in diff:
                diff['after'] = ' [[ Diff output has been hidden because \'no_log: true\' was specified for this result ]]\n'
        return diff

    def _find_needle(self, dirname, needle):
        paths = self._task.get_search_path()
        return self._loader.path_dwim_relative_stack(paths, dirname, needle)


class NativeAction(ActionBase):
    """An action that Troupe itself is, as a class to call or to extend."""

    native_name = ''
    _supports_async = True

    def run(self, tmp=None, task_vars=None):
        return link.ask('action', name=self.native_name, args=dict(self._task.args), check=self._task.check_mode, diff=self._task.diff)
