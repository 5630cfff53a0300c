"""Several stores, asked in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext

from .._errors import TokenStoreError
from .._token import Token
from .._value import public
from ._base import TokenStore

#: More than a chain of stores holds at a time.
_REMEMBERED_TOKENS = 32


@public
class ChainStore(TokenStore):
    """Reads from all of its stores and saves to the first writable one.

    Every token found is a candidate, so an expired token in an earlier store
    does not hide a valid one in a later store.

    :param stores: The stores, the preferred one first.
    """

    def __init__(self, stores: Iterable[TokenStore]) -> None:
        self._stores = tuple(stores)
        # Where tokens were found, by their fingerprints.
        self._origins: dict[str, TokenStore] = {}
        self._writable = next((s for s in self._stores if s.writable), None)
        self.writable = self._writable is not None
        if self._writable is not None:
            self.lock_timeout = self._writable.lock_timeout

    def load(self) -> Token | None:
        """Return the first token found, or ``None`` if there is none."""
        return next(self.candidates(), None)

    def save(self, token: Token) -> None:
        """Save this token to the first writable store.

        :raises TokenStoreError: No store is writable, or the save failed.
        """
        if self._writable is None:
            raise TokenStoreError("No store of this chain can be written: add one.")
        self._writable.save(token)

    def delete(self) -> None:
        """Delete the tokens of all writable stores.

        :raises TokenStoreError: A store failed. The others were still tried.
        """
        failed = None
        for store in self._stores:
            if store.writable:
                try:
                    store.delete()
                except TokenStoreError as error:
                    failed = failed or error
        if failed is not None:
            raise failed

    def candidates(self) -> Iterator[Token]:
        """Yield every token found, store by store.

        :raises TokenStoreError: A read-only store holds something that is not
            a token; or, after all others were read, a store cannot be reached.
        """
        failed = None
        for store in self._stores:
            try:
                for token in store.candidates():
                    self._note(token, store)
                    yield token
            except TokenStoreError as error:
                if not store.writable:
                    raise  # a mistake in the configuration, not an outage
                failed = failed or error  # another store may have a token
        if failed is not None:
            raise failed

    def origin_of(self, token: Token) -> TokenStore | None:
        """Return the store that a token was read from, if it is known."""
        store = self._origins.get(token.fingerprint)
        return None if store is None else store.origin_of(token)

    def _note(self, token: Token, store: TokenStore) -> None:
        self._origins[token.fingerprint] = store
        for oldest in list(self._origins)[:-_REMEMBERED_TOKENS]:
            self._origins.pop(oldest, None)

    def members(self) -> Iterator[TokenStore]:
        """Yield the stores, and the members of those that are chains."""
        for store in self._stores:
            yield from store.members()

    def lock(self, timeout: float | None = None) -> AbstractContextManager[None]:
        """Hold the lock of the first writable store."""
        if self._writable is None:
            return nullcontext()
        return self._writable.lock(timeout)

    def reserve(self, token: Token) -> AbstractContextManager[None]:
        """Reserve space in the first writable store."""
        if self._writable is None:
            return nullcontext()
        return self._writable.reserve(token)

    def version(self) -> object:
        """Return the version of the first writable store."""
        return None if self._writable is None else self._writable.version()

    def failure(self) -> str | None:
        """Return the failure recorded in the first writable store."""
        return None if self._writable is None else self._writable.failure()

    def record_failure(self, failure: str | None) -> None:
        """Record a failure in the first writable store."""
        if self._writable is not None:
            self._writable.record_failure(failure)

    def __repr__(self) -> str:
        return f"ChainStore([{', '.join(map(repr, self._stores))}])"
