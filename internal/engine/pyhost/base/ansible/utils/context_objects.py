"""Arguments of the command line."""


class CLIArgs(dict):
    """The flags that were given."""


class GlobalCLIArgs(CLIArgs):
    """The same, for all."""
