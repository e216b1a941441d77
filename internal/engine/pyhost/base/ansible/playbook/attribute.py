"""Attributes of playbook objects are plain."""


class FieldAttribute:
    """Describes a keyword."""

    def __init__(self, isa=None, default=None, **kwargs):
        self.isa, self.default = isa, default


class NonInheritableFieldAttribute(FieldAttribute):
    """Not inherited."""
