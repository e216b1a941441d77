# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
from ansible.release import __version__, __author__
