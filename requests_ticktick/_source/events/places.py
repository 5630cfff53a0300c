"""What people call the place where a token is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._foreign import one_line
from ...stores import FileStore
from ...stores._base import NoPlaceError

if TYPE_CHECKING:
    from ..._token import Token
    from ...stores import TokenStore

#: The place of a memory store.
MEMORY = "memory"


def place_of(store: TokenStore) -> str:
    """Return what people call the place of a store that is no chain."""
    if isinstance(store, FileStore):
        try:
            return store.path
        except NoPlaceError:
            return repr(store)
    from ...stores import EnvStore, MemoryStore, TextStore

    if isinstance(store, EnvStore):
        return f"${store.name}"
    if isinstance(store, MemoryStore):
        return MEMORY
    if isinstance(store, TextStore) and store.location:
        return store.location
    return one_line(repr(store)) or type(store).__name__


def place_of_token(store: TokenStore, token: Token) -> str | None:
    """Return where a token was found, if anywhere."""
    origin = store.origin_of(token)
    return None if origin is None else place_of(origin)


def kept_at(store: TokenStore) -> str | None:
    """Return the place in which new tokens are saved, if there is one."""
    return next((place_of(each) for each in store.members() if each.writable), None)
