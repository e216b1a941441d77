"""Quotes around text."""


def is_quoted(data):
    return len(data) > 1 and data[0] == data[-1] and data[0] in ('"', "'") and data[-2] != '\\'


def unquote(data):
    return data[1:-1] if is_quoted(data) else data
