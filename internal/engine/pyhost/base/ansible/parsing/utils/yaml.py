"""from_yaml."""
from troupe_host import link


def from_yaml(data, file_name='<string>', show_content=True, vault_secrets=None, json_only=False):
    return link.ask('yaml', text=data, file=file_name)
