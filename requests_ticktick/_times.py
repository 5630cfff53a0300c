"""Times, as token responses, files and other clients state them."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from typing import Any

from ._errors import InvalidTokenError

#: ASCII only, because float() does not strip all Unicode white space. This is
#: compiled when needed: compiling takes longer than the rest of a load.
_NUMBER = r"\s*[+-]?\d{1,20}(\.\d{0,9})?\s*"

#: RFC 3339, or a date alone. Go writes nine digits of a second, others none.
_DATE = (
    r"(\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](\d\d:\d\d)(:\d\d)?(?:[.,](\d{1,9}))?\s?(?:[Zz]|([+-]\d\d):?(\d\d)?)?)?"
)

#: The start of a date in ISO 8601's basic format, which has no separators.
_BASIC_DATE = r"(\d{4})(\d\d)(\d\d)[Tt](\d\d)(\d\d)(\d\d)?"

#: The year 5138. A larger number is in milliseconds, in which this is 1973.
_MAX_EPOCH_SECONDS = 1e11

#: A century. A longer lifetime is in milliseconds, or invented.
_MAX_LIFETIME_SECONDS = 100 * 366 * 86_400.0


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
    if isinstance(value, str) and re.fullmatch(_NUMBER, value, re.ASCII):
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
    basic = re.match(_BASIC_DATE, text, re.ASCII)
    if basic is not None:
        year, month, day, hour, minute, second = basic.groups("00")
        start = f"{year}-{month}-{day}T{hour}:{minute}:{second}"
        text = start + text[basic.end() :]
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


def stored(fields: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return when a stored token expires, and when it was issued.

    Each is ``None`` if that is neither stored nor follows from the rest.
    """
    expires_at = moment(fields.get("expires_at"))
    if expires_at is None:
        expires_at = moment(fields.get("expire_time"))
    issued_at = moment(fields.get("issued_at"))
    seconds = lifetime(fields.get("expires_in"))
    if seconds is not None:
        # ticktick-py stores the whole lifetime, not the remaining one.
        if issued_at is None and expires_at is not None:
            issued_at = expires_at - seconds
        elif expires_at is None and issued_at is not None:
            expires_at = issued_at + seconds
    return expires_at, issued_at


def written(expires_at: float | None, seconds: float | None) -> dict[str, Any]:
    """Return an expiry by the keys of this package and of ticktick-py.

    :param seconds: The lifetime, if it is known.
    """
    fields: dict[str, Any] = {}
    if expires_at is not None:
        fields["expires_at"] = expires_at
        fields["expire_time"] = int(expires_at)
        readable = local_time(expires_at)
        if readable is not None:
            fields["readable_expire_time"] = readable
    if seconds is not None:
        fields["expires_in"] = int(seconds)
    return fields


def local_time(expires_at: float) -> str | None:
    try:
        return time.asctime(time.localtime(expires_at))
    except (OverflowError, OSError, ValueError):
        return None  # beyond this machine's calendar
