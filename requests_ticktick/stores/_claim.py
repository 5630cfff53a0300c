"""A process's announcement that it takes a lock, or has it."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from typing import Any

from .._foreign import holder_of
from . import _machine, _note, _place

#: How long a claim holds back other processes, in seconds.
_CLAIM_SECONDS = 0.25

#: The same for the claim of a process of this machine that is still running.
_HELD_SECONDS = 5.0

#: When this process first gave way to a claim. It gives way for the longer of
#: these times only, since claims might be renewed again and again.
yielded: dict[str, float] = {}


class Claim:
    """A hint that spares other processes the import of filelock.

    That import takes 20 ms of processor time. When many processes find their
    token expired, one of them needs the lock, and the others only the new
    token. The lock itself does not rely on claims.

    :param path: The claim's file.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._is_made = False
        self._found: dict[str, Any] = {}

    def begin(self) -> bool:
        """Claim the lock; return ``False`` if another process did."""
        if self._is_anothers():
            return False
        with contextlib.suppress(OSError):
            if _place.prepare(self._path) is not None:
                return True  # others could write it
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)  # nobody has the lock by it any more
            try:
                _note.create(self._path)
            except FileExistsError:
                self._found = _note.read(self._path)
                return False  # at the same moment
            self._is_made = True
        return True

    def end(self) -> None:
        """Remove the claim, if this object made one."""
        if self._is_made:
            with contextlib.suppress(OSError):
                os.unlink(self._path)

    def gives_way(self) -> bool:
        """Whether this process still waits where another one has a claim."""
        now = time.monotonic()
        return now - yielded.setdefault("since", now) < _HELD_SECONDS

    def holder(self) -> str | None:
        """Return the process that claimed the lock, if known."""
        return holder_of(self._found)

    def _is_anothers(self) -> bool:
        self._found = claim = _note.read(self._path)
        if holder_of(claim) is None or claim["pid"] == os.getpid():
            return False
        is_here = os.name == "posix" and claim.get("host") == socket.gethostname()
        is_running = is_here and _machine.is_running(claim["pid"])
        limit = _HELD_SECONDS if is_running else _CLAIM_SECONDS
        age: float = time.time() - claim["since"]
        return 0 <= age < limit
