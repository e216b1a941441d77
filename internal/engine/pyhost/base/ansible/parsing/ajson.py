"""JSON with what Ansible adds."""
import json

from ansible.module_utils.common.json import AnsibleJSONEncoder  # noqa: F401


class AnsibleJSONDecoder(json.JSONDecoder):
    """Knows vault and unsafe values."""

    def __init__(self, *args, **kwargs):
        kwargs['object_hook'] = self.object_hook
        super().__init__(*args, **kwargs)

    @classmethod
    def set_secrets(cls, secrets):
        pass

    def object_hook(self, pairs):
        if '__ansible_unsafe' in pairs:
            from ansible.utils.unsafe_proxy import wrap_var
            return wrap_var(pairs['__ansible_unsafe'])
        if '__ansible_vault' in pairs:
            from ansible.parsing.yaml.objects import AnsibleVaultEncryptedUnicode
            return AnsibleVaultEncryptedUnicode(pairs['__ansible_vault'])
        return pairs
