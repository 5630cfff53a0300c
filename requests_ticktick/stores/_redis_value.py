"""A token under a key, replaced by compare-and-set."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from .._errors import TokenStoreError
from .._token import Token
from .._value import Once
from ._base import check_stamp
from ._payload import Content, dump, parse
from ._redis_client import get, peek
from ._redis_room import room_of

if TYPE_CHECKING:
    from collections.abc import Callable

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

#: How long a torn token that was set aside is kept, in seconds.
_CORRUPT_LASTS = 30 * 24 * 3600

#: How long a failure is kept, in seconds: longer than any wait for a renewal.
_FAILURE_LASTS = 24 * 3600

#: How long a note with a second line is kept, in seconds: it says that the
#: program was told of a token's end, which it is 14, 7 and 1 days before.
_MARK_LASTS = 8 * 24 * 3600

#: How often other writers may win before that is an error.
MAX_TRIES = 1000

#: The year 5138, in epoch seconds. Redis refuses much later times.
_FAR_AWAY = 1e11


class RedisValue:
    """The value of one key.

    :param client: Returns this process's client.
    :param key: The key.
    """

    def __init__(self, client: Callable[[], Redis], key: str) -> None:
        self._client = client
        self._key = key
        self._once = Once()

    def read(self) -> Token | None:
        """Return the token, or ``None`` if there is none.

        :raises TokenStoreError: The value belongs to another program.
        """
        (value,) = get(self._client(), self._key)
        return None if value is None else self._token_of(parse(value))

    def is_torn(self) -> bool:
        """Whether there is a value, and no token in it."""
        (value,) = get(self._client(), self._key)
        return value is not None and parse(value).is_torn

    def write(self, token: Token, *, lock: str, owner: bytes | None) -> Token:
        """Put the token there, unless a later one is; return which is now.

        :param lock: The lock's key.
        :param owner: The value that the lock has if the caller holds it.
        :raises TokenStoreError: Another client's token is there, or something
            of somebody else's.
        """
        if owner is not None:
            self._client().delete(room_of(lock))  # it was taken for this
        for _ in range(MAX_TRIES):
            value, held_by = get(self._client(), self._key, lock)
            existing = None if value is None else self._replaced(value)
            check_stamp(existing, token, self._key)
            # The lock's holder is not late, but its clock may be wrong.
            is_late = owner is None or held_by != owner
            if is_late and existing is not None and _is_later(existing, token):
                logger.warning(
                    "%s keeps its token, which was issued after the one to be saved.",
                    self._key,
                )
                return existing
            text = dump(token, existing, self._key)
            if self._replace(value or b"", text.encode(), _expiry(token)):
                return token
        raise TokenStoreError(
            f"Others write {self._key} all the time: see who does, or choose another "
            "key.",
            location=self._key,
        )

    def delete(self) -> None:
        """Delete the token and what was set aside.

        :raises TokenStoreError: The value belongs to another program.
        """
        (value,) = get(self._client(), self._key)
        if value is not None:
            parse(value).replaced_at(self._key)
        self._client().delete(self._key, self._aside)

    def _token_of(self, found: Content) -> Token | None:
        token = found.read_at(self._key)
        if token is None:
            self._once.warn(
                f"{self._key} holds {found.what} where a token should be. A sign-on "
                f"will write it anew, and what was there is set aside as {self._aside}."
            )
        return token

    def _replaced(self, value: bytes) -> Token | None:
        found = parse(value)
        found.replaced_at(self._key)
        token = self._token_of(found)
        if token is None:
            self._client().set(self._aside, value, ex=_CORRUPT_LASTS)
        return token

    @property
    def _aside(self) -> str:
        return f"{self._key}:corrupt"

    def _replace(self, expected: bytes, value: bytes, expiry: str = "") -> bool:
        # EVAL, since a restarted server knows no scripts by EVALSHA.
        done = self._client().eval(_REPLACE, 1, self._key, expected, value, expiry)
        return bool(done)


class RedisNote:
    """What is recorded beside the token for those who wait.

    :param client: Returns this process's client.
    :param key: The key.
    """

    def __init__(self, client: Callable[[], Redis], key: str) -> None:
        self._client = client
        self.key = key

    def read(self) -> str | None:
        """Return the text written within the last days, or ``None``."""
        (value,) = peek(self._client(), self.key)
        return value.decode(errors="replace") if value else None

    def write(self, note: str | None) -> None:
        """Write a text; ``None`` deletes it."""
        if note is None:
            self._client().delete(self.key)
        else:
            lasts = _MARK_LASTS if "\n" in note else _FAILURE_LASTS
            self._client().set(self.key, note.encode(), ex=lasts)


def _is_later(existing: Token, token: Token) -> bool:
    """Whether the stored token was issued after the new one."""
    if existing.issued_at is None or token.issued_at is None:
        return False
    return existing.issued_at > token.issued_at


def _expiry(token: Token) -> str:
    """Return when Redis may delete the token, in epoch milliseconds."""
    if token.refresh_token is not None or token.expires_at is None:
        return ""
    return str(math.ceil(min(max(token.expires_at, 0.001), _FAR_AWAY) * 1000))
