"""Variables of templates."""


class AnsibleJ2Vars(dict):
    """The variables."""
