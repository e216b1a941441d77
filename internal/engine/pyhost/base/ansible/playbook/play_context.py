"""How tasks reach their host."""
from ansible.playbook.base import Base


class PlayContext(Base):
    """Settings of connection and become."""

    _fields = dict(
        check_mode=False, diff=False, verbosity=0, become=False, become_user=None, become_method=None, become_pass='', become_exe=None,
        become_flags=None, remote_user=None, remote_addr=None, port=None, connection='ssh', password='', timeout=10, network_os=None,
        private_key_file=None, shell=None, executable='/bin/sh', pipelining=False, force_handlers=False, only_tags=(), skip_tags=(), step=False,
        start_at_task=None, no_log=False, prompt='', success_key='', module_compression='ZIP_DEFLATED', docker_extra_args=None, ssh_executable='ssh',
        connection_user=None, connection_lockfd=None, _attributes={}, become_plugin=None)

    def __init__(self, play=None, passwords=None, connection_lockfd=None, **fields):
        super().__init__(**fields)

    def set_attributes_from_plugin(self, plugin):
        pass

    def set_task_and_variable_override(self, task, variables, templar):
        return self

    def set_become_plugin(self, plugin):
        self.become_plugin = plugin

    def update_vars(self, variables):
        pass
