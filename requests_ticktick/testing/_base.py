"""The hooks and the token that all parts of the contract use."""

from __future__ import annotations

import pickle
from contextlib import AbstractContextManager

from .._token import Token
from ..stores import TextStore
from ..stores._base import TokenStore


class Contract:
    """The hooks that a subclass may override, and a token to save."""

    #: Whether an unpickled copy of a store reads and writes the same place.
    shared = True

    #: A token with a value in every field.
    token = Token(
        "628ff081-5331-4a37-8ddc-021974c9f43a",
        expires_at=2_000_000_000.25,
        scope="tasks:read tasks:write",
        refresh_token="refresh-1",
        issued_at=1_999_000_000.5,
        extra={"unknown": {"nested": [1, None, "é"]}},
    )

    def corrupt(self, store: TokenStore) -> None:
        """Damage the stored token, as a crash would.

        The default leaves the beginning of a token in a
        :class:`~requests_ticktick.TextStore`. Override it for other stores;
        otherwise a test is skipped.
        """
        if isinstance(store, TextStore):
            store.write('{"access_token": "628ff081')
            return
        import pytest

        pytest.skip("corrupt(store) is not defined: how is a token damaged?")

    def outage(self, store: TokenStore) -> AbstractContextManager[None]:
        """Make the store unusable while the context lasts.

        Override it: for example, put a folder where the file should be, or
        stop the server. Afterwards the stored token must be there again.
        Without an override, two tests are skipped.
        """
        import pytest

        pytest.skip("outage(store) is not defined: how does the store fail?")

    def twin(self, store: TokenStore) -> TokenStore:
        """Return another object for the same place, as a process has."""
        if not self.shared:
            return store
        other: TokenStore = pickle.loads(pickle.dumps(store))
        return other
