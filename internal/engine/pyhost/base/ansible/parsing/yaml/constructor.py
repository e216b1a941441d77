"""The constructor is the loader itself."""
from ansible.parsing.yaml.loader import AnsibleLoader as AnsibleConstructor  # noqa: F401
