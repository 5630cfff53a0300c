"""What was granted, beside what was asked for (RFC 6749 3.3)."""

from __future__ import annotations

import logging

from ..token import Token
from .words import clean

logger = logging.getLogger("requests_ticktick")


def tell_difference(asked: str, token: Token, *, before: Token | None = None) -> None:
    """Tell of scopes that are missing, or were not asked for.

    A person may allow less, or a server grant what it likes. The token has
    the scopes granted; what the API answers to it is explained here.

    :param asked: The scopes requested, separated by spaces.
    :param before: The token that was refreshed: what it had was told of then.
    """
    known = () if before is None else (before.scopes,)
    wanted = frozenset(asked.split())
    # RFC 6749 5.1: where none is named, it is what was asked for.
    if token.scopes in (wanted, frozenset(), *known):
        return
    missing, foreign = (
        clean(" ".join(sorted(scopes)))
        for scopes in (wanted - token.scopes, token.scopes - wanted)
    )
    if missing:
        logger.warning(
            "Access was granted without the scopes %s: the API answers 403 to what "
            "needs them. Sign on again and allow them, or ask for less with scope=...",
            missing,
        )
    if foreign:
        logger.warning("Access was granted for more than was asked: %s.", foreign)
