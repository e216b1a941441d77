# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""What was needed to run on old Pythons."""
import sys
from ast import literal_eval  # noqa: F401


def get_exception():
    return sys.exc_info()[1]
