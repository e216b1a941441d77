# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
try:
    import paramiko
    PARAMIKO_IMPORT_ERR = None
except Exception as err:
    paramiko = None
    PARAMIKO_IMPORT_ERR = err
