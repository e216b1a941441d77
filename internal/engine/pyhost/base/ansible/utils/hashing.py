"""Checksums."""
import hashlib
import os

from ansible.errors import AnsibleError
from ansible.module_utils.common.text.converters import to_bytes


def secure_hash_s(data, hash_func=hashlib.sha1):
    return hash_func(to_bytes(data, errors='surrogate_or_strict')).hexdigest()


def secure_hash(filename, hash_func=hashlib.sha1):
    if not os.path.exists(filename) or os.path.isdir(filename):
        return None
    digest = hash_func()
    try:
        with open(filename, 'rb') as f:
            for block in iter(lambda: f.read(64 * 1024), b''):
                digest.update(block)
    except OSError as e:
        raise AnsibleError('error while accessing the file %s, error was: %s' % (filename, e))
    return digest.hexdigest()


checksum = secure_hash
checksum_s = secure_hash_s


def md5s(data):
    return secure_hash_s(data, hashlib.md5)


def md5(filename):
    return secure_hash(filename, hashlib.md5)


def generate_secure_checksum(*args, **kwargs):
    return secure_hash(*args, **kwargs)
