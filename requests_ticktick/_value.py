"""A frozen value, without :mod:`dataclasses`; one value a process; secrets.

``dataclasses`` imports ``inspect``, which alone would be a tenth of
``import requests``. This is what is needed of it, once.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, ClassVar, Generic, ParamSpec, TypeVar


class Value:
    """Fields are the subclass's ``__slots__``, set once through :meth:`_set`.

    Equal when of one class and equal in every field; pickled and copied by
    field, without running ``__init__`` again.
    """

    __slots__: ClassVar[tuple[str, ...]] = ()

    def _set(self, **fields: Any) -> None:
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen: {name}")

    def __getstate__(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._set(**state)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)


P = ParamSpec("P")
T = TypeVar("T")


class PerProcess(Generic[T]):
    """One ``T`` for each process; a forked child gets one of its own.

    A lock that another thread held at the moment of the fork would stay
    locked in the child for ever.

    :param make: Makes a ``T``; pickled by reference.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[int, T] = {}

    def get(self) -> T:
        """Return this process's own."""
        # dict.setdefault is atomic: of two threads, both get the first's.
        return self._made.setdefault(os.getpid(), self._make())

    def __reduce__(self) -> tuple[Any, ...]:
        return PerProcess, (self._make,)


class Secret(str):
    """Text that a traceback with local variables, or a log, does not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def fingerprint_of(secret: str) -> str:
    """Return what a secret is called in logs: 8 hex digits of its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


def discreet(function: Callable[P, T]) -> Callable[P, T]:
    """Have what is raised leave without the local variables of this function.

    Nor those of what it has called: they hold secrets, and error trackers send
    the variables of every frame. The lines that were reached stay.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        handled = sys.exc_info()[1]  # the caller's, and none of our business
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            link: BaseException | None = error
            while link is not None and link is not handled:
                traceback.clear_frames(link.__traceback__)
                link = link.__context__
            raise
        finally:
            del args, kwargs, handled

    return call
