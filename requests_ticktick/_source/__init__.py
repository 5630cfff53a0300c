"""Which token now? The policy of renewal, and the order of the locks."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from .._defaults import LEEWAY_SECONDS
from .._errors import TickTickAuthError, only_our_errors
from .._token import Token
from .._value import Once, Secret
from .deadlines import Deadlines
from .events import Events
from .events.telling import listener_of, told_afterwards
from .looking import Looking
from .wallet import Wallet

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._grant import AuthorizationCodeGrant
    from .._grant.request import AuthorizationRequest
    from ..stores import TokenStore
    from .clock import Clock
    from .deadlines import TimedToken
    from .events import Event
    from .taking_turns import SharedRenewal


class TokenSource(Looking):
    """Answers one question: which token now?

    Most processes find a fresh token. What the others need in addition is
    imported there.

    :param store: Where tokens are kept.
    :param grant: Obtains new tokens.
    :param sign_on: Asks a person for access. Default: ``default_sign_on``.
    :param leeway: How long before its expiry a token is renewed, in seconds.
    :param clock: The module :mod:`time`, or a test's clock.
    :param on_event: Is told what becomes of the token.
    """

    def __init__(
        self,
        store: TokenStore,
        grant: AuthorizationCodeGrant,
        sign_on: Callable[[AuthorizationRequest], str] | None,
        *,
        leeway: float = LEEWAY_SECONDS,
        clock: Clock = time,
        on_event: Callable[[Event], object] | None = None,
    ) -> None:
        self.store = store
        self._grant = grant
        self._sign_on = sign_on
        self._listener = listener_of(on_event)
        self._begin(clock, leeway)

    def _begin(self, clock: Clock, leeway: float) -> None:
        self._once = Once()
        self._deadlines = Deadlines(clock, leeway)
        self._wallet = Wallet(self.store, self._grant, self._deadlines)
        self._events = Events(self._listener, self.store)
        self._renewals: dict[Wallet, SharedRenewal] = {}

    @property
    def _renewal(self) -> SharedRenewal:
        """Return what renews, which is made when it is first needed."""
        from .renewal import Renewal
        from .taking_turns import SharedRenewal

        # dict.setdefault is atomic: two threads get the same one.
        return self._renewals.setdefault(
            self._wallet,
            SharedRenewal(
                Renewal(
                    self.store,
                    self._grant,
                    self._sign_on,
                    self._wallet,
                    self._once,
                    self._events,
                )
            ),
        )

    def __getstate__(self) -> dict[str, Any]:
        # The store keeps the token, and locks cannot be pickled.
        clock = self._deadlines.clock
        return {
            "store": self.store,
            "grant": self._grant,
            "sign_on": self._sign_on,
            "leeway": self._deadlines.leeway,
            "clock": None if clock is time else clock,
            "listener": self._listener,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.store = state["store"]
        self._grant = state["grant"]
        self._sign_on = state["sign_on"]
        self._listener = state["listener"]
        self._begin(state["clock"] or time, state["leeway"])

    @property
    def clock(self) -> Clock:
        """Return the clock. A test may set another."""
        return self._deadlines.clock

    @clock.setter
    def clock(self, clock: Clock) -> None:
        self._begin(clock, self._deadlines.leeway)
        self._wallet.write_behind.due = -math.inf

    def token(self, instead_of: Token | None = None) -> Token:
        """Return a valid token, and renew it if necessary.

        :param instead_of: A token that the API has refused.
        :raises TickTickAuthError: No token was found and none could be
        obtained.
        """
        wallet, deadlines = self._wallet, self._deadlines
        timed = wallet.current if instead_of is None else None
        clock = deadlines.clock
        if (  # deadlines.is_quiet(), without the cost of a call
            timed is not None
            and clock.time() <= timed.quiet
            and clock.monotonic() <= timed.quiet_monotonic
        ):
            return timed.token
        with told_afterwards():
            try:
                with only_our_errors():
                    token = self._find_or_renew(timed, instead_of)
            except TickTickAuthError as error:
                timed = wallet.current
                if timed is None or not wallet.is_usable(timed):
                    raise
                deadlines.postpone(timed)
                self._once.warn(f"{error} The token in memory is used.")
                token = timed.token
            timed = wallet.current
            if timed is not None and deadlines.is_look_due(timed):
                from .events.expiring import Expiring

                Expiring(self.store, deadlines, self._events).look(timed)
            return token

    def _find_or_renew(self, timed: TimedToken | None, refused: Token | None) -> Token:
        wallet, best = self._wallet, timed
        if refused is not None and wallet.refuse(refused):
            self._events.tell("refused", refused)
        if best is None or not self._deadlines.is_fresh(best):
            best = wallet.best()
        if best is None:
            return self._renewal.renew(wallet.snapshot(refused=refused))
        self._events.found(best.token)
        if self._deadlines.is_fresh(best):
            token = wallet.use(best)
            if wallet.last_write_behind.token is not None:
                self._renewal.save_if_due()
            return token
        snapshot = wallet.snapshot(refused=refused)
        wallet.use(best)
        return self._renewal.renew_early(best, snapshot)

    def refused_at_once(self, token: Token) -> None:
        """Note that the API refused a token that had just been obtained."""
        with told_afterwards():
            if self._wallet.refuse(token):
                self._events.tell("refused", token)
        self._renewal.refused_at_once(token)

    def sign_on(self, *, force: bool = False, ask: bool = False) -> Token:
        """Return a valid token; with ``force``, one that is issued now.

        :param ask: Whether a person is asked for that one, although there may
            be a refresh token.
        """
        with only_our_errors():
            self._renewal.stop_pausing()
        if not (force or ask):
            return self.token()
        with told_afterwards(), only_our_errors():
            snapshot = self._wallet.snapshot(forced=True, by_person=ask)
            return self._renewal.renew(snapshot)

    def begin(self) -> AuthorizationRequest:
        """Begin a sign-on that :meth:`complete` ends, in any process."""
        with only_our_errors():
            return self._grant.begin(self._wallet.ours(self._wallet.read()))

    def complete(self, request: AuthorizationRequest, redirected_url: str) -> Token:
        """End a sign-on: exchange the code, save the token, use it."""
        redirected_url = Secret(redirected_url)
        with told_afterwards(), self._events.failures_told():
            return self._renewal.complete(request, redirected_url)

    def forget(self) -> None:
        """Delete the token from memory and from every writable store.

        :raises TokenStoreError: A store failed. The others were still tried.
        """
        from .revoking import forget

        forget(self.store, self._grant, self._wallet)

    def revoke(self) -> bool:
        """Have the service revoke the token, then drop it everywhere."""
        from .revoking import revoke

        with only_our_errors():
            return revoke(self.store, self._grant, self._wallet)
