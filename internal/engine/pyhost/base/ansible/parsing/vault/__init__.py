"""Vaults are opened by Troupe."""
from ansible.errors import AnsibleError
from troupe_host import link

b_HEADER = b'$ANSIBLE_VAULT'


class AnsibleVaultError(AnsibleError):
    """A vault cannot be opened."""


class AnsibleVaultFormatError(AnsibleVaultError):
    """Not the form of a vault."""


def is_encrypted(data):
    if isinstance(data, str):
        data = data.encode('utf-8', 'surrogateescape')
    return data.startswith(b_HEADER)


def is_encrypted_file(file_obj, start_pos=0, count=len(b_HEADER)):
    at = file_obj.tell()
    try:
        file_obj.seek(start_pos)
        return is_encrypted(file_obj.read(count))
    finally:
        file_obj.seek(at)


class VaultSecret:
    """A password."""

    def __init__(self, _bytes=None):
        self._bytes = _bytes

    @property
    def bytes(self):
        return self._bytes


class VaultLib:
    """Opens vaults with the passwords of the run."""

    def __init__(self, secrets=None):
        self.secrets = secrets or []

    @staticmethod
    def is_encrypted(vaulttext):
        return is_encrypted(vaulttext)

    def decrypt(self, vaulttext, filename=None, obj=None):
        text = vaulttext.decode() if isinstance(vaulttext, bytes) else vaulttext
        return link.ask('decrypt', text=text).encode()
