"""How a task ended on a host."""
from ansible.vars.clean import module_response_deepcopy, strip_internal_keys

_IGNORE = ('failed', 'skipped')
_PRESERVE = ('attempts', 'changed', 'retries')
_SUB_PRESERVE = {'_ansible_delegated_vars': ('ansible_host', 'ansible_port', 'ansible_user', 'ansible_connection')}
CLEAN_EXCEPTIONS = ('_ansible_verbose_always', '_ansible_item_label', '_ansible_no_log', '_ansible_verbose_override')


class TaskResult:
    """Host, task, and the result itself."""

    def __init__(self, host, task, return_data, task_fields=None):
        self._host = host
        self._task = task
        self._result = return_data if isinstance(return_data, dict) else {}
        self._task_fields = task_fields or {}

    host = property(lambda self: self._host)
    task = property(lambda self: self._task)
    result = property(lambda self: self._result)
    task_fields = property(lambda self: self._task_fields)

    @property
    def task_name(self):
        return self._task_fields.get('name', None) or self._task.get_name()

    def is_changed(self):
        return self._check_key('changed')

    def is_skipped(self):
        results = self._result.get('results')
        if isinstance(results, list) and results and all(isinstance(r, dict) for r in results) and 'skipped' in results[0]:
            return all(r.get('skipped', False) for r in results)
        return self._result.get('skipped', False)

    def is_failed(self):
        if 'failed_when_result' in self._result or any('failed_when_result' in r for r in self._result.get('results', []) if isinstance(r, dict)):
            return self._check_key('failed_when_result')
        return self._check_key('failed')

    def is_unreachable(self):
        return self._check_key('unreachable')

    def needs_debugger(self, globally_enabled=False):
        return False

    def _check_key(self, key):
        if self._result.get('results') and isinstance(self._result['results'], list) and self._task.loop:
            return any(r.get(key, False) for r in self._result['results'] if isinstance(r, dict))
        return self._result.get(key, False)

    def clean_copy(self):
        data = module_response_deepcopy(self._result)
        if self._result.get('_ansible_no_log'):
            data = {k: data[k] for k in _PRESERVE if k in data}
            data['censored'] = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"
        else:
            for k in _IGNORE:
                data.pop(k, None)
            strip_internal_keys(data, exceptions=CLEAN_EXCEPTIONS)
        return TaskResult(self._host, self._task, data, self._task_fields)


