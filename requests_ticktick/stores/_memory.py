"""A token that lives as long as the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .._errors import LockTimeoutError
from .._token import Token
from .._value import PerProcess, public
from ._base import TokenStore, check_stamp


@public
class MemoryStore(TokenStore):
    """Keeps the token in this object, for all threads that share it.

    A pickle contains the token. The unpickled copy is independent.

    :param token: The initial token, if any.
    """

    def __init__(self, token: Token | None = None) -> None:
        self._token = None if token is None else token.in_default_place(None)
        self._failure: str | None = None
        # A child process must not wait for a thread that was not forked.
        self._locks = PerProcess(threading.Lock)

    def load(self) -> Token | None:
        """Return the token, or ``None`` if there is none."""
        return self._token

    def save(self, token: Token) -> None:
        """Replace the token.

        :raises TokenStoreError: The current token belongs to another client.
        """
        check_stamp(self._token, token, "The memory store")
        self._token = token.in_default_place(None)

    def delete(self) -> None:
        """Delete the token."""
        self._token = None

    @contextmanager
    def lock(self, timeout: float | None = None) -> Iterator[None]:
        """Hold the lock against the other threads of this process."""
        lock = self._locks.get()
        seconds = self.lock_timeout if timeout is None else timeout
        if not lock.acquire(timeout=max(0.0, seconds)):
            since = f"has been signing on for over {seconds:g} s"
            raise LockTimeoutError(
                f"Another thread {since if seconds > 0 else 'is signing on'}: finish "
                "or cancel that sign-on, then try again.",
                holder="another thread of this process",
            )
        try:
            yield
        finally:
            lock.release()

    def version(self) -> object:
        """Return the token and the recorded failure."""
        return (self._token, self._failure)

    def failure(self) -> str | None:
        """Return the last recorded failure."""
        return self._failure

    def record_failure(self, failure: str | None) -> None:
        """Record a failure for the threads that wait for the lock."""
        self._failure = failure

    def __repr__(self) -> str:
        return f"MemoryStore({self._token!r})"
