"""Parsers of a token's fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ._errors import InvalidTokenError

#: The keys that have fields of their own. All others are kept unchanged.
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

#: Levels of nesting in further fields. No server nests more deeply. Beyond
#: some hundreds, Python can parse a value but cannot write, compare or pickle
#: it.
_MAX_NESTING_LEVELS = 50

#: Python writes no integer of more than 4300 digits.
_MAX_INTEGER_BITS = 4096


def mapping(payload: object) -> Mapping[str, Any]:
    if not isinstance(payload, Mapping):
        raise InvalidTokenError(
            f"Expected an object with an 'access_token', got {type(payload).__name__}."
        )
    return payload


def token_type(value: object) -> str:
    if not isinstance(value, str) or value.lower() != "bearer":
        raise InvalidTokenError(
            "The token's type is not 'bearer': sign on again, or correct the place "
            "that the token was read from."
        )
    return value


def token_string(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidTokenError(f"The token has no {name}.")
    # RFC 6749 A.12 and A.17, without the space: with spaces or control
    # characters, a stored token could add headers to a request.
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise InvalidTokenError(
            f"The {name} contains spaces, control characters or non-ASCII "
            "characters: copy it again, without quotes or line breaks."
        )
    return value


def optional_token_string(name: str, value: object) -> str | None:
    return None if value is None else token_string(name, value)


def scope(value: object) -> str | None:
    """Return scopes separated by spaces (RFC 6749 3.3), or ``None``.

    Lists are accepted, and so are the commas that clients of GitHub, Slack and
    Strava write.
    """
    if value is None:
        return None
    if isinstance(value, (list, tuple, set, frozenset)) and all(
        isinstance(part, str) for part in value
    ):
        value = " ".join(value)
    if not isinstance(value, str):
        raise InvalidTokenError("scope is neither a string nor a list of strings.")
    if "," in value:
        value = " ".join(value.replace(",", " ").split())
    return value if value.strip() else None


def extra_fields(fields: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the keys that have no fields of their own, if they are JSON."""
    found = {name: fields[name] for name in fields if name not in _OWN_KEYS}
    level: list[Any] = [found]
    for _ in range(_MAX_NESTING_LEVELS):
        level = [child for value in level for child in _children(value)]
        if not level:
            return found
    raise InvalidTokenError(
        "The token's further fields are nested too deeply: sign on again."
    )


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return value.values()
    if isinstance(value, (list, tuple)):
        return value
    if isinstance(value, int) and value.bit_length() <= _MAX_INTEGER_BITS:
        return ()
    if value is None or isinstance(value, (str, float)):
        return ()
    raise InvalidTokenError(
        "The token's further fields contain a value that JSON cannot represent."
    )
