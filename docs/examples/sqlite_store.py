"""A token store of one's own: a table in an SQLite database."""

import os
import sqlite3
from contextlib import closing, contextmanager

from requests_ticktick import FileLock, TextStore


class SQLiteStore(TextStore):
    """Keeps the token in a database, for all processes of one machine."""

    def __init__(self, path):
        self.location = os.path.abspath(path)
        self.file_lock = FileLock(path)

    def read(self):
        with self._open() as database:
            return database.execute("SELECT max(text) FROM token").fetchone()[0]

    def write(self, text):
        with self._open() as database:
            database.execute("REPLACE INTO token VALUES (1, ?)", [text])

    def lock(self, timeout=None):
        return self.file_lock.acquire(self.lock_timeout if timeout is None else timeout)

    @contextmanager
    def _open(self):
        # Private from its first byte; SQLite would ask the umask.
        os.close(os.open(self.location, os.O_CREAT | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(self.location, timeout=30)) as database, database:
            database.execute("CREATE TABLE IF NOT EXISTS token (id PRIMARY KEY, text)")
            yield database
