"""One object of a class."""
from threading import RLock


class Singleton(type):
    """Metaclass."""

    def __init__(cls, name, bases, dct):
        super().__init__(name, bases, dct)
        cls.__instance = None
        cls.__rlock = RLock()

    def __call__(cls, *args, **kw):
        with cls.__rlock:
            if cls.__instance is None:
                cls.__instance = super().__call__(*args, **kw)
        return cls.__instance
