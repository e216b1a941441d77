# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
__version__ = '2.18.0'
# Modules ask for these; they name what Troupe is compatible with.
__author__ = 'Ansible, Inc.'
__codename__ = 'Fool in the Rain'
