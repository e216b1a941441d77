"""Templates."""
from ansible.template import _Template as AnsibleJ2Template  # noqa: F401
