"""Base of callbacks: what a run tells, one method for each thing that happens."""
import difflib
import json
import sys
import textwrap

from ansible import constants as C
from ansible.module_utils.common.text.converters import to_text
from ansible.module_utils.six import text_type  # noqa: F401
from ansible.parsing.ajson import AnsibleJSONEncoder
from ansible.plugins import AnsiblePlugin, get_plugin_class  # noqa: F401
from ansible.utils.color import stringc
from ansible.utils.display import Display
from ansible.vars.clean import module_response_deepcopy, strip_internal_keys

global_display = Display()
__all__ = ['CallbackBase']
_DEBUG_ALLOWED_KEYS = frozenset(('msg', 'exception', 'warnings', 'deprecations'))
_YAML_TEXT_TYPES = (str,)


class CallbackBase(AnsiblePlugin):
    """All methods do nothing, or call the method of the older form."""

    wants_implicit_tasks = False
    disabled = False

    def __init__(self, display=None, options=None):
        super().__init__()
        self._display = display or global_display
        if self._display.verbosity >= 4:
            name = getattr(self, 'CALLBACK_NAME', 'unnamed')
            ctype = getattr(self, 'CALLBACK_TYPE', 'old')
            version = getattr(self, 'CALLBACK_VERSION', '1.0')
            self._display.vvvv('Loading callback plugin %s of type %s, v%s from %s' % (name, ctype, version, sys.modules[self.__module__].__file__))
        self.disabled = False
        self.wants_implicit_tasks = False
        self._plugin_options = {}
        if options is not None:
            self.set_options(options)
        self._hide_in_debug = ('changed', 'failed', 'skipped', 'invocation', 'skip_reason')

    _copy_result = staticmethod(module_response_deepcopy)

    def set_option(self, k, v):
        self._plugin_options[k] = v
        self._options[k] = v

    def get_option(self, k, hostvars=None):
        if k not in self._plugin_options and k not in self._options:
            return super().get_option(k, hostvars)
        return self._plugin_options.get(k, self._options.get(k))

    def has_option(self, option):
        return option in self._plugin_options or option in self._options

    def set_options(self, task_keys=None, var_options=None, direct=None):
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)
        self._plugin_options = self._options

    @staticmethod
    def host_label(result):
        label = result._host.get_name()
        if result._task.delegate_to and result._task.delegate_to != label:
            label += ' -> %s' % result._task.delegate_to
            ahost = result._result.get('_ansible_delegated_vars', {}).get('ansible_host', result._task.delegate_to)
            if result._task.delegate_to != ahost:
                label += '(%s)' % ahost
        return label

    def _run_is_verbose(self, result, verbosity=0):
        return ((self._display.verbosity > verbosity or result._result.get('_ansible_verbose_always', False) is True)
                and result._result.get('_ansible_verbose_override', False) is False)

    def _dump_results(self, result, indent=None, sort_keys=True, keep_invocation=False, serialize=True):
        try:
            result_format = self.get_option('result_format')
        except KeyError:
            result_format = 'json'
        try:
            pretty = self.get_option('pretty_results')
        except KeyError:
            pretty = None
        if indent is None and (result.get('_ansible_verbose_always') or (pretty is None and result_format == 'json' and False) or pretty is True):
            indent = 4
        if pretty is False:
            indent = None
        clean = strip_internal_keys(module_response_deepcopy(dict(result)))
        if not keep_invocation and self._display.verbosity < 3 and 'invocation' in result:
            del clean['invocation']
        if self._display.verbosity < 3 and 'diff' in result:
            del clean['diff']
        clean.pop('exception', None)
        if not serialize:
            return clean
        if result_format == 'yaml':
            import yaml

            from ansible.parsing.yaml.dumper import AnsibleDumper
            text = yaml.dump(clean, allow_unicode=True, width=1000, Dumper=AnsibleDumper, default_flow_style=False)
            return '\n' + textwrap.indent(text.rstrip('\n'), ' ' * (indent or 4))
        try:
            return json.dumps(clean, cls=AnsibleJSONEncoder, indent=indent, ensure_ascii=False, sort_keys=sort_keys)
        except TypeError:
            return json.dumps({str(k): v for k, v in clean.items()}, cls=AnsibleJSONEncoder, indent=indent, ensure_ascii=False, sort_keys=sort_keys)

    def _handle_warnings(self, res):
        if C.ACTION_WARNINGS:
            for w in res.get('warnings') or ():
                self._display.warning(w)
            res.pop('warnings', None)
        for d in res.pop('deprecations', None) or ():
            self._display.deprecated(**{k: v for k, v in d.items() if k in ('msg', 'version', 'date', 'collection_name')})

    def _handle_exception(self, result, use_stderr=False):
        if 'exception' not in result:
            return
        msg = 'An exception occurred during task execution. '
        text = to_text(result['exception'])
        if self._display.verbosity < 3:
            msg += 'To see the full traceback, use -vvv. The error was: %s' % text.strip().split('\n')[-1]
        else:
            msg = 'The full traceback is:\n' + text
            del result['exception']
        self._display.display(msg, color=C.COLOR_ERROR, stderr=use_stderr)

    def _serialize_diff(self, diff):
        return json.dumps(diff, sort_keys=True, indent=4, separators=(',', ': ')) + '\n'

    def _get_diff(self, difflist):
        out = []
        for diff in difflist if isinstance(difflist, list) else [difflist]:
            if 'dst_binary' in diff:
                out.append('diff skipped: destination file appears to be binary\n')
            if 'src_binary' in diff:
                out.append('diff skipped: source file appears to be binary\n')
            if 'dst_larger' in diff:
                out.append('diff skipped: destination file size is greater than %d\n' % diff['dst_larger'])
            if 'src_larger' in diff:
                out.append('diff skipped: source file size is greater than %d\n' % diff['src_larger'])
            if 'before' in diff and 'after' in diff:
                for x in ('before', 'after'):
                    if isinstance(diff[x], (dict, list)):
                        diff[x] = self._serialize_diff(diff[x])
                    elif diff[x] is None:
                        diff[x] = ''
                before = 'before: %s' % diff['before_header'] if 'before_header' in diff else 'before'
                after = 'after: %s' % diff['after_header'] if 'after_header' in diff else 'after'
                a, b = diff['before'].splitlines(True), diff['after'].splitlines(True)
                if a and not a[-1].endswith('\n'):
                    a[-1] += '\n\\ No newline at end of file\n'
                if b and not b[-1].endswith('\n'):
                    b[-1] += '\n\\ No newline at end of file\n'
                lines = list(difflib.unified_diff(a, b, fromfile=before, tofile=after, fromfiledate='', tofiledate='', n=C.DIFF_CONTEXT))
                for line in lines:
                    if line.startswith('+'):
                        line = stringc(line, C.COLOR_DIFF_ADD)
                    elif line.startswith('-'):
                        line = stringc(line, C.COLOR_DIFF_REMOVE)
                    elif line.startswith('@@'):
                        line = stringc(line, C.COLOR_DIFF_LINES)
                    out.append(line)
                if lines:
                    out.append('\n')
            if 'prepared' in diff:
                out.append(diff['prepared'])
        return ''.join(out)

    def _get_item_label(self, result):
        if result.get('_ansible_no_log', False):
            return '(censored due to no_log)'
        return result.get('_ansible_item_label', result.get('item'))

    def _process_items(self, result):
        del result._result['results']

    def _clean_results(self, result, task_name):
        if self._display.verbosity < 3:
            result.pop('invocation', None)
        if task_name in C._ACTION_DEBUG:
            if 'msg' in result:
                for k in list(result):
                    if k not in _DEBUG_ALLOWED_KEYS and not k.startswith('_'):
                        result.pop(k)
            else:
                for k in self._hide_in_debug:
                    result.pop(k, None)

    def _print_task_path(self, task, color=C.COLOR_DEBUG):
        path = task.get_path()
        if path:
            self._display.display('task path: %s' % path, color=color)

    def set_play_context(self, play_context):
        pass

    def on_any(self, *args, **kwargs):
        pass

    def v2_on_any(self, *args, **kwargs):
        self.on_any(args, kwargs)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.runner_on_failed(result._host.get_name(), result._result, ignore_errors)

    def v2_runner_on_ok(self, result):
        self.runner_on_ok(result._host.get_name(), result._result)

    def v2_runner_on_skipped(self, result):
        if C.DISPLAY_SKIPPED_HOSTS if hasattr(C, 'DISPLAY_SKIPPED_HOSTS') else True:
            self.runner_on_skipped(result._host.get_name(), self._get_item_label(getattr(result._result, 'results', {})))

    def v2_runner_on_unreachable(self, result):
        self.runner_on_unreachable(result._host.get_name(), result._result)

    def v2_runner_on_async_poll(self, result):
        r = result._result
        self.runner_on_async_poll(result._host.get_name(), r, r.get('ansible_job_id'), 0)

    def v2_runner_on_async_ok(self, result):
        self.runner_on_async_ok(result._host.get_name(), result._result, result._result.get('ansible_job_id'))

    def v2_runner_on_async_failed(self, result):
        r = result._result
        self.runner_on_async_failed(result._host.get_name(), r, r.get('ansible_job_id') or r.get('async_result', {}).get('ansible_job_id'))

    def v2_playbook_on_start(self, playbook):
        self.playbook_on_start()

    def v2_playbook_on_notify(self, handler, host):
        self.playbook_on_notify(host, handler)

    def v2_playbook_on_no_hosts_matched(self):
        self.playbook_on_no_hosts_matched()

    def v2_playbook_on_no_hosts_remaining(self):
        self.playbook_on_no_hosts_remaining()

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.playbook_on_task_start(task.name, is_conditional)

    def v2_playbook_on_vars_prompt(self, varname, private=True, prompt=None, encrypt=None, confirm=False, salt_size=None, salt=None, default=None, unsafe=None):
        self.playbook_on_vars_prompt(varname, private, prompt, encrypt, confirm, salt_size, salt, default, unsafe)

    def v2_playbook_on_import_for_host(self, result, imported_file):
        self.playbook_on_import_for_host(result._host.get_name(), imported_file)

    def v2_playbook_on_not_import_for_host(self, result, missing_file):
        self.playbook_on_not_import_for_host(result._host.get_name(), missing_file)

    def v2_playbook_on_play_start(self, play):
        self.playbook_on_play_start(play.name)

    def v2_playbook_on_stats(self, stats):
        self.playbook_on_stats(stats)

    def v2_on_file_diff(self, result):
        if 'diff' in result._result:
            self.on_file_diff(result._host.get_name(), result._result['diff'])


def _nothing(name):
    def method(self, *args, **kwargs):
        pass
    method.__name__ = name
    return method


for _name in ('v2_playbook_on_cleanup_task_start', 'v2_playbook_on_handler_task_start', 'v2_playbook_on_include', 'v2_runner_item_on_ok',
              'v2_runner_item_on_failed', 'v2_runner_item_on_skipped', 'v2_runner_retry', 'v2_runner_on_start', 'runner_on_failed', 'runner_on_ok',
              'runner_on_skipped', 'runner_on_unreachable', 'runner_on_no_hosts', 'runner_on_async_poll', 'runner_on_async_ok', 'runner_on_async_failed',
              'playbook_on_start', 'playbook_on_notify', 'playbook_on_no_hosts_matched', 'playbook_on_no_hosts_remaining', 'playbook_on_task_start',
              'playbook_on_vars_prompt', 'playbook_on_setup', 'playbook_on_import_for_host', 'playbook_on_not_import_for_host', 'playbook_on_play_start',
              'playbook_on_stats', 'on_file_diff'):
    setattr(CallbackBase, _name, _nothing(_name))

