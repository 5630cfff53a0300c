"""One thread renews. The others wait for it, or go on without it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from .._errors import LockTimeoutError, TickTickAuthError
from .failures import only_our_errors

if TYPE_CHECKING:
    from .._token import Token
    from .._value import PerProcess
    from ..stores import TokenStore
    from ..stores._warn_once import Once
    from .deadlines import Deadlines, TimedToken
    from .events import Events
    from .renewal import Renewal
    from .snapshot import Snapshot
    from .turns import Turns
    from .wallet import Wallet


class TakesTurns:
    """The part of a source in which threads wait for each other."""

    store: TokenStore
    _deadlines: Deadlines
    _events: Events
    _once: Once
    _renewal: Renewal
    _turns: PerProcess[Turns]
    _wallet: Wallet

    def _renew_early(self, timed: TimedToken, snapshot: Snapshot) -> Token:
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
            self._deadlines.postpone(timed)
            self._once.warn(
                f"The token expires soon and was not renewed: {error}",
                about=timed.token.fingerprint,
            )
            return timed.token

    def _renew(self, snapshot: Snapshot) -> Token:
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
            token = attempt.wait(self.store.lock_timeout)
            # No token: it was an early attempt, and another process held the
            # lock. A token that does not answer this snapshot is no use
            # either.
            if token is None or self._wallet.is_refused(token):
                continue
            if not snapshot.forced or snapshot.is_answered_by(token):
                self._events.tell("reused", token, seconds=time.monotonic() - began)
                return token
