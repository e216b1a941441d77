# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""What can be wrong with parameters."""


class AnsibleFallbackNotFound(Exception):
    """A fallback found no value."""


class AnsibleValidationError(Exception):
    """A parameter is wrong."""

    def __init__(self, message):
        super(AnsibleValidationError, self).__init__(message)
        self.error_message = message

    @property
    def msg(self):
        return self.args[0]


class AnsibleValidationErrorMultiple(AnsibleValidationError):
    """Several parameters are wrong."""

    def __init__(self, errors=None):
        self.errors = list(errors or [])

    def __getitem__(self, key):
        return self.errors[key]

    def __setitem__(self, key, value):
        self.errors[key] = value

    def __delitem__(self, key):
        del self.errors[key]

    @property
    def msg(self):
        return self.errors[0].args[0]

    @property
    def messages(self):
        return [e.msg for e in self.errors]

    def append(self, error):
        self.errors.append(error)

    def extend(self, errors):
        self.errors.extend(errors)


class AliasError(AnsibleValidationError):
    """An alias is wrong."""


class ArgumentTypeError(AnsibleValidationError):
    """A parameter has the wrong type."""


class ArgumentValueError(AnsibleValidationError):
    """A parameter has a value that is not allowed."""


class DeprecationError(AnsibleValidationError):
    """A deprecation in the specification is wrong."""


class ElementError(AnsibleValidationError):
    """An element of a list is wrong."""


class MutuallyExclusiveError(AnsibleValidationError):
    """Parameters exclude each other."""


class NoLogError(AnsibleValidationError):
    """Secrets cannot be told apart."""


class RequiredByError(AnsibleValidationError):
    """A parameter needs others."""


class RequiredDefaultError(AnsibleValidationError):
    """A required parameter has a default."""


class RequiredError(AnsibleValidationError):
    """A required parameter is missing."""


class RequiredIfError(AnsibleValidationError):
    """A parameter that others require is missing."""


class RequiredOneOfError(AnsibleValidationError):
    """One of several parameters is missing."""


class RequiredTogetherError(AnsibleValidationError):
    """Parameters that go together are incomplete."""


class SubParameterTypeError(AnsibleValidationError):
    """An inner parameter has the wrong type."""


class UnsupportedError(AnsibleValidationError):
    """A parameter does not exist."""
