# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
import json
import sys


def removed_module(removed_in, msg='This module has been removed. The module documentation for Ansible-%(version)s may contain hints for porting'):
    """Ends a module that is gone."""
    result = {'failed': True}
    try:
        result['msg'] = msg % {'version': removed_in}
    except (ValueError, TypeError):
        result['msg'] = msg
    print('\n%s' % json.dumps(result))
    sys.exit(1)
