"""Renewal under the store's lock. The token is saved before its release."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING

from .._errors import LockTimeoutError, TokenStoreError, only_our_errors
from .._token import Token
from .._value import Once, discreet
from ..stores._base import AwayError, UnsavedError, UnwritableError
from .events.notes import Notes
from .snapshot import Snapshot
from .turns import LockWait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .._grant import AuthorizationCodeGrant
    from .._grant.request import AuthorizationRequest
    from ..stores import TokenStore
    from .events import Events
    from .obtaining import Obtaining
    from .saving import Saving
    from .wallet import Wallet


class Renewal:
    """Obtains one new token for all who share the store.

    Many processes may wait for it, and import nothing that it alone needs.

    :param store: Where tokens are kept.
    :param grant: Knows whose tokens are renewed.
    :param sign_on: Asks a person for access.
    :param wallet: The present tokens.
    :param once: Logs each warning once.
    :param events: Tells what happens.
    """

    def __init__(
        self,
        store: TokenStore,
        grant: AuthorizationCodeGrant,
        sign_on: Callable[[AuthorizationRequest], str] | None,
        wallet: Wallet,
        once: Once,
        events: Events,
    ) -> None:
        self._sign_on = sign_on
        self._obtainings: dict[Wallet, Obtaining] = {}
        self.events = events
        self.store = store
        self._grant = grant
        self.wallet = wallet
        self.once = once

    @property
    def obtaining(self) -> Obtaining:
        """Return what obtains tokens, and is made when it is first needed."""
        if made := self._obtainings.get(self.wallet):
            return made
        from .._sign_on import default_sign_on
        from .obtaining import Obtaining

        sign_on = default_sign_on if self._sign_on is None else self._sign_on
        shared = self.store, self._grant, sign_on, self.wallet, self.once, self.events
        return self._obtainings.setdefault(self.wallet, Obtaining(*shared))  # atomic

    @property
    def saving(self) -> Saving:
        """Return what saves tokens."""
        from .saving import Saving

        return Saving(self.store, self._grant, self.wallet, self.events)

    @discreet
    def run(self, snapshot: Snapshot, *, early: bool) -> Token:
        """Renew under the store's lock, unless another process just did.

        :param early: Whether the old token still works. The lock is then tried
            once.
        :raises LockTimeoutError: Another process holds the lock.
        """
        wait = LockWait(self.store)
        with contextlib.ExitStack() as stack:
            token = self._take_lock(stack, snapshot, wait, early=early)
            if token is None:
                # Another thread or process may have signed on while we waited.
                found, again = itertools.tee(self.wallet.read())
                token = self._answer(snapshot, found, early=early)
            if token is not None:
                self.events.tell("reused", token, seconds=wait.seconds)
                return token
            trouble = self._take_room(stack)
            token = self.obtaining.obtain(snapshot, [*again], trouble, early=early)
            # Before the lock is released: the next holder reads it.
            return self.keep(token, snapshot)

    def complete(self, request: AuthorizationRequest, redirected_url: str) -> Token:
        """End a sign-on that was begun in any process."""
        from .events.places import kept_at

        now = self.wallet.deadlines.clock.time()
        token = self._grant.exchange(request, redirected_url, now=now)
        self.events.tell("signed_on", token, place=kept_at(self.store))
        with only_our_errors(), contextlib.ExitStack() as stack:
            # A code works once, so the token is saved even without the lock.
            with contextlib.suppress(LockTimeoutError, TokenStoreError):
                stack.enter_context(self.store.lock(1.0))
            return self.keep(token, Snapshot())

    def keep(self, token: Token, snapshot: Snapshot) -> Token:
        """Save a new token. If that fails, record it for waiting processes."""
        token, has_failed = self.saving.keep(token, snapshot)
        if has_failed:
            self.obtaining.record(UnsavedError())
        return token

    def was_asked_about(self, token: Token) -> bool:
        """Whether any process asked a person to replace this token."""
        made = self._obtainings.get(self.wallet)
        if made is not None and made.asking.about == token.fingerprint:
            return True
        failure = Notes(self.store).failure_of(self._grant.stamp)
        return failure is not None and failure.asked == token.fingerprint

    def _take_lock(
        self,
        stack: contextlib.ExitStack,
        snapshot: Snapshot,
        wait: LockWait,
        *,
        early: bool,
    ) -> Token | None:
        """Take the lock, or return the token that appears while waiting."""
        while True:
            version = self.store.version()
            try:
                # On the first pass the snapshot is still current. An
                # unreadable store raises its error before it is locked.
                if wait.has_begun or not snapshot.is_whole:
                    found = self.wallet.read()
                    token = self._answer(snapshot, found, early=early)
                    if token is not None:
                        return token
                if self._try_lock(stack, wait, early=early):
                    return None
            except AwayError as error:
                if not wait.has_begun:
                    raise
                wait.go_on(error)
            wait.pause(version)

    def _try_lock(
        self, stack: contextlib.ExitStack, wait: LockWait, *, early: bool
    ) -> bool:
        """Try to take the lock.

        :returns: Whether to go on; ``False`` if another process holds it.
        :raises UnwritableError: The store could not save a token either.
        """
        try:
            stack.enter_context(self.store.lock(0.0))
        except LockTimeoutError as error:
            if early:
                raise
            wait.go_on(error)
            if wait.is_to_be_told():
                self.events.wait_for(error.holder, leads=True)
            return False
        except UnwritableError:
            raise
        except TokenStoreError as error:
            self.once.warn(f"{error} Going on without a lock.")
        return True

    def _take_room(self, stack: contextlib.ExitStack) -> TokenStoreError | None:
        """Reserve space in the store before a token is requested.

        :returns: Why the store could not save a token; ``None`` if it could.
        :raises UnwritableError: All who share the store would fail alike.
        """
        if not self.store.writable:
            return None
        try:
            sample = self._grant.stamp.put_on(Token("sample"))
            stack.enter_context(self.store.reserve(sample))
        except UnwritableError:
            raise
        except TokenStoreError as error:
            return error
        return None

    def _answer(
        self, snapshot: Snapshot, found: Iterable[Token], *, early: bool
    ) -> Token | None:
        """Return the token of another process's renewal, if there is one.

        :param found: The tokens in the stores.
        :raises TickTickAuthError: A renewal failed after the snapshot.
        """
        wallet, deadlines = self.wallet, self.wallet.deadlines
        # The failure is read before the tokens, which are read lazily. A
        # thread that recorded a failed save has its token in memory by then.
        failure = Notes(self.store).failure_of(self._grant.stamp, since=snapshot)
        for token in wallet.ours(found):
            if wallet.is_refused(token):
                continue
            timed = deadlines.of(token)
            works = deadlines.is_fresh(timed) or (
                not early and deadlines.is_alive(timed)
            )
            if snapshot.is_answered_by(token) or (works and not snapshot.forced):
                return wallet.use(timed)
        if failure is not None:
            self.obtaining.heed(failure, early=early)
            raise failure.error
        return None
