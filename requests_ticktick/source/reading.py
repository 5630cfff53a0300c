"""What the stores hold for this client."""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterator
from typing import TYPE_CHECKING

from .._value import fingerprint_of
from ..errors import TokenStoreError
from ..grant.words import clean
from ..stores.base import NoPlaceError
from ..token import Token
from .failures import Failure
from .question import Question

if TYPE_CHECKING:
    from ..grant import AuthorizationCodeGrant
    from ..stores import TokenStore
    from .memory import Held, Memory


class Reading:
    """Reads the stores, and remembers nothing of it.

    :param store: Where tokens are kept.
    :param grant: Whose they are.
    :param memory: What is known.
    """

    def __init__(
        self, store: TokenStore, grant: AuthorizationCodeGrant, memory: Memory
    ) -> None:
        self._store = store
        self._grant = grant
        self._memory = memory

    def question(
        self, *, instead_of: Token | None = None, forced: bool = False
    ) -> Question:
        """Ask for a token, knowing what is there by now."""
        if instead_of is not None:
            self._memory.spend(instead_of)
        known = failure = None
        with contextlib.suppress(TokenStoreError):  # which whoever reads next will say
            failure = self._store.failure()
            known = list(self.tokens())
        return Question(known, instead_of=instead_of, failure=failure, forced=forced)

    def tokens(self) -> Iterator[Token]:
        """Yield the tokens that this client may use, the unsaved one first.

        :raises TokenStoreError: A store cannot be read.
        """
        owner = self._grant.owner
        if self._memory.unsaved is not None:
            yield self._memory.unsaved
        for token in self._candidates():
            if owner.owns(token):
                yield token

    def not_refused(self) -> Iterator[Held]:
        """Yield what memory and stores have, but for what the API refuses.

        :raises TokenStoreError: A store cannot be read.
        """
        memory = self._memory
        if memory.held is not None and not memory.is_spent(memory.held.token):
            yield memory.held
        for token in self.tokens():
            if not memory.is_spent(token):
                yield memory.weigh(token)

    def refreshable(self, used: Container[str], *, can_save: bool) -> Token | None:
        """Return a token whose refresh token was not used yet.

        :param used: The fingerprints of the refresh tokens that were.
        :param can_save: Whether its successor can be saved. If not, those in a
            store are left to whoever can.
        :raises TokenStoreError: A store cannot be read.
        """
        unsaved = self._memory.unsaved
        known = [
            token
            for token in self.tokens()
            if token.refresh_token is not None and (can_save or token is unsaved)
        ]
        read_only = (s for s in self._store.members() if not s.writable)
        given = {token for store in read_only for token in store.candidates()}
        # A read-only store's token is spent, if a writable one has its
        # successor.
        latest = [token for token in known if token not in given] or known
        # A store may have taken what it said it had not, or what came of that.
        latest.sort(key=lambda token: token is unsaved)
        for token in latest:
            if fingerprint_of(str(token.refresh_token)) not in used:
                return token
        return None

    def not_ours(self) -> Iterator[str]:
        """Say of each token that is there for somebody else, for whom it is.

        :raises TokenStoreError: A store cannot be read.
        """
        for token in self._candidates():
            difference = self._grant.owner.difference(token)
            if difference is not None and token.found_in is not None:
                # It may come from a file, which must not steer a terminal.
                yield clean(
                    f"The token {token.fingerprint} in {token.found_in} is for "
                    f"{difference}, and is not used here."
                )

    def _candidates(self) -> Iterator[Token]:
        # Where there is no place, as without a home, there is no token.
        with contextlib.suppress(NoPlaceError):
            yield from self._store.candidates()

    def failure(self, *, since: Question | None = None) -> Failure | None:
        """Return the failure on record, if it is one of this client's.

        :param since: ``None`` where it was there when this was asked.
        """
        text = None
        with contextlib.suppress(TokenStoreError):  # then there is no failure to share
            text = self._store.failure()
        if text is None or (since is not None and not since.is_news(text)):
            return None
        failure = Failure.load(text, repr(self._store))
        if failure is None or failure.owner != self._grant.owner:
            return None
        return failure
