# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Names of facts."""


class FactNamespace:
    def __init__(self, namespace_name):
        self.namespace_name = namespace_name

    def transform(self, name):
        return name


class PrefixFactNamespace(FactNamespace):
    def __init__(self, namespace_name, prefix=None):
        super(PrefixFactNamespace, self).__init__(namespace_name)
        self.prefix = prefix

    def transform(self, name):
        return '%s%s' % (self.prefix, name.replace('-', '_'))
