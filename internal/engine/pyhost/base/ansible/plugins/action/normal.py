"""The action of modules that have none of their own: it runs the module."""
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Runs the module of the task."""

    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        if not result.get('skipped'):
            if result.get('invocation', {}).get('module_args'):
                del result['invocation']['module_args']
            wrap_async = bool(self._task.async_val) and not self._connection.has_native_async
            result.update(self._execute_module(task_vars=task_vars, wrap_async=wrap_async))
        return result
