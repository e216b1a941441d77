# A module in library/ comes before the builtin one, unless that is asked for by its full name.
ansible-playbook -v site.yml | grep -v "config file"
ansible localhost -m ping
ansible localhost -M library -m ping
