# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Validates parameters against an argument_spec."""
from copy import deepcopy

from ansible.module_utils.common.parameters import (
    check_mutually_exclusive, check_required_arguments, check_rules, get_unsupported_parameters, handle_aliases, list_deprecations, list_no_log_values,
    set_defaults, set_fallbacks, validate_argument_types, validate_argument_values, validate_sub_spec,
)
from ansible.module_utils.common.text.converters import to_native
from ansible.module_utils.common.warnings import deprecate, warn
from ansible.module_utils.errors import (
    AliasError, AnsibleValidationErrorMultiple, DeprecationError, MutuallyExclusiveError, NoLogError, RequiredDefaultError, RequiredError, UnsupportedError,
)


class ValidationResult:
    """What became of parameters."""

    def __init__(self, parameters):
        self._no_log_values = set()
        self._unsupported_parameters = set()
        self._supported_parameters = {}
        self._validated_parameters = deepcopy(parameters)
        self._deprecations = []
        self._warnings = []
        self._aliases = {}
        self.errors = AnsibleValidationErrorMultiple()

    @property
    def validated_parameters(self):
        return self._validated_parameters

    @property
    def unsupported_parameters(self):
        return self._unsupported_parameters

    @property
    def error_messages(self):
        return self.errors.messages


class ArgumentSpecValidator:
    """An argument_spec with its rules."""

    def __init__(self, argument_spec, mutually_exclusive=None, required_together=None, required_one_of=None, required_if=None, required_by=None):
        self.argument_spec = argument_spec
        self._mutually_exclusive = mutually_exclusive
        self._rules = dict(required_together=required_together, required_one_of=required_one_of, required_if=required_if, required_by=required_by)
        self._valid_parameter_names = set()
        for k in sorted(argument_spec):
            aliases = argument_spec[k].get('aliases')
            self._valid_parameter_names.add("%s (%s)" % (k, ', '.join(sorted(aliases))) if aliases else k)

    def validate(self, parameters, *args, **kwargs):
        """Returns a ValidationResult; its errors are in the order in which users should repair them."""
        result = ValidationResult(parameters)
        spec, params, errors = self.argument_spec, result._validated_parameters, result.errors
        result._no_log_values.update(set_fallbacks(spec, params))
        alias_warnings, alias_deprecations = [], []
        try:
            result._aliases.update(handle_aliases(spec, params, alias_warnings, alias_deprecations))
        except (TypeError, ValueError) as e:
            errors.append(RequiredDefaultError(to_native(e)) if 'required and default' in to_native(e) else AliasError(to_native(e)))
        for option, alias in alias_warnings:
            result._warnings.append({'option': option, 'alias': alias})
        result._deprecations.extend(alias_deprecations)
        try:
            list_no_log_values(spec, params, result._no_log_values)
        except TypeError as te:
            errors.append(NoLogError(to_native(te)))
        try:
            result._listed_deprecations = list_deprecations(spec, params)
        except TypeError as te:
            errors.append(DeprecationError(to_native(te)))
        result._unsupported_parameters.update(
            get_unsupported_parameters(spec, params, list(spec) + list(result._aliases), store_supported=result._supported_parameters))
        try:
            check_mutually_exclusive(self._mutually_exclusive, params)
        except TypeError as te:
            errors.append(MutuallyExclusiveError(to_native(te)))
        result._no_log_values.update(set_defaults(spec, params, False))
        try:
            check_required_arguments(spec, params)
        except TypeError as e:
            errors.append(RequiredError(to_native(e)))
        validate_argument_types(spec, params, errors=errors)
        validate_argument_values(spec, params, errors=errors)
        check_rules(self._rules, params, None, errors)
        result._no_log_values.update(set_defaults(spec, params))
        nested = []
        validate_sub_spec(spec, params, errors=errors, no_log_values=result._no_log_values, unsupported_parameters=result._unsupported_parameters,
                          supported_parameters=result._supported_parameters, alias_deprecations=nested)
        result._deprecations.extend(nested)
        if result._unsupported_parameters:
            flat, names, aliases = [], [], []
            for item in result._unsupported_parameters:
                flat.append('.'.join(item))
                names, aliases = result._supported_parameters.get(item, ([], []))
            suffix = " (%s)" % ", ".join(aliases) if aliases else ''
            msg = "{0}. Supported parameters include: {1}{2}.".format(", ".join(sorted(flat)), ", ".join(names), suffix)
            errors.append(UnsupportedError(msg))
        return result


class ModuleArgumentSpecValidator(ArgumentSpecValidator):
    """The same, with warnings going to the module's result."""

    def validate(self, parameters):
        result = super(ModuleArgumentSpecValidator, self).validate(parameters)
        for d in getattr(result, '_listed_deprecations', []):
            deprecate(d['msg'], version=d.get('version'), date=d.get('date'), collection_name=d.get('collection_name'))
        for d in result._deprecations:
            deprecate("Alias '{0}' is deprecated. See the module docs for more information".format(d['name']),
                      version=d.get('version'), date=d.get('date'), collection_name=d.get('collection_name'))
        for w in result._warnings:
            warn('Both option {option} and its alias {alias} are set.'.format(option=w['option'], alias=w['alias']))
        return result
