# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
