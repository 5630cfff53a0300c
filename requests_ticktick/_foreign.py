"""Data that another program wrote, checked before it is shown.

A program that can write to a store can write anything there: escape sequences
for a terminal, forged log lines, numbers in place of text.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

#: RFC 1123 2.1, with the underscores and letters that some systems allow.
_HOST_NAME = r"[\w.-]{1,253}"

#: The year 3000, in which Windows' calendar ends.
_MAX_EPOCH_SECONDS = 32_503_680_000.0


def one_line(text: object, limit: int = 200) -> str | None:
    """Return the printable start of a text, or ``None`` if it is empty.

    :param limit: The number of characters looked at.
    """
    if not isinstance(text, str):
        return None
    shown = "".join(c if c.isprintable() else " " for c in text[:limit])
    return shown.strip() or None


def seconds(value: object, most: float) -> float | None:
    """Return a number from 0 to ``most``, or ``None`` for any other value."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if 0 <= value <= most else None


def holder_of(note: Mapping[str, object]) -> str | None:
    """Describe the holder of a lock from the note that it left.

    :param note: ``pid``, ``host``, and ``since`` in epoch seconds.
    :returns: ``None`` if the note names no process.
    """
    pid, host = note.get("pid"), note.get("host")
    if isinstance(pid, bool) or not isinstance(pid, int) or not 0 < pid < 1 << 32:
        return None
    description = f"process {pid}"
    if isinstance(host, str) and re.fullmatch(_HOST_NAME, host):
        description += f" on {host}"
    since = seconds(note.get("since"), _MAX_EPOCH_SECONDS)
    if since is not None:
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since))
        description += f" since {moment}"
    return description


def held_by(holder: str | None, lock: str, waited: float) -> str:
    """Return a message that says who holds a lock.

    :param waited: Seconds that the caller waited for it.
    """
    name = holder or "an unknown process"
    if waited <= 0:
        return f"The lock {lock} is held by {name}."
    return f"Waited {waited:g} s for the lock {lock}, held by {name}."
