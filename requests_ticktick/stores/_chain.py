"""Several stores, asked in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext

from .._errors import TokenStoreError
from .._token import Token
from ._base import TokenStore


class ChainStore(TokenStore):
    """Reads from all of its stores and saves to the first that can be written.

    Every token found is a candidate, so that one which has expired in front
    does not hide a good one behind it.

    :param stores: The stores, the preferred one first.
    """

    def __init__(self, stores: Iterable[TokenStore]) -> None:
        self._stores = tuple(stores)
        self._writable = next((s for s in self._stores if s.writable), None)
        self.writable = self._writable is not None
        if self._writable is not None:
            self.lock_timeout = self._writable.lock_timeout

    def load(self) -> Token | None:
        """Return the first token found, or ``None``."""
        return next(self.candidates(), None)

    def save(self, token: Token) -> None:
        """Keep this token in the first store that can be written.

        :raises TokenStoreError: There is none, or it failed.
        """
        if self._writable is None:
            raise TokenStoreError("No store of this chain can be written: add one.")
        self._writable.save(token)

    def delete(self) -> None:
        """Keep no token in any store that can be written.

        :raises TokenStoreError: One failed, after all were tried.
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

        :raises TokenStoreError: A store that is only read holds something
            that is no token; or, after the others, one cannot be reached.
        """
        failed = None
        for store in self._stores:
            try:
                yield from store.candidates()
            except TokenStoreError as error:
                if not store.writable:
                    raise  # a mistake, which somebody has to be told of
                failed = failed or error  # an outage, which another may mend
        if failed is not None:
            raise failed

    def members(self) -> Iterator[TokenStore]:
        """Yield the stores, and theirs where they are chains themselves."""
        for store in self._stores:
            yield from store.members()

    def lock(self, timeout: float | None = None) -> AbstractContextManager[None]:
        """Hold the lock of the store that is saved to."""
        if self._writable is None:
            return nullcontext()
        return self._writable.lock(timeout)

    def reserve(self, token: Token) -> AbstractContextManager[None]:
        """Take room in the store that is saved to."""
        if self._writable is None:
            return nullcontext()
        return self._writable.reserve(token)

    def version(self) -> object:
        """Return the version of the store that is saved to."""
        return None if self._writable is None else self._writable.version()

    def failure(self) -> str | None:
        """Return the failure recorded with the store that is saved to."""
        return None if self._writable is None else self._writable.failure()

    def record_failure(self, failure: str | None) -> None:
        """Record a failure with the store that is saved to."""
        if self._writable is not None:
            self._writable.record_failure(failure)

    def __repr__(self) -> str:
        return f"ChainStore([{', '.join(map(repr, self._stores))}])"
