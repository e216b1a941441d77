# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""What an argument_spec means for parameters: aliases, defaults, types, choices, inner options, secrets."""
import datetime
import os
from itertools import chain

from ansible.module_utils.common.collections import Mapping, Sequence, is_iterable
from ansible.module_utils.common.text.converters import to_bytes, to_native, to_text
from ansible.module_utils.common.validation import (  # noqa: F401
    check_mutually_exclusive, check_required_arguments, check_required_by, check_required_if, check_required_one_of, check_required_together, check_type_bits,
    check_type_bool, check_type_bytes, check_type_dict, check_type_float, check_type_int, check_type_jsonarg, check_type_list, check_type_path, check_type_raw,
    check_type_str,
)
from ansible.module_utils.common.warnings import warn  # noqa: F401
from ansible.module_utils.errors import (
    AliasError, AnsibleFallbackNotFound, AnsibleValidationErrorMultiple, ArgumentTypeError, ArgumentValueError, ElementError, MutuallyExclusiveError,
    NoLogError, RequiredByError, RequiredDefaultError, RequiredError, RequiredIfError, RequiredOneOfError, RequiredTogetherError, SubParameterTypeError,
)
from ansible.module_utils.parsing.convert_bool import BOOLEANS_FALSE, BOOLEANS_TRUE

PASS_VARS = {
    'check_mode': ('check_mode', False), 'debug': ('_debug', False), 'diff': ('_diff', False), 'keep_remote_files': ('_keep_remote_files', False),
    'ignore_unknown_opts': ('_ignore_unknown_opts', False), 'module_name': ('_name', None), 'no_log': ('no_log', False), 'remote_tmp': ('_remote_tmp', None),
    'target_log_info': ('_target_log_info', None), 'selinux_special_fs': ('_selinux_special_fs', ['fuse', 'nfs', 'vboxsf', 'ramfs', '9p', 'vfat']),
    'shell_executable': ('_shell', '/bin/sh'), 'socket': ('_socket_path', None), 'string_conversion_action': ('_string_conversion_action', 'warn'),
    'syslog_facility': ('_syslog_facility', 'INFO'), 'tmpdir': ('_tmpdir', None), 'verbosity': ('_verbosity', 0), 'version': ('ansible_version', '0.0'),
}
PASS_BOOLS = ('check_mode', 'debug', 'diff', 'keep_remote_files', 'ignore_unknown_opts', 'no_log')
DEFAULT_TYPE_VALIDATORS = {
    'str': check_type_str, 'list': check_type_list, 'dict': check_type_dict, 'bool': check_type_bool, 'int': check_type_int, 'float': check_type_float,
    'path': check_type_path, 'raw': check_type_raw, 'jsonarg': check_type_jsonarg, 'json': check_type_jsonarg, 'bytes': check_type_bytes, 'bits': check_type_bits,
}


def env_fallback(*args, **kwargs):
    """The first environment variable that is set."""
    for name in args:
        if name in os.environ:
            return os.environ[name]
    raise AnsibleFallbackNotFound


def set_fallbacks(argument_spec, parameters):
    """Fills parameters that are not given from their fallbacks. Returns secrets among them."""
    secrets = set()
    for param, value in argument_spec.items():
        fallback = value.get('fallback', (None,))
        strategy = fallback[0]
        if strategy is None or param in parameters:
            continue
        args, kwargs = [], {}
        for item in fallback[1:]:
            if isinstance(item, dict):
                kwargs = item
            else:
                args = item
        try:
            found = strategy(*args, **kwargs)
        except AnsibleFallbackNotFound:
            continue
        if value.get('no_log', False) and found:
            secrets.add(found)
        parameters[param] = found
    return secrets


def handle_aliases(argument_spec, parameters, alias_warnings=None, alias_deprecations=None):
    """Copies aliased parameters to their real names. Returns aliases by name."""
    results = {}
    for name, spec in argument_spec.items():
        aliases = spec.get('aliases', None)
        if spec.get('default', None) is not None and spec.get('required', False):
            raise ValueError("internal error: required and default are mutually exclusive for %s" % name)
        if alias_deprecations is not None:
            for alias in spec.get('deprecated_aliases', None) or []:
                if alias.get('name') in parameters:
                    alias_deprecations.append(alias)
        if aliases is None:
            continue
        if not is_iterable(aliases) or isinstance(aliases, (bytes, str)):
            raise TypeError('internal error: aliases must be a list or tuple')
        for alias in aliases:
            results[alias] = name
            if alias in parameters:
                if name in parameters and alias_warnings is not None:
                    alias_warnings.append((name, alias))
                parameters[name] = parameters[alias]
    return results


def set_defaults(argument_spec, parameters, set_default=True):
    """Fills in defaults: first those that are something, after the checks (set_default) also None. Returns secrets."""
    secrets = set()
    for param, value in argument_spec.items():
        default = value.get('default', None)
        if param not in parameters and (default is not None or set_default):
            if value.get('no_log', False) and default:
                secrets.add(default)
            parameters[param] = default
    return secrets


def list_no_log_values(argument_spec, params, secrets=None):
    """All texts inside secret parameters, added to secrets too: what is found there stays secret when a TypeError tells of a value of
    the wrong kind. The error is raised when everything was looked at."""
    if secrets is None:
        secrets = set()
    wrong = None
    for name, spec in argument_spec.items():
        if spec.get('no_log', False):
            value = params.get(name, None)
            if value:
                try:
                    secrets.update(_texts(value))
                except TypeError as e:
                    wrong = wrong or TypeError('Failed to convert "%s": %s' % (name, to_native(e)))
        inner = spec.get('options')
        if inner is not None and params.get(name) is not None:
            values = params[name]
            if isinstance(values, dict) or not is_iterable(values):
                values = [values]
            for v in values:
                try:
                    if not isinstance(v, Mapping):
                        if not isinstance(v, str):
                            raise TypeError("Value '{value}' in the sub parameter field '{field}' must be a {type}, not '{kind}'".format(
                                value=to_text(v), field=name, type=spec.get('type', 'dict'), kind=v.__class__.__name__))
                        v = check_type_dict(v)
                    list_no_log_values(inner, v, secrets)
                except TypeError as e:
                    wrong = wrong or e
    if wrong is not None:
        raise wrong
    return secrets


def _texts(value):
    if isinstance(value, (str, bytes)):
        if value:
            yield to_native(value, errors='surrogate_or_strict')
    elif isinstance(value, Mapping):
        for v in value.values():
            for t in _texts(v):
                yield t
    elif is_iterable(value):
        for v in value:
            for t in _texts(v):
                yield t
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, (int, float)):
        yield str(value)
    elif isinstance(value, (datetime.datetime, datetime.date)):
        yield value.isoformat()
    else:
        raise TypeError('Unknown parameter type: %s' % type(value))


def list_deprecations(argument_spec, parameters, prefix=''):
    """What deprecated parameters are used, as messages for deprecate()."""
    found = []
    for name, spec in argument_spec.items():
        if name not in parameters:
            continue
        path = '%s["%s"]' % (prefix, name) if prefix else name
        if spec.get('removed_at_date') is not None:
            found.append({'msg': "Param '%s' is deprecated. See the module docs for more information" % path, 'date': spec['removed_at_date'],
                          'collection_name': spec.get('removed_from_collection')})
        elif spec.get('removed_in_version') is not None:
            found.append({'msg': "Param '%s' is deprecated. See the module docs for more information" % path, 'version': spec['removed_in_version'],
                          'collection_name': spec.get('removed_from_collection')})
        inner = spec.get('options')
        if inner is not None and parameters[name] is not None:
            values = parameters[name]
            for v in [values] if isinstance(values, dict) else values if isinstance(values, list) else []:
                if isinstance(v, Mapping):
                    found.extend(list_deprecations(inner, v, prefix=path))
    return found


def get_unsupported_parameters(argument_spec, parameters, legal_inputs=None, options_context=None, store_supported=None):
    """Names that the specification does not know, as tuples."""
    if legal_inputs is None:
        legal_inputs = list(argument_spec) + [a for s in argument_spec.values() for a in s.get('aliases') or []]
    unsupported = set()
    for k in parameters:
        if k not in legal_inputs:
            context = tuple(options_context) + (k,) if options_context else (k,)
            unsupported.add(context)
            if store_supported is not None:
                store_supported[context] = (
                    sorted(argument_spec), sorted(a for s in argument_spec.values() for a in s.get('aliases') or []))
    return unsupported


_get_unsupported_parameters = get_unsupported_parameters


def get_type_validator(wanted):
    """The function for a type and the type's name. wanted may be a function itself."""
    if not callable(wanted):
        if wanted is None:
            wanted = 'str'
        return DEFAULT_TYPE_VALIDATORS.get(wanted), wanted
    return wanted, wanted.__name__


def _context(options_context):
    return " found in %s" % " -> ".join(options_context) if options_context else ''


def _quoted_context(options_context):
    return " found in '%s'." % " -> ".join(options_context) if options_context else ''


def validate_elements(wanted_type, parameter, values, options_context=None, errors=None):
    """Converts the elements of a list."""
    errors = AnsibleValidationErrorMultiple() if errors is None else errors
    check, name = get_type_validator(wanted_type)
    out = []
    for value in values:
        try:
            out.append(check(value))
        except (TypeError, ValueError) as e:
            msg = "Elements value for option '%s'" % parameter + _quoted_context(options_context)
            errors.append(ElementError("%s is of type %s and we were unable to convert to %s: %s" % (msg, type(value), name, to_native(e))))
    return out


def validate_argument_types(argument_spec, parameters, prefix='', options_context=None, errors=None):
    """Converts every given parameter to its type, in place."""
    errors = AnsibleValidationErrorMultiple() if errors is None else errors
    for param, spec in argument_spec.items():
        if param not in parameters:
            continue
        value = parameters[param]
        if value is None and not spec.get('required') and spec.get('default') is None:
            continue
        wanted = spec.get('type')
        check, name = get_type_validator(wanted)
        try:
            parameters[param] = check(value)
            elements = spec.get('elements', None)
            if elements:
                if name != 'list' or not isinstance(parameters[param], list):
                    msg = "Invalid type %s for option '%s'" % (name, parameters) + _context(options_context) + ", elements value check is supported only with 'list' type"
                    errors.append(ArgumentTypeError(msg))
                parameters[param] = validate_elements(elements, param, parameters[param], options_context, errors)
        except (TypeError, ValueError) as e:
            msg = "argument '%s' is of type %s" % (param, type(value)) + _quoted_context(options_context)
            errors.append(ArgumentTypeError("%s and we were unable to convert to %s: %s" % (msg, name, to_native(e))))
    return errors


def validate_argument_values(argument_spec, parameters, options_context=None, errors=None):
    """Checks choices."""
    errors = AnsibleValidationErrorMultiple() if errors is None else errors
    for param, spec in argument_spec.items():
        choices = spec.get('choices')
        if choices is None or param not in parameters:
            continue
        if not isinstance(choices, (frozenset, KeysViewType, Sequence)) or isinstance(choices, (str, bytes)):
            errors.append(ArgumentTypeError("internal error: choices for argument %s are not iterable: %s" % (param, choices)))
            continue
        value = parameters[param]
        if isinstance(value, list):
            bad = ", ".join(to_native(v) for v in value if v not in choices)
            if bad:
                msg = "value of %s must be one or more of: %s. Got no match for: %s" % (param, ", ".join(to_native(c) for c in choices), bad)
                errors.append(ArgumentValueError(msg + _context(options_context)))
        elif value not in choices:
            # YAML makes booleans of yes and no: give them back when that is unambiguous
            if value == 'False' or value == 'True':
                words = BOOLEANS_FALSE if value == 'False' else BOOLEANS_TRUE
                overlap = [w for w in words if w in choices]
                if len(overlap) == 1:
                    parameters[param] = overlap[0]
                    value = overlap[0]
            if value not in choices:
                msg = "value of %s must be one of: %s, got: %s" % (param, ", ".join(to_native(c) for c in choices), to_native(value))
                errors.append(ArgumentValueError(msg + _context(options_context)))
    return errors


KeysViewType = type({}.keys())
_validate_argument_types = validate_argument_types
_validate_argument_values = validate_argument_values


def check_rules(rules, parameters, options_context, errors):
    """The constraints between parameters that come after types and choices."""
    for check, key, kind in (
        (check_required_together, 'required_together', RequiredTogetherError), (check_required_one_of, 'required_one_of', RequiredOneOfError),
        (check_required_if, 'required_if', RequiredIfError), (check_required_by, 'required_by', RequiredByError),
    ):
        try:
            check(rules.get(key), parameters, options_context)
        except TypeError as e:
            errors.append(kind(to_native(e)))


def validate_sub_spec(argument_spec, parameters, prefix='', options_context=None, errors=None, no_log_values=None, unsupported_parameters=None,
                      supported_parameters=None, alias_deprecations=None):
    """Checks the options inside dicts and lists of dicts."""
    options_context = options_context if options_context is not None else []
    errors = AnsibleValidationErrorMultiple() if errors is None else errors
    no_log_values = set() if no_log_values is None else no_log_values
    unsupported_parameters = set() if unsupported_parameters is None else unsupported_parameters
    supported_parameters = {} if supported_parameters is None else supported_parameters
    for param, value in argument_spec.items():
        wanted = value.get('type')
        if not (wanted == 'dict' or (wanted == 'list' and value.get('elements', '') == 'dict')):
            continue
        inner = value.get('options')
        if value.get('apply_defaults', False):
            if inner is not None:
                if parameters.get(param) is None:
                    parameters[param] = {}
            else:
                continue
        elif inner is None or param not in parameters or parameters[param] is None:
            continue
        options_context.append(param)
        single = isinstance(parameters[param], Mapping)
        elements = [parameters[param]] if single else parameters[param] if is_iterable(parameters[param]) else [parameters[param]]
        for index, one in enumerate(elements):
            where = prefix + param
            if not single:
                where += '[%d]' % index
            where += '.'
            if not isinstance(one, Mapping):
                errors.append(SubParameterTypeError("value of '%s' must be of type dict or list of dicts" % param))
                continue
            no_log_values.update(set_fallbacks(inner, one))
            alias_warnings = []
            deprecated = []
            try:
                aliases = handle_aliases(inner, one, alias_warnings, deprecated)
            except (TypeError, ValueError) as e:
                aliases = {}
                errors.append(AliasError(to_native(e)))
            for option, alias in alias_warnings:
                warn('Both option %s%s and its alias %s%s are set.' % (where, option, where, alias))
            if alias_deprecations is not None:
                alias_deprecations.extend(dict(d, name=where + d['name']) for d in deprecated)
            try:
                list_no_log_values(inner, one, no_log_values)
            except TypeError as e:
                errors.append(NoLogError(to_native(e)))
            unsupported_parameters.update(get_unsupported_parameters(inner, one, list(inner) + list(aliases), options_context, supported_parameters))
            try:
                check_mutually_exclusive(value.get('mutually_exclusive'), one, options_context)
            except TypeError as e:
                errors.append(MutuallyExclusiveError(to_native(e)))
            no_log_values.update(set_defaults(inner, one, False))
            try:
                check_required_arguments(inner, one, options_context)
            except TypeError as e:
                errors.append(RequiredError(to_native(e)))
            validate_argument_types(inner, one, where, options_context, errors)
            validate_argument_values(inner, one, options_context, errors)
            check_rules(value, one, options_context, errors)
            no_log_values.update(set_defaults(inner, one))
            validate_sub_spec(inner, one, where, options_context, errors, no_log_values, unsupported_parameters, supported_parameters, alias_deprecations)
        options_context.pop()


def _deny(value):
    return 'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER'


def remove_values(value, no_log_strings):
    """Returns value with every secret in it replaced."""
    secrets = sorted((to_native(s, errors='surrogate_or_strict') for s in no_log_strings), key=len, reverse=True)

    def clean(v):
        if isinstance(v, bytes):
            return to_bytes(clean(to_native(v, errors='surrogate_or_strict')))
        if isinstance(v, str):
            if v in secrets:
                return _deny(v)
            for s in secrets:
                v = v.replace(s, '*' * 8)
            return v
        if isinstance(v, Mapping):
            return type(v)((k, clean(e)) for k, e in v.items()) if isinstance(v, dict) else dict((k, clean(e)) for k, e in v.items())
        if isinstance(v, (list, tuple, set, frozenset)):
            return [clean(e) for e in v]
        if isinstance(v, (bool, type(None))):
            return v
        if isinstance(v, (int, float)):
            text = str(v)
            if text in secrets or any(s in text for s in secrets):
                return _deny(v)
            return v
        if isinstance(v, (datetime.datetime, datetime.date)):
            return v.isoformat()
        raise TypeError('Value of unknown type: %s, %s' % (type(v), v))
    return clean(value)


def sanitize_keys(obj, no_log_strings, ignore_keys=frozenset()):
    """Returns obj with secrets in the names of keys replaced."""
    secrets = [to_native(s, errors='surrogate_or_strict') for s in no_log_strings]

    def clean(v):
        if isinstance(v, Mapping):
            return dict((k if k in ignore_keys or str(k).startswith('_ansible') else remove_values(k, secrets), clean(e)) for k, e in v.items())
        if isinstance(v, (list, tuple, set, frozenset)):
            return type(v)(clean(e) for e in v)
        return v
    return clean(obj)
