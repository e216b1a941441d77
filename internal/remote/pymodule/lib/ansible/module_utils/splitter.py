# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Splitting k=v arguments, with respect to quotes and template marks."""


def split_args(args):
    """Splits text at spaces that are in no quotes and no {{ }}, {% %}, {# #}."""
    words, current, quote, depth, i = [], [], None, 0, 0
    while i < len(args):
        two = args[i:i + 2]
        c = args[i]
        if quote is None and two in ('{{', '{%', '{#'):
            depth += 1
            current.append(two)
            i += 2
            continue
        if quote is None and two in ('}}', '%}', '#}') and depth:
            depth -= 1
            current.append(two)
            i += 2
            continue
        if c in '\'"' and (i == 0 or args[i - 1] != '\\') and depth == 0:
            quote = c if quote is None else None if quote == c else quote
        if c in ' \n\t' and quote is None and depth == 0:
            if current:
                words.append(''.join(current))
                current = []
            if c == '\n' and words:
                words[-1] += c
        else:
            current.append(c)
        i += 1
    if quote or depth:
        raise Exception("error while splitting arguments, either an unbalanced jinja2 block or quotes")
    if current:
        words.append(''.join(current))
    return words


def is_quoted(data):
    return len(data) > 0 and (data[0] == '"' and data[-1] == '"' or data[0] == "'" and data[-1] == "'")


def unquote(data):
    return data[1:-1] if is_quoted(data) else data
