"""A token in Redis, shared by many machines.

::

    store = RedisStore(redis.Redis("cache.internal", socket_timeout=5))
    session.auth = TickTickAuth(store=store)
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

try:
    from ._redis_client import Clients, peek
    from ._redis_lock import RedisLock
    from ._redis_outage import Outage
    from ._redis_value import RedisNote, RedisValue
except ImportError as error:
    raise ImportError(
        "RedisStore needs redis-py: pip install 'requests-ticktick[redis]'"
    ) from error

from .._errors import TokenStoreError
from .._token import Token
from ._base import TokenStore

if TYPE_CHECKING:
    from redis import Redis


class RedisStore(TokenStore):
    """Keeps the token under one key, for any number of machines.

    Beside ``<key>`` stand ``<key>:lock``, ``<key>:lock:room``,
    ``<key>:failure`` and, after a torn value, ``<key>:corrupt``. Without a
    refresh token, the key expires with its token. A pickle holds the client's
    password, and no token.

    How long an answer is waited for is the client's to say: give it a
    ``socket_timeout`` and few retries.

    :param client: A ``redis.Redis``, also one of a Sentinel; not a cluster's.
    :param key: One for each account.
    :param lock_timeout: How long to wait for another's sign-on, in seconds.
    :param lock_ttl: How long the lock of a dead holder lasts, in seconds.
    :param when_down: While Redis is away, ``"raise"``, or read from and lock
        this process's ``"memory"``. A save raises in both cases; an auth keeps
        its token until Redis takes it.
    :raises TypeError: The client is a cluster's, or asynchronous.
    :raises ValueError: An option is out of range.
    """

    def __init__(
        self,
        client: Redis,
        key: str = "requests-ticktick:token",
        *,
        lock_timeout: float = TokenStore.lock_timeout,
        lock_ttl: float = 30.0,
        when_down: Literal["raise", "memory"] = "raise",
    ) -> None:
        if when_down not in ("raise", "memory"):
            raise ValueError(f"when_down is 'raise' or 'memory', not {when_down!r}")
        if not 0.1 <= lock_ttl < float("inf"):
            raise ValueError(f"lock_ttl is 0.1 seconds or more, not {lock_ttl!r}")
        self.key = key
        self.lock_timeout = lock_timeout
        self._lock_ttl = lock_ttl
        self._when_down = when_down
        self._clients = Clients(client)
        self._begin()

    def _begin(self) -> None:
        goes_on = self._when_down == "memory"
        self._outage = Outage(self.key, self._lock_ttl, goes_on=goes_on)
        self._copy = self._outage.copy
        self._value = RedisValue(self._client, self.key)
        self._note = RedisNote(self._client, f"{self.key}:failure")
        self._held = threading.local()  # .owner: the value of this thread's lock
        self._is_checked = False

    def load(self) -> Token | None:
        """Return the token, or ``None`` if there is none.

        A torn token counts as none, and stays there until the next save.

        :raises TokenStoreError: Redis cannot be used, or has under the key
            what is not ours.
        """
        return self._outage.attempt("read", self._load, self._copy.load)

    def save(self, token: Token) -> None:
        """Replace the stored token, unless that one was issued later.

        The lock's holder replaces a later one too, since the clocks of two
        machines may differ.

        :raises TokenStoreError: Redis cannot be used, whatever ``when_down``
            says, or holds a token of another client, service or set of scopes.
        """
        # Who holds the lock keeps others from asking for as long as it lasts.
        patience = self._lock_ttl if self._owner is not None else None
        self._outage.attempt("write", lambda: self._save(token), patience=patience)

    def delete(self) -> None:
        """Delete the token in Redis and in memory, and what was set aside.

        :raises TokenStoreError: As :meth:`load`. The token may still be there.
        """
        self._copy.delete()
        self._outage.attempt("delete", self._value.delete, patience=0.0)

    @contextmanager
    def lock(self, timeout: float | None = None) -> Iterator[None]:
        """Hold the lock against all processes of all machines."""
        seconds = self.lock_timeout if timeout is None else timeout
        with contextlib.ExitStack() as stack:
            self._outage.attempt(
                "lock",
                lambda: stack.enter_context(self._lock(seconds)),
                lambda: stack.enter_context(self._copy.lock(seconds)),
            )
            yield

    def version(self) -> object:
        """Return a digest of the token and of the recorded failure."""
        with contextlib.suppress(TokenStoreError):
            return self._outage.attempt(
                "read",
                lambda: hash(tuple(peek(self._client(), self.key, self._note.key))),
                self._copy.version,
            )
        return None

    def failure(self) -> str | None:
        """Return the failure recorded within the last days, or ``None``.

        :raises TokenStoreError: Redis cannot be used.
        """
        return self._outage.attempt("read", self._failure, self._copy.failure)

    def record_failure(self, failure: str | None) -> None:
        """Record a failure for those who wait for the lock.

        :raises TokenStoreError: Redis cannot be used.
        """
        self._outage.attempt(
            "write",
            lambda: self._record_failure(failure),
            lambda: self._copy.record_failure(failure),
        )

    @property
    def _owner(self) -> bytes | None:
        owner: bytes | None = getattr(self._held, "owner", None)
        return owner

    def is_torn(self) -> bool:
        """Whether there is a value, and no token in it."""
        return self._outage.attempt("read", self._value.is_torn, lambda: False)

    def _load(self) -> Token | None:
        token = self._value.read()
        self._copy.keep(token)
        return token

    def _save(self, token: Token) -> None:
        lock, owner = f"{self.key}:lock", self._owner
        self._copy.keep(self._value.write(token, lock=lock, owner=owner))

    @contextmanager
    def _lock(self, seconds: float) -> Iterator[None]:
        lock = RedisLock(self._client(), f"{self.key}:lock", self._lock_ttl)
        with lock.acquire(seconds) as owner:
            self._held.owner = owner
            try:
                yield
            finally:
                self._held.owner = None

    def _failure(self) -> str | None:
        failure = self._note.read()
        self._copy.record_failure(failure)  # so that an outage makes it no news
        return failure

    def _record_failure(self, failure: str | None) -> None:
        self._copy.record_failure(failure)
        self._note.write(failure)

    def _client(self) -> Redis:
        if not self._is_checked:
            self._is_checked = True
            self._clients.check_time_out()
        return self._clients.get()

    def __getstate__(self) -> dict[str, Any]:
        made = {"_outage", "_copy", "_value", "_note", "_held"}
        return {name: value for name, value in vars(self).items() if name not in made}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    def __deepcopy__(self, memo: dict[int, Any]) -> RedisStore:
        other = type(self).__new__(type(self))
        other.__setstate__(self.__getstate__())  # of one process: it may share
        return other

    def __repr__(self) -> str:
        return f"RedisStore(..., {self.key!r})"
