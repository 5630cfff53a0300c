"""The small parts: frozen values, one value per process, secrets, warnings.

:mod:`dataclasses` is not used: it imports ``inspect``, which takes a tenth of
the time of ``import requests``.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import sys
import traceback
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar, Generic, ParamSpec, TypeVar


class Value:
    """A frozen value whose fields are the subclass's ``__slots__``.

    The constructor sets them with :meth:`_set`. Two values are equal if they
    have the same class and equal fields. Pickles and copies take over the
    fields without calling ``__init__``.
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


logger = logging.getLogger("requests_ticktick")

P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")
C = TypeVar("C", bound="type[object]")


def public(kind: C) -> C:
    """Decorate a class that programs import from the package itself.

    Its errors' tracebacks, its pickles and the documentation name it so.
    """
    kind.__module__ = __package__
    return kind


class Recent(OrderedDict[K, T]):
    """The latest of what was noted: a long-lived process does not grow.

    What is recalled counts as the latest as well: something that keeps coming
    up is never forgotten.
    """

    #: How many are remembered.
    limit = 64

    def note(self, key: K, value: T) -> None:
        """Remember this, and forget the oldest if there are too many."""
        self[key] = value
        with contextlib.suppress(KeyError):  # another thread has forgotten it
            self.move_to_end(key)
        while len(self) > self.limit:
            self.popitem(last=False)

    def recall(self, key: K) -> T | None:
        """Return what was noted of a key, or ``None``."""
        value = self.get(key)
        if value is not None:
            self.note(key, value)
        return value


class PerProcess(Generic[T]):
    """One ``T`` for each process, so that a forked child gets its own.

    A lock that another thread held during the fork would stay locked in the
    child for ever.

    :param make: Returns a new ``T``. Pickled by reference.
    """

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[int, T] = {}

    def get(self) -> T:
        """Return this process's ``T``."""
        process = os.getpid()
        made = self._made.get(process)
        if made is None:
            # dict.setdefault is atomic, so that two threads get the same one.
            made = self._made.setdefault(process, self._make())
            for other in [*self._made]:
                if other != process:  # of the process that forked this one
                    self._made.pop(other, None)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return PerProcess, (self._make,)


class Once:
    """Logs each warning once, unless many others were logged since."""

    def __init__(self) -> None:
        self._said: Recent[str, bool] | None = None  # few have a warning to log

    def warn(self, message: str, *, about: str | None = None) -> None:
        """Log a warning, unless it was logged before.

        :param about: Identifies the warning if its wording may vary.
        """
        if self._said is None:
            self._said = Recent()
        if self._said.recall(about or message) is None:
            self._said.note(about or message, True)
            logger.warning("%s", message)


class Secret(str):
    """A string whose ``repr`` is masked, for tracebacks and logs."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def fingerprint_of(secret: str) -> str:
    """Return a secret's name in logs: 8 hex digits of its SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


def discreet(function: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function so that its exceptions carry no local variables.

    The variables of the function and of all that it called are cleared: they
    hold secrets, and error trackers send the variables of every frame. File
    names and line numbers stay.
    """

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        handled = sys.exc_info()[1]  # the caller's exception, left as it is
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
