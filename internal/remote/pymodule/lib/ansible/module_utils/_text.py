# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Old address of the text converters."""
from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text
import codecs
from ansible.module_utils.six import PY3, binary_type, text_type
