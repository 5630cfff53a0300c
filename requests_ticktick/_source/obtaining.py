"""Getting a token: by a refresh token, else by a person."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from .._errors import SignOnRequiredError, TokenStoreError
from .._token import Token
from .._value import fingerprint_of
from ..stores._warn_once import Once
from .asking import Asking
from .backoff import FIRST_PAUSE, Pauses
from .failures import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._grant import AuthorizationCodeGrant, AuthorizationRequest
    from ..stores import TokenStore
    from .snapshot import Snapshot
    from .wallet import Wallet

#: Refresh tokens that one renewal tries. Somebody without our lock may have
#: rotated the first; a store that has another at each look is out of order.
_MAX_REFRESHES = 3


class Obtaining:
    """Gets a token, and tells those who wait for it what went wrong.

    :param store: Where failures are recorded.
    :param grant: How to get a new one.
    :param sign_on: How a person is asked.
    :param wallet: What there is.
    :param once: Logs a warning.
    """

    def __init__(
        self,
        store: TokenStore,
        grant: AuthorizationCodeGrant,
        sign_on: Callable[[AuthorizationRequest], str],
        wallet: Wallet,
        once: Once,
    ) -> None:
        self.asking = Asking(grant, sign_on, wallet)
        self._store = store
        self._grant = grant
        self._wallet = wallet
        self._once = once
        self._clock = wallet.deadlines.clock
        self._pauses = Pauses(self._clock)
        # Whose pauses are this one's as well.
        self._terms = grant.terms, sign_on
        # The fingerprints of refresh tokens that are spent, or that others
        # took the place of; the last one that has a successor in no store.
        self._used: set[str] = set()
        self._spent: str | None = None
        # The failure on record after which somebody asks all the same.
        self._waived: str | None = None

    def obtain(
        self,
        snapshot: Snapshot,
        found: Sequence[Token],
        trouble: TokenStoreError | None,
        *,
        early: bool,
    ) -> Token:
        """Get a new token: by a refresh token, else by a person.

        :param found: What the stores have, read under the lock.
        :param trouble: Why no token can be saved now.
        :raises TickTickAuthError: It failed, or has failed a moment ago.
        """
        # A pause is this process's alone: it is not recorded for the others.
        self._share_pauses()
        self._pauses.token_requests.check()
        token = None
        if not snapshot.forced:
            with self._failures_recorded():
                token = self._refresh(found, can_save=trouble is None)
        if token is None:
            if not snapshot.forced:
                self._pauses.sign_ons.check()
                if trouble is not None:
                    self._heed_the_last(early=early)
            token = self._ask(snapshot, found, trouble, early=early)
        self._pauses.token_requests.end()
        return token

    @contextlib.contextmanager
    def _failures_recorded(self) -> Iterator[None]:
        try:
            yield
        except SignOnRequiredError:
            raise  # in this process alone: another may have a person
        except BaseException as error:
            self._pauses.token_requests.heed(error)
            self.record(error)
            raise

    def _refresh(self, found: Iterable[Token], *, can_save: bool) -> Token | None:
        """Use a refresh token; ``None`` where there is none that works."""
        failure = self._wallet.failure()
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
                # Somebody without our lock may have rotated the refresh token
                # that was just refused.
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
        """Have a person sign on, who is told what is there and not used."""
        unused = "" if snapshot.forced else " ".join(self._wallet.foreign(found))
        if unused:
            self._once.warn(unused)
        try:
            with self._failures_recorded():
                return self.asking.ask(snapshot, self._pauses.sign_ons, early=early)
        except SignOnRequiredError as error:
            if trouble is not None and not unused:
                raise trouble from None
            raise SignOnRequiredError(f"{unused} {error}".strip()) from None

    def stop_pausing(self) -> None:
        """Let the next question be asked at once, whatever failed before."""
        self._share_pauses()
        self._pauses.end()
        with contextlib.suppress(TokenStoreError):
            self._waived = self._store.failure()

    def heed(self, failure: Failure, *, early: bool) -> None:
        """Pause, as whoever failed has to.

        :param early: Whether the old token still works.
        """
        self._pauses.token_requests.heed(failure.error)
        if failure.asked is not None and not early:
            self._pauses.sign_ons.begin(failure.error)

    def record(self, error: BaseException) -> None:
        """Tell those who wait, here and in other processes."""
        with contextlib.suppress(TokenStoreError):
            failure = Failure(
                error,
                self.asking.about,
                self._grant.stamp,
                at=self._clock.time(),
                spent=self._spent,
            ).dump()
            self._store.record_failure(failure)
            self._pauses.begun_by(failure, self._terms)

    def _heed_the_last(self, *, early: bool) -> None:
        """Ask nobody in turn, where none can save what it gets.

        Those who waited are told. This is for those who come a little later.

        :raises TickTickAuthError: As another's sign-on of a moment ago did.
        """
        failure = self._wallet.failure()
        if failure is None or failure.asked is None:
            return
        if self._store.failure() == self._waived:
            return
        if abs(self._clock.time() - failure.at) < FIRST_PAUSE:
            self.heed(failure, early=early)
            raise failure.error

    def _share_pauses(self) -> None:
        with contextlib.suppress(TokenStoreError):  # then each has its own
            self._pauses = self._pauses.after(self._store.failure(), self._terms)
