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

from ..errors import LockTimeoutError, TokenStoreError
from . import _files

#: Seconds that a process is given to take the lock that it has announced.
_CLAIM = 0.25


class FileLock:
    """One lock, for every process of this machine that names the same path.

    The kernel frees it when its holder dies. The lock file is never removed:
    two processes could then hold locks on two files of one name.

    :param path: The file that is guarded. ``<path>.lock`` is locked, and
        ``<path>.lock-info`` says by whom, and what went wrong last.
    """

    def __init__(self, path: str) -> None:
        self._path = f"{path}.lock"
        self._info = f"{path}.lock-info"

    @contextmanager
    def acquire(self, timeout: float) -> Iterator[None]:
        """Hold the lock.

        :param timeout: Seconds; 0 tries once.
        :raises LockTimeoutError: Somebody else held it all the while.
        :raises TokenStoreError: The file system has no such lock.
        """
        if timeout <= 0 and "filelock" not in sys.modules:
            # Importing it takes a processor 10 ms: of a herd that finds its
            # token expired, one needs it, and the others need the token.
            if self._is_claimed():
                self._raise_timeout(timeout)
            self._write(failure=self.failure(), claim=True)
        import filelock

        # A new object for each acquisition: none is shared between threads,
        # and a child that was forked in between has nothing to inherit.
        try:
            _files.make_private_folder(os.path.dirname(self._path))
            lock = filelock.FileLock(
                self._path, mode=0o600, thread_local=False, fallback_to_soft=False
            )
            lock.acquire(timeout=max(0.0, timeout))
        except filelock.Timeout:
            self._raise_timeout(timeout)
        except (OSError, NotImplementedError) as error:
            problem = getattr(error, "strerror", None) or type(error).__name__
            raise TokenStoreError(
                f"Cannot lock {self._path}: {problem}. Make its folder writable, or "
                "choose another place; on a file system without locks use a Redis "
                "store.",
                location=self._path,
            ) from None
        try:
            self._write(failure=self.failure())
            yield
        finally:
            lock.release()

    def holder(self) -> str | None:
        """Say who holds the lock, or held it last, as far as is known."""
        info = self._read()
        if info is None:
            return None
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(info["since"]))
        return f"process {info.get('pid')} on {info.get('host')} since {since}"

    def failure(self) -> str | None:
        """Return what :meth:`record_failure` was last given."""
        info = self._read()
        failure = None if info is None else info.get("failure")
        return failure if isinstance(failure, str) else None

    def record_failure(self, failure: str | None) -> None:
        """Leave a note for those who wait. The lock is held."""
        if failure != self.failure():
            self._write(failure=failure)

    def version(self) -> object:
        """Return what changes when there is something new to read."""
        return _files.identity(self._info)

    def _is_claimed(self) -> bool:
        """Whether another process is just about to take the lock.

        A hint, which the lock itself does not rely on.
        """
        info = self._read() or {}
        pid = info.get("pid")
        if not info.get("claim") or not isinstance(pid, int) or pid == os.getpid():
            return False
        if not 0 <= time.time() - info["since"] < _CLAIM:
            return False
        try:
            os.kill(pid, 0)
        except (OSError, OverflowError):
            return False  # it died, or lives in another container
        return True

    def _raise_timeout(self, timeout: float) -> NoReturn:
        holder = self.holder()
        raise LockTimeoutError(
            f"Waited {timeout:g} s for the lock {self._path}, held by "
            f"{holder or 'an unknown process'}. Finish or stop the sign-on there, "
            "then try again.",
            holder=holder,
        ) from None

    def _read(self) -> dict[str, Any] | None:
        try:
            content, status = _files.read(self._info)
            info = json.loads(content)
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(info, dict):
            return None
        # The file system's time of the last change, so that no clock is read.
        return {**info, "since": status.st_mtime}

    def _write(self, *, failure: str | None, claim: bool = False) -> None:
        info: dict[str, Any] = {"pid": os.getpid(), "host": socket.gethostname()}
        info.update(failure=failure, claim=claim)
        with contextlib.suppress(OSError):  # a courtesy, not the lock
            _files.replace(self._info, json.dumps(info).encode(), durable=False)
