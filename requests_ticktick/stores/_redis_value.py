"""One token under one key: read, and replaced by compare-and-set."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from ..errors import TokenStoreError
from ..token import Token
from ._payload import dump, parse
from ._redis_client import get
from .base import check_owner

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger("requests_ticktick")

#: Puts ARGV[2] in the place of ARGV[1] and of nothing else; '' is absence.
#: Those who wait look ten times a second, and a token answers them even where
#: it was born dead: so it is there for a second at least.
_REPLACE = """
if (redis.call('get', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('del', KEYS[1]) return 1 end
redis.call('set', KEYS[1], ARGV[2])
if ARGV[3] ~= '' then
    redis.call('pexpireat', KEYS[1], ARGV[3])
    if redis.call('pttl', KEYS[1]) < 1000 then
        redis.call('set', KEYS[1], ARGV[2], 'PX', 1000)
    end
end
return 1
"""

#: Seconds in which somebody may ask what was set aside.
_CORRUPT_LASTS = 30 * 24 * 3600

#: How often others may be faster before that is an error.
_TRIES = 1000

#: The year 5138, in epoch seconds. Redis refuses what is much further away.
_FAR_AWAY = 1e11


class RedisValue:
    """The value of one key.

    :param client: Of the process that uses this object.
    :param key: Where it is.
    """

    def __init__(self, client: Redis, key: str) -> None:
        self._client = client
        self._key = key

    def read(self) -> Token | None:
        """Return the token; ``None`` where there is none."""
        (value,) = get(self._client, self._key)
        return self._token_of(value)

    def write(self, token: Token, *, lock: str, owner: bytes | None) -> Token:
        """Put the token there, unless a later one is; return which is now.

        :param lock: The lock's key.
        :param owner: The value that the lock has if the caller holds it.
        :raises TokenStoreError: Another owner's token is there.
        """
        for _ in range(_TRIES):
            value, held_by = get(self._client, self._key, lock)
            existing = self._token_of(value)
            check_owner(existing, token, self._key)
            # Whoever holds the lock is not late, but its clock may be wrong.
            is_late = owner is None or held_by != owner
            if is_late and existing is not None and _is_later(existing, token):
                logger.warning(
                    "%s keeps its token, which was issued after the one to be saved.",
                    self._key,
                )
                return existing
            text = dump(token, existing, self._key)
            expected = b"" if existing is None else value
            if self._replace(expected or b"", text.encode(), _expiry(token)):
                return token
        raise TokenStoreError(
            f"Others write {self._key} all the time: see who does, or choose another "
            "key.",
            location=self._key,
        )

    def _token_of(self, value: bytes | None) -> Token | None:
        if value is None:
            return None
        token = parse(value)
        if token is None:
            aside = f"{self._key}:corrupt"
            self._client.set(aside, value, ex=_CORRUPT_LASTS)
            # Somebody may have saved a good one since: that one stays.
            if self._replace(value, b""):
                logger.warning(
                    "%s held no token. The value was set aside as %s; a sign-on will "
                    "write it anew.",
                    self._key,
                    aside,
                )
        return token

    def _replace(self, expected: bytes, value: bytes, expiry: str = "") -> bool:
        # EVAL, not EVALSHA: a restarted server knows no scripts.
        done = self._client.eval(_REPLACE, 1, self._key, expected, value, expiry)
        return bool(done)


def _is_later(existing: Token, token: Token) -> bool:
    """Whether what is there was issued after what is to take its place."""
    if existing.issued_at is None or token.issued_at is None:
        return False
    return existing.issued_at > token.issued_at


def _expiry(token: Token) -> str:
    """Return when Redis may forget the token, in epoch milliseconds, or ''."""
    if token.refresh_token is not None or token.expires_at is None:
        return ""
    return str(math.ceil(min(max(token.expires_at, 0.001), _FAR_AWAY) * 1000))
