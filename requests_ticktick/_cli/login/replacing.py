"""Putting a token where another one is, which may be another client's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..._errors import TickTickAuthError
from ..._token import Token
from ...stores import TokenStore
from ..account import Account

#: Seconds that another sign-on has to end. A person waits for this command.
_LOCK_SECONDS = 10.0


def writable_store(account: Account) -> TokenStore:
    """Return the store that a new token goes to: each account has one."""
    return next(store for store in account.store.members() if store.writable)


def replace(account: Account, token: Token) -> None:
    """Save a token, whatever token is there, under the store's lock.

    :raises TickTickAuthError: It could not be saved. What was there still is.
    """
    store = writable_store(account)
    with store.lock(_LOCK_SECONDS), _put_back(store):
        existing = store.load()
        if existing is None or not _fits(store, token):
            store.delete()
        with store.reserve(token):
            store.save(token)


def _fits(store: TokenStore, token: Token) -> bool:
    """Whether a store takes a token without being emptied first."""
    try:
        with store.reserve(token):
            return True
    except TickTickAuthError:
        return False


@contextlib.contextmanager
def _put_back(store: TokenStore) -> Iterator[None]:
    """Save again what was there, if anything fails."""
    before = store.load()
    try:
        yield
    except BaseException:
        if before is not None:
            store.save(before)
        raise
