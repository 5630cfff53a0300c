"""Who is told of an event, and when: outside every lock."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from ..._value import PerProcess

if TYPE_CHECKING:
    from . import Event

logger = logging.getLogger("requests_ticktick")


#: The listener of each callback: a program may make an auth for each call.
_listeners: dict[object, Listener] = {}
_REMEMBERED_LISTENERS = 64


class Listener:
    """A program's callback, whose first exception is logged.

    :param on_event: Is called with each :class:`Event`.
    """

    def __init__(self, on_event: Callable[[Event], object]) -> None:
        self._on_event = on_event
        self._has_failed = False

    def __call__(self, event: Event) -> None:
        """Tell the program, whatever comes of that."""
        try:
            self._on_event(event)
        except Exception as error:
            if not self._has_failed:
                self._has_failed = True
                logger.warning(
                    "on_event raised %s at an event of the kind %r. The token is not "
                    "affected, and further errors of on_event are not logged.",
                    type(error).__name__,
                    event.kind,
                    exc_info=True,
                )

    def __reduce__(self) -> tuple[Any, ...]:
        return listener_of, (self._on_event,)

    def __deepcopy__(self, memo: dict[int, Any]) -> Listener:
        return self  # a copy of an auth tells the same program


def listener_of(on_event: object) -> Listener | None:
    """Return the listener of a callback, which is one for all auths.

    :raises TypeError: It cannot be called.
    """
    if on_event is None:
        return None
    if not callable(on_event):
        kind = type(on_event).__name__
        raise TypeError(f"on_event must take an Event when called, not be a {kind}")
    key: object = on_event
    try:
        hash(key)
    except TypeError:
        key = id(on_event)  # which its listener keeps in use
    listener = _listeners.setdefault(key, Listener(on_event))
    for oldest in list(_listeners)[:-_REMEMBERED_LISTENERS]:
        _listeners.pop(oldest, None)
    return listener


class _Thread(threading.local):
    """What a thread has to tell once it holds no lock: entered, and left."""

    def __init__(self) -> None:
        self.depth = 0
        self.is_telling = False
        self.queue: list[Callable[[], None]] = []

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *exc_info: object) -> None:
        self.depth -= 1
        if self.depth or self.is_telling:
            return
        self.is_telling = True
        try:
            while self.queue:
                self.queue.pop(0)()
        finally:
            self.is_telling = False


_threads = PerProcess(_Thread)


def told_afterwards() -> AbstractContextManager[None]:
    """Tell what happens in the block after it, or after the outermost one.

    A sign-on may use another auth while this one's lock is held.
    """
    return _threads.get()


def is_nested() -> bool:
    """Whether this thread may hold the lock of another auth."""
    return _threads.get().depth > 1


def tell_later(tell: Callable[[], None]) -> None:
    """Have this thread call this after the block that it is in."""
    _threads.get().queue.append(tell)


def tell_meanwhile(tell: Callable[[], None]) -> None:
    """Have another thread call this, since others wait for this thread."""
    thread = threading.Thread(target=tell, name="tells who waits", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no more threads, as at the interpreter's exit
        tell_later(tell)
    else:
        tell_later(thread.join)  # what comes next is told after it
