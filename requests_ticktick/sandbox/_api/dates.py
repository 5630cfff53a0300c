"""Dates, as TickTick reads and writes them.

It writes them in UTC with milliseconds, ``2026-03-05T00:00:00.000+0000``,
whatever offset they came with. One without an offset is in UTC: the
``timeZone`` of a task is for display alone. A text that is no date is dropped.
All of that was seen by clients.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone

_DATE = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,3})\d*)?(?:Z|([+-]\d\d):?(\d\d))?",
    re.ASCII,
)


def date(value: object) -> str | None:
    """Read a date; ``None`` if it is none."""
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    moment, fraction, hours, minutes = match.groups(default="")
    offset = f"{hours}:{minutes}" if hours else "+00:00"
    try:
        when = datetime.fromisoformat(f"{moment}{offset}").astimezone(timezone.utc)
    except (OverflowError, ValueError):  # there is no such day, or no such year
        return None
    return _written(when, f"{fraction:0<3}")


def date_at(epoch_seconds: float) -> str:
    """Write the date of a moment."""
    return _written(datetime.fromtimestamp(epoch_seconds, timezone.utc), "000")


def _written(when: datetime, milliseconds: str) -> str:
    # Not by strftime: some systems write the year 999 with three digits.
    return f"{when.isoformat()[:19]}.{milliseconds}+0000"
