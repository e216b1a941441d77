"""AnsibleLoader, for yaml.load."""
import yaml

from ansible.utils.unsafe_proxy import wrap_var


class AnsibleLoader(yaml.SafeLoader):
    """Knows !unsafe and !vault."""

    def __init__(self, stream, file_name=None, vault_secrets=None):
        super().__init__(stream)


def _vault(loader, node):
    from troupe_host import link
    return link.ask('decrypt', text=loader.construct_scalar(node))


def _unsafe(loader, node):
    if isinstance(node, yaml.MappingNode):
        return wrap_var(loader.construct_mapping(node, deep=True))
    if isinstance(node, yaml.SequenceNode):
        return wrap_var(loader.construct_sequence(node, deep=True))
    return wrap_var(loader.construct_scalar(node))


AnsibleLoader.add_constructor('!vault', _vault)
AnsibleLoader.add_constructor('!vault-encrypted', _vault)
AnsibleLoader.add_constructor('!unsafe', _unsafe)
