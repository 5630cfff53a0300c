"""A kernel lock beside a file, and a note that names its holder."""

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
from .._value import Once, public
from . import _files, _machine, _note, _place
from ._base import UnwritableError
from ._claim import Claim

warned = Once()


@public
class FileLock:
    """A lock for every thread and process of this machine.

    All objects with the same path, or the same name, are the same lock. It is
    not reentrant, and the death of its holder releases it. Its holder writes a
    note beside it: the holder's process, and how the last renewal failed. An
    object may be shared by threads, pickled, and used after a fork.
    Constructing one touches no file.

    ``<path>.lock`` is locked. ``<path>.lock-info`` is the note.
    ``<path>.lock-claim`` exists while a process takes the lock and has it.
    A second lock, in a folder in this machine's memory, keeps processes apart
    if these files cannot be written or another program removes them.

    :param path: The file to guard. It need not exist, and is not touched. A
        symbolic link stands for its target.
    :raises ValueError: No file can have such a name.
    """

    #: The path, or the name of a lock that :meth:`named` made.
    name: str

    #: The absolute path of the guarded file; ``None`` if there is only a name.
    path: str | None

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = _place.absolute(path)
        # "~/tokens.db" without a home is no path, but it can name a lock.
        self.path = self.name if os.path.isabs(self.name) else None

    @classmethod
    def named(cls, name: str) -> FileLock:
        """Return the lock of something that is not a file, such as a password.

        :param name: Any text that identifies it.
        """
        lock = cls.__new__(cls)
        lock.name, lock.path = name, None
        return lock

    @contextmanager
    def acquire(self, timeout: float) -> Iterator[None]:
        """Hold the lock for as long as the context lasts.

        :param timeout: Seconds to wait; 0 tries once.
        :raises LockTimeoutError: Another holder kept it until the time-out.
        :raises TokenStoreError: Neither file nor memory can be locked.
        """
        bases = self._bases()
        claim = Claim(f"{bases[0]}.lock-claim")
        is_claimed, is_cold = not claim.begin(), "filelock" not in sys.modules
        if is_claimed and is_cold and timeout <= 0 and claim.gives_way():
            self._raise_timeout(timeout, claim.holder())
        with contextlib.ExitStack() as stack:
            stack.callback(claim.end)  # after the lock's end, also if that is now
            self._enter(stack, bases, timeout)
            yield

    def failure(self) -> str | None:
        """Return the failure that was last recorded, or ``None``."""
        return _failure_in(self._bases())

    def record_failure(self, failure: str | None) -> None:
        """Record why the renewal failed, for processes that wait for the lock.

        The lock's holder calls it. Nothing happens if no note can be written.

        :param failure: A text for the note; ``None`` removes it.
        """
        bases = self._bases()
        if failure != _failure_in(bases):
            for base in bases:
                if _place.doubt(f"{base}.lock") is None and _tell(base, bases, failure):
                    return

    def version(self) -> object:
        """Return a value that changes when the note changes."""
        return tuple(_files.identity(f"{base}.lock-info") for base in self._bases())

    def _bases(self) -> list[str]:
        """Return the paths of lock and note without their suffixes.

        The first is beside the file, the others are in memory. They are
        determined at each call, since a symbolic link may have changed.
        """
        if self.path is None:
            return _machine.places(self.name)
        path = os.path.realpath(self.path)
        return [path, *_machine.places(path)]

    def _enter(
        self, stack: contextlib.ExitStack, bases: list[str], timeout: float
    ) -> None:
        """Take both locks, and write the note, whose space is then reserved.

        Every process takes the locks in the same order. One that finds the
        first lock taken does not try the second.
        """
        from . import _kernel_lock  # many others of a herd wait without it

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
                    warned.warn(
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
        """The lock's name in error messages."""
        return self.name if self.path is None else f"{self.path}.lock"

    def __repr__(self) -> str:
        if self.path is None:
            return f"FileLock.named({self.name!r})"
        return f"FileLock({self.path!r})"


def _tell(base: str, bases: list[str], failure: str | None) -> bool:
    """Write the note and remove the others; return whether there was space."""
    try:
        _note.write(f"{base}.lock-info", failure=failure)
    except OSError:
        return False
    for other in bases[bases.index(base) + 1 :]:
        with contextlib.suppress(OSError):
            os.unlink(f"{other}.lock-info")
    return True


def _tidy(base: str) -> None:
    """Remove the note in memory, unless it records a failure."""
    with contextlib.suppress(OSError):
        if _note.read(f"{base}.lock-info").get("failure") is None:
            os.unlink(f"{base}.lock-info")


def _read(bases: list[str]) -> dict[str, Any]:
    """Return the note. A note in memory is the newer one, if there are two."""
    notes = (_note.read(f"{base}.lock-info") for base in reversed(bases))
    return next(filter(None, notes), {})


def _failure_in(bases: list[str]) -> str | None:
    failure = _read(bases).get("failure")
    return failure if isinstance(failure, str) else None
