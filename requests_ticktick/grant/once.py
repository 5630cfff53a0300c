"""A sign-on is completed once; among processes the server sees to that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._value import Secret
from ..errors import SignOnError

#: Sign-ons that are remembered: far more than end within a code's lifetime.
_REMEMBERED = 4096

_completed: dict[str, object] = {}


@contextmanager
def completed_once(state: str) -> Iterator[None]:
    """Complete the sign-on that has this state, unless that was done.

    Where it fails, it may be tried again: whether its code was used, only the
    server knows (RFC 6749 4.1.2).

    :raises SignOnError: It was completed, or just is.
    """
    state, mine = Secret(state), object()
    # dict.setdefault is atomic: of two threads, one goes on.
    if _completed.setdefault(state, mine) is not mine:
        raise SignOnError(
            "This sign-on was completed already, and its code is good once (RFC 6749 "
            "4.1.2). Go on with the token that it gave, or begin another."
        )
    try:
        yield
    except BaseException:
        _completed.pop(state, None)
        raise
    for oldest in list(_completed)[:-_REMEMBERED]:
        _completed.pop(oldest, None)
