"""The kernel's lock of one file, through filelock."""

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

#: How often a lock is taken again whose file was removed in that moment. Some
#: file systems number a file anew at each look, and no lock would ever do.
_TRIES = 100

#: What a file system without locks answers.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def hold(path: str, timeout: float, *, for_good: bool) -> Iterator[bool]:
    """Hold the lock of a file, made where it is not there.

    :param timeout: Seconds; 0 tries once.
    :param for_good: Whether the file stays when the lock is released.
    :returns: Whether it is held: somebody else may have had it all the while.
    :raises OSError: There can be no lock.
    :raises NotImplementedError: The file system has none at all; an OSError
        may say so as well (see :func:`is_missing`).
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
                    os.unlink(path)  # who waits will not take it for this one
            lock.release()


def is_missing(error: Exception) -> bool:
    """Whether the error says that the file system has no locks at all."""
    return isinstance(error, NotImplementedError) or (
        getattr(error, "errno", None) in _NO_LOCKS
    )


def _take(path: str, timeout: float) -> BaseFileLock | None:
    """Lock a file which has that name afterwards as well."""
    filelock = _filelock(path)
    # A new object for each acquisition: none is shared between threads, and a
    # child that was forked in between has nothing to inherit.
    lock: BaseFileLock = filelock.FileLock(
        path, mode=0o600, thread_local=False, fallback_to_soft=False
    )
    try:
        for _ in range(_TRIES):
            with _files.lock_file(path) as status:
                lock.acquire(timeout=timeout)
                if _files.is_at(path, status):
                    return lock
            lock.release()  # somebody has removed it meanwhile
        lock.acquire(timeout=timeout)
    except filelock.Timeout:
        return None
    return lock


def _filelock(path: str) -> ModuleType:
    try:
        import filelock
    except (ImportError, RuntimeError) as error:
        # It was not needed until now, and some of what it imports in turn
        # cannot be imported any more once the main thread has ended.
        raise UnwritableError(
            f"Cannot lock {path}: filelock cannot be imported "
            f"({type(error).__name__}), as in a program that is ending. Import it "
            "when the program starts, or get the token earlier.",
            location=path,
        ) from None
    return filelock
