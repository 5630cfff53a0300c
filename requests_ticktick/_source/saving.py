"""Saves a new token, at once or later. Until then memory keeps it."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from .._errors import LockTimeoutError, TokenStoreError
from ..stores._base import AwayError
from .events.notes import Notes
from .events.places import kept_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._grant import AuthorizationCodeGrant
    from .._token import Token
    from ..stores import TokenStore
    from .deadlines import TimedToken
    from .events import Events
    from .snapshot import Snapshot
    from .turns import Turns
    from .wallet import Wallet

logger = logging.getLogger("requests_ticktick")

#: Seconds until a failed save is tried again. The pause doubles each time,
#: since a keychain may ask a person at each try.
SAVE_AGAIN_AFTER = 60.0

#: The first and the longest pause, in seconds, if the store's server is away
#: or its lock is held: other processes need the token as soon as it is back.
SOON_AGAIN_AFTER, _MAX_SOON_SECONDS = 1.0, 5.0

#: A server that does not answer costs a time-out at each try. The pause is so
#: many times as long, so that callers seldom wait for a time-out.
_PAUSE_PER_WAIT = 10.0


class Saving:
    """Saves the latest token, sooner or later.

    :param store: Where tokens are kept.
    :param grant: Knows whose tokens are saved.
    :param wallet: Keeps the token until it is saved.
    :param events: Tells what happens.
    """

    def __init__(
        self,
        store: TokenStore,
        grant: AuthorizationCodeGrant,
        wallet: Wallet,
        events: Events,
    ) -> None:
        self._events = events
        self._store = store
        self._grant = grant
        self._wallet = wallet

    def keep(self, token: Token, before: Snapshot) -> tuple[Token, bool]:
        """Save a new token as this client's, and use it.

        :param before: What the stores held before the token was requested.
        :returns: The token as it is used, and whether the save failed.
        """
        wallet, behind = self._wallet, self._wallet.write_behind
        timed = self._timed(self._grant.stamp.put_on(token))
        # First, since Ctrl-C may interrupt the save.
        behind.begin(timed.token, before)
        if not self._store.writable:
            return wallet.use(timed), False
        self._claim()
        wallet.use(timed)
        self._try(lambda: self._save(timed.token))
        if wallet.current is timed:
            wallet.use(timed)  # until the next save is due, or its renewal
        return timed.token, behind.token is timed.token

    def save_if_due(self, turns: Turns) -> None:
        """Save the unsaved token, if a save is due.

        One thread saves. The others do not wait for it.
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
        """Postpone the save, in case that this thread is interrupted."""
        self._wallet.write_behind.due = self._now() + SAVE_AGAIN_AFTER

    def _is_due(self) -> bool:
        behind = self._wallet.last_write_behind
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
            # The same token again, with a lifetime of less than a second.
            token = token.replace(expires_at=current.token.expires_at)
        timed = deadlines.of(token)
        if deadlines.is_alive(timed):
            return timed
        # A token that has expired on arrival is used until the API refuses it.
        # Otherwise a person would be asked in a loop.
        return deadlines.of(token.replace(expires_at=None))

    def _try(self, save: Callable[[], None]) -> None:
        """Save a token, or postpone the save."""
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
            # A user's own store broke its contract. The token is still good,
            # and a person may have signed on for it.
            self._put_off(began)
            self._tell(
                f"The store failed with {type(error).__name__}, where it should "
                "raise TokenStoreError."
            )

    def _put_off(self, began: float, *, soon: bool = False) -> None:
        """Postpone the save; the next pause is longer.

        :param began: When this try began, in monotonic seconds.
        """
        behind, now = self._wallet.write_behind, self._now()
        twice = 2 * behind.pause
        if not soon:
            pause = max(twice, SAVE_AGAIN_AFTER)
        elif behind.pause == 0.0:
            pause = SOON_AGAIN_AFTER
        else:
            pause = max(min(twice, _MAX_SOON_SECONDS), _PAUSE_PER_WAIT * (now - began))
        behind.pause, behind.due = pause, now + pause

    def _tell(self, problem: str) -> None:
        behind = self._wallet.write_behind
        if problem != behind.told:
            behind.told = problem
            logger.warning("%s The token is used from memory.", problem)

    def _save(self, token: Token) -> None:
        began, told = self._now(), self._wallet.write_behind.told
        self._store.save(token)
        self._wallet.write_behind.end(token)
        self._events.tell(
            "saved",
            token,
            seconds=self._now() - began,
            place=kept_at(self._store),
            reason=None if told is None else "it was used from memory until now",
        )
        with contextlib.suppress(TokenStoreError):  # a token outweighs a failure
            Notes(self._store).clear()

    def _save_late(self, token: Token) -> None:
        wallet, behind = self._wallet, self._wallet.write_behind
        if not wallet.is_usable(wallet.deadlines.of(token)):
            return
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._store.lock(0.0))
            except LockTimeoutError:
                self._put_off(self._now(), soon=True)  # another process renews
                return
            except TokenStoreError:
                pass  # a new token is saved without a lock as well
            if behind.token is not token:
                return  # the token was forgotten or replaced meanwhile
            if self._is_replaced(token):
                behind.end(token)
                return
            self._save(token)

    def _is_replaced(self, token: Token) -> bool:
        """Whether another process has saved a working token since."""
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
