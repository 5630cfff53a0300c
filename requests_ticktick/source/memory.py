"""The token in memory, and the only clock that tokens expire by."""

from __future__ import annotations

import math
from typing import Protocol

from ..token import Token

#: Seconds until the next try, after a renewal failed and nobody was asked.
RETRY_AFTER = 5.0

#: The monotonic clock guards against jumps of the other; it does not get to
#: decide the last millisecond.
_TICK = 0.001

#: Tokens whose end is remembered: those that stores may still hold.
_REMEMBERED = 16


class Clock(Protocol):
    """What :mod:`time` offers; a test passes another."""

    def time(self) -> float:
        """Return epoch seconds."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""


class Held:
    """A token in memory, with its deadlines on both clocks.

    The wall clock says when the token expires. The monotonic one notices when
    that clock was set back.
    """

    __slots__ = ("end", "end_monotonic", "renew", "renew_monotonic", "token")

    def __init__(self, token: Token, end: float, end_monotonic: float) -> None:
        self.token = token
        self.end = end
        self.end_monotonic = end_monotonic + _TICK
        self.renew_before_end(0.0)

    def renew_before_end(self, seconds: float) -> None:
        """Have it renewed that long before its expiry; 0: once it expired."""
        self.renew_after(self.end - seconds, self.end_monotonic - seconds)

    def renew_after(self, time: float, monotonic: float) -> None:
        """Have it renewed once either clock has passed this, or its end."""
        # At its expiry it has expired: the last moment is the one before.
        self.renew = min(time, math.nextafter(self.end, -math.inf))
        self.renew_monotonic = min(monotonic, self.end_monotonic)

    def look_at(self, monotonic: float) -> None:
        """Have it looked at by then, as if it were to be renewed."""
        self.renew_monotonic = min(self.renew_monotonic, monotonic)


class Memory:
    """What one source knows of its token, and of the time.

    :param clock: :mod:`time`, or a test's.
    :param leeway: Seconds before its expiry that a token is renewed.
    """

    def __init__(self, clock: Clock, leeway: float) -> None:
        self.clock = clock
        self.leeway = leeway
        self.held: Held | None = None
        #: The latest token, as long as no store has it.
        self.unsaved: Token | None = None
        # Tokens that the API has refused, and when they were issued.
        self._spent: dict[str, float] = {}
        # When tokens end by the monotonic clock.
        self._ends: dict[tuple[object, ...], float] = {}

    def spend(self, token: Token) -> None:
        """Know that the API refuses it. A later grant is another matter."""
        self._spent[token.access_token] = token.issued_at or 0.0

    def is_spent(self, token: Token) -> bool:
        """Whether it is of no use, although it has not expired."""
        issued_at = self._spent.get(token.access_token)
        return issued_at is not None and (token.issued_at or 0.0) <= issued_at

    def is_fresh(self, held: Held) -> bool:
        """Whether it is to be used as it is."""
        clock = self.clock
        return clock.time() <= held.renew and clock.monotonic() <= held.renew_monotonic

    def is_alive(self, held: Held) -> bool:
        """Whether it has not expired."""
        clock = self.clock
        return clock.time() < held.end and clock.monotonic() < held.end_monotonic

    def is_usable(self, held: Held) -> bool:
        """Whether it works, as far as is known."""
        return self.is_alive(held) and not self.is_spent(held.token)

    def weigh(self, token: Token) -> Held:
        """Work out a token's deadlines."""
        now, monotonic = self.clock.time(), self.clock.monotonic()
        if token.expires_at is None:
            return Held(token, float("inf"), float("inf"))
        left, lifetime = token.expires_at - now, token.lifetime
        if lifetime is not None:
            # It never has more left than it was issued with, wherever the
            # clock stood when that was written down.
            left = min(left, lifetime)
        end = self._first_known(token, monotonic + left)
        held = Held(token, token.expires_at, end)
        if lifetime is None or lifetime > self.leeway:
            # A token born within the leeway would only be handed back.
            held.renew_before_end(self.leeway)
        return held

    def postpone(self, held: Held) -> None:
        """Have the renewal tried again in a few seconds."""
        clock = self.clock
        held.renew_after(clock.time() + RETRY_AFTER, clock.monotonic() + RETRY_AFTER)

    def _first_known(self, token: Token, end: float) -> float:
        """Return when it ends, as was worked out when it was first seen alive.

        A store still has what has expired: when the clock is set back, that
        looks alive again.
        """
        key = (token.access_token, token.issued_at, token.expires_at)
        if end > self.clock.monotonic() and key not in self._ends:
            latest = list(self._ends.items())[1 - _REMEMBERED :]
            self._ends = {**dict(latest), key: end}
        return self._ends.get(key, end)
