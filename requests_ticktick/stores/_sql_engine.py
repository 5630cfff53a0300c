"""The URL of a database, and the connections to it."""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import URL, Engine, NullPool, create_engine, exc, make_url

#: Seconds until a server has let us in, and until an SQLite file that others
#: write is free. Each driver has a name of its own for it. And psycopg is not
#: to prepare statements: the next connection of a pooler does not know them.
_OPTIONS: dict[str, dict[str, Any]] = {
    "psycopg": {"connect_timeout": 10, "prepare_threshold": None},
    "psycopg2": {"connect_timeout": 10},
    "pg8000": {"timeout": 30},
    "pysqlite": {"timeout": 30},
}


def url_of(place: object) -> URL:
    """Return a database's URL; a file's, as it is seen from here and now.

    :raises TypeError: It is neither a URL nor an engine.
    :raises ValueError: It is no database that can be used here.
    """
    if not isinstance(place, (str, URL, Engine)):
        kind = type(place).__name__
        raise TypeError(f"A database is a URL or an Engine, not {kind}")
    try:
        url = place.url if isinstance(place, Engine) else make_url(place)
        backend = url.get_backend_name()
    except (exc.ArgumentError, ValueError):
        backend = None  # the error may quote the password
    if backend not in ("postgresql", "sqlite") or "async" in url.drivername:
        raise ValueError(
            "A database's URL is postgresql+psycopg://user@host/name, or "
            "sqlite:////var/lib/app/tokens.db; another kind cannot be used."
        )
    if backend == "postgresql" or isinstance(place, Engine):
        return url
    if not url.database or url.database.startswith((":memory:", "file:")):
        raise ValueError(
            "An SQLite database needs a plain path. What is in memory is not shared: "
            "use MemoryStore() for that."
        )
    return url.set(database=os.path.abspath(url.database))


def engine_of(url: URL) -> Engine:
    """Return an engine. It connects to nothing yet."""
    options = _OPTIONS.get(url.get_dialect().driver, {})
    options = {name: value for name, value in options.items() if name not in url.query}
    if url.get_backend_name() == "sqlite":
        # Another file of that name may take the database's place.
        return create_engine(url, connect_args=options, poolclass=NullPool)
    # A transaction takes a moment: a few connections do for all threads.
    return create_engine(
        url, connect_args=options, pool_size=2, max_overflow=3, pool_pre_ping=True
    )


def is_missing(url: URL) -> bool:
    """Whether it is that of a SQLite file, which is not there."""
    if url.get_backend_name() != "sqlite":
        return False
    try:
        os.stat(str(url.database))
    except FileNotFoundError:
        return True
    except OSError:
        pass  # SQLite says what is wrong there
    return False


def make_file(url: URL) -> None:
    """Make a SQLite file, private from its first byte.

    SQLite would ask the umask.
    """
    os.close(os.open(str(url.database), os.O_CREAT | os.O_WRONLY, 0o600))


def dispose(engine: Engine, pid: int) -> None:
    """Close its connections, but for those of another process."""
    if os.getpid() == pid:
        engine.dispose()
