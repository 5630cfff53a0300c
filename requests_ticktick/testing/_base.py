"""What the parts of the contract build on."""

from __future__ import annotations

import pickle
from contextlib import AbstractContextManager

from .._token import Token
from ..stores import TextStore
from ..stores._base import TokenStore


class Contract:
    """A store under test, and a token to put into it."""

    #: Whether a pickled copy reads and writes the same place.
    shared = True

    #: A token with something in every field.
    token = Token(
        "628ff081-5331-4a37-8ddc-021974c9f43a",
        expires_at=2_000_000_000.25,
        scope="tasks:read tasks:write",
        refresh_token="refresh-1",
        issued_at=1_999_000_000.5,
        extra={"unknown": {"nested": [1, None, "é"]}},
    )

    def corrupt(self, store: TokenStore) -> None:
        """Spoil the content, as a crash or an editor would.

        Of a :class:`~requests_ticktick.TextStore` the beginning of a token is
        left. Override it for other stores; without it, a test is skipped.
        """
        if isinstance(store, TextStore):
            store.write('{"access_token": "628ff081')
            return
        import pytest

        pytest.skip("corrupt(store) is not defined: what spoils the content?")

    def outage(self, store: TokenStore) -> AbstractContextManager[None]:
        """Make the place unusable for as long as the context lasts.

        Override it, such as by a folder where the file should be, or by a port
        where nobody listens. What was kept there is there again afterwards.
        Without it, two tests are skipped.
        """
        import pytest

        pytest.skip("outage(store) is not defined: how does the place break down?")

    def twin(self, store: TokenStore) -> TokenStore:
        """Return another object for the same place, as a process has it."""
        if not self.shared:
            return store
        other: TokenStore = pickle.loads(pickle.dumps(store))
        return other
