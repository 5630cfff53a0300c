"""What a store does while Redis cannot be used."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from redis.exceptions import RedisError

from .._value import discreet
from ..errors import TokenStoreError
from ..token import Token
from ._redis_client import problem_of
from .base import check_owner
from .memory import MemoryStore

logger = logging.getLogger("requests_ticktick")

T = TypeVar("T")

#: Seconds that Redis is left alone after it failed: a renewal asks eight
#: times, and each of those may wait for the client's time-out and retries.
_PAUSE = 1.0


#: By Redis' own words for it, or redis-py's.
_ADVICE = {
    "WRONGTYPE": (
        "Somebody else keeps something other than a text there, or under a key that "
        "begins so: see whose it is, and delete it, or choose another key."
    ),
    "NoPermission": (
        "Give the user of the store's client the rights that the documentation lists "
        "(How do I move a fleet to Redis?)."
    ),
    "ReadOnly": "It is a replica: give the store a client of the primary.",
    "OOM OutOfMemory": "Its memory is full: make room, or raise its maxmemory.",
}


class Copy(MemoryStore):
    """What this process knows of the token in Redis."""

    def __init__(self) -> None:
        super().__init__()
        # As keys, in their order. Those saved while one is being written to
        # Redis are not taken for written: dict.pop is atomic.
        self._unwritten: dict[Token, None] = {}

    def load(self) -> Token | None:
        """Return the token that was saved here, else what Redis had."""
        return next(reversed(self.unwritten()), self._token)

    def save(self, token: Token) -> None:
        """Keep a token that Redis is to have later."""
        check_owner(self.load(), token, "The memory of a Redis store")
        self._unwritten.pop(token, None)  # it is to be the latest
        self._unwritten[token] = None

    def version(self) -> object:
        """Return the identity of what is kept."""
        return (self.load(), self.failure())

    def unwritten(self) -> list[Token]:
        """Return what Redis has not got, the latest last."""
        return list(self._unwritten)

    def keep(self, token: Token | None, written: list[Token]) -> None:
        """Know what Redis has.

        :param written: What it need no longer get.
        """
        self._token = token
        for other in written:
            self._unwritten.pop(other, None)


class Outage:
    """Whether Redis can be used, and what is done where it cannot.

    :param key: The token's.
    :param goes_on: Whether memory takes the place of Redis.
    """

    def __init__(self, key: str, *, goes_on: bool) -> None:
        self.copy = Copy()
        self._key = key
        self._goes_on = goes_on
        self._is_on = False
        self._ends = 0.0

    @discreet
    def attempt(
        self,
        what: str,
        act: Callable[[], T],
        instead: Callable[[], T] | None = None,
    ) -> T:
        """Return what ``act`` returns, or else what ``instead`` does.

        :param what: What is done, for the error: ``read``, ``write``...
        :param instead: What memory has to say; ``None``: nothing.
        :raises TokenStoreError: Redis cannot be used, and nothing else is.
        """
        if not self._goes_on:
            instead = None
        if instead is not None and self._is_on and time.monotonic() < self._ends:
            return instead()
        try:
            result = act()
        except RedisError as error:
            problem = problem_of(error)
        else:
            self._end()
            return result
        if instead is None:
            raise TokenStoreError(
                f"Redis cannot {what} {self._key}: {problem}. {_advice(problem)}",
                location=self._key,
            )
        self._begin(problem)
        return instead()

    def _begin(self, problem: str) -> None:
        self._ends = time.monotonic() + _PAUSE
        if not self._is_on:
            self._is_on = True
            logger.warning(
                "Redis cannot be used (%s). The token %s is kept in this process's "
                "memory until it can: others may have to sign on themselves.",
                problem,
                self._key,
            )

    def _end(self) -> None:
        if self._is_on:
            self._is_on = False
            logger.info("Redis can be used again for the token %s.", self._key)


def _advice(problem: str) -> str:
    """Return the next step; Redis has a word for each kind of trouble."""
    for words, advice in _ADVICE.items():
        if any(word in problem for word in words.split()):
            return advice
    return (
        "See that it runs, and what address, password and rights the store's client "
        "has; RedisStore(when_down='memory') goes on without it."
    )
