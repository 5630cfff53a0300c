"""Keeps a process from completing a sign-on twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._errors import SignOnError
from .._value import Secret

#: States that are remembered: far more sign-ons than end in a code's lifetime.
MAX_STATES = 4096

completed: dict[str, object] = {}


@contextmanager
def completed_once(state: str) -> Iterator[None]:
    """Guard the completion of the sign-on that has this state.

    A completion that fails can be tried again: only the server knows whether
    the code was used (RFC 6749 4.1.2).

    :raises SignOnError: The sign-on is completed, or a thread is completing
        it.
    """
    state, mine = Secret(state), object()
    # dict.setdefault is atomic: only one of two threads continues.
    if completed.setdefault(state, mine) is not mine:
        raise SignOnError(
            "This sign-on has already been completed, and its code can be used only "
            "once (RFC 6749 4.1.2). Use the token that it returned, or begin another "
            "sign-on."
        )
    try:
        yield
    except BaseException:
        completed.pop(state, None)
        raise
    for oldest in list(completed)[:-MAX_STATES]:
        completed.pop(oldest, None)
