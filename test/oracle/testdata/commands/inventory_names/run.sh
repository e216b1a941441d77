# A source may name its plugin as ansible.legacy, too; inventory_plugins lies in the directory that stands for a playbook's.
export ANSIBLE_PLAYBOOK_DIR=.
ansible-inventory --graph -i mine.yml
ansible-inventory --graph -i ansible.legacy.mine.yml
ansible-inventory --graph -i ansible.builtin.mine.yml
ANSIBLE_PLAYBOOK_DIR=/ ansible-inventory --graph -i mine.yml
