"""When a program is told that its token will soon expire."""

from __future__ import annotations

from collections.abc import Iterator

from ..._token import Token

#: How many days before its end a token is told of, the first time first.
DAYS = (14, 7, 1)

#: One of them, in seconds.
DAY = 86_400.0


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
