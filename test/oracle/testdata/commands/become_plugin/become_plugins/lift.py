DOCUMENTATION = '''
    name: lift
    short_description: becomes a user through sudo, with a word for it in the environment
    options:
      become_user:
        description: who
        default: root
        keyword: [{name: become_user}]
        vars: [{name: ansible_become_user}, {name: ansible_lift_user}]
      become_exe:
        description: how
        default: sudo
        keyword: [{name: become_exe}]
        vars: [{name: ansible_become_exe}]
      become_flags:
        description: flags
        default: -H -S -n
        keyword: [{name: become_flags}]
        vars: [{name: ansible_become_flags}]
      become_pass:
        description: password
        vars: [{name: ansible_become_password}]
      word:
        description: word
        default: none
        vars: [{name: lift_word}]
        env: [{name: LIFT_WORD}]
'''

from ansible.plugins.become import BecomeBase


class BecomeModule(BecomeBase):
    name = 'lift'
    fail = ('Sorry, try again.',)
    missing = ('a password is required',)

    def build_become_command(self, cmd, shell):
        super().build_become_command(cmd, shell)
        if not cmd:
            return cmd
        return ' '.join([self.get_option('become_exe'), self.get_option('become_flags'), 'LIFTED=' + self.get_option('word'), '-u', self.get_option('become_user'),
                         self._build_success_command(cmd, shell)])
