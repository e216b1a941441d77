# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
from typing import *  # noqa
import typing as t  # noqa: F401
