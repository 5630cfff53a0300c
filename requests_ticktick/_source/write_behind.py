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

    __slots__ = ("before", "due", "pause", "token", "told")

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


#: That of a wallet which has not looked for its own yet.
NONE_YET = WriteBehind()


class _Keeper(weakref.ref["TokenStore"]):
    """A store that keeps tokens, and the states of all who share it."""

    __slots__ = ("key", "states")

    key: int
    states: dict[Stamp, WriteBehind]


#: Keyed by the id of the store, since a store need not be hashable. A weak
#: reference removes the entry with the store. Copies and pickles of a store
#: share nothing: they may go where no token should.
known: dict[int, _Keeper] = {}


def _forget(keeper: _Keeper) -> None:
    known.pop(keeper.key, None)


def states_for(store: TokenStore) -> dict[Stamp, WriteBehind]:
    """Return the states that all auths over the same store object share.

    A program may make an auth for each call. The next auth then has the
    unsaved token, and saves it. Each client has a state of its own, which its
    stamp leads to.
    """
    keeper = _keeper(store)
    if keeper is None:
        return {}  # nothing is saved, so nothing is shared
    if id(keeper) not in known:
        new = _Keeper(keeper, _forget)
        new.key, new.states = id(keeper), {}
        # dict.setdefault is atomic: two threads get the same one.
        known.setdefault(new.key, new)
    return known[id(keeper)].states


def states_of(store: TokenStore) -> list[WriteBehind]:
    """Return the states of all clients that share a store object."""
    found = known.get(id(_keeper(store)))
    return [] if found is None else list(found.states.values())


def _keeper(store: TokenStore) -> TokenStore | None:
    return next((member for member in store.members() if member.writable), None)
