"""Obtaining a token: by a refresh token, or else by a person."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from .._errors import SignOnRequiredError, TokenStoreError
from .._token import Token
from .._value import Once, fingerprint_of
from .asking import Asking
from .backoff import FIRST_PAUSE, Pauses
from .events.notes import Notes
from .events.places import kept_at
from .failures import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._grant import AuthorizationCodeGrant
    from .._grant.request import AuthorizationRequest
    from ..stores import TokenStore
    from .events import Events
    from .snapshot import Snapshot
    from .wallet import Wallet

#: How many refresh tokens one renewal tries. A client that does not take our
#: lock may have rotated the first.
_MAX_REFRESHES = 3


class Obtaining:
    """Obtains a token, and records a failure for those who wait for it.

    :param store: Where failures are recorded.
    :param grant: Obtains new tokens.
    :param sign_on: Asks a person for access.
    :param wallet: The present tokens.
    :param once: Logs each warning once.
    :param events: Tells what happens.
    """

    def __init__(
        self,
        store: TokenStore,
        grant: AuthorizationCodeGrant,
        sign_on: Callable[[AuthorizationRequest], str],
        wallet: Wallet,
        once: Once,
        events: Events,
    ) -> None:
        self._events = events
        self.asking = Asking(grant, sign_on, wallet)
        self._store = store
        self._grant = grant
        self._wallet = wallet
        self._once = once
        self._clock = wallet.deadlines.clock
        self._pauses = Pauses(self._clock)
        # Auths with the same terms share their pauses.
        self._terms = grant.terms, sign_on
        # The fingerprints of refresh tokens that were used or refused, and of
        # the last used one whose successor may be in no store.
        self._used: set[str] = set()
        self._spent: str | None = None
        # The recorded failure that a call of sign_on() overrides.
        self._waived: str | None = None

    def obtain(
        self,
        snapshot: Snapshot,
        found: Sequence[Token],
        trouble: TokenStoreError | None,
        *,
        early: bool,
    ) -> Token:
        """Obtain a token by a refresh token, or else by a person.

        :param found: The tokens in the stores, read under the lock.
        :param trouble: Why no token can be saved now, if so.
        :raises TickTickAuthError: No token was obtained, or a pause after an
            earlier failure has not ended.
        """
        # Pauses are not recorded: each process has its own.
        self._share_pauses()
        self._pauses.token_requests.check()
        token, kind, began = None, "renewed", self._clock.monotonic()
        if not snapshot.by_person:
            with self._failures_recorded():
                token = self._refresh(found, can_save=trouble is None)
        if token is None:
            if not snapshot.forced:
                self._pauses.sign_ons.check()
                if trouble is not None:
                    self._heed_the_last(early=early)
            kind = "signed_on"
            token = self._ask(snapshot, found, trouble, early=early)
        seconds, place = self._clock.monotonic() - began, kept_at(self._store)
        self._events.tell(kind, token, seconds=seconds, place=place)
        self._pauses.token_requests.end()
        return token

    @contextlib.contextmanager
    def _failures_recorded(self) -> Iterator[None]:
        try:
            yield
        except SignOnRequiredError:
            raise  # not recorded: another process may have a person
        except BaseException as error:
            self._pauses.token_requests.heed(error)
            self.record(error)
            raise

    def _refresh(self, found: Iterable[Token], *, can_save: bool) -> Token | None:
        """Use a refresh token. Return ``None`` if none works."""
        failure = Notes(self._store).failure_of(self._grant.stamp)
        if failure is not None and failure.spent is not None:
            self._spent = failure.spent
            self._used.add(failure.spent)
        for _ in range(_MAX_REFRESHES):
            token = self._wallet.refreshable(found, self._used, can_save=can_save)
            if token is None:
                break
            renewed = self._grant.refresh(token, now=self._clock.time())
            used = fingerprint_of(str(token.refresh_token))
            if renewed is None:
                self._used.add(used)
                # A client that does not take our lock may have rotated it.
                found = self._wallet.read()
                continue
            if renewed.refresh_token != token.refresh_token:
                self._used.add(used)
                self._spent = used
            return renewed
        return None

    def _ask(
        self,
        snapshot: Snapshot,
        found: Iterable[Token],
        trouble: TokenStoreError | None,
        *,
        early: bool,
    ) -> Token:
        """Ask a person. A warning first names the tokens that are not used."""
        from .survey import exact, explained, foreign  # only where it is needed

        stamp = self._grant.stamp
        unused = "" if snapshot.forced else " ".join(foreign(found, stamp))
        if unused:
            self._once.warn(unused)
        try:
            with self._failures_recorded():
                return self.asking.ask(snapshot, self._pauses.sign_ons, early=early)
        except SignOnRequiredError as error:
            if trouble is not None and not unused:
                raise trouble from None
            text = exact(str(error), self._store, stamp)
            if not snapshot.forced:
                text = explained(text, self._wallet, self._store)
            raise SignOnRequiredError(text) from None

    def stop_pausing(self) -> None:
        """End all pauses, so that the next attempt is made at once."""
        self._share_pauses()
        self._pauses.end()
        with contextlib.suppress(TokenStoreError):
            self._waived = Notes(self._store).failure()

    def heed(self, failure: Failure, *, early: bool) -> None:
        """Begin the pauses that a recorded failure calls for.

        :param early: Whether the old token still works.
        """
        self._pauses.token_requests.heed(failure.error)
        if failure.asked is not None and not early:
            self._pauses.sign_ons.begin(failure.error)

    def record(self, error: BaseException) -> None:
        """Record a failure for threads and processes that wait."""
        with contextlib.suppress(TokenStoreError):
            failure = Failure(
                error,
                self.asking.about,
                self._grant.stamp,
                at=self._clock.time(),
                spent=self._spent,
            ).dump()
            Notes(self._store).record_failure(failure)
            self._pauses.begun_by(failure, self._terms)

    def _heed_the_last(self, *, early: bool) -> None:
        """Raise a failure of the last minute, if no token can be saved.

        Processes that come a little later would otherwise ask the person
        again, one after the other.

        :raises TickTickAuthError: The failed sign-on of another process.
        """
        failure = Notes(self._store).failure_of(self._grant.stamp)
        if failure is None or failure.asked is None:
            return
        if Notes(self._store).failure() == self._waived:
            return
        if abs(self._clock.time() - failure.at) < FIRST_PAUSE:
            self.heed(failure, early=early)
            raise failure.error

    def _share_pauses(self) -> None:
        with contextlib.suppress(TokenStoreError):  # then nothing is shared
            self._pauses = self._pauses.after(Notes(self._store).failure(), self._terms)
