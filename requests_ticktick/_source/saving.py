"""A new token into the store; into memory until the store takes it."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from .._errors import LockTimeoutError, TokenStoreError
from ..stores._base import AwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._grant import AuthorizationCodeGrant
    from .._token import Token
    from ..stores import TokenStore
    from .deadlines import TimedToken
    from .snapshot import Snapshot
    from .turns import Turns
    from .wallet import Wallet

logger = logging.getLogger("requests_ticktick")

#: Seconds until a store that failed is tried again; twice as many after each
#: try, as a keychain may ask a person every time.
SAVE_AGAIN_AFTER = 60.0

#: The same where its server is away, or its lock is held, and the most: others
#: look for the token there as soon as it is back.
SOON_AGAIN_AFTER, _LONGEST_SOON = 1.0, 5.0

#: A server that does not answer may cost a client's time-out each time: the
#: pause is as many times as long, so that calls seldom wait for that.
_PAUSE_PER_WAIT = 10.0


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

    def keep(self, token: Token, before: Snapshot) -> tuple[Token, bool]:
        """Save a new token as this client's, and use it.

        :param before: What was there when somebody asked for it.
        :returns: The token as it is used, and whether a save has failed.
        """
        wallet, behind = self._wallet, self._wallet.write_behind
        timed = self._timed(self._grant.stamp.put_on(token))
        # Before it is saved: that may be broken off.
        behind.begin(timed.token, before)
        if not self._store.writable:
            return wallet.use(timed), False
        self._claim()
        wallet.use(timed)
        self._try(lambda: self._save(timed.token))
        if wallet.current is timed:
            wallet.use(timed)  # until the next try, or its renewal
        return timed.token, behind.token is timed.token

    def save_if_due(self, turns: Turns) -> None:
        """Save the token that no store has, if it is time for that.

        One thread does; the others go on at once.
        """
        if not self._is_due():
            return
        attempt = turns.lead()
        if attempt is None:
            return
        with attempt:
            token = self._wallet.unsaved
            if token is not None and self._is_due():
                self._claim()
                self._try(lambda: self._save_late(token))

    def _claim(self) -> None:
        """Have nobody else try now, but later: this may be broken off."""
        self._wallet.write_behind.due = self._now() + SAVE_AGAIN_AFTER

    def _is_due(self) -> bool:
        behind = self._wallet.write_behind
        return behind.token is not None and self._now() >= behind.due

    def _now(self) -> float:
        return self._wallet.deadlines.clock.monotonic()

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

    def _try(self, save: Callable[[], None]) -> None:
        """Save a token, or have that tried again after a pause."""
        behind, began = self._wallet.write_behind, self._now()
        try:
            save()
        except AwayError as error:
            self._put_off(began, soon=True)
            if not error.is_told and behind.told is None:
                self._tell(str(error))
        except TokenStoreError as error:
            self._put_off(began)
            self._tell(str(error))
        except Exception as error:
            # A store of somebody else's that breaks its promise: the token is
            # as good, and it cost somebody a click.
            self._put_off(began)
            self._tell(
                f"The store failed with {type(error).__name__}, where it should "
                "raise TokenStoreError."
            )

    def _put_off(self, began: float, *, soon: bool = False) -> None:
        """Have the save tried again after a pause; the next one is longer.

        :param began: When this try did, in monotonic seconds.
        """
        behind, now = self._wallet.write_behind, self._now()
        twice = 2 * behind.pause
        if not soon:
            pause = max(twice, SAVE_AGAIN_AFTER)
        elif behind.pause == 0.0:
            pause = SOON_AGAIN_AFTER
        else:
            pause = max(min(twice, _LONGEST_SOON), _PAUSE_PER_WAIT * (now - began))
        behind.pause, behind.due = pause, now + pause

    def _tell(self, problem: str) -> None:
        behind = self._wallet.write_behind
        if problem != behind.told:
            behind.told = problem
            logger.warning("%s The token is used from memory.", problem)

    def _save(self, token: Token) -> None:
        self._store.save(token)
        self._wallet.write_behind.end(token)
        with contextlib.suppress(TokenStoreError):  # a token goes before a failure
            self._store.record_failure(None)

    def _save_late(self, token: Token) -> None:
        wallet, behind = self._wallet, self._wallet.write_behind
        if not wallet.is_usable(wallet.deadlines.of(token)):
            return
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._store.lock(0.0))
            except LockTimeoutError:
                self._put_off(self._now(), soon=True)  # somebody renews there
                return
            except TokenStoreError:
                pass  # as with a new one: where there is no lock, without
            if behind.token is not token:
                return  # it was forgotten, or has a successor
            if self._is_replaced(token):
                behind.end(token)
                return
            self._save(token)
        if behind.told is not None:
            logger.info("The token that was used from memory is saved.")

    def _is_replaced(self, token: Token) -> bool:
        """Whether somebody has saved another since, and it works."""
        wallet, before = self._wallet, self._wallet.write_behind.before
        stamp, deadlines = self._grant.stamp, wallet.deadlines
        store = next(store for store in self._store.members() if store.writable)
        return any(
            wallet.is_usable(deadlines.of(other))
            for other in store.candidates()
            if stamp.fits(other)
            and not before.has(other)
            and not deadlines.is_older(other, token)
        )
