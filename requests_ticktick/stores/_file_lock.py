"""A kernel lock beside a file, and a note about who holds it."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from .._errors import LockTimeoutError, TickTickAuthError
from .._foreign import held_by, holder_of
from . import _files, _kernel_lock, _machine, _note, _place
from ._base import UnwritableError
from ._claim import Claim
from ._warn_once import Once

_once = Once()


class FileLock:
    """A lock for every thread and process of this machine.

    Objects with the same path, or the same name, are one lock. It ends with
    the process that holds it, and is not reentrant. Beside it stands a note,
    which its holder alone writes: who that is, and how the last renewal
    failed. One object may be used by all threads, pickled, and kept across a
    fork; to make one touches no file.

    ``<path>.lock`` is locked, ``<path>.lock-info`` is the note, and
    ``<path>.lock-claim`` says for a moment who is about to lock. Where these
    cannot be written, or are removed by another program, a second lock in a
    folder of this machine's memory holds.

    :param path: The file that is guarded. It need not exist, and is not
        touched. A link to a file is that file.
    :raises ValueError: No file can have such a name.
    """

    #: The path, or the name that was given in place of one.
    name: str

    #: The file that is guarded, from the root; ``None`` for a name alone.
    path: str | None

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = _place.absolute(path)
        # Without a home "~/tokens.db" is nowhere, and still names one thing.
        self.path = self.name if os.path.isabs(self.name) else None

    @classmethod
    def named(cls, name: str) -> FileLock:
        """Return the lock of something that is no file, such as a password.

        :param name: Which of them, as one word or more.
        """
        lock = cls.__new__(cls)
        lock.name, lock.path = name, None
        return lock

    @contextmanager
    def acquire(self, timeout: float) -> Iterator[None]:
        """Hold the lock, as a context.

        :param timeout: Seconds to wait; 0 tries once.
        :raises LockTimeoutError: Somebody else held it all the while.
        :raises TokenStoreError: There can be no lock, here or in memory.
        """
        bases = self._bases()
        claim = Claim(f"{bases[0]}.lock-claim")
        if timeout <= 0 and "filelock" not in sys.modules and not claim.begin():
            self._raise_timeout(timeout, claim.holder())
        with contextlib.ExitStack() as stack:
            try:
                self._enter(stack, bases, timeout)
            finally:
                claim.end()  # who has failed is not about to lock either
            yield

    def failure(self) -> str | None:
        """Return what :meth:`record_failure` was last given, or ``None``."""
        return _failure_in(self._bases())

    def record_failure(self, failure: str | None) -> None:
        """Tell those who wait for the lock that the renewal failed.

        Called by the lock's holder. Nothing happens where there is no place
        for a note.

        :param failure: What the note is to say; ``None`` takes it back.
        """
        bases = self._bases()
        if failure != _failure_in(bases):
            for base in bases:
                if _place.doubt(f"{base}.lock") is None and _tell(base, bases, failure):
                    return

    def version(self) -> object:
        """Return a value that changes whenever the note does."""
        return tuple(_files.identity(f"{base}.lock-info") for base in self._bases())

    def _bases(self) -> list[str]:
        """Return what the names of lock and note begin with: here, and there.

        They are looked for each time: a link may lead elsewhere by now.
        """
        if self.path is None:
            return _machine.places(self.name)
        path = os.path.realpath(self.path)
        return [path, *_machine.places(path)]

    def _enter(
        self, stack: contextlib.ExitStack, bases: list[str], timeout: float
    ) -> None:
        """Take both locks, and room for the note: it will have to be written.

        Everybody tries the same places in the same order. Who finds the first
        lock taken goes no further.
        """
        problems: list[str] = []
        held: list[str] = []
        deadline = time.monotonic() + timeout
        for base in bases:
            is_beside = self.path is not None and base == bases[0]
            try:
                left = max(0.0, deadline - time.monotonic())
                lock = _kernel_lock.hold(f"{base}.lock", left, for_good=is_beside)
                if not stack.enter_context(lock):
                    self._raise_timeout(timeout, holder_of(_read(bases)))
                held.append(base)
                if not is_beside:
                    stack.callback(_tidy, base)
                    break
            except TickTickAuthError:
                raise
            except (OSError, NotImplementedError) as error:
                problem = getattr(error, "strerror", None) or type(error).__name__
                problems.append(f"{base}.lock: {problem}")
                if is_beside and _kernel_lock.is_missing(error):
                    _once.warn(
                        f"Cannot lock {problems[0]}. Processes of this machine alone "
                        "wait for each other there; for several, use a Redis store."
                    )
        if not held:
            self._raise_unwritable("; nor ".join(problems))
        failure = _failure_in(bases)
        any(_tell(base, bases, failure) for base in held)

    def _raise_unwritable(self, problems: str) -> NoReturn:
        raise UnwritableError(
            f"Cannot lock {problems}. Make room in one of these folders, or make it "
            "writable; or choose another place for the token.",
            location=self._shown,
        )

    def _raise_timeout(self, timeout: float, holder: str | None) -> NoReturn:
        raise LockTimeoutError(
            f"{held_by(holder, self._shown, timeout)} Finish or stop the sign-on "
            "there, then try again.",
            holder=holder,
        )

    @property
    def _shown(self) -> str:
        """What errors call the lock."""
        return self.name if self.path is None else f"{self.path}.lock"

    def __repr__(self) -> str:
        if self.path is None:
            return f"FileLock.named({self.name!r})"
        return f"FileLock({self.path!r})"


def _tell(base: str, bases: list[str], failure: str | None) -> bool:
    """Write the note, as the only one there is; or find no room for it."""
    try:
        _note.write(f"{base}.lock-info", failure=failure)
    except OSError:
        return False
    for other in bases[bases.index(base) + 1 :]:
        with contextlib.suppress(OSError):
            os.unlink(f"{other}.lock-info")
    return True


def _tidy(base: str) -> None:
    """Leave no note in this machine's memory that says nothing."""
    with contextlib.suppress(OSError):
        if _note.read(f"{base}.lock-info").get("failure") is None:
            os.unlink(f"{base}.lock-info")


def _read(bases: list[str]) -> dict[str, Any]:
    """Return the note: the last place has it, if the first had no room."""
    notes = (_note.read(f"{base}.lock-info") for base in reversed(bases))
    return next(filter(None, notes), {})


def _failure_in(bases: list[str]) -> str | None:
    failure = _read(bases).get("failure")
    return failure if isinstance(failure, str) else None
