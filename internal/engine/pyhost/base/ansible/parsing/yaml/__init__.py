"""YAML as Ansible reads and writes it."""
