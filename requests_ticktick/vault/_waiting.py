"""Waiting for a token that another process saves."""

from __future__ import annotations

import time
from collections.abc import Callable

from .._errors import SignOnTimeoutError, TokenStoreError
from .._token import Token
from ..stores import TokenStore
from ..stores._base import AwayError

#: Seconds between two looks: at first, and at most. Each look reads a row, and
#: many may wait.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0


def first_new(
    store: TokenStore, ask: Callable[[], Token | None], timeout: float
) -> Token:
    """Return what ``ask`` returns, as soon as that is a token.

    It may take a lock, and is asked whenever the store holds something new.

    :param timeout: Seconds.
    :raises SignOnTimeoutError: There was none.
    :raises TokenStoreError: The store cannot be read.
    """
    deadline, pause = time.monotonic() + timeout, _FIRST_PAUSE
    seen: list[Token] = []
    while True:
        problem: TokenStoreError | None = None
        try:
            found = list(store.candidates())
            token = ask() if found != seen else None
            if token is not None:
                return token
            seen = found
        except AwayError as error:
            problem = error  # it may come back in time
        left = deadline - time.monotonic()
        if left <= 0:
            raise problem or SignOnTimeoutError(
                f"The person has not signed on within {timeout:g} s. Begin the sign-on "
                "again, and show them its URL."
            )
        time.sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE)
