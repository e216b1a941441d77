"""The callback minimal, for plugins that extend it."""
from ansible import constants as C
from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """One block for each result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = 'stdout'
    CALLBACK_NAME = 'minimal'

    def _command_generic_msg(self, host, result, caption):
        buf = '%s | %s | rc=%s >>\n' % (host, caption, result.get('rc', -1))
        return buf + result.get('stdout', '') + result.get('stderr', '') + result.get('msg', '') + '\n'

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._handle_exception(result._result)
        self._handle_warnings(result._result)
        self._display.display('%s | FAILED! => %s' % (result._host.get_name(), self._dump_results(result._result, indent=4)), color=C.COLOR_ERROR)

    def v2_runner_on_ok(self, result):
        self._clean_results(result._result, result._task.action)
        self._handle_warnings(result._result)
        changed = result._result.get('changed', False)
        self._display.display('%s | %s => %s' % (result._host.get_name(), 'CHANGED' if changed else 'SUCCESS', self._dump_results(result._result, indent=4)),
                              color=C.COLOR_CHANGED if changed else C.COLOR_OK)

    def v2_runner_on_skipped(self, result):
        self._display.display('%s | SKIPPED' % result._host.get_name(), color=C.COLOR_SKIP)

    def v2_runner_on_unreachable(self, result):
        self._display.display('%s | UNREACHABLE! => %s' % (result._host.get_name(), self._dump_results(result._result, indent=4)), color=C.COLOR_UNREACHABLE)
