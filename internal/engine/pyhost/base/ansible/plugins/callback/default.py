"""The default callback, for plugins that extend it."""
from ansible import constants as C
from ansible import context
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.callback import CallbackBase
from ansible.utils.color import colorize, hostcolor


class CallbackModule(CallbackBase):
    """Writes what a run does to the terminal."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'stdout'
    CALLBACK_NAME = 'default'

    def __init__(self):
        self._play = None
        self._last_task_banner = None
        self._last_task_name = None
        self._task_type_cache = {}
        super().__init__()

    def _opt(self, name, default=True):
        try:
            return self.get_option(name)
        except KeyError:
            return getattr(self, name, default)

    def _line(self, result, word, color, item=None, dump=False):
        msg = '%s: [%s]' % (word, self.host_label(result))
        if item is not None:
            msg += ' => (item=%s)' % (item,)
        if dump or self._run_is_verbose(result):
            msg += ' => %s' % self._dump_results(result._result)
        self._display.display(msg, color=color)

    def _banner_once(self, task):
        if self._last_task_banner != task._uuid:
            self._print_task_banner(task)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._clean_results(result._result, result._task.action)
        self._banner_once(result._task)
        stderr = bool(self._opt('display_failed_stderr', False))
        self._handle_exception(result._result, use_stderr=stderr)
        self._handle_warnings(result._result)
        if result._task.loop and 'results' in result._result:
            self._process_items(result)
        else:
            if self._opt('show_task_path_on_failure', False) and self._display.verbosity < 2:
                self._print_task_path(result._task)
            self._display.display('fatal: [%s]: FAILED! => %s' % (self.host_label(result), self._dump_results(result._result)), color=C.COLOR_ERROR, stderr=stderr)
        if ignore_errors:
            self._display.display('...ignoring', color=C.COLOR_SKIP)

    def v2_runner_on_ok(self, result):
        if isinstance(result._task, TaskInclude):
            self._banner_once(result._task)
            return
        changed = result._result.get('changed', False)
        if not changed and not self._opt('display_ok_hosts'):
            return
        self._banner_once(result._task)
        self._handle_warnings(result._result)
        if result._task.loop and 'results' in result._result:
            self._process_items(result)
            return
        self._clean_results(result._result, result._task.action)
        self._line(result, 'changed' if changed else 'ok', C.COLOR_CHANGED if changed else C.COLOR_OK)

    def v2_runner_on_skipped(self, result):
        if not self._opt('display_skipped_hosts'):
            return
        self._clean_results(result._result, result._task.action)
        self._banner_once(result._task)
        if result._task.loop is not None and 'results' in result._result:
            self._process_items(result)
        self._line(result, 'skipping', C.COLOR_SKIP)

    def v2_runner_on_unreachable(self, result):
        self._banner_once(result._task)
        msg = 'fatal: [%s]: UNREACHABLE! => %s' % (self.host_label(result), self._dump_results(result._result))
        self._display.display(msg, color=C.COLOR_UNREACHABLE, stderr=bool(self._opt('display_failed_stderr', False)))
        if result._task.ignore_unreachable:
            self._display.display('...ignoring', color=C.COLOR_SKIP)

    def v2_playbook_on_no_hosts_matched(self):
        self._display.display('skipping: no hosts matched', color=C.COLOR_SKIP)

    def v2_playbook_on_no_hosts_remaining(self):
        self._display.banner('NO MORE HOSTS LEFT')

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._task_start(task, prefix='TASK')

    def v2_playbook_on_cleanup_task_start(self, task):
        self._task_start(task, prefix='CLEANUP TASK')

    def v2_playbook_on_handler_task_start(self, task):
        self._task_start(task, prefix='RUNNING HANDLER')

    def _task_start(self, task, prefix=None):
        if prefix is not None:
            self._task_type_cache[task._uuid] = prefix
        self._last_task_name = task.get_name().strip()
        if self._opt('display_skipped_hosts') and self._opt('display_ok_hosts'):
            self._print_task_banner(task)

    def _print_task_banner(self, task):
        args = ''
        if not task.no_log and C.DISPLAY_ARGS_TO_STDOUT:
            args = ' ' + ', '.join('%s=%s' % a for a in task.args.items())
        prefix = self._task_type_cache.get(task._uuid, 'TASK')
        name = self._last_task_name
        if name is None:
            name = task.get_name().strip()
        check = ' [CHECK MODE]' if task.check_mode and self._opt('check_mode_markers', False) else ''
        self._display.banner('%s [%s%s]%s' % (prefix, name, args, check))
        if self._display.verbosity >= 2:
            self._print_task_path(task)
        self._last_task_banner = task._uuid

    def v2_playbook_on_play_start(self, play):
        name = play.get_name().strip()
        check = ' [CHECK MODE]' if play.check_mode and self._opt('check_mode_markers', False) else ''
        self._display.banner('PLAY [%s]%s' % (name, check) if name else 'PLAY%s' % check)
        self._play = play

    def v2_on_file_diff(self, result):
        if result._task.loop and 'results' in result._result:
            for r in result._result['results']:
                if 'diff' in r and r['diff'] and r.get('changed', False):
                    self._show_diff(result._task, r['diff'])
        elif result._result.get('diff') and result._result.get('changed', False):
            self._show_diff(result._task, result._result['diff'])

    def _show_diff(self, task, diff):
        text = self._get_diff(diff)
        if text:
            self._banner_once(task)
            self._display.display(text)

    def v2_runner_item_on_ok(self, result):
        if isinstance(result._task, TaskInclude):
            return
        changed = result._result.get('changed', False)
        if not changed and not self._opt('display_ok_hosts'):
            return
        self._banner_once(result._task)
        self._clean_results(result._result, result._task.action)
        self._line(result, 'changed' if changed else 'ok', C.COLOR_CHANGED if changed else C.COLOR_OK, self._get_item_label(result._result))

    def v2_runner_item_on_failed(self, result):
        self._banner_once(result._task)
        stderr = bool(self._opt('display_failed_stderr', False))
        self._handle_exception(result._result, use_stderr=stderr)
        self._clean_results(result._result, result._task.action)
        msg = 'failed: [%s] (item=%s) => %s' % (self.host_label(result), self._get_item_label(result._result), self._dump_results(result._result))
        self._display.display(msg, color=C.COLOR_ERROR, stderr=stderr)
        self._handle_warnings(result._result)

    def v2_runner_item_on_skipped(self, result):
        if not self._opt('display_skipped_hosts'):
            return
        self._banner_once(result._task)
        self._clean_results(result._result, result._task.action)
        msg = 'skipping: [%s] => (item=%s) ' % (self.host_label(result), self._get_item_label(result._result))
        if self._run_is_verbose(result):
            msg += ' => %s' % self._dump_results(result._result)
        self._display.display(msg, color=C.COLOR_SKIP)

    def v2_playbook_on_include(self, included_file):
        msg = 'included: %s for %s' % (included_file._filename, ', '.join(h.name for h in included_file._hosts))
        label = self._get_item_label(included_file._vars)
        if label:
            msg += ' => (item=%s)' % label
        self._display.display(msg, color=C.COLOR_INCLUDED)

    def v2_playbook_on_stats(self, stats):
        self._display.banner('PLAY RECAP')
        for h in sorted(stats.processed):
            t = stats.summarize(h)

            def line(name, colored):
                paint = (lambda k, c: colorize(k, t[{'failed': 'failures'}.get(k, k)], c if colored else None))
                return '%s : %s %s %s %s %s %s %s' % (
                    name, paint('ok', C.COLOR_OK), paint('changed', C.COLOR_CHANGED), paint('unreachable', C.COLOR_UNREACHABLE),
                    paint('failed', C.COLOR_ERROR), paint('skipped', C.COLOR_SKIP), paint('rescued', C.COLOR_OK), paint('ignored', C.COLOR_WARN))
            self._display.display(line(hostcolor(h, t), True), screen_only=True)
            self._display.display(line(hostcolor(h, t, False), False), log_only=True)
        self._display.display('', screen_only=True)
        if stats.custom and self._opt('show_custom_stats', False):
            self._display.banner('CUSTOM STATS: ')
            for k in sorted(stats.custom):
                if k != '_run':
                    self._display.display('\t%s: %s' % (k, self._dump_results(stats.custom[k], indent=1).replace('\n', '')))
            if '_run' in stats.custom:
                self._display.display('', screen_only=True)
                self._display.display('\tRUN: %s' % self._dump_results(stats.custom['_run'], indent=1).replace('\n', ''))
            self._display.display('', screen_only=True)
        if context.CLIARGS['check'] and self._opt('check_mode_markers', False):
            self._display.banner('DRY RUN')

    def v2_playbook_on_start(self, playbook):
        if self._display.verbosity > 1:
            from os.path import basename
            self._display.banner('PLAYBOOK: %s' % basename(playbook._file_name))
        if context.CLIARGS['check'] and self._opt('check_mode_markers', False):
            self._display.banner('DRY RUN')

    def v2_runner_retry(self, result):
        left = result._result['retries'] - result._result['attempts']
        msg = 'FAILED - RETRYING: [%s]: %s (%d retries left).' % (self.host_label(result), result._task.get_name(), left)
        if self._run_is_verbose(result, verbosity=2):
            msg += 'Result was: %s' % self._dump_results(result._result)
        self._display.display(msg, color=C.COLOR_DEBUG)

    def v2_runner_on_async_poll(self, result):
        r = result._result
        self._display.display('ASYNC POLL on %s: jid=%s started=%s finished=%s' % (
            result._host.get_name(), r.get('ansible_job_id'), r.get('started'), r.get('finished')), color=C.COLOR_DEBUG)

    def v2_runner_on_async_ok(self, result):
        self._display.display('ASYNC OK on %s: jid=%s' % (result._host.get_name(), result._result.get('ansible_job_id')), color=C.COLOR_DEBUG)

    def v2_runner_on_async_failed(self, result):
        r = result._result
        jid = r.get('ansible_job_id') or r.get('async_result', {}).get('ansible_job_id')
        self._display.display('ASYNC FAILED on %s: jid=%s' % (result._host.get_name(), jid), color=C.COLOR_DEBUG)

    def v2_playbook_on_notify(self, handler, host):
        if self._display.verbosity > 1:
            self._display.display('NOTIFIED HANDLER %s for %s' % (handler.get_name(), host), color=C.COLOR_VERBOSE, screen_only=True)

    def v2_runner_on_start(self, host, task):
        if self._opt('show_per_host_start', False):
            self._display.display(' [started %s on %s]' % (task, host), color=C.COLOR_OK)
