"""The token that a store has not got yet."""

from __future__ import annotations

import math
import weakref
from typing import TYPE_CHECKING

from .snapshot import Snapshot

if TYPE_CHECKING:
    from .._stamp import Stamp
    from .._token import Token
    from ..stores import TokenStore


class WriteBehind:
    """The latest token, as long as a store has not got it."""

    def __init__(self) -> None:
        #: ``None`` where the store has the latest.
        self.token: Token | None = None
        #: What was there when somebody asked for it.
        self.before = Snapshot()
        #: When to try again, in monotonic seconds, and how long that pause is.
        self.due = math.inf
        self.pause = 0.0
        #: What a warning has said of the store since it last had the latest.
        self.told: str | None = None

    def begin(self, token: Token, before: Snapshot) -> None:
        """Know the latest token, which is about to be saved."""
        if self.token is None:
            self.told = None
        self.token, self.before = token, before
        self.due, self.pause = math.inf, 0.0

    def end(self, token: Token) -> None:
        """Know that the store has a token, which may not be the latest."""
        if self.token is token:
            self.token = None


#: By the id of a store, with a reference that ends this when the store ends. A
#: store may be no key of a dictionary; its pickles and copies begin without:
#: they may go where no token should.
known: dict[int, tuple[object, dict[Stamp, WriteBehind]]] = {}


def write_behind_of(store: TokenStore, stamp: Stamp) -> WriteBehind:
    """Return what all who save to this object of a store share.

    A program may make an auth for each call: the next one has the token, and
    saves it.

    :param stamp: Whose tokens: another client has its own.
    """
    keeper = next((member for member in store.members() if member.writable), None)
    if keeper is None:
        return WriteBehind()  # each has its own memory, and nothing is saved
    key, forget = id(keeper), known.pop
    if key not in known:
        reference = weakref.ref(keeper, lambda _: forget(key, None))
        known.setdefault(key, (reference, {}))
    return known[key][1].setdefault(stamp, WriteBehind())
