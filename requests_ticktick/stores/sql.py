"""One token in a row of a database, shared by many machines.

::

    store = SqlStore("postgresql+psycopg://app@db.internal/app", "user-17")
    session.auth = TickTickAuth(store=store)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

try:
    from sqlalchemy import Column, Connection, Double, Text, TypeDecorator, select

    from ._sql_database import Database
    from ._sql_lock import SqlLock
except ImportError as error:
    raise ImportError(
        "SqlStore needs SQLAlchemy 2: pip install 'requests-ticktick[sql]'"
    ) from error

from .._errors import TokenStoreError
from .._token import Token
from .._value import Secret
from ._base import AwayError, TokenStore
from ._text import TextStore

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

#: In bytes: PostgreSQL's index takes 2,704.
_LONGEST_KEY = 1024

#: Seconds between two tries to save while the database is away.
_PAUSE = 0.1


class SecretText(TypeDecorator[str]):
    """Text that SQLAlchemy's log of rows does not show."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: object) -> str | None:
        """Mask what was read."""
        return None if value is None else Secret(value)


def of_tokens() -> list[Column[Any]]:
    """Return the columns of a table of tokens, and of the locks of these."""
    texts = [Column("text", SecretText), Column("failure", Text), Column("owner", Text)]
    return [*texts, Column("until", Double)]


def of_sign_ons() -> list[Column[Any]]:
    """Return the columns of a table of sign-ons under way."""
    return [Column("text", SecretText), Column("until", Double)]


class SqlStore(TextStore):
    """Keeps the token in a row of a PostgreSQL or SQLite database.

    The table is made where it is not there. A lock is part of the row, so that
    it survives a restart of the server and works through a pooler. A pickle
    holds the URL with its password, and no token.

    :param database: A URL of SQLAlchemy's, or an ``Engine``, whose pool and
        time-outs are then used. A store with an engine cannot be pickled.
    :param key: The row's name: one for each account.
    :param table: The table's name, perhaps with a schema before a dot.
    :param lock_timeout: How long to wait for another's sign-on, in seconds.
    :param lock_ttl: How long the lock outlives a holder that died, in seconds.
    :raises TypeError: ``database`` is something else, such as an
        ``AsyncEngine``.
    :raises ValueError: The URL is another database's or none, or an option is
        out of range.
    """

    def __init__(
        self,
        database: str | URL | Engine | Database,
        key: str = "default",
        *,
        table: str = "requests_ticktick",
        lock_timeout: float = TokenStore.lock_timeout,
        lock_ttl: float = 30.0,
    ) -> None:
        if not isinstance(database, Database):
            database = Database(database, table, of_tokens)
        if not 0 < len(key.encode()) <= _LONGEST_KEY or "\0" in key:
            raise ValueError(f"A key is 1 to {_LONGEST_KEY} bytes long, without NUL")
        if not 0.1 <= lock_ttl < float("inf"):
            raise ValueError(f"lock_ttl is 0.1 seconds or more, not {lock_ttl!r}")
        self.key = key
        self.location = database.named(key)
        self.lock_timeout = lock_timeout
        self._database = database
        self._lock_ttl = lock_ttl
        self._held = threading.local()  # .lock: whether this thread holds it

    def read(self) -> str | None:
        """Return the row's text."""
        return self._select("text")[0]

    def write(self, text: str | None) -> None:
        """Set the row's text; ``None`` removes all but the lock."""
        if text is not None:
            return self._set(text=text)
        act = self._setting(text=None, failure=None)
        return self._database.look("write", self.key, act, None)

    def save(self, token: Token) -> None:
        """Write this token in place of the one before.

        Who holds the lock tries again while the database is away: nobody else
        will ask, or use the refresh token, for as long as the lock lasts.

        :raises TokenStoreError: As :meth:`TextStore.save` does.
        """
        holds = getattr(self._held, "lock", False)
        ends = time.monotonic() + (self._lock_ttl if holds else 0.0)
        while True:
            try:
                return super().save(token)
            except AwayError:
                if time.monotonic() >= ends:
                    raise
            time.sleep(_PAUSE)

    @contextmanager
    def lock(self, timeout: float | None = None) -> Iterator[None]:
        """Hold the right to renew, against every machine."""
        seconds = self.lock_timeout if timeout is None else timeout
        lock = SqlLock(self._database, self.key, self._lock_ttl)
        with lock.acquire(seconds):
            self._held.lock = True
            try:
                yield
            finally:
                self._held.lock = False

    def version(self) -> object:
        """Return a hash of the row's text, and of the failure on record."""
        try:
            return hash(self._select("text", "failure"))
        except TokenStoreError:
            return None  # whoever loads will say so

    def failure(self) -> str | None:
        """Return the failure that was recorded last.

        :raises TokenStoreError: The database cannot be used.
        """
        return self._select("failure")[0]

    def record_failure(self, failure: str | None) -> None:
        """Record a failure for those who wait for the lock.

        :raises TokenStoreError: The database cannot be used.
        """
        self._set(failure=failure)

    def _select(self, *names: str) -> tuple[str | None, ...]:
        columns = self._database.table.c
        query = select(*(columns[name] for name in names)).where(
            columns.name == self.key
        )

        def act(connection: Connection) -> tuple[str | None, ...]:
            row = connection.execute(query).one_or_none()
            return (None,) * len(names) if row is None else tuple(row)

        return self._database.look("read", self.key, act, (None,) * len(names))

    def _set(self, **values: str | None) -> None:
        self._database.run("write", self.key, self._setting(**values))

    def _setting(self, **values: str | None) -> Callable[[Connection], None]:
        def act(connection: Connection) -> None:
            self._database.put(connection, self.key, values)
            if None in values.values():
                self._database.remove_if_empty(connection, self.key)

        return act

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_held"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._held = threading.local()

    def __repr__(self) -> str:
        return f"SqlStore({self.location})"
