# What meta/runtime.yml says of names that are asked for is told: redirects from -vv on, deprecations once.
export ANSIBLE_COLLECTIONS_PATH=$PWD ANSIBLE_DEPRECATION_WARNINGS=1
ansible-playbook site.yml -vvv 2>&1 | grep -e '^redirecting' | sort -u
ansible-playbook site.yml 2>&1
ansible localhost -m own.old.hello 2>&1
ansible localhost -m own.old.gone 2>&1
