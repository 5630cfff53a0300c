"""redis-py's lock, renewed for as long as it is held."""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from redis.exceptions import LockError, NoPermissionError, RedisError

from ..errors import LockTimeoutError
from ._redis_client import get, problem_of

if TYPE_CHECKING:
    from redis import Redis
    from redis.lock import Lock

logger = logging.getLogger("requests_ticktick")

#: Seconds between two tries of one who waits.
_POLL = 0.02


class RedisLock:
    """One lock, for every machine that names the same key.

    Its value says who holds it. Redis drops it when the holder has not
    renewed it for ``ttl`` seconds, so that the holder's death frees it.

    :param client: Of the process that uses this object.
    :param name: The lock's own key.
    :param ttl: In seconds.
    """

    def __init__(self, client: Redis, name: str, ttl: float) -> None:
        self._client = client
        self._name = name
        self._ttl = ttl

    @contextmanager
    def acquire(self, timeout: float) -> Iterator[bytes]:
        """Hold the lock, and yield its value.

        :param timeout: Seconds; 0 tries once.
        :raises LockTimeoutError: Somebody else held it all the while.
        """
        # A new object for each acquisition, so that a child that was forked in
        # between has nothing to inherit; shared with the thread that renews.
        lock = self._client.lock(self._name, timeout=self._ttl, thread_local=False)
        owner = self._wait(lock, timeout)
        pid, ended = os.getpid(), threading.Event()
        renewal = threading.Thread(
            target=self._renew,
            args=(lock, ended),
            name=f"renews {self._name}",
            daemon=True,
        )
        try:
            renewal.start()
            yield owner
        finally:
            was_lost = ended.is_set()
            ended.set()
            # A child forked while the lock was held leaves it to its parent.
            if os.getpid() == pid and not was_lost:
                self._release(lock)

    def _wait(self, lock: Lock, timeout: float) -> bytes:
        deadline = time.monotonic() + timeout
        while True:
            (held_by,) = get(self._client, self._name)
            if held_by is None:
                signature = self._sign()
                owner = signature.encode()
                if lock.acquire(blocking=False, token=signature):
                    return owner
                (held_by,) = get(self._client, self._name)
                if held_by == owner:
                    # The connection broke before the answer came, and redis-py
                    # sent the command again: it was us who was faster.
                    lock.local.token = owner
                    return owner
            if time.monotonic() >= deadline:
                self._raise_timeout(timeout, held_by)
            time.sleep(_POLL)

    def _sign(self) -> str:
        return json.dumps(
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "since": int(time.time()),
                "id": secrets.token_hex(8),
            }
        )

    def _renew(self, lock: Lock, ended: threading.Event) -> None:
        while not ended.wait(self._ttl / 3):
            try:
                lock.reacquire()
            except LockError:
                if not ended.is_set():
                    ended.set()
                    self._say_lost()
                return
            except NoPermissionError:
                logger.warning(
                    "The lock %s cannot be renewed, and will be free in %g s: allow "
                    "its Redis user EVALSHA and SCRIPT LOAD.",
                    self._name,
                    self._ttl,
                )
                return
            except RedisError as error:
                # It may come back in time; if not, the lock will be gone.
                logger.debug("%s not renewed: %s", self._name, problem_of(error))

    def _release(self, lock: Lock) -> None:
        try:
            lock.release()
        except LockError:
            self._say_lost()
        except RedisError as error:
            # What was done under the lock is done; Redis drops it by itself.
            logger.debug("%s not released: %s", self._name, problem_of(error))

    def _say_lost(self) -> None:
        logger.warning(
            "The lock %s was lost while this process held it: Redis was restarted, "
            "or this process stood still for over %g s. Another one may have signed "
            "on meanwhile; the newest token is kept.",
            self._name,
            self._ttl,
        )

    def _raise_timeout(self, timeout: float, held_by: bytes | None) -> None:
        holder = _read(held_by)
        raise LockTimeoutError(
            f"Waited {timeout:g} s for the lock {self._name}, held by "
            f"{holder or 'an unknown process'}. Finish or stop the sign-on there, "
            "then try again.",
            holder=holder,
        )


def _read(value: bytes | None) -> str | None:
    """Say who wrote this value."""
    try:
        info = json.loads(value or b"")
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(info["since"]))
        return f"process {info['pid']} on {info['host']} since {since}"
    except (KeyError, TypeError, ValueError, RecursionError, OverflowError, OSError):
        return None
