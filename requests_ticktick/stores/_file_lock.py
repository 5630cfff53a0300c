"""A kernel lock beside a file, and a note about who holds it."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, NoReturn

from .._foreign import held_by, holder_of
from ..errors import LockTimeoutError, TickTickAuthError
from . import _files, _machine, _note, _place
from ._claim import Claim
from ._once import Once
from .base import UnwritableError

#: How often a lock is taken again whose file was removed in that moment. Some
#: file systems number a file anew at each look, and no lock would ever do.
_TRIES = 100

#: What a file system without locks answers.
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)

_once = Once()


class FileLock:
    """One lock, for every process of this machine that names the same file.

    It is two kernel locks, which end with their holder: one beside the file,
    for all who share that folder, and one in a folder of this machine's.
    Either may be missing: a full or read-only disk takes no new file, another
    program may remove one, a container shares no memory.

    :param path: The file that is guarded, or a name for it where it has no
        place. ``<path>.lock`` is locked, and ``<path>.lock-info``, which its
        holder alone writes, says by whom and what went wrong last.
        ``<path>.lock-claim`` says who is about to lock.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        #: What the names of lock and note begin with: here, and there.
        self._beside = [path] if os.path.isabs(path) else []
        self._bases = self._beside + _machine.places(path)
        self._claim = Claim(f"{self._bases[0]}.lock-claim")

    @contextmanager
    def acquire(self, timeout: float) -> Iterator[None]:
        """Hold the lock.

        :param timeout: Seconds; 0 tries once.
        :raises LockTimeoutError: Somebody else held it all the while.
        :raises UnwritableError: There can be no lock, here or elsewhere.
        """
        if timeout <= 0 and "filelock" not in sys.modules and not self._claim.begin():
            self._raise_timeout(timeout, self._claim.holder())
        with contextlib.ExitStack() as stack:
            try:
                self._enter(stack, timeout)
            finally:
                self._claim.end()  # who has failed is not about to lock either
            yield

    def failure(self) -> str | None:
        """Return what :meth:`record_failure` was last given."""
        failure = self._read().get("failure")
        return failure if isinstance(failure, str) else None

    def record_failure(self, failure: str | None) -> None:
        """Leave a note for those who wait; none where there is no place."""
        if failure != self.failure():
            for base in self._bases:
                if _place.doubt(f"{base}.lock") is None and self._tell(base, failure):
                    return

    def version(self) -> object:
        """Return what changes when there is something new to read."""
        return tuple(_files.identity(f"{base}.lock-info") for base in self._bases)

    def _enter(self, stack: contextlib.ExitStack, timeout: float) -> None:
        """Take both locks, and room for the note: it will have to be written.

        Everybody tries the same places in the same order. Who finds the first
        lock taken goes no further.
        """
        problems: list[str] = []
        held: list[str] = []
        deadline = time.monotonic() + timeout
        for base in self._bases:
            try:
                left = max(0.0, deadline - time.monotonic())
                stack.enter_context(self._locked(base, left, timeout))
                held.append(base)
                if base not in self._beside:
                    break
            except TickTickAuthError:
                raise
            except (OSError, NotImplementedError) as error:
                problems.append(f"{base}.lock: {_problem(error)}")
                if base in self._beside and _has_no_locks(error):
                    _once.warn(
                        f"Cannot lock {problems[0]}. Processes of this machine alone "
                        "wait for each other there; for several, use a Redis store."
                    )
        if not held:
            raise UnwritableError(
                f"Cannot lock {'; nor '.join(problems)}. Make room in one of these "
                "folders, or make it writable; or choose another place for the token.",
                location=f"{self._path}.lock",
            )
        failure = self.failure()
        any(self._tell(base, failure) for base in held)

    @contextmanager
    def _locked(self, base: str, left: float, timeout: float) -> Iterator[None]:
        """Hold the kernel's lock of one file.

        :param left: Seconds.
        :param timeout: Seconds, of both.
        :raises OSError: There can be none.
        """
        path = f"{base}.lock"
        doubtful = _place.prepare(path)
        if doubtful is not None:
            raise PermissionError(errno.EPERM, doubtful)
        filelock = self._filelock()
        # A new object for each acquisition: none is shared between threads,
        # and a child that was forked in between has nothing to inherit.
        lock = filelock.FileLock(
            path, mode=0o600, thread_local=False, fallback_to_soft=False
        )
        try:
            self._take(lock, path, left)
        except filelock.Timeout:
            self._raise_timeout(timeout, holder_of(self._read()))
        try:
            yield
        finally:
            if base not in self._beside:
                self._tidy(base)
            lock.release()

    def _tidy(self, base: str) -> None:
        """Leave nothing in this machine's memory but what there is to say."""
        with contextlib.suppress(OSError):
            os.unlink(f"{base}.lock")  # who waits for it looks what it has locked
            if _note.read(f"{base}.lock-info").get("failure") is None:
                os.unlink(f"{base}.lock-info")

    def _take(self, lock: Any, path: str, timeout: float) -> None:
        """Lock a file which has that name afterwards as well."""
        for _ in range(_TRIES):
            with _files.lock_file(path) as status:
                lock.acquire(timeout=timeout)
                if _files.is_at(path, status):
                    return
            lock.release()  # somebody has removed it meanwhile
        lock.acquire(timeout=timeout)

    def _tell(self, base: str, failure: str | None) -> bool:
        """Write the note, as the only one there is; or find no room for it."""
        try:
            _note.write(f"{base}.lock-info", failure=failure)
        except OSError:
            return False
        for other in self._bases[self._bases.index(base) + 1 :]:
            with contextlib.suppress(OSError):
                os.unlink(f"{other}.lock-info")
        return True

    def _read(self) -> dict[str, Any]:
        """Return the note: the last place has it, if the first had no room."""
        notes = (_note.read(f"{base}.lock-info") for base in reversed(self._bases))
        return next(filter(None, notes), {})

    def _filelock(self) -> ModuleType:
        try:
            import filelock
        except (ImportError, RuntimeError) as error:
            # It was not needed until now, and some of what it imports in turn
            # cannot be imported any more once the main thread has ended.
            raise UnwritableError(
                f"Cannot lock {self._path}.lock: filelock cannot be imported "
                f"({type(error).__name__}), as in a program that is ending. Import "
                "it when the program starts, or get the token earlier.",
                location=f"{self._path}.lock",
            ) from None
        return filelock

    def _raise_timeout(self, timeout: float, holder: str | None) -> NoReturn:
        raise LockTimeoutError(
            f"{held_by(holder, f'{self._path}.lock', timeout)} Finish or stop the "
            "sign-on there, then try again.",
            holder=holder,
        ) from None


def _problem(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def _has_no_locks(error: Exception) -> bool:
    return isinstance(error, NotImplementedError) or (
        getattr(error, "errno", None) in _NO_LOCKS
    )
