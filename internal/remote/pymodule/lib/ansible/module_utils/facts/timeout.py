# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""A time limit for facts that read slow devices."""
import functools
import multiprocessing.pool

GATHER_TIMEOUT = None
DEFAULT_GATHER_TIMEOUT = 10


class TimeoutError(Exception):
    pass


def timeout(seconds=None, error_message="Timer expired"):
    def decorator(func):
        @functools.wraps(func)
        def wrapper(*args, **kwargs):
            limit = seconds or globals().get('GATHER_TIMEOUT') or DEFAULT_GATHER_TIMEOUT
            pool = multiprocessing.pool.ThreadPool(processes=1)
            try:
                return pool.apply_async(func, args, kwargs).get(limit)
            except multiprocessing.TimeoutError:
                raise TimeoutError('Timer expired after %s seconds' % limit)
            finally:
                pool.terminate()
        return wrapper
    if callable(seconds):
        func, seconds = seconds, DEFAULT_GATHER_TIMEOUT
        return decorator(func)
    return decorator
