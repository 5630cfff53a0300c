"""Parsers of a token's fields."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any

from ._errors import InvalidTokenError

#: RFC 6749 A.12 and A.17, without the space: with spaces or control
#: characters, a stored token could add headers to a request.
_TOKEN_STRING = re.compile(r"[\x21-\x7e]+")

#: ASCII only, because float() does not strip all Unicode white space.
_NUMBER = re.compile(r"\s*[+-]?\d{1,20}(\.\d{0,9})?\s*", re.ASCII)

#: RFC 3339, or a date alone. Go writes nine digits of a second, others none.
#: Compiled only when needed: compiling takes longer than the rest of a load.
_DATE = (
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,9}))?\s?(?:[Zz]|([+-]\d\d):?(\d\d)?)?)?"
)

#: The year 5138. A larger number is in milliseconds, in which this is 1973.
_MAX_EPOCH_SECONDS = 1e11

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

#: A century. A longer lifetime is in milliseconds, or invented.
_MAX_LIFETIME_SECONDS = 100 * 366 * 86_400.0

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
    if not _TOKEN_STRING.fullmatch(value):
        raise InvalidTokenError(
            f"The {name} contains spaces, control characters or non-ASCII "
            "characters: copy it again, without quotes or line breaks."
        )
    return value


def optional_token_string(name: str, value: object) -> str | None:
    return None if value is None else token_string(name, value)


def finite_seconds(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            seconds = float(value)
        except OverflowError:
            seconds = math.inf
        if math.isfinite(2 * seconds):  # then differences are finite as well
            return seconds
    raise InvalidTokenError(f"{name} is not a finite number of seconds.")


def lifetime(value: object) -> float | None:
    """Return a response's ``expires_in`` in seconds, or ``None``.

    With ``None``, for 0, a word or a thousand years, a 401 ends the token.
    """
    seconds = duration(value)
    plausible = seconds is not None and 0 < seconds <= _MAX_LIFETIME_SECONDS
    return seconds if plausible else None


def moment(value: object) -> float | None:
    """Return the epoch seconds of a time that any client may have stored.

    Milliseconds to nanoseconds are recognised by their size. A date without a
    time zone is in UTC, so that all readers agree. ``None`` if implausible.
    """
    seconds = duration(value)
    if seconds is None and isinstance(value, str):
        return _date(value.strip())
    for _ in range(3):
        if seconds is not None and seconds > _MAX_EPOCH_SECONDS:
            seconds /= 1000
    return plausible_time(seconds)


def duration(value: object) -> float | None:
    """Return a number of seconds, or ``None`` if the value is not one.

    A string such as ``"3600"`` is one too: servers and people write those.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    try:
        return finite_seconds("", value)
    except InvalidTokenError:
        return None


def plausible_time(seconds: float | None) -> float | None:
    """Return epoch seconds, or ``None`` if they are too far from today."""
    plausible = seconds is not None and abs(seconds) <= _MAX_EPOCH_SECONDS
    return seconds if plausible else None


def _date(text: str) -> float | None:
    found = re.fullmatch(_DATE, text, re.ASCII)
    if found is None:
        return None
    from datetime import datetime, timedelta, timezone

    day, time_of_day, second, fraction, hours, minutes = found.groups()
    try:
        there = datetime.fromisoformat(
            f"{day}T{time_of_day or '00:00'}{second or ':00'}+00:00"
        )
    except ValueError:
        return None
    offset = timedelta(hours=int(hours or 0))
    sign = -1 if (hours or "").startswith("-") else 1
    offset += sign * timedelta(minutes=int(minutes or 0))
    seconds = (
        there - datetime(1970, 1, 1, tzinfo=timezone.utc) - offset
    ).total_seconds()
    # Go's zero time, in the year 1, means "no expiry".
    return seconds + float(f"0.{fraction or 0}") if seconds > 0 else None


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


def local_time(expires_at: float) -> str | None:
    try:
        return time.asctime(time.localtime(expires_at))
    except (OverflowError, OSError, ValueError):
        return None  # beyond this machine's calendar
