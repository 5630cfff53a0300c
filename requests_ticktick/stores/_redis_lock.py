"""One lock in Redis, renewed for as long as it is held."""

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

from redis.exceptions import RedisError, ResponseError

from .._errors import LockTimeoutError
from .._foreign import held_by, holder_of
from ._redis_client import peek, problem_of
from ._redis_room import room_of, room_taken

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger("requests_ticktick")

#: Seconds between two tries of a waiting process.
_POLL = 0.02

#: Only the holder renews or frees the lock. redis-py's own lock does the same
#: with more commands, for which the Redis user would need more rights.
_RENEW = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('pexpire', KEYS[2], ARGV[2])
return redis.call('pexpire', KEYS[1], ARGV[2])
"""
_RELEASE = """
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('del', KEYS[1], KEYS[2])
"""

#: A longer signature is not ours, in bytes.
_LONGEST = 4096


class RedisLock:
    """One lock, for every machine that names the same key.

    Its value says who holds it. Redis drops it when the holder has not
    renewed it for ``ttl`` seconds, so that the holder's death frees it.

    :param client: This process's client.
    :param name: The lock's key.
    :param ttl: The lock's time to live, in seconds.
    """

    def __init__(self, client: Redis, name: str, ttl: float) -> None:
        self._client = client
        self._name = name
        self._ttl = ttl

    @contextmanager
    def acquire(self, timeout: float) -> Iterator[bytes]:
        """Hold the lock, and yield its value.

        :param timeout: Seconds to wait; 0 tries once.
        :raises LockTimeoutError: Another holder kept it until the time-out.
        :raises RedisError: Redis does not answer, or could not save a token.
        """
        owner = self._wait(timeout)
        pid, ended = os.getpid(), threading.Event()
        renewal = threading.Thread(
            target=self._renew,
            args=(owner, ended),
            name=f"renews {self._name}",
            daemon=True,
        )
        try:
            self._start(renewal)
            yield owner
        finally:
            was_lost = ended.is_set()
            ended.set()
            if was_lost:
                # The thread is logging. Python could abort if the program
                # ended meanwhile.
                renewal.join()
            # A child that was forked meanwhile leaves the lock to its parent.
            if os.getpid() == pid and not was_lost:
                self._release(owner)

    def _start(self, renewal: threading.Thread) -> None:
        try:
            renewal.start()
        except RuntimeError:  # no more threads, as at the interpreter's exit
            logger.warning(
                "The lock %s cannot be renewed, as no thread can be started, and will "
                "be free in %g s.",
                self._name,
                self._ttl,
            )

    def _wait(self, timeout: float) -> bytes:
        deadline = time.monotonic() + timeout
        while True:
            (held_by,) = peek(self._client, self._name)
            if held_by is None:
                owner = self._sign()
                with room_taken(self._client, self._name, self._lasts):
                    is_ours = self._client.set(
                        self._name, owner, nx=True, px=self._lasts
                    )
                if is_ours:
                    return owner
                (held_by,) = peek(self._client, self._name)
                if held_by == owner:
                    # The connection broke before the answer came, and redis-py
                    # repeated the command. The first one took the lock.
                    return owner
            if time.monotonic() >= deadline:
                self._raise_timeout(timeout, held_by)
            time.sleep(_POLL)

    @property
    def _lasts(self) -> int:
        return int(self._ttl * 1000)

    def _sign(self) -> bytes:
        return json.dumps(
            {
                "pid": os.getpid(),
                "host": socket.gethostname(),
                "since": int(time.time()),
                "id": secrets.token_hex(8),
            }
        ).encode()

    def _renew(self, owner: bytes, ended: threading.Event) -> None:
        has_warned = False
        while not ended.wait(self._ttl / 3):
            try:
                renewed = self._run(_RENEW, owner, self._lasts)
            except Exception as error:
                # A client that was closed meanwhile may raise anything.
                if ended.is_set():
                    return
                # It may come back in time; if not, the lock will be gone.
                refuses = isinstance(error, ResponseError) and not has_warned
                has_warned = has_warned or refuses
                self._say_not_renewed(error, loudly=refuses)
                continue
            if not renewed:
                if not ended.is_set():
                    ended.set()
                    self._say_lost()
                return

    def _release(self, owner: bytes) -> None:
        try:
            if not self._run(_RELEASE, owner):
                self._say_lost()
        except RedisError as error:
            # What was done under the lock is done; Redis drops it by itself.
            logger.debug("%s not released: %s", self._name, problem_of(error))

    def _run(self, script: str, *arguments: bytes | int) -> object:
        room = room_of(self._name)
        return self._client.eval(script, 2, self._name, room, *arguments)

    def _say_not_renewed(self, error: Exception, *, loudly: bool) -> None:
        logger.log(
            logging.WARNING if loudly else logging.DEBUG,
            "The lock %s was not renewed (%s), and is free %g s after it was the last "
            "time. Its Redis user has to be allowed EVAL, GET and PEXPIRE.",
            self._name,
            problem_of(error),
            self._ttl,
        )

    def _say_lost(self) -> None:
        logger.warning(
            "The lock %s was lost while this process held it: Redis was restarted, "
            "or this process stood still for over %g s. Another one may have signed "
            "on meanwhile; the newest token is kept.",
            self._name,
            self._ttl,
        )

    def _raise_timeout(self, timeout: float, value: bytes | None) -> None:
        holder = _read(value)
        advice = "Finish or stop the sign-on there, then try again."
        if self._is_for_ever():
            advice = (
                "It has no expiry, so that it is not one of ours and would last for "
                f"ever: delete it (DEL {self._name}), then try again."
            )
        raise LockTimeoutError(
            f"{held_by(holder, self._name, timeout)} {advice}", holder=holder
        )

    def _is_for_ever(self) -> bool:
        try:
            return bool(self._client.pttl(self._name) == -1)
        except RedisError:
            return False  # nobody knows


def _read(value: bytes | None) -> str | None:
    """Return the process that wrote this value, if known."""
    try:
        note = json.loads((value or b"")[:_LONGEST])
    except (ValueError, RecursionError):
        note = None
    return holder_of(note) if isinstance(note, dict) else None
