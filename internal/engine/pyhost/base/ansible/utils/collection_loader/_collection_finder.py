"""Where collections lie."""

from ansible.utils.collection_loader import AnsibleCollectionConfig, AnsibleCollectionRef  # noqa: F401


def _get_collection_path(collection_name):
    import importlib
    return importlib.import_module('ansible_collections.' + collection_name).__path__[0]


def _get_collection_metadata(collection_name):
    from troupe_host import link
    return link.ask('collection_meta', name=collection_name)


def _get_collection_name_from_path(path):
    parts = path.split('/')
    if 'ansible_collections' not in parts:
        return None
    i = parts.index('ansible_collections')
    return '.'.join(parts[i + 1:i + 3]) if len(parts) > i + 2 else None


def _nested_dict_get(root, keys):
    for k in keys:
        root = root.get(k) if root else None
    return root


