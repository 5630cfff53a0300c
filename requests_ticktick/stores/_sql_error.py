"""What is wrong with a database, in words that show none of its values."""

from __future__ import annotations

from typing import Any

from sqlalchemy import exc

from .._foreign import one_line

#: PostgreSQL's SQLSTATE, by its beginning: broken connections, a standby that
#: is to be promoted, a transaction that made way for another, a lack of
#: connections, memory or disk, a lock, and a server that starts or stops.
_PASSES = ("08", "25006", "40", "53", "55P03", "57")

_ADVICE = {
    "42501": (
        "Its role needs SELECT, INSERT, UPDATE and DELETE on the table, and nothing "
        "else: GRANT them."
    ),
    "42P01": (
        "The table is not there, and this role may not make it: make it once, as the "
        "documentation shows (How do I keep the tokens of many people?)."
    ),
    "42703": "The table is another program's: choose another name (table=...).",
    "no such column": "The table is another program's: choose another (table=...).",
    "readonly": "Make the database file and its folder writable.",
    "no driver": "Install that driver, or name another: postgresql+psycopg://...",
}


def advice(problem: str) -> str:
    """Return the next step."""
    for word, text in _ADVICE.items():
        if word in problem:
            return text
    return "See that the database runs, and lets this program in."


def problem_of(error: Exception, password: str | None) -> str:
    """Say what is wrong, without what a database may quote."""
    if not isinstance(error, exc.DBAPIError):
        if isinstance(error, (ImportError, exc.NoSuchModuleError)):
            return f"no driver ({error})"
        return getattr(error, "strerror", None) or type(error).__name__
    problem = " ".join(filter(None, [type(error.orig).__name__, _state(error)]))
    # SQLite quotes no values; nor does anybody before there was a statement.
    if _is_sqlite(error) or error.statement is None:
        said = one_line(str(error.orig).replace(password or "\0", "***"))
        problem += f": {said or 'no reason given'}"
    return problem.rstrip(".")


def is_without_table(error: exc.DBAPIError) -> bool:
    """Whether the table has to be made first."""
    return _state(error) == "42P01" or "no such table" in str(error.orig)


def passes(error: Exception) -> bool:
    """Whether the database may answer later, without anybody's doing."""
    if not isinstance(error, exc.DBAPIError):
        return isinstance(error, exc.TimeoutError)  # all of a pool is in use
    if _is_sqlite(error):
        return "locked" in str(error.orig)
    state = _state(error)
    if state is not None:
        return state.startswith(_PASSES)
    return error.connection_invalidated or error.statement is None


def _is_sqlite(error: exc.DBAPIError) -> bool:
    return type(error.orig).__module__ == "sqlite3"


def _state(error: exc.DBAPIError) -> str | None:
    """Return PostgreSQL's SQLSTATE, for which each driver has a place."""
    orig: Any = error.orig
    state = getattr(orig, "sqlstate", None) or getattr(orig, "pgcode", None)
    if state is None and orig.args and isinstance(orig.args[0], dict):
        state = orig.args[0].get("C")  # pg8000's
    return state if isinstance(state, str) else None
