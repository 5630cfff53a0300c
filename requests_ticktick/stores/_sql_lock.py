"""One lock in a row of a database, renewed for as long as it is held.

A row outlives a restart of its server and a pooler's connections, which the
locks of a session do not.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, or_, select, update

from .._errors import LockTimeoutError, TokenStoreError
from .._foreign import held_by, holder_of
from ._base import AwayError
from ._sql_database import Database

logger = logging.getLogger("requests_ticktick")

#: Seconds between two tries of one who waits.
_POLL = 0.05


class SqlLock:
    """The lock of one row, for every process and machine.

    Its holder renews it. It is free when that has not happened for ``ttl``
    seconds, so that the holder's death frees it.

    :param database: Whose table has the row.
    :param name: The row's.
    :param ttl: In seconds.
    """

    def __init__(self, database: Database, name: str, ttl: float) -> None:
        self._database = database
        self._table = database.table
        self._name = name
        self._ttl = ttl
        self._now = database.now

    @contextmanager
    def acquire(self, timeout: float) -> Iterator[None]:
        """Hold the lock.

        :param timeout: Seconds; 0 tries once.
        :raises LockTimeoutError: Somebody else held it all the while.
        :raises TokenStoreError: The database cannot be used.
        """
        owner, pid = self._wait(timeout), os.getpid()
        ended = threading.Event()
        renewal = _started(self._renew, owner, ended)
        try:
            yield
        finally:
            # A child forked while the lock was held leaves it to its parent.
            if os.getpid() == pid:
                ended.set()
                if renewal is not None:
                    renewal.join()
                if not self._is_released(owner):
                    _started(self._release_later, owner)

    def _wait(self, timeout: float) -> str:
        deadline = time.monotonic() + timeout
        signature = {"pid": os.getpid(), "host": socket.gethostname()}
        while True:
            more = {"since": int(time.time()), "id": secrets.token_hex(8)}
            owner = json.dumps({**signature, **more})
            holder = self._run(self._take, owner)
            if holder == owner:
                return owner
            if time.monotonic() >= deadline:
                self._raise_timeout(timeout, holder)
            time.sleep(_POLL)

    def _renew(self, owner: str, ended: threading.Event) -> None:
        while not ended.wait(self._ttl / 3):
            try:
                is_held = self._run(self._extend, owner)
            except TokenStoreError as error:
                # It may come back in time; if not, the lock will be free.
                logger.debug("The lock was not renewed: %s", error)
                continue
            if not is_held:
                logger.warning(
                    "The lock of %s was lost, as it was not renewed for over %g s. "
                    "Another process may have signed on meanwhile.",
                    self._database.named(self._name),
                    self._ttl,
                )
                return

    def _release_later(self, owner: str) -> None:
        """Release it once the database is back, or leave it to its end."""
        ends = time.monotonic() + self._ttl
        while time.monotonic() < ends and not self._is_released(owner):
            time.sleep(_POLL)

    def _is_released(self, owner: str) -> bool:
        try:
            self._run(self._release, owner)
        except AwayError:
            return False
        except TokenStoreError as error:
            logger.debug("The lock was not released: %s", error)
        return True

    def _run(self, act: Any, owner: str) -> Any:
        return self._database.run("lock", self._name, lambda db: act(db, owner))

    def _take(self, connection: Connection, owner: str) -> str | None:
        """Take the lock if it is free, and return who has it."""
        columns, until = self._table.c, self._now + self._ttl
        is_free = or_(columns.until.is_(None), columns.until < self._now)
        values = {"owner": owner, "until": until}
        self._database.put(connection, self._name, values, is_free)
        of_this = select(columns.owner).where(columns.name == self._name)
        return connection.scalar(of_this)

    def _extend(self, connection: Connection, owner: str) -> bool:
        return self._update(connection, owner, until=self._now + self._ttl)

    def _release(self, connection: Connection, owner: str) -> None:
        self._update(connection, owner, owner=None, until=None)
        self._database.remove_if_empty(connection, self._name)

    def _update(self, connection: Connection, mine: str, **values: object) -> bool:
        columns = self._table.c
        is_mine = (columns.name == self._name) & (columns.owner == mine)
        done = connection.execute(update(self._table).where(is_mine).values(values))
        return bool(done.rowcount)

    def _raise_timeout(self, timeout: float, holder: str | None) -> None:
        try:
            note = json.loads(holder or "")
        except (ValueError, RecursionError):
            note = None
        described = holder_of(note) if isinstance(note, dict) else None
        place = self._database.named(self._name)
        raise LockTimeoutError(
            f"{held_by(described, place, timeout)} Finish or stop the sign-on there, "
            "then try again.",
            holder=described,
        )


def _started(work: Callable[..., None], *args: object) -> threading.Thread | None:
    """Return a thread that does this; ``None`` as the program ends."""
    thread = threading.Thread(target=work, args=args, name="a lock's", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # no more threads can be started
        return None
    return thread
