"""Pauses after failures, so that a loop does not flood the server."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, ClassVar

from .._errors import TickTickAuthError, TokenEndpointError
from .failures import shareable

if TYPE_CHECKING:
    from .clock import Clock

logger = logging.getLogger("requests_ticktick")

#: The first and the longest pause, in seconds. Each is twice the one before.
FIRST_PAUSE = 60.0
LONGEST_PAUSE = 1800.0

#: The longest Retry-After that is obeyed, in seconds (RFC 9110 10.2.3).
LONGEST_RETRY_AFTER = 3600.0

#: How many recorded failures' pauses are remembered.
_REMEMBERED_FAILURES = 64


class Backoff:
    """Raises the last failure again until its pause ends.

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

        :param error: The failure.
        :param retry_after: Seconds, if the server named them.
        """
        now = self._clock.monotonic()
        if now > self._ends + LONGEST_PAUSE:
            self._next_pause = FIRST_PAUSE  # the last failure was long ago
        pause = self._next_pause
        if retry_after:  # 0, as for a time in the past, counts as none
            pause = min(retry_after, LONGEST_RETRY_AFTER)
        self._next_pause = min(2 * self._next_pause, LONGEST_PAUSE)
        self._error, self._ends, self._is_told = error, now + pause, False

    def heed(self, error: BaseException) -> None:
        """Begin a pause if the token endpoint asked for one or refused us.

        Sending the same request again would fail, and looks like an attack.
        """
        if not isinstance(error, TokenEndpointError):
            return
        status, code = error.status_code or 0, error.error
        # invalid_grant concerns one code; the next sign-on has another.
        refused = 400 <= status < 500 and code not in (None, "invalid_grant")
        if refused or status == 429 or error.retry_after is not None:
            self.begin(error, error.retry_after)

    def end(self) -> None:
        """End the pause."""
        self._error = None
        self._next_pause = FIRST_PAUSE

    def check(self) -> None:
        """Do nothing unless there is a pause.

        :raises TickTickAuthError: The failure that began the pause.
        """
        left = self._ends - self._clock.monotonic()
        if self._error is None or left <= 0:
            return
        error = shareable(self._error)
        error.args = (
            f"{error} Requests do not try again for another {math.ceil(left)} s; "
            "auth.sign_on() does at once.",
        )
        error.is_repeated = True
        if not self._is_told:
            self._is_told = True
            logger.warning("%s", error)
        raise error


class Pauses:
    """The pauses of one auth, shared with similar auths of this process.

    Many programs make an auth for each call. Auths share a store if they find
    the same recorded failure in it.

    :param clock: :mod:`time`, or a test's.
    """

    latest: ClassVar[dict[str, tuple[object, Pauses]]] = {}

    def __init__(self, clock: Clock) -> None:
        #: After an answer of the token endpoint.
        self.token_requests = Backoff(clock)
        #: After a failed sign-on: a person is not asked in a loop.
        self.sign_ons = Backoff(clock)

    def end(self) -> None:
        """End both pauses."""
        self.token_requests.end()
        self.sign_ons.end()

    def begun_by(self, failure: str, terms: object) -> None:
        """Note the recorded failure after which these pauses began.

        :param terms: How the auth was made. Auths made otherwise may succeed.
        """
        self.latest[failure] = terms, self
        for oldest in list(self.latest)[:-_REMEMBERED_FAILURES]:
            self.latest.pop(oldest, None)

    def after(self, failure: str | None, terms: object) -> Pauses:
        """Return the pauses that this failure began, or else these."""
        known = self.latest.get(failure or "")
        return self if known is None or known[0] != terms else known[1]
