"""What is on record beside the token, for all who share the store.

A store keeps one text. Its first line says how the last renewal failed; the
second, which expiry the program was told of.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from ..._errors import TokenStoreError

if TYPE_CHECKING:
    from ..._stamp import Stamp
    from ...stores import TokenStore
    from ..failures import Failure
    from ..snapshot import Snapshot


class Notes:
    """The record of a store.

    :param store: Where tokens are kept.
    """

    def __init__(self, store: TokenStore) -> None:
        self._store = store

    def failure(self) -> str | None:
        """Return how the last renewal failed, if it did.

        :raises TokenStoreError: The store cannot be read.
        """
        return self._lines()[0] or None

    def failure_of(
        self, stamp: Stamp, *, since: Snapshot | None = None
    ) -> Failure | None:
        """Return the failure that is on record, if it is this client's.

        :param since: Ignore the failure that this snapshot saw.
        """
        text = None
        with contextlib.suppress(TokenStoreError):  # then none can be shared
            text = self.failure()
        if text is None or (since is not None and not since.is_news(text)):
            return None
        from ..failures import Failure  # most renewals succeed

        failure = Failure.load(text, repr(self._store))
        return None if failure is None or failure.stamp != stamp else failure

    def record_failure(self, failure: str) -> None:
        """Record how a renewal failed. The store's lock is held.

        :raises TokenStoreError: The store cannot be written.
        """
        self._record(failure, self._lines()[1])

    def mark(self) -> str:
        """Return the mark that was left last; empty if none was.

        :raises TokenStoreError: The store cannot be read.
        """
        return self._lines()[1]

    def leave_mark(self, mark: str) -> None:
        """Leave a mark for the others. The store's lock is held.

        :raises TokenStoreError: The store cannot be written.
        """
        self._record(self._lines()[0], mark)

    def clear(self) -> None:
        """Remove the record: there is a new token.

        :raises TokenStoreError: The store cannot be written.
        """
        self._store.record_failure(None)

    def _record(self, failure: str, mark: str) -> None:
        self._store.record_failure(f"{failure}\n{mark}" if mark else failure)

    def _lines(self) -> tuple[str, str]:
        failure, _, mark = (self._store.failure() or "").partition("\n")
        return failure, mark
