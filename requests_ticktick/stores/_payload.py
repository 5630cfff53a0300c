"""A token as text, for stores that keep it as one value."""

from __future__ import annotations

import json

from ..errors import InvalidTokenError, TokenStoreError
from ..owner import STAMP
from ..token import Token
from . import _files


def parse(content: str | bytes) -> Token | None:
    """Return the token, or ``None``; a traceback would show the content."""
    if len(content) > _files.MAX_BYTES:
        return None
    try:
        return Token.from_dict(json.loads(content))
    except (InvalidTokenError, ValueError, RecursionError, MemoryError):
        return None


def dump(token: Token, existing: Token | None, location: str) -> str:
    """Return what to put in the place of ``existing``, whose keys survive.

    :raises TokenStoreError: It could not be read again.
    """
    extra = existing.extra if existing else {}
    # All but the stamp: that one is the old token's.
    kept = {name: extra[name] for name in extra if name not in STAMP}
    fields = {**kept, **token.to_dict()}
    try:
        text = json.dumps(fields, separators=(",", ":"))
        if parse(text) is not None:
            return text
        problem = "too large, or nested too deeply"
    except (ValueError, TypeError, RecursionError) as error:
        problem = type(error).__name__
    raise TokenStoreError(
        f"The token for {location} could not be read again ({problem}): keep "
        "plain data alone in Token(extra=...).",
        location=location,
    )
