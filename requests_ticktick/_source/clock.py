"""What tells the time. Only a type checker needs it."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """What :mod:`time` offers; a test passes another."""

    def time(self) -> float:
        """Return epoch seconds."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""
