"""The client of a store in Redis, after pickling, forking and failures."""

from __future__ import annotations

import logging
import os
import re
import weakref
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from redis import BlockingConnectionPool, exceptions

from .._errors import TokenStoreError
from .._foreign import one_line
from ._files import MAX_BYTES

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger("requests_ticktick")

#: Every pool makes its own of these. They hold locks, and the pool itself.
_OF_THE_POOL = frozenset(
    {
        "event_dispatcher",
        "himport_registry",
        "maint_notifications_pool_handler",
        "orig_host_address",
        "orig_socket_connect_timeout",
        "orig_socket_timeout",
        "oss_cluster_maint_notifications_handler",
    }
)

#: Values that other programs made large are not transferred.
#: What GETRANGE calls empty may be absent, and a user may have to do with GET.
_READ = """
local found = {}
for i, key in ipairs(KEYS) do
    local value = redis.pcall('getrange', key, 0, ARGV[1])
    if value == '' or type(value) == 'table' then
        value = redis.pcall('get', key)
    end
    if type(value) == 'table' then return value end
    found[i] = value and string.sub(value, 1, ARGV[1] + 1)
end
return found
"""


class Clients:
    """The given client; in a forked child or a pickle, one like it.

    redis-py (8.1) waits for ever in a child that was forked while another
    thread held the pool's lock.

    :param client: What the user passed.
    :raises TypeError: It is a cluster's client, an asynchronous one, or none.
    """

    def __init__(self, client: Redis) -> None:
        execute = getattr(client, "execute_command", None)
        if not hasattr(client, "connection_pool") or iscoroutinefunction(execute):
            raise TypeError(
                f"RedisStore takes a redis.Redis, of one server or from a Sentinel, "
                f"and not {type(client).__module__}.{type(client).__name__}."
            )
        self._given = client
        self._made = {os.getpid(): client}

    def get(self) -> Redis:
        """Return this process's client."""
        pid = os.getpid()
        client = self._made.get(pid)
        if client is None:
            # dict.setdefault is atomic: two threads get the same client.
            client = self._made.setdefault(pid, self._for_child())
        return client

    def check_time_out(self) -> None:
        """Warn where a server that stops answering is waited for for ever."""
        pool = self._given.connection_pool
        # The default depends on the connection class and redis-py's version.
        # This opens no connection.
        connection = pool.connection_class(**pool.connection_kwargs)
        if connection.socket_timeout is None:
            logger.warning(
                "The Redis client has no socket_timeout: a server that stops answering "
                "would be waited for without end. Make it with "
                "redis.Redis(..., socket_timeout=5)."
            )

    def __getstate__(self) -> dict[str, Any]:
        return _describe(self._given)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._given = _build(**state)
        self._made = {os.getpid(): self._given}

    def _for_child(self) -> Redis:
        try:
            return _build(**_describe(self._given))
        except TypeError:
            return self._given  # redis-py's own handling of a fork must do


def _describe(client: Redis) -> dict[str, Any]:
    """Return what a client like this one can be made from.

    :raises TypeError: That cannot be determined.
    """
    pool = client.connection_pool
    if hasattr(pool, "sentinel_manager"):
        raise TypeError(
            "A RedisStore whose client comes from a Sentinel cannot be pickled: "
            "make the store in each process."
        )
    options = {
        name: value
        for name, value in pool.connection_kwargs.items()
        # redis-py's marker for "not given" is an object() that no copy equals.
        if name not in _OF_THE_POOL and type(value) is not object
    }
    if isinstance(pool, BlockingConnectionPool):
        options["timeout"] = pool.timeout
    return {
        "kind": type(client),
        "pool": type(pool),
        "connection": pool.connection_class,
        "most": pool.max_connections,
        "options": options,
    }


def _build(
    kind: type[Redis],
    pool: type[Any],
    connection: type[Any],
    most: int,
    options: dict[str, Any],
) -> Redis:
    made = pool(connection_class=connection, max_connections=most, **options)
    client = kind(connection_pool=made)
    # No program knows this client, to close it. Its connections would end in
    # warnings of unclosed sockets.
    weakref.finalize(client, _disconnect, made, os.getpid()).atexit = False
    return client


def _disconnect(pool: Any, made_by: int) -> None:
    if os.getpid() == made_by:  # a forked child has the connections of its parent
        pool.disconnect()


def get(client: Redis, *keys: str) -> list[bytes | None]:
    """Return the values of keys as bytes, even if the client decodes.

    :raises TokenStoreError: A value is too long to be ours, and was not read.
    """
    values = peek(client, *keys)
    for key, value in zip(keys, values, strict=True):
        if value is not None and len(value) > MAX_BYTES:
            raise TokenStoreError(
                f"What Redis has under {key} is over {MAX_BYTES} bytes long: that is "
                f"nothing of ours. See whose it is, and delete it (DEL {key}), or "
                "choose another key.",
                location=key,
            )
    return values


def peek(client: Redis, *keys: str) -> list[bytes | None]:
    """Return values, cut one byte over the limit."""
    # NEVER_DECODE is what redis-py's own DUMP uses: a value that is no UTF-8
    # would raise UnicodeDecodeError where decode_responses is set.
    execute: Callable[..., Any] = client.execute_command
    arguments = (_READ, len(keys), *keys, MAX_BYTES)
    return list(execute("EVAL", *arguments, NEVER_DECODE=True))


def problem_of(error: Exception) -> str:
    """Describe an error without the arguments that a server repeats."""
    kind = type(error).__name__
    if isinstance(error, (exceptions.ConnectionError, exceptions.TimeoutError)):
        return f"{kind}: {one_line(str(error)) or 'no reason given'}".rstrip(".")
    if "executing the script can't" in str(error):
        return "NoPermissionError"  # which Redis says without the word for it
    # The error code comes first; in a script before Redis 7, after a dash.
    code = re.search(r"(?:^|: -)([A-Z]{2,20})\b", str(error))
    return f"{kind} {code[1]}" if code else kind


def is_away(error: Exception) -> bool:
    """Whether the server may answer later by itself."""
    refusals = (exceptions.AuthenticationError, exceptions.AuthorizationError)
    kinds = (exceptions.ConnectionError, exceptions.TimeoutError)
    return isinstance(error, kinds) and not isinstance(error, refusals)
