"""Pauses after what failed, so that a program's loop makes no storm of it."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, ClassVar

from .._errors import TickTickAuthError, TokenEndpointError
from .failures import shareable

if TYPE_CHECKING:
    from .deadlines import Clock

logger = logging.getLogger("requests_ticktick")

#: Seconds of the first pause, and of the longest; each is twice the last.
FIRST_PAUSE = 60.0
LONGEST_PAUSE = 1800.0

#: Seconds that a server may ask for with Retry-After (RFC 9110 10.2.3).
LONGEST_RETRY_AFTER = 3600.0

#: Failures whose pauses are remembered: those that stores may still hold.
_REMEMBERED_FAILURES = 64


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
        if retry_after:  # 0, or a time that is past, is no pause: as if not said
            pause = min(retry_after, LONGEST_RETRY_AFTER)
        self._next_pause = min(2 * self._next_pause, LONGEST_PAUSE)
        self._error, self._ends, self._is_told = error, now + pause, False

    def heed(self, error: BaseException) -> None:
        """Begin a pause, if the token endpoint wants it or refuses the client.

        To send the same again would be in vain, and looks like an attack.
        """
        if not isinstance(error, TokenEndpointError):
            return
        status, code = error.status_code or 0, error.error
        # An invalid grant is the code's alone: the next sign-on has another.
        refused = 400 <= status < 500 and code not in (None, "invalid_grant")
        if refused or status == 429 or error.retry_after is not None:
            self.begin(error, error.retry_after)

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


class Pauses:
    """The pauses of one auth, and of those of this process that are like it.

    Many programs make an auth for each call. What tells that they share a
    store is the failure that is on record there.

    :param clock: :mod:`time`, or a test's.
    """

    latest: ClassVar[dict[str, tuple[object, Pauses]]] = {}

    def __init__(self, clock: Clock) -> None:
        #: After what the token endpoint has said.
        self.token_requests = Backoff(clock)
        #: After a sign-on that failed: nobody is asked in a loop.
        self.sign_ons = Backoff(clock)

    def end(self) -> None:
        """Let the next question be asked at once, whatever failed before."""
        self.token_requests.end()
        self.sign_ons.end()

    def begun_by(self, failure: str, terms: object) -> None:
        """Know the failure on record after which these began.

        :param terms: How the auth is made; another's may well succeed.
        """
        self.latest[failure] = terms, self
        for oldest in list(self.latest)[:-_REMEMBERED_FAILURES]:
            self.latest.pop(oldest, None)

    def after(self, failure: str | None, terms: object) -> Pauses:
        """Return those that this failure on record began, else these."""
        known = self.latest.get(failure or "")
        return self if known is None or known[0] != terms else known[1]
