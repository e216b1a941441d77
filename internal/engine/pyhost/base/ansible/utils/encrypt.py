"""Random passwords and password hashes; the hashes are made by Troupe's filter password_hash."""
import random
import string

from ansible.errors import AnsibleError

DEFAULT_PASSWORD_LENGTH = 20
DEFAULT_PASSWORD_CHARS = string.ascii_letters + string.digits + '.,:-_'


def random_password(length=DEFAULT_PASSWORD_LENGTH, chars=DEFAULT_PASSWORD_CHARS, seed=None):
    if not isinstance(chars, str):
        raise AnsibleError('%s (%s) is not a text_type' % (chars, type(chars)))
    pick = random.SystemRandom() if seed is None else random.Random(seed)
    return ''.join(pick.choice(chars) for _unused in range(length))


def random_salt(length=8):
    return random_password(length=length, chars=string.ascii_letters + string.digits + './')


def do_encrypt(result, encrypt, salt_size=None, salt=None, ident=None, rounds=None):
    from troupe_host import link
    kw = {k: v for k, v in (('salt', salt), ('salt_size', salt_size), ('ident', ident), ('rounds', rounds)) if v is not None}
    kw.pop('salt_size', None) if salt is not None else None
    return link.ask('filter', name='password_hash', args=[result, encrypt], kw=kw)


def passlib_or_crypt(secret, algorithm, salt=None, salt_size=None, rounds=None, ident=None):
    return do_encrypt(secret, algorithm, salt_size, salt, ident, rounds)


def key_for_hostname(hostname):
    raise AnsibleError('accelerated mode is gone')
