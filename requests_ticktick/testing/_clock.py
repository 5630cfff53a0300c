"""A clock that one turns by hand."""

from __future__ import annotations

import time


class FakeClock:
    """A clock for :class:`~requests_ticktick._source.TokenSource`.

    ``auth.source.clock = FakeClock()`` before the first request.

    :param now: Where it begins, in epoch seconds; by default now.
    """

    def __init__(self, now: float | None = None) -> None:
        self._now = time.time() if now is None else now
        self._monotonic = 1_000.0

    def time(self) -> float:
        """Return epoch seconds."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock, as a person or NTP does; no time passes."""
        self._now += seconds
