# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""The few functions of libselinux that modules use, through ctypes."""
import os
from ctypes import CDLL, POINTER, byref, c_char_p, c_int, get_errno

try:
    _lib = CDLL('libselinux.so.1', use_errno=True)
except OSError:
    raise ImportError('unable to load libselinux.so')


def _check(rc):
    if rc < 0:
        raise OSError(get_errno(), os.strerror(get_errno()))
    return rc


def _taking(name, *argtypes):
    f = getattr(_lib, name)
    f.argtypes, f.restype = argtypes, c_int
    return f


_taking('is_selinux_enabled')
_lgetfilecon = _taking('lgetfilecon_raw', c_char_p, POINTER(c_char_p))
_matchpathcon = _taking('matchpathcon', c_char_p, c_int, POINTER(c_char_p))
_lsetfilecon = _taking('lsetfilecon', c_char_p, c_char_p)
_lib.freecon.argtypes = [c_char_p]
_lib.freecon.restype = None


def _bytes(v):
    return v if isinstance(v, bytes) else os.fsencode(v)


def is_selinux_enabled():
    return _lib.is_selinux_enabled()


def is_selinux_mls_enabled():
    return _lib.is_selinux_mls_enabled()


def security_getenforce():
    return _check(_lib.security_getenforce())


def security_policyvers():
    return _check(_lib.security_policyvers())


def selinux_getenforcemode():
    mode = c_int()
    return [_check(_lib.selinux_getenforcemode(byref(mode))), mode.value]


def selinux_getpolicytype():
    con = c_char_p()
    rc = _check(_lib.selinux_getpolicytype(byref(con)))
    return [rc, os.fsdecode(con.value)]


def lgetfilecon_raw(path):
    con = c_char_p()
    rc = _check(_lgetfilecon(_bytes(path), byref(con)))
    return [rc, os.fsdecode(con.value) if con.value else None]


def matchpathcon(path, mode):
    con = c_char_p()
    rc = _check(_matchpathcon(_bytes(path), mode, byref(con)))
    return [rc, os.fsdecode(con.value) if con.value else None]


def lsetfilecon(path, context):
    return _check(_lsetfilecon(_bytes(path), _bytes(context)))
