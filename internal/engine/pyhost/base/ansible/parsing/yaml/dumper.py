"""AnsibleDumper, for yaml.dump."""
import yaml

from ansible.parsing.yaml.objects import AnsibleMapping, AnsibleSequence, AnsibleUnicode, AnsibleVaultEncryptedUnicode
from ansible.template import AnsibleUndefined
from ansible.utils.unsafe_proxy import AnsibleUnsafeBytes, AnsibleUnsafeText, NativeJinjaUnsafeText
from troupe_host.remote import RemoteMapping, TaskVars


class AnsibleDumper(yaml.SafeDumper):
    """Writes the types that plugins meet."""


def _text(d, v):
    return yaml.representer.SafeRepresenter.represent_str(d, str.__str__(v))


def _bytes(d, v):
    return yaml.representer.SafeRepresenter.represent_binary(d, bytes(v))


def _mapping(d, v):
    return yaml.representer.SafeRepresenter.represent_dict(d, dict(v))


def _list(d, v):
    return yaml.representer.SafeRepresenter.represent_list(d, list(v))


def _undefined(d, v):
    return bool(v)


for _cls in (AnsibleUnicode, AnsibleUnsafeText, NativeJinjaUnsafeText, AnsibleVaultEncryptedUnicode):
    AnsibleDumper.add_representer(_cls, _text)
AnsibleDumper.add_representer(AnsibleUnsafeBytes, _bytes)
for _cls in (AnsibleMapping, TaskVars, RemoteMapping):
    AnsibleDumper.add_representer(_cls, _mapping)
for _cls in (AnsibleSequence, tuple):
    AnsibleDumper.add_representer(_cls, _list)
AnsibleDumper.add_representer(AnsibleUndefined, _undefined)
