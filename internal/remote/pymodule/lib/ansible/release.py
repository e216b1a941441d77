# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
__version__ = '2.18.0'
__author__ = 'Troupe'
__codename__ = 'Troupe'
