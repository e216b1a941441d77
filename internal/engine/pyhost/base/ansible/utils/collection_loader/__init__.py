"""Names of collections."""
import re


class AnsibleCollectionRef:
    """A name with its collection."""

    VALID_FQCR_RE = re.compile(r'^\w+(\.\w+){2,}$')
    VALID_COLLECTION_NAME_RE = re.compile(r'^(\w+)\.(\w+)$')

    def __init__(self, collection_name, subdirs, resource, ref_type):
        self.collection, self.subdirs, self.resource, self.ref_type = collection_name, subdirs or '', resource, ref_type

    @property
    def fqcr(self):
        return '.'.join(p for p in (self.collection, self.subdirs, self.resource) if p)

    @staticmethod
    def is_valid_fqcr(ref, ref_type=None):
        return bool(AnsibleCollectionRef.VALID_FQCR_RE.match(ref))

    @staticmethod
    def is_valid_collection_name(name):
        return bool(AnsibleCollectionRef.VALID_COLLECTION_NAME_RE.match(name))

    @staticmethod
    def from_fqcr(ref, ref_type):
        if not AnsibleCollectionRef.is_valid_fqcr(ref):
            raise ValueError('{0} is not a valid collection reference'.format(ref))
        parts = ref.split('.')
        return AnsibleCollectionRef('.'.join(parts[:2]), '.'.join(parts[2:-1]), parts[-1], ref_type)

    @staticmethod
    def try_parse_fqcr(ref, ref_type):
        try:
            return AnsibleCollectionRef.from_fqcr(ref, ref_type)
        except ValueError:
            return None


class AnsibleCollectionConfig:
    """Settings of collections."""

    default_collection = None
    collection_paths = []
    playbook_paths = []
    on_collection_load = set()


def resource_from_fqcr(ref):
    return ref.split('.')[-1]
