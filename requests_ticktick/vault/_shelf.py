"""The stores of people whom the program is at work for."""

from __future__ import annotations

import contextlib
import threading
import weakref
from typing import TYPE_CHECKING, Any

from .._errors import LockTimeoutError, TokenStoreError
from .._source.write_behind import states_of
from .._value import PerProcess
from ..stores import TokenStore
from ._places import Place

if TYPE_CHECKING:
    from .._auth import TickTickAuth
    from ..stores.encrypted import Seal


#: Seconds that somebody's renewal is waited for before a token is deleted.
DELETE_AFTER = 5.0


class Shelf:
    """Has one store object for a person, for as long as anybody uses it.

    A token that could not be saved is with the store object. So that object is
    kept when its last auth is gone, and the person's next auth gets it, uses
    the token, and saves it.

    :param place: Makes the stores.
    :param seal: Encrypts what they keep, if there is one.
    """

    def __init__(self, place: Place, seal: Seal | None) -> None:
        self._place = place
        self._seal = seal
        self._lock = PerProcess(threading.Lock)
        self._used: weakref.WeakValueDictionary[str, TokenStore]
        self._used = weakref.WeakValueDictionary()
        self._unsaved: dict[str, TokenStore] = {}

    def store(self, name: str) -> TokenStore:
        """Return a person's store."""
        with self._lock.get():
            store = self._used.get(name)
            if store is None:
                store = self._used[name] = self._made(name)
            elif not _is_unsaved(store):
                self._unsaved.pop(name, None)
            return store

    def lend(self, name: str, auth: TickTickAuth) -> TickTickAuth:
        """Keep the store of this auth if its token outlives it unsaved."""
        weakref.finalize(auth, self._keep, name, auth.source.store).atexit = False
        return auth

    def delete(self, name: str) -> None:
        """Delete a person's token, and one that the store does not have yet.

        :raises TokenStoreError: The store cannot be written.
        """
        store = self.store(name)
        with contextlib.ExitStack() as stack:
            # A renewal that is under way would save its token afterwards.
            with contextlib.suppress(LockTimeoutError, TokenStoreError):
                stack.enter_context(store.lock(DELETE_AFTER))
            store.delete()
            for state in states_of(store):
                state.token = None
        self._unsaved.pop(name, None)

    def _made(self, name: str) -> TokenStore:
        store = self._place.store(name)
        return store if self._seal is None else self._seal.around(store, name)

    def _keep(self, name: str, store: TokenStore) -> None:
        # Takes no lock, as any line of this thread may have been interrupted.
        if _is_unsaved(store):
            self._unsaved[name] = store

    def __reduce__(self) -> tuple[Any, ...]:
        return Shelf, (self._place, self._seal)


def _is_unsaved(store: TokenStore) -> bool:
    return any(state.token is not None for state in states_of(store))
