# Without a playbook, PLAYBOOK_DIR stands for its directory, and the collection it lies in is searched for bare names. A playbook
# that lies in a collection searches that one, when it is the one that is found by its name.
export ANSIBLE_COLLECTIONS_PATH=$PWD
site=ansible_collections/own/site
ANSIBLE_PLAYBOOK_DIR=$site ansible localhost -m hello
ansible localhost -m hello --playbook-dir $site
ansible localhost -m hello
ANSIBLE_PLAYBOOK_DIR=ansible_collections ansible localhost -m hello
ansible-playbook $site/playbooks/site.yml
ANSIBLE_COLLECTIONS_PATH=/nowhere ansible-playbook $site/playbooks/site.yml
