# Keys that cannot be sorted together leave the whole document as it is; YAML sorts what can be.
ansible-inventory -i hosts.yml --list
ansible-inventory -i hosts.yml --list --yaml
ansible-inventory -i hosts.yml --host a
ansible-inventory -i hosts.yml --host b
