"""A token store of one's own: a table in an SQLite database."""

import contextlib
import json
import os
import sqlite3

from requests_ticktick import (
    InvalidTokenError,
    LockTimeoutError,
    Token,
    TokenStore,
    TokenStoreError,
)
from requests_ticktick.stores.base import check_owner


class SQLiteStore(TokenStore):
    """Keeps the token in an SQLite database, for all processes of a machine.

    The lock is a second, empty database: whoever has a transaction in it has
    the lock, and the operating system ends the transaction of a process that
    dies.

    :param path: The database. Beside it stands ``<path>.lock``.
    :param lock_timeout: How long to wait for another's sign-on, in seconds.
    """

    def __init__(self, path, *, lock_timeout=TokenStore.lock_timeout):
        self.path = os.fspath(path)
        self.lock_timeout = lock_timeout

    def load(self):
        """Return the token kept here, or ``None``."""
        with self._open() as database:
            return _read(database)

    def save(self, token):
        """Keep this token in place of the one before, wholly or not at all."""
        with self._open() as database:
            database.execute("BEGIN IMMEDIATE")
            check_owner(_read(database), token, self.path)
            _write(database, "token", json.dumps(token.to_dict()))
            database.execute("COMMIT")

    def delete(self):
        """Keep no token."""
        with self._open() as database:
            _write(database, "token", None)

    @contextlib.contextmanager
    def lock(self, timeout=None):
        """Hold the right to renew, against all processes of this machine."""
        seconds = self.lock_timeout if timeout is None else timeout
        path = f"{self.path}.lock"
        with contextlib.closing(_connect(path, max(0.0, seconds))) as database:
            try:
                database.execute("BEGIN EXCLUSIVE")
            except sqlite3.Error as error:
                if "locked" not in str(error):
                    raise _unusable(path, error) from None
                raise LockTimeoutError(
                    f"Another process holds the lock {path}: finish or stop its "
                    "sign-on, then try again."
                ) from None
            yield

    def failure(self):
        """Return what :meth:`record_failure` was last given, or ``None``."""
        with self._open() as database:
            return _text(database, "failure")

    def record_failure(self, failure):
        """Tell those who wait for the lock that the renewal failed."""
        with self._open() as database:
            _write(database, "failure", failure)

    @contextlib.contextmanager
    def _open(self):
        # A connection for each use: none is shared with another thread, nor
        # with a child that is forked meanwhile. To close it is to roll back.
        with contextlib.closing(_connect(self.path, 30.0)) as database:
            try:
                database.execute(
                    "CREATE TABLE IF NOT EXISTS kept (name PRIMARY KEY, text)"
                )
                yield database
            except sqlite3.Error as error:
                raise _unusable(self.path, error) from None

    def __repr__(self):
        return f"SQLiteStore({self.path!r})"


def _connect(path, timeout):
    try:
        # Private from its first byte; SQLite would ask the umask.
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        return sqlite3.connect(path, timeout=timeout, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from None


def _unusable(path, error):
    return TokenStoreError(
        f"Cannot use {path}: {error}. See that its folder can be written, or choose "
        "another place for the token.",
        location=path,
    )


def _read(database):
    text = _text(database, "token")
    try:
        return None if text is None else Token.from_dict(json.loads(text))
    except (InvalidTokenError, ValueError):
        return None  # spoilt: the next sign-on writes it anew


def _text(database, name):
    row = database.execute("SELECT text FROM kept WHERE name = ?", [name]).fetchone()
    return None if row is None else row[0]


def _write(database, name, text):
    database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?)", [name, text])
