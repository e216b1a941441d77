# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
from ansible.release import __author__, __codename__, __version__  # noqa: F401
