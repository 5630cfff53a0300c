"""A process's announcement that it is about to take a lock."""

from __future__ import annotations

import contextlib
import os
import time

from .._foreign import holder_of
from . import _note, _place

#: How long a claim holds back other processes, in seconds.
_CLAIM_SECONDS = 0.25

#: When this process first gave way to a claim. It gives way for one such time
#: only, since claims might be renewed again and again.
yielded: dict[str, float] = {}


class Claim:
    """A hint that spares other processes the import of filelock.

    That import takes 10 ms of processor time. When many processes find their
    token expired, one of them needs the lock, and the others only the new
    token. The lock itself does not rely on claims.

    :param path: The claim's file.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def begin(self) -> bool:
        """Claim the lock; return ``False`` if another process just did."""
        if self._is_anothers():
            return False
        with contextlib.suppress(OSError):
            if _place.prepare(self._path) is None:
                _note.write(self._path)
        return True

    def end(self) -> None:
        """Remove the claim, whichever process made it."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    def holder(self) -> str | None:
        """Return the process that claimed the lock, if known."""
        return holder_of(_note.read(self._path))

    def _is_anothers(self) -> bool:
        claim, now = _note.read(self._path), time.monotonic()
        if holder_of(claim) is None or claim["pid"] == os.getpid():
            return False
        if not 0 <= time.time() - claim["since"] < _CLAIM_SECONDS:
            return False
        return now - yielded.setdefault("since", now) < _CLAIM_SECONDS
