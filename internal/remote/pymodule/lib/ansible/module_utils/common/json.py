# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""JSON of more than JSON has."""
import datetime
import json

from ansible.module_utils.common.collections import Mapping, is_sequence
from ansible.module_utils.common.text.converters import to_text


class AnsibleJSONEncoder(json.JSONEncoder):
    """Writes dates, bytes and any mapping."""

    def __init__(self, preprocess_unsafe=False, vault_to_text=False, **kwargs):
        super(AnsibleJSONEncoder, self).__init__(**kwargs)

    def default(self, o):
        if isinstance(o, Mapping):
            return dict(o)
        if isinstance(o, (datetime.date, datetime.datetime)):
            return o.isoformat()
        if isinstance(o, bytes):
            return to_text(o)
        if is_sequence(o) or isinstance(o, (set, frozenset)):
            return list(o)
        return super(AnsibleJSONEncoder, self).default(o)


def json_dump(structure):
    return json.dumps(structure, cls=AnsibleJSONEncoder, sort_keys=True, indent=4)
