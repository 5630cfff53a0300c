"""Which token is used, from when on it is renewed, and when its end is told.

The library asks for each request, and the command line to tell a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from ._token import Token

T = TypeVar("T")

#: How many days before its end a token is told of, the first time first.
DAYS = (14, 7, 1)

#: One of them, in seconds.
DAY = 86_400.0


def renewed_before_end(token: Token, leeway: float) -> float:
    """Return how long before its expiry a token is renewed, in seconds.

    A token that was issued for no longer than the leeway is used to its end:
    TickTick would only hand it back.

    :param leeway: How long before its expiry any other token is renewed.
    """
    lifetime = token.lifetime
    return leeway if lifetime is None or lifetime > leeway else 0.0


def is_alive(token: Token, *, now: float) -> bool:
    """Whether a token has not expired.

    :param now: Epoch seconds. A token of unknown expiry never expires.
    """
    return token.expires_at is None or now < token.expires_at


def is_fresh(token: Token, leeway: float, *, now: float) -> bool:
    """Whether a token is alive, and its renewal is not due yet.

    :param now: Epoch seconds.
    """
    before_end = renewed_before_end(token, leeway)
    return is_alive(token, now=now) and not token.expires_within(before_end, now=now)


def preferred(
    items: Iterable[T],
    *,
    is_fresh: Callable[[T], bool],
    is_alive: Callable[[T], bool],
) -> T | None:
    """Return the first fresh token, else the first that is alive, else none.

    :param items: The tokens, or what holds them; read no further than needed.
    """
    first_alive = None
    for item in items:
        if is_fresh(item):
            return item
        if first_alive is None and is_alive(item):
            first_alive = item
    return first_alive


def first_mark(token: Token, lifetime: float | None) -> int | None:
    """Return the mark that a token passes first, in days; or ``None``.

    :param lifetime: The token's.
    """
    return next(_marks(token, lifetime), None)


def due_mark(token: Token, left: float) -> int | None:
    """Return the latest mark that a token has passed, in days; or ``None``.

    :param left: How many seconds of it are left.
    """
    passed = [days for days in _marks(token, token.lifetime) if left <= days * DAY]
    return passed[-1] if passed else None


def next_mark(token: Token, left: float) -> int | None:
    """Return the mark that a token passes next, in days; or ``None``."""
    marks = _marks(token, token.lifetime)
    return next((days for days in marks if left > days * DAY), None)


def _marks(token: Token, lifetime: float | None) -> Iterator[int]:
    """Yield the marks of a token whose end needs a person.

    One that never had so many days left does not pass the mark.
    """
    if token.expires_at is None or token.refresh_token is not None:
        return
    for days in DAYS:
        if lifetime is None or lifetime > days * DAY:
            yield days
