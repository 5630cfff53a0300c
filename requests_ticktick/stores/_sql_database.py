"""One table of a database, made at first use, for any number of stores."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import (
    URL,
    Column,
    ColumnElement,
    Connection,
    Double,
    Engine,
    MetaData,
    Table,
    Text,
    cast,
    delete,
    exc,
    literal_column,
)
from sqlalchemy.dialects import postgresql, sqlite

from .._errors import TokenStoreError
from .._value import discreet
from ._base import AwayError, UnwritableError
from ._sql_engine import dispose, engine_of, is_missing, make_file, url_of
from ._sql_error import advice, is_without_table, passes, problem_of

T = TypeVar("T")
Columns: TypeAlias = Callable[[], "list[Column[Any]]"]

_INSERT: dict[str, Any] = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}

#: The clocks of two machines may differ; the database has one.
_NOW: dict[str, ColumnElement[float]] = {
    "postgresql": cast(literal_column("extract(epoch from clock_timestamp())"), Double),
    "sqlite": literal_column("(julianday('now') - 2440587.5) * 86400.0", Double),
}

#: Of two transactions, one waits for the other in place of failing.
_ISOLATION = {"postgresql": "READ COMMITTED", "sqlite": "SERIALIZABLE"}


class Database:
    """A table with a ``name`` for each row.

    :param place: A URL, or an engine of the program's.
    :param table: The table's name, perhaps with a schema before a dot.
    :param columns: Returns the further columns. Pickled by reference.
    :raises TypeError: ``place`` is neither.
    :raises ValueError: It is no database that can be used here.
    """

    def __init__(self, place: object, table: str, columns: Columns) -> None:
        self._given = place if isinstance(place, Engine) else None
        self._url = url_of(place)
        self._kind = self._url.get_backend_name()
        self._engines: dict[int, Engine] = {}
        if self._given is not None:
            self._engines[os.getpid()] = self._discreet(self._given)
        self._begin(table, columns)

    def _begin(self, table: str, columns: Columns) -> None:
        self._made_of = table, columns
        *schema, name = table.rsplit(".", 1)
        key = Column("name", Text, primary_key=True)
        self.table = Table(name, MetaData(), key, *columns(), schema=(*schema, None)[0])

    def beside(self, suffix: str, columns: Columns) -> Database:
        """Return another table of the database, over the same connections."""
        other = type(self).__new__(type(self))
        vars(other).update(vars(self))
        other._begin(f"{self._made_of[0]}{suffix}", columns)
        return other

    @property
    def now(self) -> ColumnElement[float]:
        """Return epoch seconds by the database's clock."""
        return _NOW[self._kind]

    def named(self, name: str) -> str:
        """Return what errors call a row."""
        # Without the password, and what else may be secret in a query.
        url = self._url
        shown = URL.create(
            url.drivername, url.username, None, url.host, url.port, url.database
        )
        return f"{name!r} in {self.table} of {shown}"

    def look(
        self, verb: str, name: str, act: Callable[[Connection], T], nothing: T
    ) -> T:
        """Return what ``act`` returns, or ``nothing`` where there is no table.

        A mistyped path makes no database, and another program's database gets
        no table of ours. The parameters and errors are those of :meth:`run`.
        """

        def acted() -> T:
            try:
                return nothing if self._has_no_file() else self._transact(act)
            except exc.DBAPIError as error:
                if is_without_table(error):
                    return nothing
                raise

        return self._told(verb, name, acted)

    def run(self, verb: str, name: str, act: Callable[[Connection], T]) -> T:
        """Return what ``act`` returns. A table that is not there is made.

        :param verb: What is done to a row, for the error: ``read``...
        :param act: It has a transaction of its own.
        :raises AwayError: The database cannot be used now.
        :raises UnwritableError: It refuses a lock, and would refuse a token.
        :raises TokenStoreError: It refuses something else.
        """

        def acted() -> T:
            if self._has_no_file():
                make_file(self._url)
            try:
                return self._transact(act)
            except exc.DBAPIError as error:
                if not is_without_table(error):
                    raise
            self._make_table()
            return self._transact(act)

        return self._told(verb, name, acted)

    @discreet
    def _told(self, verb: str, name: str, act: Callable[[], T]) -> T:
        try:
            return act()
        except Exception as error:
            # A driver raises what it likes while its server goes away.
            problem = problem_of(error, self._url.password)
            kind = UnwritableError if verb == "lock" else TokenStoreError
            kind = AwayError if passes(error) else kind
        raise kind(
            f"Cannot {verb} {self.named(name)}: {problem}. {advice(problem)}",
            location=self.named(name),
        )

    def put(
        self,
        connection: Connection,
        name: str,
        values: Mapping[str, object],
        where: ColumnElement[bool] | None = None,
    ) -> None:
        """Set values of a row, which is made where it is not there.

        :param where: What has to be so of a row that is there.
        """
        row = _INSERT[self._kind](self.table).values(name=name, **values)
        connection.execute(
            row.on_conflict_do_update(index_elements=["name"], set_=values, where=where)
        )

    def remove_if_empty(self, connection: Connection, name: str) -> None:
        """Remove a row that has neither a token, nor a failure, nor a lock."""
        columns = self.table.c
        parts = (columns.text, columns.failure, columns.owner)
        is_empty = [part.is_(None) for part in parts]
        connection.execute(delete(self.table).where(columns.name == name, *is_empty))

    def _make_table(self) -> None:
        try:
            self._transact(self.table.create)
        except exc.DBAPIError as error:
            # Another process was faster; or this one has no right to, and will
            # be told that the table is not there.
            if passes(error):
                raise

    def _has_no_file(self) -> bool:
        return self._given is None and is_missing(self._url)

    def _transact(self, act: Callable[[Connection], T]) -> T:
        with self._engine().begin() as connection:
            return act(connection)

    def _engine(self) -> Engine:
        """Return this process's own: a child shares no connection."""
        engine = self._engines.get(os.getpid())
        if engine is None:
            engine = self._engines.setdefault(os.getpid(), self._made())
        return engine

    def _made(self) -> Engine:
        if self._given is not None:
            self._given.dispose(close=False)  # the parent goes on with them
            return self._discreet(self._given)
        engine = engine_of(self._url)
        weakref.finalize(self, dispose, engine, os.getpid())
        return self._discreet(engine)

    def _discreet(self, engine: Engine) -> Engine:
        """Return an engine over the same connections, which logs no values."""
        own = engine.execution_options(isolation_level=_ISOLATION[self._kind])
        own.hide_parameters = True
        return own

    def __getstate__(self) -> dict[str, Any]:
        if self._given is not None:
            raise TypeError(
                "A store with an engine cannot be pickled: give it the URL, or make "
                "the store in each process."
            )
        return {**vars(self), "_engines": {}, "table": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin(*self._made_of)  # what SQLAlchemy pickles of one is not whole
