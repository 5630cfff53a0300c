"""The tokens that one source has: in memory, and in its stores."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Container, Iterable, Iterator
from typing import TYPE_CHECKING

from .._errors import TokenStoreError
from .._grant.error_text import clean
from .._token import Token
from .._usable import preferred
from .._value import fingerprint_of
from ..stores._base import NoPlaceError
from .failures import Failure
from .snapshot import Snapshot
from .write_behind import WriteBehind, write_behind_of

if TYPE_CHECKING:
    from .._grant import AuthorizationCodeGrant
    from .._stamp import Stamp
    from ..stores import TokenStore
    from .deadlines import Deadlines, TimedToken


class Wallet:
    """Knows which tokens there are, and which of them are of use.

    :param store: Where tokens are kept.
    :param grant: Whose they are.
    :param deadlines: When they end.
    """

    def __init__(
        self, store: TokenStore, grant: AuthorizationCodeGrant, deadlines: Deadlines
    ) -> None:
        self.deadlines = deadlines
        #: The token that callers get, as long as nothing is due.
        self.current: TimedToken | None = None
        self._store = store
        self._grant = grant
        self._write_behinds: dict[Stamp, WriteBehind] = {}
        # Access tokens that the API has refused, and when they were issued.
        self._refused: dict[str, float] = {}

    @property
    def write_behind(self) -> WriteBehind:
        """Return what is known of the token that the store has not got."""
        stamp = self._grant.stamp
        if stamp not in self._write_behinds:
            # dict.setdefault is atomic, so that two threads get the same one.
            self._write_behinds.setdefault(stamp, write_behind_of(self._store, stamp))
        return self._write_behinds[stamp]

    @property
    def unsaved(self) -> Token | None:
        """Return the latest token, as long as no store has it."""
        return self.write_behind.token

    def use(self, timed: TimedToken) -> Token:
        """Give this token to callers from now on, until something is due."""
        behind = self.write_behind
        timed.save_at(math.inf if behind.token is None else behind.due)
        self.current = timed
        return timed.token

    def refuse(self, token: Token) -> None:
        """Know that the API refuses a token, but not a later grant."""
        self._refused[token.access_token] = token.issued_at or 0.0

    def is_refused(self, token: Token) -> bool:
        """Whether a token is of no use, although it has not expired."""
        issued_at = self._refused.get(token.access_token)
        return issued_at is not None and (token.issued_at or 0.0) <= issued_at

    def is_usable(self, timed: TimedToken) -> bool:
        """Whether a token works, as far as is known."""
        return self.deadlines.is_alive(timed) and not self.is_refused(timed.token)

    def best(self) -> TimedToken | None:
        """Return a fresh token, else one that works, else none.

        Stores behind the first fresh one are not read. A renewal will say why
        one of them cannot be.
        """
        fresh, alive = self.deadlines.is_fresh, self.deadlines.is_alive
        return preferred(self._not_refused(), is_fresh=fresh, is_alive=alive)

    def snapshot(
        self, *, refused: Token | None = None, forced: bool = False
    ) -> Snapshot:
        """Look at all stores, so that what comes later can be told from it.

        The failure comes first: one that is recorded meanwhile is news.
        """
        known = failure = None
        with contextlib.suppress(TokenStoreError):  # which whoever reads next will say
            failure = self._store.failure()
            known = list(self.ours(self.read()))
        return Snapshot(known, failure=failure, refused=refused, forced=forced)

    def read(self) -> Iterator[Token]:
        """Yield what all stores have, whoever's it is, store by store.

        :raises TokenStoreError: A store cannot be read.
        """
        # Where there is no place, as without a home, there is no token.
        with contextlib.suppress(NoPlaceError):
            yield from self._store.candidates()

    def ours(self, found: Iterable[Token]) -> Iterator[Token]:
        """Yield the tokens that this client may use, the unsaved one first.

        :param found: What :meth:`read` has yielded, or yields.
        """
        stamp, unsaved = self._grant.stamp, self.unsaved
        if unsaved is not None:
            yield unsaved
        for token in found:
            if stamp.fits(token):
                yield token

    def refreshable(
        self, found: Iterable[Token], used: Container[str], *, can_save: bool
    ) -> Token | None:
        """Return a token whose refresh token was not used yet.

        A read-only store's token is already spent if a writable store holds
        its successor. The unsaved token comes last: a store may have taken
        what it said it had not, and somebody may have renewed it there.

        :param found: What the stores have.
        :param used: The fingerprints of the refresh tokens that were.
        :param can_save: Whether its successor can be saved. If not, those in a
            store are left to whoever can.
        :raises TokenStoreError: A store cannot be read.
        """
        unsaved = self.unsaved
        tokens = [
            token
            for token in self.ours(found)
            if token.refresh_token is not None and (can_save or token is unsaved)
        ]
        read_only = {
            token
            for store in self._store.members()
            if not store.writable
            for token in store.candidates()
        }
        written = [token for token in tokens if token not in read_only]
        for token in sorted(written or tokens, key=lambda t: t is unsaved):
            if fingerprint_of(str(token.refresh_token)) not in used:
                return token
        return None

    def foreign(self, found: Iterable[Token]) -> Iterator[str]:
        """Say of each token that is another's what it is for."""
        for token in found:
            difference = self._grant.stamp.difference(token)
            if difference is not None and token.found_in is not None:
                # It may come from a file, which must not steer a terminal.
                yield clean(
                    f"The token {token.fingerprint} in {token.found_in} is for "
                    f"{difference}, and is not used here."
                )

    def failure(self, *, since: Snapshot | None = None) -> Failure | None:
        """Return the failure on record, if it is one of this client's.

        :param since: Leave out the failure that was on record by then.
        """
        text = None
        with contextlib.suppress(TokenStoreError):  # then there is none to share
            text = self._store.failure()
        if text is None or (since is not None and not since.is_news(text)):
            return None
        failure = Failure.load(text, repr(self._store))
        if failure is None or failure.stamp != self._grant.stamp:
            return None
        return failure

    def _not_refused(self) -> Iterator[TimedToken]:
        if self.current is not None and not self.is_refused(self.current.token):
            yield self.current
        with contextlib.suppress(TokenStoreError):
            for token in self.ours(self.read()):
                if not self.is_refused(token):
                    yield self.deadlines.of(token)
