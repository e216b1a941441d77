"""Decorators that hold a lock."""
from functools import wraps


def lock_decorator(attr='missing_lock_attr', lock=None):
    def outer(func):
        @wraps(func)
        def inner(*args, **kwargs):
            with lock if lock is not None else getattr(args[0], attr):
                return func(*args, **kwargs)
        return inner
    return outer
