"""The scopes granted, compared with the scopes requested (RFC 6749 3.3)."""

from __future__ import annotations

import logging

from .._token import Token
from .error_text import clean

logger = logging.getLogger("requests_ticktick")


def log_scope_difference(
    requested: str, token: Token, *, before: Token | None = None
) -> None:
    """Warn of scopes that are missing or were not requested.

    The person may allow fewer scopes, and the server may grant others. The
    warning explains the 403 with which the API may then answer.

    :param requested: The scopes requested, separated by spaces.
    :param before: The token that was refreshed. Its scopes were logged before.
    """
    known = () if before is None else (before.scopes,)
    wanted = frozenset(requested.split())
    # RFC 6749 5.1: a response that names no scope grants the requested ones.
    if token.scopes in (wanted, frozenset(), *known):
        return
    missing, additional = (
        clean(" ".join(sorted(scopes)))
        for scopes in (wanted - token.scopes, token.scopes - wanted)
    )
    if missing:
        logger.warning(
            "Access was granted without the scopes %s: the API answers 403 to calls "
            "that need them. Sign on again and allow them, or request fewer scopes "
            "with scope=...",
            missing,
        )
    if additional:
        logger.warning(
            "Access was granted for scopes that were not requested: %s.", additional
        )
