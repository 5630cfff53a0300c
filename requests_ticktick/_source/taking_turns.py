"""One thread renews. The others wait for it, or go on without it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from .._errors import LockTimeoutError, TickTickAuthError, only_our_errors
from .._value import PerProcess
from .turns import Turns

if TYPE_CHECKING:
    from .._grant.request import AuthorizationRequest
    from .._token import Token
    from .deadlines import TimedToken
    from .renewal import Renewal
    from .snapshot import Snapshot


class SharedRenewal:
    """The renewal of all threads of a source.

    :param renewal: What one of them does.
    """

    def __init__(self, renewal: Renewal) -> None:
        self._renewal = renewal
        self._store = renewal.store
        self._wallet = renewal.wallet
        self._once = renewal.once
        self._events = renewal.events
        self._turns = PerProcess(Turns)

    def complete(self, request: AuthorizationRequest, redirected_url: str) -> Token:
        """End a sign-on that was begun in any process."""
        return self._renewal.complete(request, redirected_url)

    def save_if_due(self) -> None:
        """Save the unsaved token, if a save is due. One thread does."""
        self._renewal.saving.save_if_due(self._turns.get())

    def refused_at_once(self, token: Token) -> None:
        """Know that the API refuses a token at its first use."""
        self._renewal.obtaining.asking.refused_at_once(token)

    def stop_pausing(self) -> None:
        """End all pauses, so that the next attempt is made at once."""
        self._renewal.obtaining.stop_pausing()

    def renew_early(self, timed: TimedToken, snapshot: Snapshot) -> Token:
        """Renew while the old token still works. No caller waits for it."""
        attempt = self._turns.get().lead()
        if attempt is None:
            return timed.token
        try:
            with only_our_errors(), attempt, self._events.failures_told():
                if self._renewal.was_asked_about(timed.token):
                    timed.renew_before_end(0.0)
                    return timed.token
                # If another process is renewing, the old token is used.
                with contextlib.suppress(LockTimeoutError):
                    attempt.token = self._renewal.run(snapshot, early=True)
                return attempt.token or timed.token
        except TickTickAuthError as error:
            self._wallet.deadlines.postpone(timed)
            self._once.warn(
                f"The token expires soon and was not renewed: {error}",
                about=timed.token.fingerprint,
            )
            return timed.token

    def renew(self, snapshot: Snapshot) -> Token:
        """Renew, or wait for the thread that is renewing."""
        began = time.monotonic()
        while True:
            attempt, leads = self._turns.get().join()
            if leads:
                with attempt, self._events.failures_told():
                    attempt.token = self._renewal.run(snapshot, early=False)
                    return attempt.token
            if not attempt.is_soon_over():
                self._events.wait_for_thread()
            token = attempt.wait(self._store.lock_timeout)
            # No token: it was an early attempt, and another process held the
            # lock. A token that does not answer this snapshot is no use
            # either.
            if token is None or self._wallet.is_refused(token):
                continue
            if not snapshot.forced or snapshot.is_answered_by(token):
                self._events.tell("reused", token, seconds=time.monotonic() - began)
                return token
