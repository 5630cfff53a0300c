"""The kernel's lock on one file, taken by filelock."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from . import _files, _place
from ._base import UnwritableError

if TYPE_CHECKING:
    from filelock import BaseFileLock

#: How often the lock is taken again because its file was removed meanwhile.
#: There is a limit because some file systems change inode numbers at will.
_MAX_TRIES = 100

#: The errors of a file system that has no locks.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def hold(path: str, timeout: float, *, for_good: bool) -> Iterator[bool]:
    """Hold the lock on a file, which is created if it is missing.

    :param timeout: Seconds to wait; 0 tries once.
    :param for_good: Whether the file stays when the lock is released.
    :returns: Whether the lock is held; otherwise the time-out has passed.
    :raises OSError: The file cannot be locked.
    :raises NotImplementedError: The file system has no locks. An OSError may
        mean this as well: see :func:`is_missing`.
    :raises UnwritableError: filelock cannot be imported.
    """
    doubtful = _place.prepare(path)
    if doubtful is not None:
        raise PermissionError(errno.EPERM, doubtful)
    lock = _take(path, timeout)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            if not for_good:
                with contextlib.suppress(OSError):
                    os.unlink(path)  # a waiting process notices, see _take()
            lock.release()


def is_missing(error: Exception) -> bool:
    """Whether the error means that the file system has no locks."""
    return isinstance(error, NotImplementedError) or (
        getattr(error, "errno", None) in _NO_LOCKS
    )


def _take(path: str, timeout: float) -> BaseFileLock | None:
    """Lock the file that has this path, also after the lock is taken."""
    filelock = _filelock(path)
    # A new object for each acquisition is shared neither between threads nor
    # with a child that is forked meanwhile.
    lock: BaseFileLock = filelock.FileLock(
        path, mode=0o600, thread_local=False, fallback_to_soft=False
    )
    try:
        for _ in range(_MAX_TRIES):
            with _files.lock_file(path) as status:
                lock.acquire(timeout=timeout)
                if _files.is_at(path, status):
                    return lock
            lock.release()  # another program removed the file meanwhile
        lock.acquire(timeout=timeout)
    except filelock.Timeout:
        return None
    return lock


def _filelock(path: str) -> ModuleType:
    try:
        import filelock
    except (ImportError, RuntimeError) as error:
        # filelock is imported when first needed. Once the main thread has
        # ended, some of the modules that it needs cannot be imported.
        raise UnwritableError(
            f"Cannot lock {path}: filelock cannot be imported "
            f"({type(error).__name__}), as in a program that is ending. Import it "
            "when the program starts, or get the token earlier.",
            location=path,
        ) from None
    return filelock
