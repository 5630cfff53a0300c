"""The behaviour of a store while Redis cannot be used."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import RedisError

from .._errors import LockTimeoutError, TokenStoreError
from .._token import Token
from .._value import discreet
from ._base import AwayError, UnwritableError
from ._memory import MemoryStore
from ._redis_client import is_away, problem_of

logger = logging.getLogger("requests_ticktick")

T = TypeVar("T")
E = TypeVar("E", bound=TokenStoreError)

#: How long Redis is not asked after a failure, in seconds. A renewal asks
#: eight times, and each of these may wait for the client's time-out and
#: retries.
PAUSE_SECONDS = 1.0

#: The same in seconds if memory does not take Redis' place: each look at the
#: store asks once.
SHORT_PAUSE_SECONDS = 0.1


#: The advice for each problem, by the words of Redis or redis-py.
_ADVICE = {
    "WRONGTYPE": (
        "Somebody else keeps something other than a text there, or under a key that "
        "begins so: see whose it is, and delete it, or choose another key."
    ),
    "NoPermission": (
        "Give the user of the store's client the rights that the documentation lists "
        "(How do I move a fleet to Redis?): ACL SETUSER <user> ~<key>* +get +getrange "
        "+set +del +pttl +pexpire +pexpireat +eval"
    ),
    "ReadOnly READONLY": "It is a replica: give the store a client of the primary.",
    "OOM OutOfMemory": "Its memory is full: make room, or raise its maxmemory.",
    "MISCONF": "It cannot write its disk, and takes nothing until it can: see its log.",
    "NOREPLICAS": "It has too few replicas (min-replicas-to-write): start them.",
    "MovedError AskError Cluster MOVED CROSSSLOT": (
        "It is a node of a cluster, which this store does not support: give it the "
        "client of a server of its own, or of a Sentinel."
    ),
}


_GO_ON = "RedisStore(when_down='memory') goes on without it."


class Copy(MemoryStore):
    """The token that Redis last had, without its refresh token.

    A refresh token works once, and another process may use it meanwhile.
    """

    def keep(self, token: Token | None) -> None:
        """Note the token that Redis has."""
        self._token = None if token is None else token.replace(refresh_token=None)


class Outage:
    """Whether Redis can be used, and what happens if it cannot.

    :param key: The token's key.
    :param lock_ttl: How long a lock may last after it was last seen, in
        seconds.
    :param goes_on: Whether memory takes the place of an absent Redis.
    """

    def __init__(self, key: str, lock_ttl: float, *, goes_on: bool) -> None:
        self.copy = Copy()
        self._key = key
        self._goes_on = goes_on
        # Empty while Redis can be used. A dictionary's methods are atomic, so
        # only one thread logs the beginning and the end of an outage.
        self._on: dict[str, object] = {}
        self._ends = 0.0
        self._lock_ttl = lock_ttl
        self._may_be_locked_until = 0.0
        self._problem = ""

    @discreet
    def attempt(
        self,
        what: str,
        act: Callable[[], T],
        instead: Callable[[], T] | None = None,
        *,
        patience: float | None = None,
    ) -> T:
        """Return the result of ``act``, or else that of ``instead``.

        :param what: A verb for the error message: ``read``, ``write``.
        :param instead: Asks memory instead; ``None`` if memory cannot answer.
        :param patience: How long to repeat ``act`` while Redis is away, in
            seconds. ``None`` does not try if Redis was away a moment ago.
        :raises AwayError: Redis is away, and memory cannot answer.
        :raises TokenStoreError: Redis refused. It will not change its mind by
            itself, and memory would not be shared.
        """
        is_left_alone = bool(self._on) and time.monotonic() < self._ends
        if patience is not None or not is_left_alone:
            ends = time.monotonic() + (patience or 0.0)
            while True:
                try:
                    result = act()
                except RedisError as error:
                    problem, away = problem_of(error), is_away(error)
                except LockTimeoutError:
                    self._may_be_locked_until = time.monotonic() + self._lock_ttl
                    raise
                else:
                    self._end()
                    return result
                if not away:
                    kind = UnwritableError if what == "lock" else TokenStoreError
                    raise self._error(kind, what, problem)
                if time.monotonic() >= ends:
                    break
                time.sleep(SHORT_PAUSE_SECONDS)
            self._begin(problem)
        return self._without(what, instead)

    def _without(self, what: str, instead: Callable[[], T] | None) -> T:
        """Do without Redis, if possible."""
        if instead is None or not self._goes_on:
            error = self._error(AwayError, what, self._problem)
            error.is_told = self._goes_on
            raise error
        if what == "lock" and time.monotonic() < self._may_be_locked_until:
            raise LockTimeoutError(
                f"Somebody else was signing on when Redis was last heard of "
                f"({self._problem}), and has {self._lock_ttl:g} s from then."
            )
        return instead()

    def _error(self, kind: type[E], what: str, problem: str) -> E:
        advice = _advice(problem, goes_on=self._goes_on)
        return kind(
            f"Redis cannot {what} {self._key}: {problem}. {advice}",
            location=self._key,
        )

    def _begin(self, problem: str) -> None:
        self._problem = problem
        self._ends = time.monotonic() + (
            PAUSE_SECONDS if self._goes_on else SHORT_PAUSE_SECONDS
        )
        outage = object()
        if self._on.setdefault("outage", outage) is outage and self._goes_on:
            logger.warning(
                "Redis cannot be used (%s). The token %s is kept in this process's "
                "memory until it can: others may have to sign on themselves.",
                problem,
                self._key,
            )

    def _end(self) -> None:
        if self._on.pop("outage", None) is not None:
            logger.info("Redis can be used again for the token %s.", self._key)


def _advice(problem: str, *, goes_on: bool) -> str:
    """Return the next step for a problem that Redis named."""
    for words, advice in _ADVICE.items():
        if any(word in problem for word in words.split()):
            return advice
    look = "See that it runs, and what address, password and rights its client has"
    return f"{look}." if goes_on else f"{look}; {_GO_ON}"
