"""Pauses after what failed, so that a program's loop makes no storm of it."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from ..errors import TickTickAuthError
from .failures import shareable

if TYPE_CHECKING:
    from .memory import Clock

logger = logging.getLogger("requests_ticktick")

#: Seconds of the first pause, and of the longest; each is twice the last.
FIRST_PAUSE = 60.0
LONGEST_PAUSE = 1800.0

#: Seconds that a server may ask for with Retry-After (RFC 9110 10.2.3).
LONGEST_RETRY_AFTER = 3600.0


class Backoff:
    """Answers with the last failure, until it is time to try again.

    :param clock: :mod:`time`, or a test's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._error: TickTickAuthError | None = None
        self._ends = -math.inf
        self._next_pause = FIRST_PAUSE
        self._is_told = False

    def begin(self, error: TickTickAuthError, retry_after: float | None = None) -> None:
        """Begin a pause.

        :param error: What failed.
        :param retry_after: Seconds, where the server has said how many.
        """
        now = self._clock.monotonic()
        if now > self._ends + LONGEST_PAUSE:
            self._next_pause = FIRST_PAUSE  # the last failure is long past
        pause = self._next_pause
        if retry_after is not None:
            pause = min(retry_after, LONGEST_RETRY_AFTER)
        self._next_pause = min(2 * self._next_pause, LONGEST_PAUSE)
        self._error, self._ends, self._is_told = error, now + pause, False

    def end(self) -> None:
        """Let the next try be made at once."""
        self._error = None
        self._next_pause = FIRST_PAUSE

    def check(self) -> None:
        """Let a try pass, unless there is a pause.

        :raises TickTickAuthError: What failed before it.
        """
        left = self._ends - self._clock.monotonic()
        if self._error is None or left <= 0:
            return
        error = shareable(self._error)
        error.args = (
            f"{error} Requests do not try again for another {math.ceil(left)} s; "
            "auth.sign_on() does at once.",
        )
        if not self._is_told:
            self._is_told = True
            logger.warning("%s", error)
        raise error
