# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""Manners towards web APIs: not too often, and again after failures."""
import copy
import functools
import itertools
import random
import time


def rate_limit_argument_spec(spec=None):
    arg_spec = dict(rate=dict(type='int'), rate_limit=dict(type='int'))
    arg_spec.update(spec or {})
    return arg_spec


def retry_argument_spec(spec=None):
    arg_spec = dict(retries=dict(type='int'), retry_pause=dict(type='float', default=1))
    arg_spec.update(spec or {})
    return arg_spec


def basic_auth_argument_spec(spec=None):
    arg_spec = dict(api_username=dict(type='str'), api_password=dict(type='str', no_log=True), api_url=dict(type='str'), validate_certs=dict(type='bool', default=True))
    arg_spec.update(spec or {})
    return arg_spec


def rate_limit(rate=None, rate_limit=None):
    """At most rate calls in rate_limit seconds."""
    pause = float(rate_limit) / float(rate) if rate is not None and rate_limit is not None else None

    def wrapper(f):
        last = [0.0]

        @functools.wraps(f)
        def ratelimited(*args, **kwargs):
            if pause is not None:
                left = pause - (time.monotonic() - last[0])
                if left > 0:
                    time.sleep(left)
                last[0] = time.monotonic()
            return f(*args, **kwargs)
        return ratelimited
    return wrapper


def retry(retries=None, retry_pause=1):
    """Calls again until the result is true, or the tries are used up."""
    def wrapper(f):
        @functools.wraps(f)
        def retried(*args, **kwargs):
            count = 0
            while True:
                count += 1
                if retries is not None and count >= retries + 1:
                    raise Exception("Retry limit exceeded: %d" % retries)
                try:
                    ret = f(*args, **kwargs)
                    if ret:
                        return ret
                except Exception:
                    pass
                time.sleep(retry_pause)
        return retried
    return wrapper


def generate_jittered_backoff(retries=10, delay_base=3, delay_threshold=60):
    for n in range(retries):
        yield random.randint(0, min(delay_threshold, delay_base * 2 ** n))


def retry_never(exception_or_result):
    return False


def retry_with_delays_and_condition(backoff_iterator, should_retry_error=None):
    """Calls again after each delay while should_retry_error says so."""
    should = should_retry_error or retry_never

    def wrapper(f):
        @functools.wraps(f)
        def retried(*args, **kwargs):
            for delay in list(backoff_iterator) if not isinstance(backoff_iterator, list) else backoff_iterator:
                try:
                    return f(*copy.copy(args), **copy.copy(kwargs))
                except Exception as e:
                    if not should(e):
                        raise
                time.sleep(delay)
            return f(*args, **kwargs)
        return retried
    return wrapper
