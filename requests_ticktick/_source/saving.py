"""A new token into the store; into memory until the store takes it."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from .._errors import LockTimeoutError, TokenStoreError
from .snapshot import Snapshot

if TYPE_CHECKING:
    from .._grant import AuthorizationCodeGrant
    from .._token import Token
    from ..stores import TokenStore
    from .deadlines import TimedToken
    from .turns import Turns
    from .wallet import Wallet

logger = logging.getLogger("requests_ticktick")

#: Seconds until a store that failed is tried again; twice as many after each
#: try, as a keychain may ask a person every time.
SAVE_AGAIN_AFTER = 60.0


class Saving:
    """Saves the latest token, sooner or later.

    :param store: Where tokens are kept.
    :param grant: Whose they are.
    :param wallet: Has the token until then.
    """

    def __init__(
        self, store: TokenStore, grant: AuthorizationCodeGrant, wallet: Wallet
    ) -> None:
        self._store = store
        self._grant = grant
        self._wallet = wallet
        # What was there before the latest token; seconds until the next try.
        self._before = Snapshot()
        self._pause = SAVE_AGAIN_AFTER

    def keep(self, token: Token, before: Snapshot) -> tuple[Token, str | None]:
        """Save a new token as this client's, and use it.

        :param before: What was there when somebody asked for it.
        :returns: The token as it is used, and why it could not be saved.
        """
        wallet, problem = self._wallet, None
        self._before, self._pause = before, SAVE_AGAIN_AFTER
        timed = self._timed(self._grant.stamp.put_on(token))
        # Before it is saved: that may be broken off.
        wallet.current, wallet.unsaved = timed, timed.token
        if self._store.writable:
            try:
                self._store.save(timed.token)
                wallet.unsaved = None
                self._store.record_failure(None)
            except TokenStoreError as error:
                problem = f"{error} The token is used from memory."
            except Exception as error:
                # A store of somebody else's that breaks its promise: the token
                # is as good, and it cost somebody a click.
                problem = (
                    f"The store failed with {type(error).__name__}, where it should "
                    "raise TokenStoreError. The token is used from memory."
                )
            finally:
                self._put_off(timed)
        return timed.token, problem

    def save_if_due(self, token: Token, turns: Turns) -> bool:
        """Save a fresh token that no store has, if it is time for that.

        One thread does; the others go on at once.

        :returns: Whether it is such a token: then it is the one to use.
        """
        wallet, deadlines = self._wallet, self._wallet.deadlines
        timed = deadlines.of(token)
        if wallet.unsaved is not token or not deadlines.is_fresh(timed):
            return False
        if deadlines.clock.monotonic() < wallet.save_due:
            wallet.use(timed)
        else:
            self._put_off(timed)
            wallet.use(timed)
            self._try_now(timed, turns)
        return True

    def _timed(self, token: Token) -> TimedToken:
        deadlines, current = self._wallet.deadlines, self._wallet.current
        if (
            current is not None
            and current.token.access_token == token.access_token
            and token.expires_at is None
        ):
            # Handed back with less than a second left, which reads as 0.
            token = token.replace(expires_at=current.token.expires_at)
        timed = deadlines.of(token)
        if deadlines.is_alive(timed):
            return timed
        # An end that is past when the answer comes says nothing: the token is
        # used until it is refused, and nobody is asked in a loop.
        return deadlines.of(token.replace(expires_at=None))

    def _try_now(self, timed: TimedToken, turns: Turns) -> None:
        attempt = turns.lead()
        if attempt is None:
            return
        with (
            attempt,
            contextlib.suppress(LockTimeoutError, TokenStoreError),
            contextlib.ExitStack() as stack,
        ):
            # As with a new one: where there can be no lock, it does without.
            with contextlib.suppress(TokenStoreError):
                stack.enter_context(self._store.lock(0.0))
            self._save_late(timed)

    def _put_off(self, timed: TimedToken) -> None:
        """Have the save tried again after a pause; the next one is longer."""
        wallet = self._wallet
        wallet.save_due = wallet.deadlines.clock.monotonic() + self._pause
        self._pause *= 2
        if timed.token is wallet.unsaved:
            timed.save_at(wallet.save_due)

    def _save_late(self, timed: TimedToken) -> None:
        wallet, token = self._wallet, timed.token
        if wallet.unsaved is not token or wallet.is_refused(token):
            return  # since just now
        if not self._is_replaced():
            self._store.save(token)
            if wallet.unsaved is token:
                wallet.unsaved = None
            self._store.record_failure(None)
            logger.info("The token that was used from memory is saved.")
        if wallet.current is timed:
            wallet.current = wallet.deadlines.of(token)  # nothing is left to save

    def _is_replaced(self) -> bool:
        """Whether somebody has saved a token since, and it works."""
        stamp, wallet = self._grant.stamp, self._wallet
        store = next(store for store in self._store.members() if store.writable)
        return any(
            wallet.is_usable(wallet.deadlines.of(token))
            for token in store.candidates()
            if stamp.fits(token) and not self._before.has(token)
        )
