# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Checks and conversions of parameter values. Every check raises TypeError or ValueError with the text users know."""
import json
import os
import re
from ast import literal_eval

from ansible.module_utils.common.collections import is_iterable
from ansible.module_utils.common.text.converters import jsonify, to_native, to_text
from ansible.module_utils.common.text.formatters import human_to_bytes
from ansible.module_utils.common.warnings import deprecate
from ansible.module_utils.parsing.convert_bool import boolean


def _where(options_context):
    return " found in %s" % " -> ".join(options_context) if options_context else ''


def count_terms(terms, parameters):
    """How many of the terms are given."""
    if not is_iterable(terms):
        terms = [terms]
    return len(set(terms).intersection(parameters))


def safe_eval(value, locals=None, include_exceptions=False):
    """Evaluates a Python literal; anything else stays text. Deprecated."""
    deprecate("The safe_eval function should not be used.", version="2.21")
    return _evaluate(value, include_exceptions)


def _evaluate(value, include_exceptions=False):
    def answer(v, e=None):
        return (v, e) if include_exceptions else v
    if not isinstance(value, str):
        return answer(value)
    if re.search(r'\w\.\w+\(', value) or re.search(r'import \w+', value):
        return answer(value)
    try:
        return answer(literal_eval(value))
    except Exception as e:
        return answer(value, e)


def check_mutually_exclusive(terms, parameters, options_context=None):
    results = [] if terms is None else [c for c in terms if count_terms(c, parameters) > 1]
    if results:
        full = ['|'.join(c) for c in results]
        raise TypeError("parameters are mutually exclusive: %s" % ', '.join(full) + _where(options_context))
    return results


def check_required_one_of(terms, parameters, options_context=None):
    results = [] if terms is None else [t for t in terms if count_terms(t, parameters) == 0]
    for term in results:
        raise TypeError("one of the following is required: %s" % ', '.join(term) + _where(options_context))
    return results


def check_required_together(terms, parameters, options_context=None):
    results = []
    for term in terms or []:
        counts = [count_terms(field, parameters) for field in term]
        if any(counts) and 0 in counts:
            results.append(term)
    for term in results:
        raise TypeError("parameters are required together: %s" % ', '.join(term) + _where(options_context))
    return results


def check_required_by(requirements, parameters, options_context=None):
    result = {}
    for key, needed in (requirements or {}).items():
        if key not in parameters or parameters[key] is None:
            continue
        if isinstance(needed, str):
            needed = [needed]
        missing = [n for n in needed if n not in parameters or parameters[n] is None]
        result[key] = missing
        if missing:
            raise TypeError("missing parameter(s) required by '%s': %s" % (key, ', '.join(missing)) + _where(options_context))
    return result


def check_required_arguments(argument_spec, parameters, options_context=None):
    missing = [k for k, v in (argument_spec or {}).items() if v.get('required', False) and k not in parameters]
    if missing:
        raise TypeError("missing required arguments: %s" % ", ".join(sorted(missing)) + _where(options_context))
    return missing


def check_required_if(requirements, parameters, options_context=None):
    results = []
    for req in requirements or []:
        one = req[3] if len(req) == 4 else False
        key, val, needs = req[:3]
        if key not in parameters or parameters[key] != val:
            continue
        absent = [n for n in needs if count_terms(n, parameters) == 0]
        if absent and (not one or len(absent) == len(needs)):
            results.append({'missing': absent, 'requires': 'any' if one else 'all', 'parameter': key, 'value': val, 'requirements': needs})
    for r in results:
        msg = "%s is %s but %s of the following are missing: %s" % (r['parameter'], r['value'], r['requires'], ', '.join(r['missing']))
        raise TypeError(msg + _where(options_context))
    return results


def check_missing_parameters(parameters, required_parameters=None):
    missing = [p for p in required_parameters or [] if not parameters.get(p)]
    if missing:
        raise TypeError("missing required arguments: %s" % ', '.join(missing))
    return missing


def check_type_str(value, allow_conversion=True, param=None, prefix=''):
    if isinstance(value, str):
        return value
    if allow_conversion and value is not None:
        return to_native(value, errors='surrogate_or_strict')
    raise TypeError("'{0!r}' is not a string and conversion is not allowed".format(value))


def check_type_list(value):
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        return value.split(",")
    if isinstance(value, (int, float)):
        return [str(value)]
    raise TypeError('%s cannot be converted to a list' % type(value))


def _split_pairs(text):
    # k=v words, separated by commas or spaces, quoted with either quote, escaped with a backslash
    fields, current, quote, escaped = [], [], None, False
    for c in text.strip():
        if escaped:
            current.append(c)
            escaped = False
        elif c == '\\':
            escaped = True
        elif quote is None and c in '\'"':
            quote = c
        elif quote is not None and c == quote:
            quote = None
        elif quote is None and c in ', ':
            if current:
                fields.append(''.join(current))
                current = []
        else:
            current.append(c)
    if current:
        fields.append(''.join(current))
    return fields


def check_type_dict(value):
    if isinstance(value, dict):
        return value
    if isinstance(value, str):
        if value.startswith("{"):
            try:
                return json.loads(value)
            except Exception:
                result, exc = _evaluate(value, include_exceptions=True)
                if exc is not None:
                    raise TypeError('unable to evaluate string as dictionary')
                return result
        if '=' in value:
            try:
                return dict(x.split("=", 1) for x in _split_pairs(value))
            except ValueError:
                raise TypeError('unable to evaluate string in the "key=value" format as dictionary')
        raise TypeError("dictionary requested, could not parse JSON or key=value")
    raise TypeError('%s cannot be converted to a dict' % type(value))


def check_type_bool(value):
    if isinstance(value, bool):
        return value
    if isinstance(value, (str, int, float)):
        return boolean(value)
    raise TypeError('%s cannot be converted to a bool' % type(value))


def check_type_int(value):
    if not isinstance(value, int):
        try:
            if isinstance(value, float):
                if value != int(value):
                    raise ValueError('Significant decimal part found')
                return int(value)
            text = str(value).strip()
            if isinstance(value, (str, bytes)) and '.' in text and float(text) == int(float(text)):
                return int(float(text))
            return int(text)
        except (TypeError, ValueError, OverflowError) as e:
            raise TypeError('"%r" cannot be converted to an int' % value)
    return value


def check_type_float(value):
    if not isinstance(value, float):
        try:
            return float(value)
        except (TypeError, ValueError) as e:
            raise TypeError('%s cannot be converted to a float' % type(value))
    return value


def check_type_path(value):
    return os.path.expanduser(os.path.expandvars(check_type_str(value)))


def check_type_raw(value):
    return value


def check_type_bytes(value):
    try:
        return human_to_bytes(value)
    except ValueError:
        raise TypeError('%s cannot be converted to a Byte value' % type(value))


def check_type_bits(value):
    try:
        return human_to_bytes(value, isbits=True)
    except ValueError:
        raise TypeError('%s cannot be converted to a Bit value' % type(value))


def check_type_jsonarg(value):
    if isinstance(value, (str, bytes)):
        return value.strip()
    if isinstance(value, (list, tuple, dict)):
        return jsonify(value)
    raise TypeError('%s cannot be converted to a json string' % type(value))
