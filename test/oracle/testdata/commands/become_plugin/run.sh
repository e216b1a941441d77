# A plugin in Python makes the command line that becomes a user. Its options come from keywords, variables and the environment.
LIFT_WORD=low ansible-playbook site.yml 2>/dev/null
ansible localhost -b --become-method nothing -m ping 2>&1 | grep -o 'Invalid become method.*list available'
