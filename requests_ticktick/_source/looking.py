"""Looking for a token that can be used, without getting one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from .._errors import TickTickAuthError, only_our_errors
from .events.telling import told_afterwards

if TYPE_CHECKING:
    from .._token import Token
    from ..stores import TokenStore
    from .deadlines import Deadlines, TimedToken
    from .events import Events
    from .wallet import Wallet


class Looking:
    """Answers whether there is a token, and asks nobody for one."""

    store: TokenStore
    _deadlines: Deadlines
    _wallet: Wallet
    _events: Events

    def peek(self) -> Token | None:
        """Return the token that memory holds, if it can be used now."""
        # A user's own kind of MemoryStore may raise anything.
        with contextlib.suppress(Exception):
            best = self._wallet.best_of(self._in_memory())
            return None if best is None else best.token
        return None

    def ready(self) -> Token | None:
        """Return the token that memory holds, if nothing at all is due.

        Otherwise :meth:`TokenSource.token` has something to do that may take
        its time: a look into a store, a renewal, a save, an event to tell.
        """
        wallet, deadlines = self._wallet, self._deadlines
        current = wallet.current
        if current is not None:
            is_ready = deadlines.is_quiet(current) and not wallet.is_refused(
                current.token
            )
            return current.token if is_ready else None
        with contextlib.suppress(Exception):  # as in peek()
            best = wallet.best_of(self._in_memory())
            if best is not None and deadlines.is_fresh(best):
                with told_afterwards():
                    self._events.found(best.token)
                return wallet.use(best)
        return None

    def find(self) -> Token | None:
        """Return the token that the stores hold, if it can be used now.

        Memory counts for a token that could not be saved, and while the
        stores cannot be read.

        :raises TickTickAuthError: Nobody knows: a store cannot be read.
        """
        wallet, problems = self._wallet, list[TickTickAuthError]()
        found = _noting(problems, wallet.not_refused(wallet.read()))
        best = wallet.best_of(found)
        if best is not None:
            with told_afterwards():
                self._events.found(best.token)
            return wallet.use(best)
        token = self.peek() if problems else None
        if token is None and problems:
            raise problems[0]
        return token

    def _in_memory(self) -> Iterator[TimedToken]:
        wallet = self._wallet
        current = wallet.current
        if current is not None and not wallet.is_refused(current.token):
            yield current
        from ..stores import MemoryStore

        yield from wallet.not_refused(
            token
            for member in self.store.members()
            if isinstance(member, MemoryStore)
            for token in member.candidates()
        )


def _noting(
    problems: list[TickTickAuthError], found: Iterable[TimedToken]
) -> Iterator[TimedToken]:
    """Yield what is found until a store fails, and note why it did."""
    try:
        with only_our_errors():
            yield from found
    except TickTickAuthError as error:
        problems.append(error)
