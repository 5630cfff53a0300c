"""A vault in Redis or in a database, for many machines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from ..stores import TokenStore
from ._places import Place

if TYPE_CHECKING:
    from redis import Redis
    from sqlalchemy import URL, Connection, Engine

T = TypeVar("T")

#: What a table and the keys are called where a program does not say.
TABLE, PREFIX = "requests_ticktick", "requests-ticktick:person"

#: Returns a value and removes it. GETDEL does so from Redis 6.2 on.
_TAKE = "local v = redis.call('get', KEYS[1]) redis.call('del', KEYS[1]) return v"


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
        for key in self._try("read", lambda client: list(client.scan_iter(pattern))):
            text = key.decode(errors="replace") if isinstance(key, bytes) else key
            name = text[len(self._prefix) + 1 :]
            if ":" not in name:  # all else stands beside a token
                yield name

    def put(self, state: str, text: str, seconds: float) -> None:
        lasts, key = int(seconds * 1000), self._key(state)
        self._try("write", lambda client: client.set(key, text, px=lasts))

    def take(self, state: str) -> str | None:
        key = self._key(state)
        found = self._try("read", lambda client: client.eval(_TAKE, 1, key))
        return found.decode(errors="replace") if isinstance(found, bytes) else found

    def _key(self, state: str) -> str:
        return f"{self._prefix}:sign-on:{state}"

    def _try(self, verb: str, act: Callable[[Any], T]) -> T:
        from ..stores._redis_outage import Outage

        outage = Outage(self._prefix, 0.0, goes_on=False)
        return outage.attempt(verb, lambda: act(self._clients.get()))


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
