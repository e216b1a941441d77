# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Sizes for humans."""
import re

SIZE_RANGES = {'Y': 1 << 80, 'Z': 1 << 70, 'E': 1 << 60, 'P': 1 << 50, 'T': 1 << 40, 'G': 1 << 30, 'M': 1 << 20, 'K': 1 << 10, 'B': 1}
VALID_UNITS = {
    'B': (('byte', 'B'), ('bit', 'b')), 'K': (('kilobyte', 'KB'), ('kilobit', 'Kb')), 'M': (('megabyte', 'MB'), ('megabit', 'Mb')),
    'G': (('gigabyte', 'GB'), ('gigabit', 'Gb')), 'T': (('terabyte', 'TB'), ('terabit', 'Tb')), 'P': (('petabyte', 'PB'), ('petabit', 'Pb')),
    'E': (('exabyte', 'EB'), ('exabit', 'Eb')), 'Z': (('zetabyte', 'ZB'), ('zetabit', 'Zb')), 'Y': (('yottabyte', 'YB'), ('yottabit', 'Yb')),
}


def lenient_lowercase(lst):
    """Lower-cases the strings of a list."""
    return [v.lower() if hasattr(v, 'lower') else v for v in lst]


def human_to_bytes(number, default_unit=None, isbits=False):
    """Turns '10M' into 10485760."""
    m = re.search(r'^([0-9]*\.?[0-9]+)(?:\s*([A-Za-z]+))?\s*$', str(number))
    if m is None:
        raise ValueError("human_to_bytes() can't interpret following string: %s" % str(number))
    try:
        num = float(m.group(1))
    except ValueError:
        raise ValueError("human_to_bytes() can't interpret following number: %s (original input string: %s)" % (m.group(1), number))
    unit = m.group(2)
    if unit is None:
        unit = default_unit
    if unit is None:
        return int(round(num))
    key = unit[0].upper()
    if key not in SIZE_RANGES:
        raise ValueError("human_to_bytes() failed to convert %s (unit = %s). The suffix must be one of %s" % (number, unit, ", ".join(SIZE_RANGES)))
    small = 'b' if isbits else 'B'
    name = 'bit' if isbits else 'byte'
    if len(unit) > 1:
        expected = "expect %s%s or %s" % (key, small, key)
        if key == 'B':
            expected = "expect %s or %s" % (small, name)
        if unit.lower() not in (VALID_UNITS[key][1 if isbits else 0][0], VALID_UNITS[key][1 if isbits else 0][0] + 's') \
                and not (len(unit) == 2 and unit[1] == small):
            raise ValueError("human_to_bytes() failed to convert %s. Value is not a valid string (%s)" % (number, expected))
    return int(round(num * SIZE_RANGES[key]))


def bytes_to_human(size, isbits=False, unit=None):
    """Turns 10485760 into '10.00 MB'."""
    base = 'bits' if isbits else 'Bytes'
    suffix, limit = 'B', 1
    for suffix, limit in sorted(SIZE_RANGES.items(), key=lambda item: -item[1]):
        if (unit is None and size >= limit) or (unit is not None and unit.upper() == suffix[0]):
            break
    name = base if limit == 1 else suffix + base[0]
    return '%.2f %s' % (size / limit, name)
