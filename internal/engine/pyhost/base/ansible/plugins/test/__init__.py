"""Base of tests that are loaded."""
from ansible.plugins import AnsibleJinja2Plugin


class AnsibleJinja2Test(AnsibleJinja2Plugin):
    """A test."""
