"""Types of values that come from YAML files."""


class AnsibleBaseYAMLObject:
    """Knows its place in a file."""

    ansible_pos = (None, 0, 0)


class AnsibleUnicode(AnsibleBaseYAMLObject, str):
    """Text."""


class AnsibleSequence(AnsibleBaseYAMLObject, list):
    """A list."""


class AnsibleMapping(AnsibleBaseYAMLObject, dict):
    """A mapping."""


class AnsibleVaultEncryptedUnicode(AnsibleBaseYAMLObject, str):
    """Text that was encrypted in its file."""

    @property
    def data(self):
        return str.__str__(self)
