"""A process's word that it is about to take a lock."""

from __future__ import annotations

import contextlib
import os
import time

from .._foreign import holder_of
from . import _note, _place

#: Seconds that a process is given to take the lock that it has announced.
_LASTS = 0.25

#: When this process first left the lock to whoever claimed it. It does so for
#: one such moment: a claim may be anybody's, and made again and again.
_yielded: dict[str, float] = {}


class Claim:
    """A hint, which the lock itself does not rely on.

    Importing filelock takes a processor 10 ms: of a herd that finds its token
    expired, one process needs it, and the others need the token.

    :param path: Where the claim is written down.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def begin(self) -> bool:
        """Claim the lock; ``False`` where another process has just done so."""
        if self._is_anothers():
            return False
        with contextlib.suppress(OSError):
            if _place.prepare(self._path) is None:
                _note.write(self._path)
        return True

    def end(self) -> None:
        """Take the claim back, whosever it is: the lock itself speaks now."""
        with contextlib.suppress(OSError):
            os.unlink(self._path)

    def holder(self) -> str | None:
        """Say who has claimed the lock."""
        return holder_of(_note.read(self._path))

    def _is_anothers(self) -> bool:
        claim, now = _note.read(self._path), time.monotonic()
        if holder_of(claim) is None or claim["pid"] == os.getpid():
            return False
        if not 0 <= time.time() - claim["since"] < _LASTS:
            return False
        return now - _yielded.setdefault("since", now) < _LASTS
