"""The token that a store could not save yet."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._stamp import Stamp
    from .._token import Token
    from ..stores import TokenStore
    from .snapshot import Snapshot


class WriteBehind:
    """The latest token while the store does not have it."""

    #: What the stores held before that token was requested.
    before: Snapshot

    def __init__(self) -> None:
        #: The unsaved token; ``None`` if the store has the latest one.
        self.token: Token | None = None
        #: When the next save is due, in monotonic seconds, and the last pause.
        self.due = math.inf
        self.pause = 0.0
        #: The last warning about the store since it had the latest token.
        self.told: str | None = None

    def begin(self, token: Token, before: Snapshot) -> None:
        """Note a new token, which is about to be saved."""
        if self.token is None:
            self.told = None
        self.token, self.before = token, before
        self.due, self.pause = math.inf, 0.0

    def end(self, token: Token) -> None:
        """Note that the store has this token, which may not be the latest."""
        if self.token is token:
            self.token = None


#: Keyed by the id of the store, since a store need not be hashable. A weak
#: reference removes the entry with the store. Copies and pickles of a store
#: share nothing: they may go where no token should.
known: dict[int, tuple[object, dict[Stamp, WriteBehind]]] = {}


def write_behind_of(store: TokenStore, stamp: Stamp) -> WriteBehind:
    """Return the state that all auths over the same store object share.

    A program may make an auth for each call. The next auth then has the
    unsaved token, and saves it.

    :param stamp: Whose token it is. Each client has a state of its own.
    """
    keeper = _keeper(store)
    if keeper is None:
        return WriteBehind()  # nothing is saved, so nothing is shared
    key, forget = id(keeper), known.pop
    if key not in known:
        reference = weakref.ref(keeper, lambda _: forget(key, None))
        known.setdefault(key, (reference, {}))
    return known[key][1].setdefault(stamp, WriteBehind())


def states_of(store: TokenStore) -> list[WriteBehind]:
    """Return the states of all clients that share a store object."""
    _, states = known.get(id(_keeper(store)), (None, {}))
    return list(states.values())


def _keeper(store: TokenStore) -> TokenStore | None:
    return next((member for member in store.members() if member.writable), None)
