# Roles are imported and included without a playbook, too.
ansible localhost -m import_role -a 'name=r'
ansible localhost -m import_role -a 'role=r tasks_from=other.yml'
ansible localhost -m include_role -a 'name=r tasks_from=other'
ansible localhost -m ansible.builtin.import_role -a 'name=none' 2>/dev/null
echo "$?"
ansible localhost -m nothing
