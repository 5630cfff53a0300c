"""A clock that a test controls."""

from __future__ import annotations

import time


class FakeClock:
    """A clock that stands still until a test moves it.

    Set ``auth.source.clock = FakeClock()`` before the first request.

    :param now: The initial time in epoch seconds; the present time by default.
    """

    def __init__(self, now: float | None = None) -> None:
        self._now = time.time() if now is None else now
        self._monotonic = 1_000.0

    def time(self) -> float:
        """Return the wall clock's time in epoch seconds."""
        return self._now

    def monotonic(self) -> float:
        """Return the monotonic clock's time in seconds."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self._now += seconds
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Change the wall clock alone, as a person or NTP does."""
        self._now += seconds
