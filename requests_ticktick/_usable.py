"""Which of several tokens is used, and from when on a token is renewed.

The library asks for each request, and the command line to tell a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from ._token import Token

T = TypeVar("T")


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
