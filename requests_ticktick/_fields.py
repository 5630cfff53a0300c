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

#: RFC 3339, or a date alone; Go writes nine digits of a second, others none.
#: Compiled where it is needed: that takes longer than all the rest of a load.
_DATE = (
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,9}))?\s?(?:[Zz]|([+-]\d\d):?(\d\d)?)?)?"
)

#: The year 5138 in epoch seconds, and 1973 in milliseconds.
_FAR_AWAY = 1e11

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


def optional(name: str, value: object) -> str | None:
    return None if value is None else opaque(name, value)


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
    seconds = duration(value)
    return seconds if seconds is not None and 0 < seconds <= _CENTURY else None


def moment(value: object) -> float | None:
    """Read epoch seconds from whatever another client has stored.

    Milliseconds, microseconds and nanoseconds are known by their size. A date
    that names no time zone is in UTC, so that all who share a file agree.

    :returns: ``None`` where the value makes no sense.
    """
    seconds = duration(value)
    if seconds is None and isinstance(value, str):
        return _date(value.strip())
    for _ in range(3):
        if seconds is not None and seconds > _FAR_AWAY:
            seconds /= 1000
    return sensible(seconds)


def duration(value: object) -> float | None:
    """Read seconds; ``None`` where the value makes no sense."""
    try:
        return lenient("", value)
    except InvalidTokenError:
        return None


def sensible(seconds: float | None) -> float | None:
    """Return seconds; ``None`` in place of what nobody can have meant."""
    return None if seconds is None or abs(seconds) > _FAR_AWAY else seconds


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
    # Go's zero time, of the year 1, stands for no expiry.
    return seconds + float(f"0.{fraction or 0}") if seconds > 0 else None


def scope(value: object) -> str | None:
    """Read scopes; ``None`` where it says nothing.

    Lists, and the commas of GitHub's, Slack's and Strava's clients, are read
    as well as the spaces of RFC 6749 3.3.
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
