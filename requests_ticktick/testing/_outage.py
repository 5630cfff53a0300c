"""What every store promises about a time in which its place is unusable."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from .._errors import TokenStoreError
from .._token import Token
from ..stores._base import TokenStore
from ._base import Contract


class OutageContract(Contract):
    """A store says that it cannot be used, and is as it was afterwards."""

    def test_an_outage_is_an_error(self, store: TokenStore) -> None:
        """It is no absence, nobody's lock, and no other kind of error."""
        store.save(self.token)

        with self.outage(store):
            for each in (store, self.twin(store)):
                assert _silent_in(each, self.token) == []
                each.version()
                with suppress(TokenStoreError):
                    each.failure()
                with suppress(TokenStoreError), each.lock(0):
                    pass

    def test_an_outage_ends(self, store: TokenStore) -> None:
        """The token is there again, is replaced, and nobody holds the lock."""
        store.save(self.token)
        renewed = self.token.replace(access_token="renewed")

        with store.lock(0):
            with self.outage(store):
                _silent_in(store, renewed)
                with suppress(TokenStoreError):
                    store.record_failure("in vain")
            assert store.load() == self.token
            # As a token that works from memory is saved later on.
            store.save(renewed)

        other = self.twin(store)
        assert other.load() == renewed
        with self.outage(store), suppress(TokenStoreError), store.lock(0):
            store.save(self.token)
        with other.lock(0):
            other.record_failure(None)
            assert other.load() == renewed


def _silent_in(store: TokenStore, token: Token) -> list[str]:
    """Return the methods that did as if nothing were wrong."""

    def reserve() -> None:
        with store.reserve(token):
            pass

    acts: dict[str, Callable[[], object]] = {
        "load": store.load,
        "candidates": lambda: list(store.candidates()),
        "reserve": reserve,
        "save": lambda: store.save(token),
        "delete": store.delete,
    }
    return [name for name, act in acts.items() if not _is_told(act)]


def _is_told(act: Callable[[], object]) -> bool:
    try:
        act()
    except TokenStoreError:
        return True
    return False
