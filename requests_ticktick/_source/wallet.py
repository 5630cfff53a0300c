"""The tokens that a source has in memory and in its stores."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .._errors import TokenStoreError
from .._token import Token
from .._usable import preferred
from .._value import Recent
from ..stores._base import NoPlaceError
from .write_behind import NONE_YET, WriteBehind, states_for

if TYPE_CHECKING:
    from .._grant import AuthorizationCodeGrant
    from .._stamp import Stamp
    from ..stores import TokenStore
    from .deadlines import Deadlines, TimedToken
    from .snapshot import Snapshot
    from .used import UsedTokens

logger = logging.getLogger("requests_ticktick")


class Wallet:
    """Knows all tokens and which of them can be used.

    :param store: Where tokens are kept.
    :param grant: Knows whose tokens are wanted.
    :param deadlines: Knows when tokens expire.
    """

    # Few wallets have these. dict.setdefault is atomic: two threads get the
    # same.
    _write_behinds: dict[Stamp, WriteBehind] | None = None
    #: The access tokens that the API refused, with their times of issue: those
    #: that a store may still hand back.
    _refused: Recent[str, float] | None = None

    def __init__(
        self, store: TokenStore, grant: AuthorizationCodeGrant, deadlines: Deadlines
    ) -> None:
        self.deadlines = deadlines
        #: The token that callers get until something is due.
        self.current: TimedToken | None = None
        self._store = store
        self._grant = grant
        #: What :attr:`write_behind` last was: a stamp is slow to work out.
        self.last_write_behind = NONE_YET

    @property
    def write_behind(self) -> WriteBehind:
        """Return the state of the token that the store could not save."""
        return self._write_behind_of(self._grant.stamp)

    def _write_behind_of(self, stamp: Stamp) -> WriteBehind:
        states = self._write_behinds
        if states is None:
            states = states_for(self._store)
            states = vars(self).setdefault("_write_behinds", states)
        found = states.get(stamp)
        if found is None:
            found = states.setdefault(stamp, WriteBehind())
        self.last_write_behind = found
        return found

    @property
    def unsaved(self) -> Token | None:
        """Return the latest token, if no store could save it."""
        return self.write_behind.token

    def use(self, timed: TimedToken) -> Token:
        """Give this token to callers until something is due."""
        behind = self.last_write_behind
        timed.save_at(math.inf if behind.token is None else behind.due)
        self.current = timed
        if self.is_refused(timed.token):
            self.current = None  # it was revoked since it was read
        return timed.token

    def refuse(self, token: Token) -> bool:
        """Note that the API refused a token. A later grant of it counts.

        :returns: Whether that is news.
        """
        is_news = not self.is_refused(token)
        refused = vars(self).setdefault("_refused", Recent())
        refused.note(token.access_token, token.issued_at or 0.0)
        return is_news

    def is_refused(self, token: Token) -> bool:
        """Whether the API refused this token."""
        if self._refused is None:
            return False
        issued_at = self._refused.recall(token.access_token)
        return issued_at is not None and (token.issued_at or 0.0) <= issued_at

    def is_usable(self, timed: TimedToken) -> bool:
        """Whether a token has neither expired nor been refused."""
        return self.deadlines.is_alive(timed) and not self.is_refused(timed.token)

    def difference(self, token: Token) -> str | None:
        """Return what a token is for instead, if it is not this client's."""
        return self._grant.stamp.difference(token)

    def best(self) -> TimedToken | None:
        """Return a fresh token, or else one that works, or else ``None``.

        Stores behind the first fresh token are not read. Errors of stores are
        left to the renewal, which reads them again.
        """
        return self.best_of(self._known())

    def best_of(self, items: Iterable[TimedToken]) -> TimedToken | None:
        """Return the first fresh token, else one that works, else ``None``."""
        fresh, alive = self.deadlines.is_fresh, self.deadlines.is_alive
        return preferred(items, is_fresh=fresh, is_alive=alive)

    def snapshot(
        self,
        *,
        refused: Token | None = None,
        forced: bool = False,
        by_person: bool = False,
    ) -> Snapshot:
        """Read all stores, so that later tokens and failures are recognised.

        The failure is read first: one that is recorded meanwhile is new.
        """
        from .events.notes import Notes  # these are needed where none is fresh
        from .snapshot import Snapshot

        known = failure = None
        with contextlib.suppress(TokenStoreError):  # the next read raises it
            failure = Notes(self._store).failure()
            found = list(self.read())
            if logger.isEnabledFor(logging.DEBUG):
                from .survey import log_unused  # or where somebody is asked

                log_unused(self, found)
            known = list(self.ours(found))
        return Snapshot(
            known, failure=failure, refused=refused, forced=forced, by_person=by_person
        )

    def read(self) -> Iterator[Token]:
        """Yield the tokens of all stores, whosever they are.

        :raises TokenStoreError: A store cannot be read.
        """
        # Without a place, as without a home directory, there is no token.
        with contextlib.suppress(NoPlaceError):
            yield from self._store.candidates()

    def ours(self, found: Iterable[Token]) -> Iterator[Token]:
        """Yield the tokens that this client may use, the unsaved one first.

        :param found: The tokens that :meth:`read` yields.
        """
        stamp = self._grant.stamp
        unsaved = self._write_behind_of(stamp).token
        if unsaved is not None:
            yield unsaved
        for token in found:
            if stamp.fits(token):
                yield token

    def not_refused(self, found: Iterable[Token]) -> Iterator[TimedToken]:
        """Yield those of :meth:`ours` that the API has not refused."""
        for token in self.ours(found):
            if not self.is_refused(token):
                yield self.deadlines.of(token)

    def refreshable(
        self, found: Iterable[Token], used: UsedTokens, *, can_save: bool
    ) -> Token | None:
        """Return a token with a refresh token that was not used yet.

        A read-only store's token is already spent if a writable store holds
        its successor. The unsaved token comes last: a store may have saved it
        in spite of its error, and another process may have renewed it there.

        :param found: The tokens in the stores.
        :param used: Those that must not be sent again.
        :param can_save: Whether its successor can be saved. If not, the tokens
            of the stores are left to a process that can.
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
        # All are looked up: what is handed back again and again stays known.
        unused = {token for token in tokens if not used.has(token)}
        written = [token for token in tokens if token not in read_only]
        for token in sorted(written or tokens, key=lambda t: t is unsaved):
            if token in unused:
                return token
        return None

    def _known(self) -> Iterator[TimedToken]:
        if self.current is not None and not self.is_refused(self.current.token):
            yield self.current
        with contextlib.suppress(TokenStoreError):
            yield from self.not_refused(self.read())
