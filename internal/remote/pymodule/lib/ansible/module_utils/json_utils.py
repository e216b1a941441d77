# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Finding JSON in noise."""
import json  # noqa: F401


def _filter_non_json_lines(data, objects_only=False):
    """Returns the JSON in data, from the first line that opens it to the last that closes it, and warnings about the rest."""
    lines = data.splitlines()
    openers = ('{',) if objects_only else ('{', '[')
    for start, line in enumerate(lines):
        line = line.strip()
        if line.startswith(openers):
            closer = '}' if line[0] == '{' else ']'
            break
    else:
        raise ValueError('No start of json char found')
    lines = lines[start:]
    for end in range(len(lines), 0, -1):
        if lines[end - 1].strip().endswith(closer):
            break
    else:
        raise ValueError('No end of json char found')
    junk = lines[end:]
    warnings = ['Module invocation had junk after the JSON data: %s' % '\n'.join(junk)] if junk else []
    return '\n'.join(lines[:end]), warnings
