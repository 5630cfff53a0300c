"""A kernel lock beside a file, and a note about who holds it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from .._foreign import held_by, holder_of
from ..errors import LockTimeoutError, TokenStoreError
from . import _files, _place

#: Seconds that a process is given to take the lock that it has announced.
_CLAIM = 0.25

#: When this process first left the lock to whoever claimed it. It does so for
#: one such moment: a claim may be anybody's, and made again and again.
_yielded: dict[str, float] = {}

#: No note of ours is as long, in bytes.
_LONGEST = 65_536


class FileLock:
    """One lock, for every process of this machine that names the same path.

    The kernel frees it when its holder dies. The lock file is never removed:
    two processes could then hold locks on two files of one name.

    :param path: The file that is guarded. ``<path>.lock`` is locked, and
        ``<path>.lock-info``, which its holder alone writes, says by whom and
        what went wrong last. ``<path>.lock-claim`` says who is about to lock.
    """

    def __init__(self, path: str) -> None:
        self._path = f"{path}.lock"
        self._info = f"{path}.lock-info"
        self._claim = f"{path}.lock-claim"

    @contextmanager
    def acquire(self, timeout: float) -> Iterator[None]:
        """Hold the lock.

        :param timeout: Seconds; 0 tries once.
        :raises LockTimeoutError: Somebody else held it all the while.
        :raises TokenStoreError: The file system has no such lock.
        """
        self._prepare()
        if timeout <= 0 and "filelock" not in sys.modules:
            self._claim_import(timeout)
        try:
            import filelock
        except (ImportError, RuntimeError) as error:
            self._end_claim()
            raise self._cannot_import(error) from None
        # A new object for each acquisition: none is shared between threads,
        # and a child that was forked in between has nothing to inherit.
        try:
            _files.make_lock_file(self._path)
            lock = filelock.FileLock(
                self._path, mode=0o600, thread_local=False, fallback_to_soft=False
            )
            lock.acquire(timeout=max(0.0, timeout))
        except filelock.Timeout:
            self._raise_timeout(timeout, self._info)
        except (OSError, NotImplementedError) as error:
            raise self._cannot(error) from None
        finally:
            self._end_claim()  # who has failed is not about to lock either
        try:
            self._note(self.failure())
            yield
        finally:
            lock.release()

    def failure(self) -> str | None:
        """Return what :meth:`record_failure` was last given."""
        failure = _read(self._info).get("failure")
        return failure if isinstance(failure, str) else None

    def record_failure(self, failure: str | None) -> None:
        """Leave a note for those who wait; none where there is no lock."""
        if failure != self.failure() and _place.doubt(self._path) is None:
            self._note(failure)

    def version(self) -> object:
        """Return what changes when there is something new to read."""
        return _files.identity(self._info)

    def _prepare(self) -> None:
        try:
            doubtful = _place.prepare(self._path)
        except OSError as error:
            raise self._cannot(error) from None
        if doubtful is not None:
            raise TokenStoreError(
                f"Cannot lock {self._path}: {doubtful}.", location=self._path
            )

    def _cannot(self, error: Exception) -> TokenStoreError:
        problem = getattr(error, "strerror", None) or type(error).__name__
        return TokenStoreError(
            f"Cannot lock {self._path}: {problem}. Make it and its folder "
            "writable, or choose another place; on a file system without locks "
            "use a Redis store.",
            location=self._path,
        )

    def _cannot_import(self, error: Exception) -> TokenStoreError:
        # It was not needed until now, and some of what it imports in turn
        # cannot be imported any more once the main thread has ended.
        return TokenStoreError(
            f"Cannot lock {self._path}: filelock cannot be imported "
            f"({type(error).__name__}), as in a program that is ending. Import it "
            "when the program starts, or get the token earlier.",
            location=self._path,
        )

    def _note(self, failure: str | None) -> None:
        _write(self._info, failure=failure)

    def _claim_import(self, timeout: float) -> None:
        """Say that filelock is about to be imported, unless another has.

        It takes a processor 10 ms: of a herd that finds its token expired, one
        needs it, and the others need the token.
        """
        if self._is_claimed():
            self._raise_timeout(timeout, self._claim)
        _write(self._claim)

    def _end_claim(self) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self._claim)

    def _is_claimed(self) -> bool:
        """Whether another process is just about to take the lock.

        A hint, which the lock itself does not rely on.
        """
        claim, now = _read(self._claim), time.monotonic()
        if holder_of(claim) is None or claim["pid"] == os.getpid():
            return False
        if not 0 <= time.time() - claim["since"] < _CLAIM:
            return False
        return now - _yielded.setdefault("since", now) < _CLAIM

    def _raise_timeout(self, timeout: float, path: str) -> NoReturn:
        holder = holder_of(_read(path))
        raise LockTimeoutError(
            f"{held_by(holder, self._path, timeout)} Finish or stop the sign-on there, "
            "then try again.",
            holder=holder,
        ) from None


def _read(path: str) -> dict[str, Any]:
    """Return a note, and since when it is there; nothing if it is spoilt."""
    try:
        content, status = _files.read(path)
        if len(content) > _LONGEST or not _is_trusted(status):
            return {}
        info = json.loads(content)
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(info, dict):
        return {}
    # The file system's time of the last change, so that no clock is read.
    return {**info, "since": status.st_mtime}


def _is_trusted(status: os.stat_result) -> bool:
    """Whether it is this user's note, or root's; Windows does not tell."""
    if not hasattr(os, "geteuid"):
        return True
    return status.st_uid in (os.geteuid(), 0)


def _write(path: str, **fields: str | None) -> None:
    info = {"pid": os.getpid(), "host": socket.gethostname(), **fields}
    with contextlib.suppress(OSError):  # a courtesy, not the lock
        _files.replace(path, json.dumps(info).encode(), durable=False)
