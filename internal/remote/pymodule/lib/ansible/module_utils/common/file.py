# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Modes and kinds of files."""
import os
import re
import stat

FILE_ATTRIBUTES = {
    'A': 'noatime', 'a': 'append', 'c': 'compressed', 'C': 'nocow', 'd': 'nodump', 'D': 'dirsync', 'e': 'extents', 'E': 'encrypted', 'h': 'blocksize',
    'i': 'immutable', 'I': 'indexed', 'j': 'journalled', 'N': 'inline', 's': 'zero', 'S': 'synchronous', 't': 'notail', 'T': 'blockroot', 'u': 'undelete',
    'X': 'compressedraw', 'Z': 'compresseddirty',
}
USERS_RE = re.compile(r'^[ugo]+$')
PERMS_RE = re.compile(r'^[rwxXstugo]*$')
S_IRANU = 0o0400
S_IWANU = 0o0200
S_IXANU = 0o0100
S_IRWXU_RWXG_RWXO = stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO
_PERM_BITS = 0o7777
_EXEC_PERM_BITS = 0o0111
_DEFAULT_PERM = 0o0666


def is_executable(path):
    """Has any execute bit?"""
    return bool(os.stat(path).st_mode & _EXEC_PERM_BITS)


def format_attributes(attributes):
    """Names of file attribute letters."""
    return [FILE_ATTRIBUTES[a] for a in attributes if a in FILE_ATTRIBUTES]


def get_flags_from_attributes(attributes):
    """Letters of file attribute names."""
    letters = dict((v, k) for k, v in FILE_ATTRIBUTES.items())
    return ''.join(letters[a] for a in attributes if a in letters)


def get_file_arg_spec():
    """The parameters of every module that makes files."""
    return dict(
        mode=dict(type='raw'), owner=dict(type='str'), group=dict(type='str'), seuser=dict(type='str'), serole=dict(type='str'),
        selevel=dict(type='str'), setype=dict(type='str'), attributes=dict(type='str', aliases=['attr']),
    )
