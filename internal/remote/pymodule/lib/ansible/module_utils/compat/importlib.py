# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
import importlib
from importlib import import_module  # noqa: F401
