"""When a token is to be renewed, on the only clocks that it expires by."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .._token import Token
from .._usable import DAY, first_mark, next_mark, renewed_before_end

if TYPE_CHECKING:
    from .clock import Clock

#: Seconds until the next try, after a renewal failed and nobody was asked.
RETRY_AFTER = 5.0

#: Seconds. The monotonic clock guards against jumps of the other; it does not
#: get to decide the last millisecond.
_TICK = 0.001

#: Tokens whose end is remembered: those that stores may still hold.
_REMEMBERED_TOKENS = 16


class TimedToken:
    """A token, with its deadlines on both clocks.

    The wall clock says when the token expires. The monotonic one notices when
    that clock was set back.

    Renewal is advisory from ``advisory`` on: one caller renews, and the others
    go on. It is mandatory from ``end`` on: all wait for the one who renews.
    Until ``quiet`` and ``quiet_monotonic`` nothing at all is due: neither a
    renewal, nor a save, nor a look at how much time is left.
    """

    __slots__ = (
        "advisory",
        "advisory_monotonic",
        "end",
        "end_monotonic",
        "look",
        "look_monotonic",
        "quiet",
        "quiet_monotonic",
        "save_monotonic",
        "token",
    )

    def __init__(self, token: Token, end: float, end_monotonic: float) -> None:
        self.token = token
        self.end = end
        self.end_monotonic = end_monotonic + _TICK
        self.look = self.look_monotonic = math.inf
        self.renew_before_end(0.0)

    def renew_before_end(self, seconds: float) -> None:
        """Make renewal advisory that long before the end."""
        self.renew_after(self.end - seconds, self.end_monotonic - seconds)

    def renew_after(self, time: float, monotonic: float) -> None:
        """Make renewal advisory once either clock has passed this."""
        # Or the end: at its expiry it has expired.
        self.advisory = min(time, math.nextafter(self.end, -math.inf))
        self.advisory_monotonic = min(monotonic, self.end_monotonic)
        self.save_at(math.inf)

    def save_at(self, monotonic: float) -> None:
        """Let something be due by then: the token is to be saved."""
        self.save_monotonic = monotonic
        self._settle()

    def look_at(self, time: float, monotonic: float) -> None:
        """Let something be due once either clock has passed this: a look."""
        self.look, self.look_monotonic = time, monotonic
        self._settle()

    def _settle(self) -> None:
        self.quiet = min(self.advisory, self.look)
        self.quiet_monotonic = min(
            self.advisory_monotonic, self.save_monotonic, self.look_monotonic
        )


class Deadlines:
    """Works out when tokens end, and asks the clock.

    :param clock: :mod:`time`, or a test's.
    :param leeway: Seconds before its expiry that a token is renewed.
    """

    __slots__ = ("_ends", "clock", "leeway")

    def __init__(self, clock: Clock, leeway: float) -> None:
        self.clock = clock
        self.leeway = leeway
        # Tokens, and when they end by the monotonic clock.
        self._ends: tuple[tuple[object, float], ...] = ()

    def of(self, token: Token) -> TimedToken:
        """Work out a token's deadlines."""
        now, monotonic = self.clock.time(), self.clock.monotonic()
        if token.expires_at is None:
            return TimedToken(token, float("inf"), float("inf"))
        left, lifetime = token.expires_at - now, token.lifetime
        if lifetime is not None:
            # It never has more left than it was issued with, wherever the
            # clock stood when that was written down.
            left = min(left, lifetime)
        timed = TimedToken(
            token, token.expires_at, self._first_known(token, monotonic + left)
        )
        timed.renew_before_end(renewed_before_end(token, self.leeway))
        days = first_mark(token, lifetime)
        if days is not None:
            # At once, if it has passed that mark already.
            seconds = days * DAY
            timed.look_at(timed.end - seconds, timed.end_monotonic - seconds)
        return timed

    def is_quiet(self, timed: TimedToken) -> bool:
        """Whether nothing is due: no renewal, no save, no look."""
        clock = self.clock
        return (
            clock.time() <= timed.quiet and clock.monotonic() <= timed.quiet_monotonic
        )

    def is_fresh(self, timed: TimedToken) -> bool:
        """Whether no renewal is due."""
        clock = self.clock
        return (
            clock.time() <= timed.advisory
            and clock.monotonic() <= timed.advisory_monotonic
        )

    def is_alive(self, timed: TimedToken) -> bool:
        """Whether it has not expired."""
        clock = self.clock
        return clock.time() < timed.end and clock.monotonic() < timed.end_monotonic

    def left(self, timed: TimedToken) -> float:
        """Return how many seconds of a token are left."""
        clock = self.clock
        return min(timed.end - clock.time(), timed.end_monotonic - clock.monotonic())

    def is_look_due(self, timed: TimedToken) -> bool:
        """Whether it is time to see how much of a token is left."""
        clock = self.clock
        return clock.time() > timed.look or clock.monotonic() > timed.look_monotonic

    def look_again(self, timed: TimedToken) -> None:
        """Have a look at a token once the next mark is reached, if any is."""
        days = next_mark(timed.token, self.left(timed))
        seconds = -math.inf if days is None else days * DAY
        timed.look_at(timed.end - seconds, timed.end_monotonic - seconds)

    def look_soon(self, timed: TimedToken) -> None:
        """Have a look at a token in a few seconds."""
        clock = self.clock
        timed.look_at(clock.time() + RETRY_AFTER, clock.monotonic() + RETRY_AFTER)

    def is_older(self, token: Token, than: Token) -> bool:
        """Whether a token was issued before another, for all that is known.

        Of one that was issued after now, it is known that the clock was set
        back since.
        """
        if token.issued_at is None or than.issued_at is None:
            return False
        return token.issued_at < than.issued_at <= self.clock.time()

    def postpone(self, timed: TimedToken) -> None:
        """Have the renewal tried again in a few seconds."""
        clock = self.clock
        timed.renew_after(clock.time() + RETRY_AFTER, clock.monotonic() + RETRY_AFTER)

    def _first_known(self, token: Token, end: float) -> float:
        """Return when it ends, as was worked out when it was first seen alive.

        A store still has what has expired: when the clock is set back, that
        looks alive again.
        """
        key = hash((token.access_token, token.issued_at, token.expires_at))
        for known, first in self._ends:
            if known == key:
                return first
        if end > self.clock.monotonic():
            self._ends = (*self._ends[1 - _REMEMBERED_TOKENS :], (key, end))
        return end
