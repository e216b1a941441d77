"""A value that is nothing else."""


class Sentinel:
    """Used as a class, never made."""

    def __new__(cls):
        return cls
