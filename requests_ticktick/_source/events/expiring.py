"""Tells that a token will soon expire, once for all who share the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._errors import LockTimeoutError, TickTickAuthError, only_our_errors
from ..._usable import due_mark
from .notes import Notes

if TYPE_CHECKING:
    from ..._token import Token
    from ...stores import TokenStore
    from ..deadlines import Deadlines, TimedToken
    from . import Events

#: What this process has told, or knows that another has; by the program's
#: callback, since a program may make an auth for each call.
told: dict[tuple[object, ...], object] = {}
_REMEMBERED = 64


class Expiring:
    """Looks at how much time is left, at a few moments of a token's life.

    :param store: Has the lock, and the mark of the process that told.
    :param deadlines: Knows when to look.
    :param events: Tells.
    """

    def __init__(self, store: TokenStore, deadlines: Deadlines, events: Events) -> None:
        self._store = store
        self._notes = Notes(store)
        self._deadlines = deadlines
        self._events = events

    def look(self, timed: TimedToken) -> None:
        """Tell that a token will soon expire, if it is time to.

        The caller holds no lock. Nothing of it fails.
        """
        left = self._deadlines.left(timed)
        days = due_mark(timed.token, left)
        try:
            if days is not None and self._is_ours(timed.token, days):
                reason = f"less than {days} days are left"
                self._events.tell("expiring", timed.token, seconds=left, reason=reason)
        except LockTimeoutError:
            self._deadlines.look_soon(timed)
            return
        self._deadlines.look_again(timed)

    def _is_ours(self, token: Token, days: int) -> bool:
        """Whether it is this process that tells.

        :raises LockTimeoutError: Another may be about to, or is renewing.
        """
        key = (self._events.listener, token.fingerprint, token.expires_at, days)
        mine = object()
        if told.setdefault(key, mine) is not mine:
            return False
        for oldest in list(told)[:-_REMEMBERED]:
            told.pop(oldest, None)
        # Who only logs does not take the event from a program that acts on it.
        if self._events.listener is None:
            return True
        try:
            with only_our_errors():
                return self._is_first(token, days)
        except LockTimeoutError:
            told.pop(key, None)
            raise
        except TickTickAuthError:
            return True  # each process tells, where they cannot agree

    def _is_first(self, token: Token, days: int) -> bool:
        if self._is_marked(token, days):
            return False
        with self._store.lock(0.0):
            if self._is_marked(token, days):
                return False
            self._notes.leave_mark(f"{token.fingerprint} {days}")
        return True

    def _is_marked(self, token: Token, days: int) -> bool:
        fingerprint, _, marked = self._notes.mark().partition(" ")
        if fingerprint != token.fingerprint or not marked.isdecimal():
            return False
        return int(marked[:3]) <= days
