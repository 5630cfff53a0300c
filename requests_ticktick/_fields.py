"""What a token's fields may hold, and what is refused."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import InvalidTokenError

#: RFC 6749 A.12 and A.17 allow visible ASCII and the space; a space or a
#: control character would let a stored token add headers to a request.
_OPAQUE = re.compile(r"[\x21-\x7e]+")

#: In ASCII, since float() does not skip all that is space elsewhere.
_NUMBER = re.compile(r"\s*[+-]?\d{1,20}(\.\d{0,9})?\s*", re.ASCII)

#: The keys that a token has fields for. All others are kept as they are.
#: ``expire_time`` and ``readable_expire_time`` are ticktick-py's.
_OWN_KEYS = frozenset(
    {
        "access_token",
        "expire_time",
        "expires_at",
        "expires_in",
        "issued_at",
        "readable_expire_time",
        "refresh_token",
        "scope",
        "token_type",
    }
)

#: No server nests its answer this deeply. What Python reads and cannot write,
#: compare or pickle any more begins at some hundreds.
_DEEPEST = 50

#: Seconds. No lifetime is longer: it is in milliseconds, or made up.
_CENTURY = 100 * 366 * 86_400.0

#: Bits. Python writes no number of more than 4300 digits.
_WIDEST = 4096


def mapping(payload: object) -> Mapping[str, Any]:
    if not isinstance(payload, Mapping):
        raise InvalidTokenError(
            f"Expected an object with an 'access_token', got {type(payload).__name__}."
        )
    return payload


def bearer(value: object) -> str:
    if not isinstance(value, str) or value.lower() != "bearer":
        raise InvalidTokenError(
            "The token's type is not 'bearer': sign on again, or fix the place "
            "that the token was read from."
        )
    return value


def opaque(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidTokenError(f"The token has no {name}.")
    if not _OPAQUE.fullmatch(value):
        raise InvalidTokenError(
            f"The {name} holds spaces, control characters or letters outside "
            "ASCII: copy it again, without quotes or line breaks."
        )
    return value


def number(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            seconds = float(value)
        except OverflowError:
            seconds = math.inf
        if math.isfinite(2 * seconds):  # so that a difference is, too
            return seconds
    raise InvalidTokenError(f"{name} is not a finite number of seconds.")


def lenient(name: str, value: object) -> float | None:
    """Accept ``"3600"`` too: servers and hand-written files send strings."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    return number(name, value)


def lifetime(value: object) -> float | None:
    """Read an answer's ``expires_in``, if it makes sense.

    A server that sends 0, nothing, a word or a thousand years does not say
    when the token expires: it is used until it is refused.
    """
    try:
        seconds = lenient("expires_in", value)
    except InvalidTokenError:
        return None
    return seconds if seconds is not None and 0 < seconds <= _CENTURY else None


def scope(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (list, tuple, set, frozenset)) and all(
        isinstance(part, str) for part in value
    ):
        return " ".join(value)
    raise InvalidTokenError("scope is neither a string nor a list of strings.")


def others(fields: Mapping[Any, Any]) -> dict[str, Any]:
    """Take along what a token has no field for, if JSON can hold it."""
    found = {name: fields[name] for name in fields if name not in _OWN_KEYS}
    level: list[Any] = [found]
    for _ in range(_DEEPEST):
        level = [child for value in level for child in _children(value)]
        if not level:
            return found
    raise InvalidTokenError("The token's further fields are nested too deeply.")


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return value.values()
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, int) and value.bit_length() <= _WIDEST:
        return ()
    if value is None or isinstance(value, (str, float)):
        return ()
    raise InvalidTokenError(
        "The token's further fields hold something that JSON cannot."
    )


def readable(expires_at: float) -> str | None:
    try:
        return time.asctime(time.localtime(expires_at))
    except (OverflowError, OSError, ValueError):
        return None  # further away than this machine's calendar goes
