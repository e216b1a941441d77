"""Base of filters that are loaded."""
from ansible.plugins import AnsibleJinja2Plugin


class AnsibleJinja2Filter(AnsibleJinja2Plugin):
    """A filter."""
