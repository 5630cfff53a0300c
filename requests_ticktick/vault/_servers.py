"""A vault in Redis or in a database, for many machines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ..stores import TokenStore
from ..stores._files import MAX_BYTES
from ._places import Place

if TYPE_CHECKING:
    from redis import Redis
    from sqlalchemy import URL, Connection, Engine

T = TypeVar("T")

#: What a table and the keys are called where a program does not say.
TABLE, PREFIX = "requests_ticktick", "requests-ticktick:person"

#: Returns a value and removes it. GETDEL does so from Redis 6.2 on.
_TAKE = """
local value = redis.call('getrange', KEYS[1], 0, ARGV[1])
redis.call('del', KEYS[1])
return value
"""


class Keys(Place):
    """Keys of a Redis that begin with a prefix."""

    def __init__(self, client: Redis, prefix: str) -> None:
        from ..stores.redis import RedisStore

        self._make = RedisStore
        from ..stores._redis_client import Clients

        self._clients = Clients(client)
        self._prefix = prefix

    def __str__(self) -> str:
        return f"{self._prefix}:* in Redis"

    def store(self, name: str) -> TokenStore:
        return self._make(self._clients.get(), f"{self._prefix}:{name}")

    def names(self) -> Iterator[str]:
        pattern = re.sub(r"([*?\[\]^\\])", r"\\\1", self._prefix) + ":*"
        for key in self._try("read", lambda client: list(_scan(client, pattern))):
            name = key.decode(errors="replace")[len(self._prefix) + 1 :]
            if ":" not in name:  # all else stands beside a token
                yield name

    def put(self, state: str, text: str, seconds: float) -> None:
        lasts, key = int(seconds * 1000), self._key(state)
        self._try("write", lambda client: client.set(key, text, px=lasts))

    def take(self, state: str) -> str | None:
        key = self._key(state)
        command = "EVAL", _TAKE, 1, key, MAX_BYTES
        found = self._try("read", lambda client: _bytes(client, *command))
        is_ours = 0 < len(found) <= MAX_BYTES  # what is absent is empty
        return found.decode(errors="replace") if is_ours else None

    def _key(self, state: str) -> str:
        return f"{self._prefix}:sign-on:{state}"

    def _try(self, verb: str, act: Callable[[Any], T]) -> T:
        from ..stores._redis_outage import Outage

        outage = Outage(self._prefix, 0.0, goes_on=False)
        return outage.attempt(verb, lambda: act(self._clients.get()))


def _scan(client: Any, pattern: str) -> Iterator[bytes]:
    cursor = -1
    while cursor:
        found = _bytes(client, "SCAN", max(cursor, 0), "MATCH", pattern, "COUNT", 1000)
        cursor, keys = found
        yield from keys


def _bytes(client: Any, *command: object) -> Any:
    """Return an answer that others wrote, and that may be no UTF-8."""
    return client.execute_command(*command, NEVER_DECODE=True)


class Rows(Place):
    """Rows of a table, and of another one for the sign-ons under way."""

    def __init__(self, database: str | URL | Engine, table: str) -> None:
        from ..stores.sql import SqlStore, of_sign_ons, of_tokens

        self._make = SqlStore
        from ..stores._sql_database import Database

        self._tokens = Database(database, table, of_tokens)
        self._sign_ons = self._tokens.beside("_sign_ons", of_sign_ons)

    def __str__(self) -> str:
        return self._tokens.named("*")

    def store(self, name: str) -> TokenStore:
        return self._make(self._tokens, name)

    def names(self) -> Iterator[str]:
        from sqlalchemy import select

        columns = self._tokens.table.c
        query = select(columns.name).where(columns.text.is_not(None))
        yield from self._tokens.look(
            "read", "*", lambda db: list(db.scalars(query)), []
        )

    def put(self, state: str, text: str, seconds: float) -> None:
        from sqlalchemy import delete

        database = self._sign_ons
        is_old = database.table.c.until < database.now
        values = {"text": text, "until": database.now + seconds}

        def act(connection: Connection) -> None:
            connection.execute(delete(database.table).where(is_old))
            database.put(connection, state, values)

        database.run("write", state, act)

    def take(self, state: str) -> str | None:
        from sqlalchemy import delete, select

        table = self._sign_ons.table
        is_it = table.c.name == state

        def act(connection: Connection) -> str | None:
            text: str | None = connection.scalar(select(table.c.text).where(is_it))
            # Of two who read it, one alone removes it.
            removed = connection.execute(delete(table).where(is_it)).rowcount
            return text if removed else None

        return self._sign_ons.look("read", state, act, None)
