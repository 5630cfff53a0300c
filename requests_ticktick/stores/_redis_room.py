"""Room for a token, taken before anybody is asked for one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

if TYPE_CHECKING:
    from redis import Redis

#: Uses every right that a renewal needs, and writes nothing if one is missing.
_TAKE = """
redis.call('del', KEYS[1])
redis.call('pttl', KEYS[1])
redis.call('pexpire', KEYS[1], ARGV[1])
redis.call('pexpireat', KEYS[1], 1)
redis.call('set', KEYS[1], string.rep(' ', ARGV[2]), 'PX', ARGV[1])
"""

#: A token takes less, in bytes; the rest is for what others write meanwhile.
_BYTES = 65_536


def room_of(lock: str) -> str:
    """Return the key of the room that goes with a lock.

    Whoever holds the lock deletes it to save the token, which Redis allows
    however full it is.
    """
    return f"{lock}:room"


@contextlib.contextmanager
def room_taken(client: Redis, lock: str, milliseconds: int) -> Iterator[None]:
    """Keep room for a token, and find what the client's user may not do.

    The lock is to be set within, by a command: Redis refuses that if the room
    has filled its memory, where a script that has begun to write goes on.

    :raises RedisError: The user lacks a right.
    """
    client.eval(_TAKE, 1, room_of(lock), milliseconds, _BYTES)
    try:
        yield
    except RedisError:
        with contextlib.suppress(RedisError):
            client.delete(room_of(lock))
        raise
